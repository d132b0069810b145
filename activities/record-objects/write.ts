/**
 * Writing one row: the object is put anew with that one row other than it was, where it still is the one that was copied.
 * All other rows keep their bytes. Where another row was changed meanwhile, the copy is made again from what stands there
 * now, and holds the row against what was read.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import { sameJson } from '../../core/lens/same-json.js';
import { copyWithChange } from '../record-formats/row-change.js';
import { rowId } from '../record-formats/row-id.js';
import { isUnreadable } from '../record-formats/rows.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connectors/connector.js';
import { fileOf, type ObjectStore, type OpenObject } from './object-store.js';

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

export async function executeWrite<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const { limits } = store;
  const file = fileOf(store.files, write.type);
  const id = write.kind === 'create' ? rowId(write.after, file.key) : write.id;
  if (id === null) return refused('valueNotRepresentable', 'a part of the key is empty or no single value');
  if (write.kind === 'update' && rowId(write.after, file.key) !== id)
    return refused('valueNotRepresentable', 'the key of a row never changes: it is another row');
  const calls = plannedCalls(store, write);
  if (calls.length === 0) return { kind: 'applied', id };
  let announced = false;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await putWithChange(store, write, id, async () => {
      if (announced) return;
      announced = true;
      for (const call of calls) await announce?.(call);
    });
    if (answer !== 'again') return answer;
    if (attempt >= limits.writeAttemptsMax) return refused('throttled', 'the object is changed by others all the time');
    const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
  }
}

async function putWithChange<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  write: NativeWrite,
  id: string,
  announce: () => Promise<void>,
): Promise<WriteAnswer | 'again'> {
  const file = fileOf(store.files, write.type);
  // A put must know its length before its first byte, and an object need not fit into memory.
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-object-'));
  const name = path.join(folder, 'copy');
  try {
    let opened: Opened;
    let length: number;
    try {
      opened = await store.open(file);
      const copy = await open(name, 'wx', 0o600);
      try {
        const fault = await copyWithChange(
          opened.bytes,
          file,
          write,
          id,
          async (text) => void (await copy.write(text)),
        );
        if (fault !== null) return fault;
        length = (await copy.stat()).size;
      } finally {
        opened.close();
        await copy.close();
      }
    } catch (error) {
      if (error instanceof ConcordatError) return refused(error.code, error.message);
      if (isUnreadable(error)) return refused('rowUnreadable', `${file.file} cannot be read, so it is not written`);
      throw error;
    }
    await announce();
    const answer = await store.put(file, opened, { name, length });
    return answer === 'applied' ? { kind: 'applied', id } : answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
