/**
 * Reading tables: all of them in one transaction that sees one moment (REPEATABLE READ, READ ONLY), through a cursor, so
 * that no more rows are in memory than a page holds.
 *
 * HAZARD: the moment is gone with the transaction. A read goes on in another one only where that proves to see what was read
 * as it was (resume.ts); else it begins again (cursorLost).
 */
import Cursor from 'pg-cursor';
import type { PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json, JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { asConcordatError, quoted, sqlState, type PostgresqlClient } from './client.js';
import { describeTable, nameOf, type Table } from './catalog.js';
import type { PostgresqlMesh } from './config.js';
import {
  endedBefore,
  fingerprintOf,
  ifTold,
  lost,
  readCursorOf,
  requireUnchanged,
  type ReadCursor,
  type ReadTable,
} from './resume.js';
import { keyTexts, rowId } from './row-id.js';
import { bodyValue } from './values.js';

export type TextRow = readonly (string | null)[];

export const columnList = ({ columns }: Table, of = ''): string =>
  columns.map(({ name }) => `${of}${quoted(name)}`).join(', ');

export function bodyOf({ columns }: Table, row: TextRow): JsonObject {
  const body: Record<string, Json> = {};
  for (let at = 0; at < columns.length; at += 1) {
    const column = columns[at];
    if (!column) continue;
    const value = bodyValue(column, row[at] ?? null);
    // HAZARD: a column of this name would change what the body is made of, and not be in it.
    if (column.name === '__proto__') Object.defineProperty(body, column.name, { value, enumerable: true });
    else body[column.name] = value;
  }
  return body;
}

export const twice = 'its key stands in more than one row';

/** What a read of one table may meet and the reads of others need not. */
const ofOneTable: readonly ErrorCode[] = ['scopeNotFound', 'forbidden'];

export async function* readAll(
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  pageSize: number,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<ReadItem> {
  const wanted = Object.keys(mesh.tables).filter((type) => nativeTypes === undefined || nativeTypes.includes(type));
  const resumed = cursor === undefined ? null : readCursorOf(cursor);
  if (resumed?.tables.some(({ type }, at) => type !== wanted[at])) throw lost('the read was of other tables');
  // Nothing is left to be read, so no other moment comes in.
  if (resumed?.tables.length === wanted.length && resumed.tables.every(({ isEnded }) => isEnded)) return;
  const lease = await borrow(client);
  try {
    await lease.client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const reading = await beginReading(lease.client, mesh, resumed);
    for (const type of wanted)
      if (!reading.tables.some((table) => table.type === type && table.isEnded))
        yield* readTable(lease.client, mesh, type, pageSize, reading, signal);
    await lease.client.query('COMMIT');
    lease.end();
  } catch (error) {
    lease.end(error);
    throw asConcordatError(error);
  } finally {
    lease.end(new Error('the read was left before its end'));
  }
}

interface Lease {
  readonly client: PoolClient;
  /** Once; later calls say nothing. */
  end(error?: unknown): void;
}

/** A connection across the pauses of a generator. */
async function borrow(client: PostgresqlClient): Promise<Lease> {
  return new Promise((resolve, reject) => {
    client
      .use(
        (held) =>
          new Promise<void>((release, fail) => {
            resolve({ client: held, end: (error) => (error === undefined ? release() : fail(error)) });
          }),
      )
      .catch(reject);
  });
}

/** What has been read so far, by this attempt and those before it. */
async function beginReading(
  client: PoolClient,
  mesh: PostgresqlMesh,
  resumed: ReadCursor | null,
): Promise<{ readonly before: string | null; readonly tables: ReadTable[] }> {
  // Rows come in the order in which they lie, from the first on.
  await ifTold(client, () =>
    client.query('SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0'),
  );
  const before = await endedBefore(client);
  if (resumed === null) return { before, tables: [] };
  if (resumed.before === null) throw lost('the transaction that the read began in is over');
  for (const table of resumed.tables) await requireUnchanged(client, nameOf(mesh, table.type), table, resumed.before);
  return { before, tables: [...resumed.tables] };
}

async function* readTable(
  client: PoolClient,
  mesh: PostgresqlMesh,
  type: string,
  pageSize: number,
  reading: { readonly before: string | null; readonly tables: ReadTable[] },
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const begun = reading.tables.find((table) => table.type === type);
  const others = reading.tables.filter((table) => table !== begun);
  let read: ReadTable = begun ?? { type, rows: 0, at: null, isEnded: false, fingerprint: null };
  const cursorNow = (): string =>
    JSON.stringify({ before: reading.before, tables: [...others, read] } satisfies ReadCursor);
  // A statement that fails ends the transaction, unless it can be rolled back to here.
  await client.query('SAVEPOINT before_table');
  let reason: ErrorCode | undefined;
  try {
    const table = await describeTable(client, mesh, type);
    // Where nothing keeps the key unique, rows with the same key must come one after another to be seen.
    const fingerprint = table.isUnique ? await fingerprintOf(client, table.name) : null;
    read = { ...read, fingerprint };
    const place = fingerprint === null ? '' : ', ctid';
    const from = read.at === null ? '' : ' WHERE ctid > $1::tid';
    const order = table.isUnique ? '' : ` ORDER BY ${table.key.map((name) => quoted(name)).join(', ')}`;
    const fetched = client.query(
      new Cursor<TextRow>(
        `SELECT ${columnList(table)}${place} FROM ${table.name}${from}${order}`,
        read.at === null ? [] : [read.at],
        { rowMode: 'array' },
      ),
    );
    // The last row waits for the next one, which may have its key.
    const waiting: { object: NativeObject | null } = { object: null };
    let page: NativeObject[] = [];
    for (;;) {
      const some = await fetched.read(pageSize);
      for (const row of some) {
        const body = bodyOf(table, row);
        const id = rowId(body, table.key);
        if (id === null) {
          reason = 'rowUnreadable';
          continue;
        }
        if (waiting.object?.id === id) waiting.object = { ...waiting.object, opaque: twice };
        else {
          if (waiting.object) page.push(waiting.object);
          waiting.object = { type, id, body };
        }
      }
      // Nobody waits for another row with a key that is unique.
      if ((some.length < pageSize || table.isUnique) && waiting.object) {
        page.push(waiting.object);
        waiting.object = null;
      }
      const last = some.at(-1);
      if (last) {
        const at = fingerprint === null ? null : (last[table.columns.length] ?? null);
        // What could not be read is told at the end of this read alone.
        read = { ...read, rows: read.rows + some.length, at: reason === undefined ? at : null };
      }
      if (page.length > 0) {
        signal?.throwIfAborted();
        yield { kind: 'objects', scope: type, objects: page, cursor: cursorNow() };
        page = [];
      }
      if (some.length < pageSize) break;
    }
    await fetched.close();
    await client.query('RELEASE SAVEPOINT before_table');
  } catch (error) {
    const known = asConcordatError(error);
    if (!(known instanceof ConcordatError) || !ofOneTable.includes(known.code)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_table');
    reason = known.code;
  }
  // HAZARD: of what was not read to its end nothing is proven.
  read = { ...read, isEnded: true, at: null, ...(reason === undefined ? {} : { fingerprint: null }) };
  reading.tables.splice(0, reading.tables.length, ...others, read);
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor: cursorNow() } as const;
  yield reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
}

export async function readOne(
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  type: string,
  id: string,
): Promise<NativeObject | null> {
  return client.use(async (connection) => {
    const table = await describeTable(connection, mesh, type);
    const key = keyTexts(id, table.key);
    if (!key) return null;
    try {
      const { rows } = await connection.query<string[]>({
        text: `SELECT ${columnList(table)} FROM ${table.name} WHERE ${keyCondition(table, 1)} LIMIT 2`,
        values: [...key],
        rowMode: 'array',
      });
      const [row] = rows;
      if (!row) return null;
      return { type, id, body: bodyOf(table, row), ...(rows.length > 1 ? { opaque: twice } : {}) };
    } catch (error) {
      // The text is no value of the column's type, so no row has it.
      if (sqlState(error)?.startsWith('22') === true) return null;
      throw error;
    }
  });
}

/** The key columns against parameters from a number on. */
export function keyCondition({ key }: Table, from: number): string {
  return key.map((name, at) => `${quoted(name)} = $${from + at}`).join(' AND ');
}
