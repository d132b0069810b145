/**
 * Writing one row: the file is copied beside itself with that one row other than it was, and takes the place of the old one
 * in one step. All other rows keep their bytes.
 *
 * HAZARD: a file system has no write that fails where the file changed. Workers of Concordat take turns by a lock file;
 * of anybody else, a change is seen up to the moment before the new file takes its place.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { copyWithChange } from '../../record-formats/row-change.js';
import { rowId } from '../../record-formats/row-id.js';
import { isUnreadable } from '../../record-formats/rows.js';
import { bytesOf, codeOf, fileOf, fingerprintOf, openFile, pathOf } from './client.js';
import type { FileMesh, FolderMesh } from './config.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls(mesh: FolderMesh, write: NativeWrite): readonly NativeCall[] {
  const { file, key } = fileOf(mesh, write.type);
  const target = (id: string | null): string => `${file} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [{ call: 'add row', target: target(rowId(write.after, key)), arguments: write.after }];
    case 'update': {
      const { before, after } = write;
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !sameJson(before[name], after[name]),
      );
      const given = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
      return changed.length === 0 ? [] : [{ call: 'change row', target: target(write.id), arguments: given }];
    }
    case 'delete':
      return [{ call: 'remove row', target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}
function conflict(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'conflict', code, detail };
}

export async function executeWrite(mesh: FolderMesh, write: NativeWrite, announce?: Announce): Promise<WriteAnswer> {
  const file = fileOf(mesh, write.type);
  const id = write.kind === 'create' ? rowId(write.after, file.key) : write.id;
  if (id === null) return refused('valueNotRepresentable', 'a part of the key is empty or no single value');
  if (write.kind === 'update' && rowId(write.after, file.key) !== id)
    return refused('valueNotRepresentable', 'the key of a row never changes: it is another row');
  const calls = plannedCalls(mesh, write);
  if (calls.length === 0) return { kind: 'applied', id };
  try {
    return await withLock(pathOf(mesh, file), () => replaceRow(mesh, file, write, id, calls, announce));
  } catch (error) {
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    if (isUnreadable(error)) return refused('rowUnreadable', `${file.file} cannot be read, so it is not written`);
    if (error instanceof Error && 'syscall' in error) return refused(codeOf(error), `${file.file} cannot be written`);
    throw error;
  }
}

async function replaceRow(
  mesh: FolderMesh,
  file: FileMesh,
  write: NativeWrite,
  id: string,
  calls: readonly NativeCall[],
  announce: Announce | undefined,
): Promise<WriteAnswer> {
  const name = pathOf(mesh, file);
  const { handle, fingerprint } = await openFile(mesh, file);
  const beside = path.join(path.dirname(name), `.${path.basename(name)}.${randomBytes(6).toString('hex')}`);
  const { mode } = await handle.stat();
  const copy = await open(beside, 'wx', mode);
  try {
    const told = await copyWithChange(bytesOf(handle), file, write, id, async (text) => void (await copy.write(text)));
    if (told !== null) return told;
    await copy.sync();
    for (const call of calls) await announce?.(call);
    // As late as can be: what was copied must be what stands there now.
    if (fingerprintOf(await stat(name, { bigint: true })) !== fingerprint)
      return conflict('expectationFailed', 'the file was changed by somebody else meanwhile');
    await rename(beside, name);
    await syncFolder(path.dirname(name));
    return { kind: 'applied', id };
  } finally {
    await copy.close();
    await handle.close();
    await rm(beside, { force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const lockTries = 400;
const lockPauseMs = 25;
/** Longer than any rewrite: whoever left a lock for so long is gone. */
const lockLastsMs = 60_000;

async function withLock<Answer>(name: string, act: () => Promise<Answer>): Promise<Answer> {
  const digest = createHash('sha256').update(path.basename(name)).digest('hex').slice(0, 16);
  const lock = path.join(path.dirname(name), `.concordat-${digest}.lock`);
  for (let tries = 0; ; tries += 1) {
    try {
      await (await open(lock, 'wx')).close();
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (tries >= lockTries)
        throw new ConcordatError('throttled', 'another worker is writing the file', { cause: error });
      const held = await stat(lock).catch(() => null);
      if (held && Date.now() - held.mtimeMs > lockLastsMs) await rm(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
    }
  }
  try {
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}
