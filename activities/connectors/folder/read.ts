/**
 * Reading files of records, row by row and page by page.
 *
 * HAZARD: a row that cannot be read, and a file that changes under the reader, must not look like records that were deleted:
 * the one makes its type incomplete, the other starts the read again.
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { rowId } from '../../record-formats/row-id.js';
import { isUnreadable, rowsById, rowsOf, twice, unreadableCode, unreadableWords } from '../../record-formats/rows.js';
import { bytesOf, fileOf, openFile, type OpenFile } from './client.js';
import type { FolderMesh } from './config.js';

/** `rows`: how many were read of this type; null where its end was told. */
interface Position {
  readonly type: string;
  readonly fingerprint: string;
  readonly rows: number | null;
}

export interface FolderReader {
  readAll(request: ReadRequest): AsyncGenerator<ReadItem>;
  readOne(type: string, id: string): Promise<NativeObject | null>;
  /** In one pass over the file. */
  readMany(type: string, ids: readonly string[]): Promise<ReadonlyMap<string, NativeObject>>;
}

export function createFolderReader(mesh: FolderMesh, pageSize: number): FolderReader {
  return {
    async *readAll({ cursor, nativeTypes, signal }) {
      const start = cursor === undefined ? null : positionOf(cursor);
      const wanted = Object.keys(mesh.files).filter((type) => nativeTypes === undefined || nativeTypes.includes(type));
      const from = start === null ? 0 : wanted.indexOf(start.type);
      if (from === -1) throw new ConcordatError('cursorLost', 'the read was of other files');
      for (const type of wanted.slice(start?.rows === null ? from + 1 : from)) {
        const resumed = start?.type === type && start.rows !== null ? { ...start, rows: start.rows } : null;
        yield* readType(mesh, type, pageSize, resumed, signal);
      }
    },
    readOne: async (type, id) => (await readMany(mesh, type, [id])).get(id) ?? null,
    readMany: (type, ids) => readMany(mesh, type, ids),
  };
}

function positionOf(cursor: string): Position {
  try {
    // Written by this connector and kept in the authority's own store.
    return JSON.parse(cursor) as Position;
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

async function* readType(
  mesh: FolderMesh,
  type: string,
  pageSize: number,
  resumed: { readonly fingerprint: string; readonly rows: number } | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const file = fileOf(mesh, type);
  const cursor = (fingerprint: string, rows: number | null): string =>
    JSON.stringify({ type, fingerprint, rows } satisfies Position);
  const end = (fingerprint: string, reason?: ErrorCode): ReadItem => {
    const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor: cursor(fingerprint, null) } as const;
    return reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
  };
  let opened: OpenFile;
  try {
    opened = await openFile(mesh, file);
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code === 'providerFault') throw error;
    yield end('', error.code);
    return;
  }
  const { handle, fingerprint } = opened;
  try {
    if (resumed && resumed.fingerprint !== fingerprint)
      throw new ConcordatError('cursorLost', `${file.file} is not the file that the read began with`);
    const seen = new Set<string>();
    let reason: ErrorCode | undefined;
    let rows = 0;
    let page: NativeObject[] = [];
    const pageNow = (): ReadItem => {
      const item = { kind: 'objects', scope: type, objects: page, cursor: cursor(fingerprint, rows) } as const;
      page = [];
      return item;
    };
    let hasHeader = file.format === 'jsonLines';
    try {
      for await (const row of rowsOf(bytesOf(handle), file)) {
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
        if (resumed && rows <= resumed.rows) continue;
        page.push({ type, id, body: row.body, ...(opaque === undefined ? {} : { opaque }) });
        if (page.length >= pageSize) {
          signal?.throwIfAborted();
          yield pageNow();
        }
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      reason = unreadableCode(error);
    }
    if (page.length > 0) yield pageNow();
    if (await wasChanged(opened)) throw new ConcordatError('cursorLost', `${file.file} was changed while it was read`);
    yield end(fingerprint, hasHeader ? reason : (reason ?? 'rowUnreadable'));
  } finally {
    await handle.close();
  }
}

/** A file that was only replaced under its name is as it was: its change time moves, its size and modification time do not. */
async function wasChanged({ handle, fingerprint }: OpenFile): Promise<boolean> {
  const [, , size, modified] = fingerprint.split('-');
  const now = await handle.stat({ bigint: true });
  return String(now.size) !== size || String(now.mtimeNs) !== modified;
}

async function readMany(
  mesh: FolderMesh,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NativeObject>> {
  const file = fileOf(mesh, type);
  const { handle } = await openFile(mesh, file);
  try {
    return await rowsById(bytesOf(handle), file, type, ids);
  } catch (error) {
    if (isUnreadable(error)) throw new ConcordatError(unreadableCode(error), unreadableWords(file.file, error));
    throw error;
  } finally {
    await handle.close();
  }
}
