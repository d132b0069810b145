/** What the PostgreSQL connector takes from the authority file and from the environment of its worker. */
import type { PoolConfig } from 'pg';
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';
import type { MakePace } from '../../pace.js';

export type PostgresqlMesh = Extract<Mesh, { readonly kind: 'postgresql' }>;
export type TableMesh = PostgresqlMesh['tables'][string];

export interface PostgresqlConnectorOptions {
  readonly mesh: PostgresqlMesh;
  /** Holds the variable that `connectionFrom` names, or PGHOST and its like. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Rows that one fetch brings; only tests give it here. */
  readonly pageSize?: number;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}

export const defaultPageSize = 1_000;

/**
 * What a text says must not depend on the server's settings: values are read and compared as texts.
 * HAZARD: `row_security=off` makes a read fail where row security would hide rows. Hidden rows would look deleted.
 */
const settings = [
  'TimeZone=UTC',
  'DateStyle=ISO,YMD',
  'IntervalStyle=iso_8601',
  'extra_float_digits=3',
  'bytea_output=hex',
  'lc_monetary=C',
  'row_security=off',
];

/** Throws credentialsMissing. */
export function poolConfig({ mesh, environment }: PostgresqlConnectorOptions): PoolConfig {
  const connectionString = environment[mesh.connectionFrom];
  const shared: PoolConfig = {
    max: 4,
    idleTimeoutMillis: 10_000,
    connectionTimeoutMillis: 10_000,
    allowExitOnIdle: true,
    application_name: 'concordat',
    options: settings.map((setting) => `-c ${setting}`).join(' '),
    // Nothing is made a number, a date or a buffer: values.ts says what each text is.
    types: { getTypeParser: () => (text: string | Buffer) => String(text) },
  };
  if (connectionString) return { ...shared, connectionString };
  const { PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD } = environment;
  if (!PGHOST)
    throw new ConcordatError(
      'credentialsMissing',
      `set ${mesh.connectionFrom}, or PGHOST and its like, for the worker of this authority`,
    );
  return {
    ...shared,
    host: PGHOST,
    ...(PGPORT ? { port: Number(PGPORT) } : {}),
    ...(PGDATABASE ? { database: PGDATABASE } : {}),
    ...(PGUSER ? { user: PGUSER } : {}),
    ...(PGPASSWORD ? { password: PGPASSWORD } : {}),
  };
}
