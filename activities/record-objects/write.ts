/**
 * Writing rows: which calls they come to, and one answer for each. How an object is put anew is in put-rows.ts; which of
 * several parts a row belongs into, in placing.ts.
 */
import type { ErrorCode } from '../../core/errors.js';
import { sameJson } from '../../core/lens/same-json.js';
import { rowId } from '../record-formats/row-id.js';
import type {
  BatchAnswer,
  Batches,
  BatchWatch,
  NativeCall,
  NativeWrite,
  WriteAnswer,
} from '../connectors/connector.js';
import { fileOf, placeNameOf, type ObjectStore, type OpenObject, type RecordFile } from './object-store.js';
import { writeToParts } from './placing.js';
import { putRows } from './put-rows.js';
import { readMany } from './read.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls<Opened extends OpenObject>(
  store: Pick<ObjectStore<Opened>, 'files' | 'nameOf' | 'calls'>,
  write: NativeWrite,
): readonly NativeCall[] {
  const file = fileOf(store.files, write.type);
  const target = (id: string | null): string => `${store.nameOf({ file: placeNameOf(file) })} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [
        {
          call: store.calls.create,
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
      const call = { call: store.calls.update, target: target(write.id), arguments: given };
      return changed.length === 0 ? [] : [call];
    }
    case 'delete':
      return [{ call: store.calls.delete, target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

/** The id of the row that a write is about, or why there is no such row. */
function targetOf(file: RecordFile, write: NativeWrite): { readonly id: string } | { readonly refused: WriteAnswer } {
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

/** The whole object, or each part that is touched, is put anew for each batch, so a batch is large. */
const rowsOfBatch = 10_000;

export function batchesOf<Opened extends OpenObject>(store: ObjectStore<Opened>): Batches {
  return {
    objectsMax: rowsOfBatch,
    readMany: (type, ids) => readMany(store, type, ids),
    writeMany: (writes, watch = {}) => executeWrites(store, writes, watch),
  };
}

/** Of one native type, each of another row: an object is put once for all of its rows. */
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
  const told: ReadonlyMap<string, BatchAnswer> =
    changes.size === 0
      ? new Map()
      : 'parts' in file
        ? await writeToParts(store, file, changes, { announce, mayGoOn })
        : await putRows(store, file, changes, announce);
  return targets.map((target, at): BatchAnswer => {
    if ('refused' in target) return target.refused;
    if (again.has(writes[at] as NativeWrite))
      return { kind: 'conflict', code: 'expectationFailed', detail: 'another write changes the same row' };
    return told.get(target.id) ?? { kind: 'applied', id: target.id };
  });
}
