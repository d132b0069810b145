/** The second look at ids whose hashes stood twice: nearly all of them do stand twice, and those that do not are told anew. */
import type { NativeObject } from '../../core/record.js';
import { rowId } from '../record-formats/row-id.js';
import { rowsOf } from '../record-formats/rows.js';
import type { ObjectStore, OpenObject } from './object-store.js';
import type { Part } from './parts.js';

/** Ends as soon as each of `doubted` was met twice. Throws as reading the parts does. */
export async function* standingOnce<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  parts: readonly Part[],
  type: string,
  doubted: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<NativeObject> {
  const once = new Map<string, NativeObject>();
  const rest = new Set(doubted);
  for (const { file, etag } of parts) {
    if (rest.size === 0) return;
    signal?.throwIfAborted();
    const opened = await store.open(file, { etag, signal });
    try {
      for await (const row of rowsOf(opened.bytes, file)) {
        const id = row.kind === 'row' && row.body !== null ? rowId(row.body, file.key) : null;
        if (id === null || row.body === null || !rest.has(id)) continue;
        const { body, opaque } = row;
        if (once.delete(id)) rest.delete(id);
        else once.set(id, { type, id, body, ...(opaque === undefined ? {} : { opaque }) });
        if (rest.size === 0) return;
      }
    } finally {
      opened.close();
    }
  }
  yield* once.values();
}
