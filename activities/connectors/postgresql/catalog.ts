/** What the database says of a table: its columns with their types, and whether it keeps the key unique. */
import type { PoolClient } from 'pg';
import { ConcordatError } from '../../../core/errors.js';
import { quoted } from './client.js';
import type { PostgresqlMesh, TableMesh } from './config.js';

export interface Column {
  readonly name: string;
  /** The base type, in its own name (`numeric`, `timestamptz`); of an array that of its elements. */
  readonly type: string;
  readonly isArray: boolean;
  /** As SQL writes it, for casts: `numeric(12,2)`, `public.mood`. */
  readonly written: string;
  /** Made by the database itself: never written. */
  readonly isGenerated: boolean;
}

export interface Table {
  /** Schema and name, in quotes. */
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
  /** Whether a unique index over columns of the key alone, none of them null, holds it. */
  readonly isUnique: boolean;
}

export function tableOf({ tables }: PostgresqlMesh, type: string): TableMesh {
  const table = Object.hasOwn(tables, type) ? tables[type] : undefined;
  if (!table)
    throw new ConcordatError('unexpectedAnswer', `the database declares no table for the native type ${type}`);
  return table;
}

/** Schema and table, in quotes. */
export function nameOf(mesh: PostgresqlMesh, type: string): string {
  return `${quoted(mesh.schema)}.${quoted(tableOf(mesh, type).table)}`;
}

/** Throws ConcordatError (scopeNotFound) where the table or a column of its key is not there. */
export async function describeTable(client: PoolClient, mesh: PostgresqlMesh, type: string): Promise<Table> {
  const { table, key } = tableOf(mesh, type);
  const name = nameOf(mesh, type);
  const { rows } = await client.query<{
    name: string;
    type: string;
    array: string;
    written: string;
    generated: string;
    required: string;
    number: string;
  }>(
    `SELECT a.attname AS name, a.attnum AS number, a.attnotnull AS required,
            coalesce(e.typname, b.typname, t.typname) AS type,
            (e.typname IS NOT NULL) AS array,
            format_type(a.atttypid, a.atttypmod) AS written,
            (a.attgenerated <> '' OR a.attidentity = 'a') AS generated
       FROM pg_attribute a
       JOIN pg_type t ON t.oid = a.atttypid
       LEFT JOIN pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
       LEFT JOIN pg_type e ON coalesce(b.typcategory, t.typcategory) = 'A' AND e.oid = coalesce(b.typelem, t.typelem)
      WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum`,
    [name],
  );
  const missing = key.filter((column) => !rows.some((row) => row.name === column));
  if (rows.length === 0 || missing.length > 0)
    throw new ConcordatError(
      'scopeNotFound',
      rows.length === 0
        ? `there is no table ${mesh.schema}.${table}, or this user may not see it`
        : `the table ${mesh.schema}.${table} has no column ${missing.join(', ')}`,
    );
  const required = rows.filter((row) => row.required === 't' && key.includes(row.name)).map(({ number }) => number);
  const unique = await client.query(
    `SELECT 1 FROM pg_index
      WHERE indrelid = to_regclass($1) AND indisunique AND indisvalid AND indpred IS NULL
        AND indkey::int2[] <@ $2::int2[] AND NOT 0 = ANY (indkey)`,
    [name, `{${required.join(',')}}`],
  );
  return {
    name,
    key,
    columns: rows.map((row) => ({
      name: row.name,
      type: row.type,
      isArray: row.array === 't',
      written: row.written,
      isGenerated: row.generated === 't',
    })),
    isUnique: unique.rows.length > 0,
  };
}
