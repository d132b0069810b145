/**
 * Writing rows: the object is put anew with those rows other than they were, where it still is the one that was copied.
 * All other rows keep their bytes. Where another row was changed meanwhile, the copy is made again from what stands there
 * now, and holds each row against what was read.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { sameJson } from '../../core/lens/same-json.js';
import { copyWithChanges } from '../record-formats/row-change.js';
import { rowId } from '../record-formats/row-id.js';
import { isUnreadable } from '../record-formats/rows.js';
import type {
  BatchAnswer,
  Batches,
  BatchWatch,
  NativeCall,
  NativeWrite,
  WriteAnswer,
} from '../connectors/connector.js';
import { fileOf, type ObjectFile, type ObjectStore, type OpenObject, type PutAnswer } from './object-store.js';
import { readMany } from './read.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls<Opened extends OpenObject>(
  store: Pick<ObjectStore<Opened>, 'files' | 'nameOf' | 'putCall'>,
  write: NativeWrite,
): readonly NativeCall[] {
  const file = fileOf(store.files, write.type);
  const target = (id: string | null): string => `${store.nameOf(file)} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [
        {
          call: `${store.putCall} with a row more`,
          target: target(rowId(write.after, file.key)),
          arguments: write.after,
        },
      ];
    case 'update': {
      const { before, after } = write;
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !sameJson(before[name], after[name]),
      );
      const given = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
      const call = { call: `${store.putCall} with a row changed`, target: target(write.id), arguments: given };
      return changed.length === 0 ? [] : [call];
    }
    case 'delete':
      return [{ call: `${store.putCall} with a row less`, target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

/** The id of the row that a write is about, or why there is no such row. */
function targetOf(file: ObjectFile, write: NativeWrite): { readonly id: string } | { readonly refused: WriteAnswer } {
  const id = write.kind === 'create' ? rowId(write.after, file.key) : write.id;
  if (id === null)
    return { refused: refused('valueNotRepresentable', 'a part of the key is empty or no single value') };
  if (write.kind === 'update' && rowId(write.after, file.key) !== id)
    return { refused: refused('valueNotRepresentable', 'the key of a row never changes: it is another row') };
  return { id };
}

export async function executeWrite<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const calls = plannedCalls(store, write);
  const [answer] = await executeWrites(store, [write], {
    announce: async () => {
      for (const call of calls) await announce?.(call);
    },
  });
  if (!answer || answer.kind === 'notSent') throw new Error('a write without an answer');
  return answer;
}

/** The whole object is put anew for each batch, so a batch is large. */
const rowsOfBatch = 10_000;

export function batchesOf<Opened extends OpenObject>(store: ObjectStore<Opened>): Batches {
  return {
    objectsMax: rowsOfBatch,
    readMany: (type, ids) => readMany(store, type, ids),
    writeMany: (writes, watch = {}) => executeWrites(store, writes, watch),
  };
}

/** Of one native type, each of another row: the object is put once for all of them. */
async function executeWrites<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  writes: readonly NativeWrite[],
  { announce = () => Promise.resolve(), mayGoOn = () => true }: BatchWatch,
): Promise<readonly BatchAnswer[]> {
  const [first] = writes;
  if (!first) return [];
  if (!mayGoOn()) return writes.map(() => ({ kind: 'notSent' }));
  const file = fileOf(store.files, first.type);
  const targets = writes.map((write) => targetOf(file, write));
  const changes = new Map<string, NativeWrite>();
  const again = new Set<NativeWrite>();
  for (const [at, target] of targets.entries()) {
    const write = writes[at] as NativeWrite;
    if ('refused' in target || plannedCalls(store, write).length === 0) continue;
    if (changes.has(target.id)) again.add(write);
    else changes.set(target.id, write);
  }
  const told = changes.size === 0 ? new Map<string, WriteAnswer>() : await replaced(store, file, changes, announce);
  return targets.map((target, at): BatchAnswer => {
    if ('refused' in target) return target.refused;
    if (again.has(writes[at] as NativeWrite))
      return { kind: 'conflict', code: 'expectationFailed', detail: 'another write changes the same row' };
    return told.get(target.id) ?? { kind: 'applied', id: target.id };
  });
}

/** What was not applied, by the id of its row. */
async function replaced<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  file: ObjectFile,
  changes: ReadonlyMap<string, NativeWrite>,
  announce: () => Promise<void>,
): Promise<ReadonlyMap<string, WriteAnswer>> {
  const { limits } = store;
  const told = new Map<string, WriteAnswer>();
  const rest = new Map(changes);
  let announced = false;
  const once = async (): Promise<void> => {
    if (announced) return;
    announced = true;
    await announce();
  };
  const restIs = (answer: WriteAnswer): ReadonlyMap<string, WriteAnswer> => {
    for (const id of rest.keys()) told.set(id, answer);
    return told;
  };
  for (let attempt = 1; ;) {
    const { notChanged, answer } = await putWithChanges(store, file, rest, once);
    for (const [id, why] of notChanged) {
      told.set(id, why);
      rest.delete(id);
    }
    if (rest.size === 0 || answer === 'applied') return told;
    if (answer === 'spoiled') continue;
    if (answer !== 'again') return restIs(answer);
    if (attempt >= limits.writeAttemptsMax)
      return restIs(refused('throttled', 'the object is changed by others all the time'));
    const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
    attempt += 1;
  }
}

interface Put {
  /** Known before the put, where there was one. */
  readonly notChanged: ReadonlyMap<string, WriteAnswer>;
  /** Of all others. `spoiled`: nothing was written, as the copy held a change that is not to be. */
  readonly answer: PutAnswer | 'spoiled' | WriteAnswer;
}

async function putWithChanges<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  file: ObjectFile,
  changes: ReadonlyMap<string, NativeWrite>,
  announce: () => Promise<void>,
): Promise<Put> {
  // A put must know its length before its first byte, and an object need not fit into memory.
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-object-'));
  const name = path.join(folder, 'copy');
  const none = new Map<string, WriteAnswer>();
  try {
    let opened: Opened;
    let length: number;
    let notChanged: ReadonlyMap<string, WriteAnswer>;
    try {
      opened = await store.open(file);
      const copy = await open(name, 'wx', 0o600);
      try {
        const write = async (text: string): Promise<void> => void (await copy.write(text));
        const copied = await copyWithChanges(opened.bytes, file, changes, write);
        ({ notChanged } = copied);
        if (copied.isSpoiled) return { notChanged, answer: 'spoiled' };
        if (notChanged.size === changes.size) return { notChanged, answer: 'applied' };
        length = (await copy.stat()).size;
      } finally {
        opened.close();
        await copy.close();
      }
    } catch (error) {
      if (error instanceof ConcordatError) return { notChanged: none, answer: refused(error.code, error.message) };
      if (isUnreadable(error)) {
        const words = `${file.file} cannot be read, so it is not written`;
        return { notChanged: none, answer: refused('rowUnreadable', words) };
      }
      throw error;
    }
    await announce();
    const answer = await store.put(file, opened, { name, length });
    // Of another object they are looked at again.
    return { notChanged: answer === 'again' ? none : notChanged, answer };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
