/**
 * Reading tables: all of them in one transaction that sees one moment (REPEATABLE READ, READ ONLY), through a cursor, so
 * that no more rows are in memory than a page holds.
 *
 * HAZARD: the moment is gone with the transaction. A read that is resumed elsewhere would see another one, so it begins
 * again (cursorLost).
 */
import Cursor from 'pg-cursor';
import type { PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import type { ReadItem, ReadRequest } from '../connector.js';
import { asConcordatError, quoted, sqlState, type PostgresqlClient } from './client.js';
import { describeTable, type Table } from './catalog.js';
import type { PostgresqlMesh } from './config.js';
import { keyTexts, rowId } from './row-id.js';
import { bodyValue } from './values.js';

export type TextRow = readonly (string | null)[];

export const columnList = ({ columns }: Table, of = ''): string =>
  columns.map(({ name }) => `${of}${quoted(name)}`).join(', ');

export function bodyOf({ columns }: Table, row: TextRow): JsonObject {
  return Object.fromEntries(columns.map((column, at) => [column.name, bodyValue(column, row[at] ?? null)]));
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
  if (cursor !== undefined) {
    if (cursor === endOf(wanted.at(-1) ?? '')) return;
    throw new ConcordatError('cursorLost', 'the transaction that the read began in is over');
  }
  const lease = await borrow(client);
  try {
    await lease.client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    for (const type of wanted) yield* readTable(lease.client, mesh, type, pageSize, signal);
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

function endOf(type: string): string {
  return `${type} end`;
}

async function* readTable(
  client: PoolClient,
  mesh: PostgresqlMesh,
  type: string,
  pageSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<ReadItem> {
  const end = (reason?: ErrorCode): ReadItem => {
    const told = { kind: 'scopeEnd', scope: type, nativeType: type, cursor: endOf(type) } as const;
    return reason === undefined ? { ...told, complete: true } : { ...told, complete: false, reason };
  };
  // A statement that fails ends the transaction, unless it can be rolled back to here.
  await client.query('SAVEPOINT before_table');
  let reason: ErrorCode | undefined;
  let rows = 0;
  try {
    const table = await describeTable(client, mesh, type);
    // Where nothing keeps the key unique, rows with the same key must come one after another to be seen.
    const order = table.isUnique ? '' : ` ORDER BY ${table.key.map((name) => quoted(name)).join(', ')}`;
    const fetched = client.query(
      new Cursor<TextRow>(`SELECT ${columnList(table)} FROM ${table.name}${order}`, [], { rowMode: 'array' }),
    );
    // The last row waits for the next one, which may have its key.
    const waiting: { object: NativeObject | null } = { object: null };
    let page: NativeObject[] = [];
    for (;;) {
      const some = await fetched.read(pageSize);
      for (const row of some) {
        rows += 1;
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
      if (some.length < pageSize && waiting.object) page.push(waiting.object);
      if (page.length > 0) {
        signal?.throwIfAborted();
        yield { kind: 'objects', scope: type, objects: page, cursor: `${type} ${rows}` };
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
  yield end(reason);
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
