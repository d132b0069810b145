/** Writes public keys into federation files and leaves everything else as its author wrote it, comments included. */
import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import type { PublicKey } from '../../core/federation/authority.js';
import type { FaultPath } from '../../core/federation/fault.js';
import { replaceFile } from './replace-file.js';

export interface Pin {
  /** Where the key goes: `['members', 0, 'key']`. */
  readonly path: FaultPath;
  readonly key: PublicKey;
}

/** The file must be one that loadFederation accepted. */
export async function pinKeys(file: string, pins: readonly Pin[]): Promise<void> {
  if (pins.length === 0) return;
  await replaceFile(file, pinned(await readFile(file, 'utf8'), pins));
}

export function pinned(text: string, pins: readonly Pin[]): string {
  const document = parseDocument(text);
  for (const { path, key } of pins)
    document.setIn(path, document.createNode({ kty: key.kty, crv: key.crv, x: key.x }, { flow: true }));
  return document.toString({ lineWidth: 0 });
}
