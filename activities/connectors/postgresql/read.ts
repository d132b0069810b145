/**
 * Reading tables: all of them in one transaction that sees one moment (REPEATABLE READ, READ ONLY), so that no more rows are
 * in memory than a page holds.
 *
 * HAZARD: the moment is gone with the transaction. A read goes on in another one only where that proves to see what was read
 * as it was (resume.ts); else it begins again (cursorLost).
 */
import type { PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import type { Pace } from '../../pace.js';
import type { ReadLines, ReadObjects, ReadRequest, ScopeEnd } from '../connector.js';
import { asConcordatError, quoted, sqlState, type PostgresqlClient } from './client.js';
import { describeTable, nameOf, type Table } from './catalog.js';
import type { PostgresqlMesh } from './config.js';
import { linePages } from './line-pages.js';
import { objectPages, twice } from './object-pages.js';
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
import { keyTexts } from './row-id.js';
import { bodyOf, columnList, type RowPage, type RowsWanted } from './rows.js';

/** What a read of one table may meet and the reads of others need not. */
const ofOneTable: readonly ErrorCode[] = ['scopeNotFound', 'forbidden'];

/** Rows of a page, and what says when the next may be asked for. */
export interface Paging {
  readonly pageSize: number;
  readonly pace: Pace;
}

type PagesOf<Page> = (client: PoolClient, wanted: RowsWanted) => AsyncGenerator<RowPage<Page>>;

export const readAll = (
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  paging: Paging,
  request: ReadRequest,
): AsyncGenerator<ReadObjects | ScopeEnd> => readTables(objectPages, client, mesh, paging, request);

export const readLines = (
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  paging: Paging,
  request: ReadRequest,
): AsyncGenerator<ReadObjects | ReadLines | ScopeEnd> => readTables(linePages, client, mesh, paging, request);

async function* readTables<Page extends ReadObjects | ReadLines>(
  pagesOf: PagesOf<Page>,
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  paging: Paging,
  { cursor, nativeTypes, signal }: ReadRequest,
): AsyncGenerator<Page | ScopeEnd> {
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
        yield* readTable(pagesOf, lease.client, mesh, { type, paging }, reading, signal);
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

async function* readTable<Page extends ReadObjects | ReadLines>(
  pagesOf: PagesOf<Page>,
  client: PoolClient,
  mesh: PostgresqlMesh,
  { type, paging: { pageSize, pace } }: { readonly type: string; readonly paging: Paging },
  reading: { readonly before: string | null; readonly tables: ReadTable[] },
  signal: AbortSignal | undefined,
): AsyncGenerator<Page | ScopeEnd> {
  const begun = reading.tables.find((table) => table.type === type);
  const others = reading.tables.filter((table) => table !== begun);
  let read: ReadTable = begun ?? { type, rows: 0, at: null, isEnded: false, fingerprint: null };
  const cursorNow = (): string =>
    JSON.stringify({ before: reading.before, tables: [...others, read] } satisfies ReadCursor);
  // A statement that fails ends the transaction, unless it can be rolled back to here.
  await client.query('SAVEPOINT before_table');
  let reason: ErrorCode | undefined;
  let declares: ScopeEnd['declares'];
  try {
    const table = await describeTable(client, mesh, type);
    declares = Object.fromEntries(table.columns.map(({ name, written }) => [name, written]));
    // Where nothing keeps the key unique, rows with the same key must come one after another to be seen.
    const fingerprint = table.isUnique ? await fingerprintOf(client, table.name) : null;
    read = { ...read, fingerprint };
    const pages = pagesOf(client, { type, table, behind: read.at, hasPlace: fingerprint !== null, pageSize });
    for await (const { rows, place, unreadable, page } of pages) {
      if (unreadable > 0) reason = 'rowUnreadable';
      // What could not be read is told at the end of this read alone.
      read = { ...read, rows: read.rows + rows, at: reason === undefined ? place : null };
      if (page !== null) {
        signal?.throwIfAborted();
        yield page(cursorNow());
      }
      await pace.turn(rows, signal);
    }
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
  const cursor = cursorNow();
  const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor, ...(declares && { declares }) } as const;
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
