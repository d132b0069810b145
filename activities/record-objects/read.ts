/**
 * Reading objects of records, row by row and page by page, out of one answer: one version of the object, whatever is put
 * under its name meanwhile. A read that is resumed asks for that version and begins again where it is gone (cursorLost).
 */
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import type { NativeObject } from '../../core/record.js';
import { rowId } from '../record-formats/row-id.js';
import { isUnreadable, rowsById, rowsOf, twice, unreadableCode, unreadableWords } from '../record-formats/rows.js';
import type { ReadItem, ReadRequest } from '../connectors/connector.js';
import { fileOf, type ObjectStore, type OpenObject } from './object-store.js';

/** `rows`: how many were read of this type; null where its end was told. */
interface Position {
  readonly type: string;
  readonly etag: string;
  readonly rows: number | null;
}

/** What a read of one object may meet and the reads of others need not. */
const ofOneObject: readonly ErrorCode[] = ['scopeNotFound', 'forbidden', 'objectNotPlain', 'versionsCrossed'];

export async function* readAll<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(store.files).filter((type) => nativeTypes?.includes(type) ?? true);
  const start = cursor === undefined ? null : positionOf(cursor);
  const from = start === null ? 0 : wanted.indexOf(start.type);
  if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other objects');
  for (const type of wanted.slice(start?.rows === null ? from + 1 : from))
    yield* readType(store, type, start?.type === type ? start : null, signal);
}

function positionOf(cursor: string): Position {
  try {
    // Written by this connector and kept in the authority's own store.
    return JSON.parse(cursor) as Position;
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

async function* readType<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  resumed: Position | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const file = fileOf(store.files, type);
  let etag = '';
  let reason: ErrorCode | undefined;
  try {
    const opened = await store.open(file, { etag: resumed?.etag, signal });
    etag = opened.etag;
    try {
      const seen = new Set<string>();
      let rows = 0;
      let page: NativeObject[] = [];
      let hasHeader = file.format === 'jsonLines';
      const pageNow = (): ReadItem => {
        const cursor = JSON.stringify({ type, etag, rows } satisfies Position);
        const item = { kind: 'objects', scope: type, objects: page, cursor } as const;
        page = [];
        return item;
      };
      try {
        for await (const row of rowsOf(opened.bytes, file)) {
          if (row.kind === 'header') hasHeader = file.key.every((column) => row.columns?.includes(column));
          if (row.kind !== 'row') continue;
          rows += 1;
          const id = row.body && rowId(row.body, file.key);
          if (row.body === null || id === null) {
            reason = 'rowUnreadable';
            continue;
          }
          const opaque = seen.has(id) ? twice : row.opaque;
          seen.add(id);
          if (rows <= (resumed?.rows ?? 0)) continue;
          page.push({ type, id, body: row.body, ...(opaque === undefined ? {} : { opaque }) });
          if (page.length < store.limits.pageSize) continue;
          signal?.throwIfAborted();
          yield pageNow();
        }
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        reason = unreadableCode(error);
      }
      if (page.length > 0) yield pageNow();
      if (!hasHeader) reason ??= 'rowUnreadable';
    } finally {
      opened.close();
    }
  } catch (error) {
    if (!(error instanceof ConcordatError) || !ofOneObject.includes(error.code)) throw error;
    reason = error.code;
  }
  const cursor = JSON.stringify({ type, etag, rows: null } satisfies Position);
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor } as const;
  yield reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
}

export async function readOne<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  id: string,
): Promise<NativeObject | null> {
  return (await readMany(store, type, [id])).get(id) ?? null;
}

/** In one pass over the object. */
export async function readMany<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NativeObject>> {
  const file = fileOf(store.files, type);
  const opened = await store.open(file);
  try {
    return await rowsById(opened.bytes, file, type, ids);
  } catch (error) {
    if (isUnreadable(error)) throw new ConcordatError(unreadableCode(error), unreadableWords(file.file, error));
    throw error;
  } finally {
    opened.close();
  }
}
