/**
 * Writing rows: the file is copied beside itself with those rows other than they were, and takes the place of the old one
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
import type { BatchAnswer, BatchWatch, NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { copyWithChanges } from '../../record-formats/row-change.js';
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

/** The id of the row that a write is about, or why there is no such row. */
function targetOf(file: FileMesh, write: NativeWrite): { readonly id: string } | { readonly refused: WriteAnswer } {
  const id = write.kind === 'create' ? rowId(write.after, file.key) : write.id;
  if (id === null)
    return { refused: refused('valueNotRepresentable', 'a part of the key is empty or no single value') };
  if (write.kind === 'update' && rowId(write.after, file.key) !== id)
    return { refused: refused('valueNotRepresentable', 'the key of a row never changes: it is another row') };
  return { id };
}

export async function executeWrite(mesh: FolderMesh, write: NativeWrite, announce?: Announce): Promise<WriteAnswer> {
  const calls = plannedCalls(mesh, write);
  const [answer] = await executeWrites(mesh, [write], {
    announce: async () => {
      for (const call of calls) await announce?.(call);
    },
  });
  if (!answer || answer.kind === 'notSent') throw new Error('a write without an answer');
  return answer;
}

/** Of one native type, each of another row: the file is copied once for all of them. */
export async function executeWrites(
  mesh: FolderMesh,
  writes: readonly NativeWrite[],
  { announce = () => Promise.resolve(), mayGoOn = () => true }: BatchWatch,
): Promise<readonly BatchAnswer[]> {
  const [first] = writes;
  if (!first) return [];
  if (!mayGoOn()) return writes.map(() => ({ kind: 'notSent' }));
  const file = fileOf(mesh, first.type);
  const targets = writes.map((write) => targetOf(file, write));
  const changes = new Map<string, NativeWrite>();
  const again = new Set<NativeWrite>();
  for (const [at, target] of targets.entries()) {
    const write = writes[at] as NativeWrite;
    if ('refused' in target || plannedCalls(mesh, write).length === 0) continue;
    if (changes.has(target.id)) again.add(write);
    else changes.set(target.id, write);
  }
  const told = changes.size === 0 ? new Map<string, WriteAnswer>() : await replaced(mesh, file, changes, announce);
  return targets.map((target, at): BatchAnswer => {
    if ('refused' in target) return target.refused;
    if (again.has(writes[at] as NativeWrite))
      return conflict('expectationFailed', 'another write changes the same row');
    return told.get(target.id) ?? { kind: 'applied', id: target.id };
  });
}

/** What was not applied, by the id of its row. */
async function replaced(
  mesh: FolderMesh,
  file: FileMesh,
  changes: ReadonlyMap<string, NativeWrite>,
  announce: () => Promise<void>,
): Promise<ReadonlyMap<string, WriteAnswer>> {
  const all = (answer: WriteAnswer): ReadonlyMap<string, WriteAnswer> =>
    new Map([...changes.keys()].map((id) => [id, answer]));
  try {
    return await withLock(pathOf(mesh, file), async () => {
      const told = new Map<string, WriteAnswer>();
      const rest = new Map(changes);
      for (;;) {
        const { notChanged, isDone } = await replaceRows(mesh, file, rest, announce);
        for (const [id, answer] of notChanged) {
          told.set(id, answer);
          rest.delete(id);
        }
        if (isDone || rest.size === 0) return told;
      }
    });
  } catch (error) {
    if (error instanceof ConcordatError) return all(refused(error.code, error.message));
    if (isUnreadable(error)) return all(refused('rowUnreadable', `${file.file} cannot be read, so it is not written`));
    if (error instanceof Error && 'syscall' in error)
      return all(refused(codeOf(error), `${file.file} cannot be written`));
    throw error;
  }
}

async function replaceRows(
  mesh: FolderMesh,
  file: FileMesh,
  changes: ReadonlyMap<string, NativeWrite>,
  announce: () => Promise<void>,
): Promise<{ readonly notChanged: ReadonlyMap<string, WriteAnswer>; readonly isDone: boolean }> {
  const name = pathOf(mesh, file);
  const { handle, fingerprint } = await openFile(mesh, file);
  const beside = path.join(path.dirname(name), `.${path.basename(name)}.${randomBytes(6).toString('hex')}`);
  const { mode } = await handle.stat();
  const copy = await open(beside, 'wx', mode);
  try {
    const write = async (text: string): Promise<void> => void (await copy.write(text));
    const { notChanged, isSpoiled } = await copyWithChanges(bytesOf(handle), file, changes, write);
    if (isSpoiled) return { notChanged, isDone: false };
    if (notChanged.size === changes.size) return { notChanged, isDone: true };
    await copy.sync();
    await announce();
    // As late as can be: what was copied must be what stands there now.
    if (fingerprintOf(await stat(name, { bigint: true })) !== fingerprint) {
      const meanwhile = conflict('expectationFailed', 'the file was changed by somebody else meanwhile');
      const others = [...changes.keys()].map((id) => [id, notChanged.get(id) ?? meanwhile] as const);
      return { notChanged: new Map(others), isDone: true };
    }
    await rename(beside, name);
    await syncFolder(path.dirname(name));
    return { notChanged, isDone: true };
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
