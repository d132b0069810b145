/** A ground whose federation folder was changed, and whose files people signed as their authors. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { signDocument } from '../../../activities/federation-folder/sign-document.js';
import { approverKeyFile, readKeyFile } from '../../../activities/keys/private-key.js';
import { bareKey } from '../../../core/public-key.js';
import { signedFederation, valid } from '../../support/local-federation.js';
import type { Ground } from './gate-world.js';

export interface DocumentEdits {
  /** File → what its text becomes. */
  readonly edit?: Readonly<Record<string, (text: string) => string>>;
  /** Document → who signs it, all of aws. */
  readonly sign?: Readonly<Record<string, readonly string[]>>;
}

/** The same clouds and keys over a copy of the folder. */
export async function withDocuments(
  ground: Ground,
  name: string,
  { edit = {}, sign = {} }: DocumentEdits,
): Promise<Ground> {
  const folder = path.join(path.dirname(ground.folder), name);
  await cp(ground.folder, folder, { recursive: true });
  for (const [file, change] of Object.entries(edit)) {
    const text = await readFile(path.join(folder, file), 'utf8');
    const changed = change(text);
    if (changed === text) throw new Error(`nothing of ${file} was changed`);
    await writeFile(path.join(folder, file), changed);
  }
  for (const [document, people] of Object.entries(sign))
    for (const approver of people) await signAs(folder, document, approver);
  return { ...ground, folder, federation: await signedFederation(folder) };
}

export async function signAs(folder: string, document: string, approver: string): Promise<void> {
  const key = await readKeyFile(approverKeyFile(folder, approver));
  if (!key) throw new Error(`no key of ${approver}`);
  const federation = await valid(folder);
  const pinned = federation.authorities['aws']?.approvers.find(({ id }) => id === approver)?.key;
  if (!pinned) throw new Error(`aws lists no key of ${approver}`);
  await signDocument(
    folder,
    federation,
    document,
    { authority: 'aws', approver, key: bareKey(pinned) },
    key,
    Date.now(),
  );
}
