/**
 * What changed of the tables of a database, by logical decoding. The stream says which rows were touched; what they are
 * now is read by key in one transaction that sees one moment, so that a whole body is told, in the words of every other read.
 *
 * HAZARD: a transaction can be in the stream before other transactions see it. The cursor never passes one that the
 * moment of the read did not show, so it is told again.
 */
import PgCursor from 'pg-cursor';
import type { PoolClient } from 'pg';
import { ConcordatError } from '../../../core/errors.js';
import type { NativeObject } from '../../../core/record.js';
import type { ChangeItem, ChangePosition, Changes } from '../connector.js';
import { sqlState, type PostgresqlClient } from './client.js';
import type { Column } from './catalog.js';
import type { PostgresqlMesh } from './config.js';
import { PgoutputParser, type TouchedRow } from './pgoutput.js';
import { twice } from './object-pages.js';
import { bodyOf, columnList } from './rows.js';
import { keyTexts, rowId } from './row-id.js';
import {
  Cursor,
  followedTable,
  lsnNumber,
  lsnText,
  slotState,
  type FollowedTable,
  type SlotMesh,
  type SlotState,
  type Untold,
} from './slot.js';
import { bodyValue } from './values.js';
import { quoted } from './client.js';
import type { Paging } from './read.js';

/** Ids of touched rows are held in memory; a stream of more of them is no smaller than the table is to most. */
const touchedMax = 200_000;

function isUntold(value: object): value is Untold {
  return 'why' in value;
}

export function postgresqlChanges(client: PostgresqlClient, mesh: PostgresqlMesh, paging: Paging): Changes | undefined {
  const { changes } = mesh;
  if (!changes) return undefined;
  const slotMesh: SlotMesh = { ...mesh, changes };
  return {
    fullReadEvery: changes.fullReadEvery,
    positions: (nativeTypes, signal) =>
      client.use((connection) => positions(connection, slotMesh, nativeTypes, signal)),
    // Small by its nature, so it is read to its end before the connection is given back.
    async *changesSince(cursors, signal) {
      yield* await client.use((connection) => changesSince(connection, slotMesh, paging, cursors, signal));
    },
    release: (cursors) => client.use((connection) => release(connection, slotMesh, cursors)),
  };
}

async function positions(
  client: PoolClient,
  mesh: SlotMesh,
  nativeTypes: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, ChangePosition>>> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const slot = await slotState(client, mesh);
  const followed = new Map<string, FollowedTable | Untold>();
  for (const type of nativeTypes) followed.set(type, await followedTable(client, mesh, type));
  const isAny = [...followed.values()].some((one) => !isUntold(one));
  const passed = isUntold(slot) || !isAny ? slot : await passedBy(client, mesh, slot, () => true, signal);
  await client.query('ROLLBACK');
  return Object.fromEntries(
    [...followed].map(([type, one]): readonly [string, ChangePosition] => {
      const untold = isUntold(one) ? one : isUntold(passed) ? passed : null;
      if (untold) return [type, { kind: 'none', ...untold }];
      const { source, lsn } = passed as Passed;
      const cursor: Cursor = { source, lsn: lsnText(lsn), table: (one as FollowedTable).fingerprint };
      return [type, { kind: 'cursor', cursor: JSON.stringify(cursor) }];
    }),
  );
}

interface Passed {
  readonly source: string;
  /** Everything before it is in what this moment shows. */
  readonly lsn: bigint;
}

/**
 * Passes by all changes that the slot still has to tell. The transaction must have begun. `visit` answers false where it has
 * seen enough.
 */
async function passedBy(
  client: PoolClient,
  { changes }: SlotMesh,
  { source, confirmed, between }: SlotState,
  visit: (message: ReturnType<PgoutputParser['parse']>, commitLsn: bigint) => boolean,
  signal: AbortSignal | undefined,
): Promise<Passed | Untold> {
  const seen = await momentOf(client);
  const parser = new PgoutputParser();
  const stream = client.query(
    new PgCursor<[string, string]>(
      `SELECT xid, data FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL, 'proto_version', '1', 'publication_names', $2)`,
      [changes.slot, changes.publication],
      { rowMode: 'array' },
    ),
  );
  let shown = confirmed;
  let commitLsn = 0n;
  let isShown = true;
  try {
    for (;;) {
      const rows = await stream.read(5_000);
      signal?.throwIfAborted();
      for (const [, data] of rows) {
        const message = parser.parse(Buffer.from(data.slice(2), 'hex'));
        if (message.kind === 'begin') {
          isShown &&= seen(message.xid);
          ({ commitLsn } = message);
        } else if (message.kind === 'commit' && isShown) shown = message.endLsn;
        else if (!visit(message, commitLsn)) return { why: 'many', detail: `more than ${touchedMax} rows changed` };
      }
      if (rows.length < 5_000) break;
    }
  } finally {
    await stream.close();
  }
  return { source, lsn: isShown && between !== null && between > shown ? between : shown };
}

/** Which transactions the snapshot of this one shows. https://www.postgresql.org/docs/15/functions-info.html#FUNCTIONS-INFO-SNAPSHOT */
async function momentOf(client: PoolClient): Promise<(xid: number) => boolean> {
  const { rows } = await client.query<{ moment: string }>('SELECT pg_current_snapshot()::text AS moment');
  const [, end = '0', running = ''] = (rows[0]?.moment ?? '').split(':');
  const low = (text: string): number => Number(BigInt(text) & 0xffffffffn);
  const after = low(end);
  const open = new Set(running === '' ? [] : running.split(',').map((text) => low(text)));
  // Numbers of transactions go round: what is less than half the way ahead comes later.
  return (xid) => !open.has(xid) && (xid - after) >>> 0 >= 0x80000000;
}

/** Ids of the rows of one native type that were touched; null once one of them cannot be told. */
interface Touched {
  readonly type: string;
  readonly followed: FollowedTable;
  readonly keyColumns: readonly Column[];
  /** What was committed before it was told already. */
  readonly from: bigint;
  readonly ids: Set<string>;
  doubt: string | null;
}

async function changesSince(
  client: PoolClient,
  mesh: SlotMesh,
  paging: Paging,
  cursors: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<readonly ChangeItem[]> {
  await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const types = Object.keys(cursors);
  const all = ({ why, detail }: Untold): readonly ChangeItem[] => [
    ...types.map((nativeType): ChangeItem => ({ kind: 'untold', nativeType, why, detail })),
    { kind: 'end', cursors: {} },
  ];
  const slot = await slotState(client, mesh);
  if (isUntold(slot)) return all(slot);
  const items: ChangeItem[] = [];
  const touched: Touched[] = [];
  for (const [type, text] of Object.entries(cursors)) {
    const followed = await followedTable(client, mesh, type);
    const untold = isUntold(followed) ? followed : doubtOf(text, slot, followed);
    if (untold) items.push({ kind: 'untold', nativeType: type, ...untold });
    else if (!isUntold(followed)) {
      const { table } = followed;
      const keyColumns = table.key.flatMap((name) => table.columns.find((column) => column.name === name) ?? []);
      const from = lsnNumber(Cursor.parse(JSON.parse(text)).lsn);
      touched.push({ type, followed, keyColumns, from, ids: new Set(), doubt: null });
    }
  }
  // One table that must be read whole would be of another moment than the others.
  if (items.length > 0) return all(items[0] as Extract<ChangeItem, { kind: 'untold' }> satisfies Untold);
  let count = 0;
  let passed: Passed | Untold;
  try {
    passed = await passedBy(
      client,
      mesh,
      slot,
      (message, commitLsn) => {
        if (message.kind === 'truncate')
          for (const one of touched)
            if (commitLsn >= one.from && message.relations.some((relation) => isOf(relation, mesh, one.type)))
              one.doubt = 'the table was emptied by TRUNCATE';
        if (message.kind === 'rows')
          for (const one of touched)
            if (commitLsn >= one.from && isOf(message.relation, mesh, one.type)) {
              count -= one.ids.size;
              take(one, message.rows);
              count += one.ids.size;
            }
        return count <= touchedMax;
      },
      signal,
    );
  } catch (error) {
    // 42704: the publication was not there at some moment since; 55000: the slot cannot be read any more.
    if (!['42704', '55000'].includes(sqlState(error) ?? '')) throw error;
    await client.query('ROLLBACK');
    return all({ why: 'expired', detail: `the slot ${mesh.changes.slot} cannot be read on` });
  }
  if (isUntold(passed)) {
    await client.query('ROLLBACK');
    return all(passed);
  }
  const doubt = touched.find((one) => one.doubt !== null)?.doubt;
  if (doubt) {
    await client.query('ROLLBACK');
    return all({ why: 'doubtful', detail: doubt });
  }
  for (const one of touched) items.push(...(await readTouched(client, one, paging, signal)));
  await client.query('COMMIT');
  const { source, lsn } = passed;
  const next = touched.map(({ type, followed }) => {
    const cursor: Cursor = { source, lsn: lsnText(lsn), table: followed.fingerprint };
    return [type, JSON.stringify(cursor)] as const;
  });
  return [...items, { kind: 'end', cursors: Object.fromEntries(next) }];
}

function doubtOf(text: string, { source, confirmed }: SlotState, { fingerprint }: FollowedTable): Untold | null {
  let cursor: Cursor | undefined;
  try {
    cursor = Cursor.safeParse(JSON.parse(text)).data;
  } catch {
    cursor = undefined;
  }
  if (!cursor || cursor.source !== source)
    return { why: 'expired', detail: 'the last read was of another server, database, slot or publication' };
  if (lsnNumber(cursor.lsn) < confirmed)
    return { why: 'expired', detail: 'the slot was advanced by somebody else, or made anew' };
  if (cursor.table !== fingerprint)
    return { why: 'doubtful', detail: 'the table was altered or rewritten, or its place in the publication changed' };
  return null;
}

function isOf(relation: { schema: string; table: string }, { schema, tables }: SlotMesh, type: string): boolean {
  return relation.schema === schema && relation.table === tables[type]?.table;
}

function take(one: Touched, rows: readonly TouchedRow[]): void {
  const { table } = one.followed;
  // The row as it was, where its identity changed or it went, and the row as it is; a part that was not sent stayed.
  for (const row of rows) {
    const parts = one.keyColumns.map((column) => {
      const own = row.get(column.name);
      const text =
        own === undefined ? rows.find((other) => other.get(column.name) !== undefined)?.get(column.name) : own;
      return [column.name, bodyValue(column, text ?? null)] as const;
    });
    const id = rowId(Object.fromEntries(parts), table.key);
    if (id === null) one.doubt = 'a row was touched whose key is not told';
    else one.ids.add(id);
  }
}

async function readTouched(
  client: PoolClient,
  { type, followed: { table }, keyColumns, ids }: Touched,
  { pageSize, pace }: Paging,
  signal: AbortSignal | undefined,
): Promise<readonly ChangeItem[]> {
  const items: ChangeItem[] = [];
  const all = [...ids];
  const parameters = keyColumns.map((column, at) => `$${at + 1}::${column.written}[]`).join(', ');
  const names = table.key.map((name) => `t.${quoted(name)}`);
  const wanted = table.key.map((_, at) => `k.k${at}`);
  const condition = names.map((name, at) => `${name} = ${wanted[at] ?? ''}`).join(' AND ');
  const text = `SELECT ${columnList(table)
    .split(', ')
    .map((name) => `t.${name}`)
    .join(
      ', ',
    )}, t.ctid FROM unnest(${parameters}) AS k(${wanted.map((_, at) => `k${at}`).join(', ')}) JOIN ${table.name} AS t ON ${condition}`;
  for (let from = 0; from < all.length; from += pageSize) {
    signal?.throwIfAborted();
    const page = all.slice(from, from + pageSize);
    await pace.turn(page.length, signal);
    const keys = page.map((id) => keyTexts(id, table.key));
    const values = table.key.map((_, at) => keys.map((parts) => parts?.[at] ?? null));
    const { rows } = await client.query<(string | null)[]>({ text, values, rowMode: 'array' });
    const found = new Map<string, NativeObject>();
    // Where keys that are written unlike count as equal, one row answers several of them.
    const places = new Set<string>();
    for (const row of rows) {
      const place = row.at(-1) ?? '';
      if (places.has(place)) continue;
      places.add(place);
      const body = bodyOf(table, row);
      const id = rowId(body, table.key);
      if (id === null) throw new ConcordatError('unexpectedAnswer', 'a row that was asked for by its key has none');
      found.set(id, { type, id, body, ...(found.has(id) ? { opaque: twice } : {}) });
    }
    if (found.size > 0) items.push({ kind: 'objects', objects: [...found.values()] });
    const gone = page.filter((id) => !found.has(id));
    if (gone.length > 0) items.push({ kind: 'gone', nativeType: type, ids: gone });
  }
  return items;
}

async function release(client: PoolClient, mesh: SlotMesh, cursors: readonly string[]): Promise<void> {
  const slot = await slotState(client, mesh);
  if (isUntold(slot)) return;
  const known = cursors.flatMap((text) => {
    const cursor = Cursor.safeParse(JSON.parse(text)).data;
    return cursor?.source === slot.source ? [lsnNumber(cursor.lsn)] : [];
  });
  const [first] = known.sort((left, right) => (left < right ? -1 : left > right ? 1 : 0));
  if (first === undefined || first <= slot.confirmed) return;
  await client.query('SELECT pg_replication_slot_advance($1, $2::pg_lsn)', [mesh.changes.slot, lsnText(first)]);
}
