/**
 * Writing one row, in one statement that holds only where every column still shows what was read. The row is read back in
 * the same transaction: a value that the column would round, cut or pad is taken back and refused.
 */
import type { PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { describeTable, tableOf, type Column, type Table } from './catalog.js';
import { codeOf, quoted, sqlState, type PostgresqlClient } from './client.js';
import type { PostgresqlMesh } from './config.js';
import { keyCondition } from './read.js';
import { bodyOf, columnList } from './rows.js';
import { keyTexts, rowId } from './row-id.js';
import { columnText, isHeld } from './values.js';

type Announce = (call: NativeCall) => Promise<void>;

export function changedColumns({
  before,
  after,
}: Extract<NativeWrite, { readonly kind: 'update' }>): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => !sameJson(before[name], after[name]),
  );
}

export function plannedCalls(mesh: PostgresqlMesh, write: NativeWrite): readonly NativeCall[] {
  const { table, key } = tableOf(mesh, write.type);
  const name = `${mesh.schema}.${table}`;
  switch (write.kind) {
    case 'create':
      return [{ call: `INSERT INTO ${name}`, target: rowId(write.after, key) ?? '', arguments: write.after }];
    case 'update': {
      const changed = changedColumns(write);
      const given = Object.fromEntries(changed.map((column) => [column, write.after[column] ?? null]));
      return changed.length === 0 ? [] : [{ call: `UPDATE ${name}`, target: write.id, arguments: given }];
    }
    case 'delete':
      return [{ call: `DELETE FROM ${name}`, target: write.id, arguments: {} }];
  }
}

export function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

export class NotRepresentable extends Error {}

interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Column → what it must show afterwards. */
  readonly wanted: JsonObject;
}

export async function executeWrite(
  client: PostgresqlClient,
  mesh: PostgresqlMesh,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const calls = plannedCalls(mesh, write);
  if (write.kind === 'update' && calls.length === 0) return { kind: 'applied', id: write.id };
  let isCommitting = false;
  try {
    return await client.use(async (connection) => {
      const table = await describeTable(connection, mesh, write.type);
      let statement: Statement;
      try {
        statement = statementOf(table, write);
      } catch (error) {
        if (error instanceof NotRepresentable) return refused('valueNotRepresentable', error.message);
        throw error;
      }
      for (const call of calls) await announce?.(call);
      await connection.query('BEGIN');
      const answer = await execute(connection, table, write, statement);
      if (answer.kind !== 'applied') {
        await connection.query('ROLLBACK');
        return answer;
      }
      isCommitting = true;
      await connection.query('COMMIT');
      return answer;
    });
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    // HAZARD: only the answer to COMMIT says whether it happened. Before it, the server takes everything back.
    if (isCommitting && (error.code === 'unreachable' || error.code === 'providerFault'))
      return { kind: 'unknown', code: 'effectUnknown', detail: error.message };
    return refused(isCommitting && error.code === 'unexpectedAnswer' ? 'refusedByCloud' : error.code, error.message);
  }
}

async function execute(
  connection: PoolClient,
  table: Table,
  write: NativeWrite,
  { text, values, wanted }: Statement,
): Promise<WriteAnswer> {
  let rows: string[][];
  try {
    ({ rows } = await connection.query<string[]>({ text, values: [...values], rowMode: 'array' }));
  } catch (error) {
    const state = sqlState(error);
    if (state === null) throw error;
    if (state === '23503' && write.kind === 'delete') return refused('deletionBlocked', 'other rows refer to it');
    if (state === '23505') return { kind: 'conflict', code: 'nameTaken', detail: 'a unique value stands elsewhere' };
    if (state.startsWith('22') || state === '23514' || state === '23502')
      return refused('valueNotRepresentable', `the table cannot hold it (SQLSTATE ${state})`);
    const code = codeOf(error);
    return refused(code === 'unexpectedAnswer' ? 'refusedByCloud' : code, `SQLSTATE ${state}`);
  }
  const [row] = rows;
  if (!row)
    return write.kind === 'create'
      ? { kind: 'conflict', code: 'nameTaken', detail: 'a row with this key is there already' }
      : { kind: 'conflict', code: 'expectationFailed', detail: 'the row is gone or not as it was read' };
  if (rows.length > 1) return refused('opaqueRecord', 'its key stands in more than one row');
  const body = bodyOf(table, row);
  const id = rowId(body, table.key);
  if (id === null || (write.kind !== 'create' && id !== write.id))
    return refused('valueNotRepresentable', 'the key of the row would be another');
  return unlike(table, wanted, body) ?? { kind: 'applied', id };
}

/** Why a row that shows this body is not as wanted; null where it is. */
export function unlike({ columns }: Table, wanted: JsonObject, body: JsonObject): WriteAnswer | null {
  const rounded = columns.find(
    (column) =>
      Object.hasOwn(wanted, column.name) && !isHeld(column, wanted[column.name] ?? null, body[column.name] ?? null),
  );
  return rounded
    ? refused('valueNotRepresentable', `the column ${rounded.name} would hold another value than the one wanted`)
    : null;
}

function statementOf(table: Table, write: NativeWrite): Statement {
  switch (write.kind) {
    case 'create': {
      const names = Object.keys(write.after);
      const values = names.map((name) => parameter(writable(table, name), write.after[name] ?? null));
      const columns = names.map((name) => quoted(name)).join(', ');
      const places = names.map((_, at) => `$${at + 1}`).join(', ');
      const given = names.length === 0 ? 'DEFAULT VALUES' : `(${columns}) VALUES (${places})`;
      return {
        text: `INSERT INTO ${table.name} ${given} ON CONFLICT DO NOTHING RETURNING ${columnList(table)}`,
        values,
        wanted: write.after,
      };
    }
    case 'update': {
      const changed = changedColumns(write);
      const values = changed.map((name) => parameter(writable(table, name), write.after[name] ?? null));
      const condition = asItWas(table, write.id, write.before, values.length + 1);
      const sets = changed.map((name, at) => `${quoted(name)} = $${at + 1}`).join(', ');
      return {
        text: `UPDATE ${table.name} SET ${sets} WHERE ${condition.text} RETURNING ${columnList(table)}`,
        values: [...values, ...condition.values],
        wanted: Object.fromEntries(changed.map((name) => [name, write.after[name] ?? null])),
      };
    }
    case 'delete': {
      const condition = asItWas(table, write.id, write.before, 1);
      return {
        text: `DELETE FROM ${table.name} WHERE ${condition.text} RETURNING ${columnList(table)}`,
        values: condition.values,
        wanted: {},
      };
    }
  }
}

export function writable(table: Table, name: string): Column {
  const column = table.columns.find((one) => one.name === name);
  if (!column) throw new NotRepresentable(`the table has no column ${name}`);
  if (column.isGenerated) throw new NotRepresentable(`the database itself fills the column ${name}`);
  return column;
}

export function parameter(column: Column, value: Json): string | null {
  const text = columnText(column, value);
  if (text === undefined) throw new NotRepresentable(`the column ${column.name} cannot hold a value of that shape`);
  return text;
}

/** Types that are compared by their texts: their text is exact, and some of them know no other equality. */
export function isComparedAsText({ type, isArray }: Column): boolean {
  return !isArray && type !== 'jsonb';
}

/** The text that a column shows which holds this value; null for null. Throws NotRepresentable. */
export function textToCompare(column: Column, value: Json): string | null {
  const text = parameter(column, value);
  if (text === null || !isComparedAsText(column)) return text;
  return column.type === 'bool' ? (value === true ? 't' : 'f') : text;
}

/** The row by its key, with every column as it was read. A column that was added since is none of them. */
function asItWas(
  table: Table,
  id: string,
  before: JsonObject,
  from: number,
): { readonly text: string; readonly values: readonly (string | null)[] } {
  const key = keyTexts(id, table.key);
  if (!key) throw new NotRepresentable('the id is not one of this table');
  const conditions = [keyCondition(table, from)];
  const values: (string | null)[] = [...key];
  for (const column of table.columns) {
    if (!Object.hasOwn(before, column.name)) continue;
    const text = textToCompare(column, before[column.name] ?? null);
    if (text === null) {
      conditions.push(`${quoted(column.name)} IS NULL`);
      continue;
    }
    const place = `$${from + values.length}`;
    if (isComparedAsText(column)) {
      // format writes what the server sends; a cast to text is another text for inet, boolean and character.
      conditions.push(`${quoted(column.name)} IS NOT NULL AND format('%s', ${quoted(column.name)}) = ${place}::text`);
    } else conditions.push(`${quoted(column.name)} = ${place}::${column.written}`);
    values.push(text);
  }
  return { text: conditions.join(' AND '), values };
}
