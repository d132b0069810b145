/**
 * The replication slot and the publication that tell what changed: whether they can be believed, and up to where.
 *
 * A cursor names a place in the log of one server and what the table looked like there. Changes of a schema, rewrites and
 * changes of the publication are in no stream, so they show as another fingerprint.
 */
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { UntoldReason } from '../connector.js';
import { describeTable, tableOf, type Table } from './catalog.js';
import type { PostgresqlMesh } from './config.js';

export type SlotMesh = PostgresqlMesh & { readonly changes: NonNullable<PostgresqlMesh['changes']> };

export const Cursor = z.strictObject({
  /** Server, time line, database and slot. */
  source: z.string(),
  lsn: z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/),
  table: z.string(),
});
export type Cursor = z.infer<typeof Cursor>;

export interface Untold {
  readonly why: UntoldReason;
  readonly detail: string;
}

export interface SlotState {
  readonly source: string;
  /** Changes before it are gone. */
  readonly confirmed: bigint;
  /**
   * A place between two records of the log, before which all is on disk; null where the disk lags behind.
   * HAZARD: the flush position itself may lie inside a record, and a commit that begins before it would be passed by.
   */
  readonly between: bigint | null;
}

export function lsnNumber(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}
export function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`.toUpperCase();
}

export async function slotState(client: PoolClient, { changes }: SlotMesh): Promise<SlotState | Untold> {
  const standby = await client.query<{ lsn: string | null }>(
    'SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_insert_lsn() END AS lsn',
  );
  const inserted = standby.rows[0]?.lsn ?? null;
  const { rows } = await client.query<Record<string, string | null>>(
    `SELECT s.plugin, s.slot_type, s.database = current_database() AS here, s.confirmed_flush_lsn, s.wal_status,
            d.oid AS database,
            (SELECT system_identifier FROM pg_control_system()) AS system,
            (SELECT timeline_id FROM pg_control_checkpoint()) AS timeline
       FROM pg_database d LEFT JOIN pg_replication_slots s ON s.slot_name = $1
      WHERE d.datname = current_database()`,
    [changes.slot],
  );
  const [row] = rows;
  if (!row?.['plugin'])
    return { why: 'expired', detail: `there is no logical replication slot ${changes.slot} with the plugin pgoutput` };
  if (row['plugin'] !== 'pgoutput' || row['here'] !== 't')
    return { why: 'notOffered', detail: `the slot ${changes.slot} is of another plugin or database` };
  if (inserted === null) return { why: 'notOffered', detail: 'the server is a standby' };
  if (row['wal_status'] === 'lost' || !row['confirmed_flush_lsn'])
    return { why: 'expired', detail: `the server dropped what the slot ${changes.slot} had still to tell` };
  const flushed = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  return {
    source: [row['system'], row['timeline'], row['database'], changes.slot, changes.publication].join(' '),
    confirmed: lsnNumber(row['confirmed_flush_lsn']),
    between: lsnNumber(flushed.rows[0]?.lsn ?? '0/0') >= lsnNumber(inserted) ? lsnNumber(inserted) : null,
  };
}

export interface FollowedTable {
  readonly table: Table;
  readonly fingerprint: string;
}

/** How the publication tells a table; an answer without a fingerprint says why it cannot be followed. */
export async function followedTable(client: PoolClient, mesh: SlotMesh, type: string): Promise<FollowedTable | Untold> {
  let table: Table;
  try {
    table = await describeTable(client, mesh, type);
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'scopeNotFound')
      return { why: 'doubtful', detail: error.message };
    throw error;
  }
  const { publication } = mesh.changes;
  const { rows } = await client.query<Record<string, string | null>>(
    `SELECT c.oid, c.relkind, c.relpersistence, c.relhassubclass, c.relreplident, pg_relation_filenode(c.oid) AS file,
            p.oid AS publication, r.oid AS membership,
            p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AS tells,
            (SELECT to_jsonb(t) FROM pg_publication_tables t
              WHERE t.pubname = p.pubname AND t.schemaname = n.nspname AND t.tablename = c.relname) AS published,
            (SELECT jsonb_agg(a.attname ORDER BY a.attname)
               FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
              WHERE i.indrelid = c.oid
                AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) AS identity,
            (SELECT jsonb_agg(jsonb_build_array(e.enumtypid::text, e.enumlabel) ORDER BY e.oid)
               FROM pg_enum e JOIN pg_attribute a ON a.attrelid = c.oid AND e.enumtypid IN (a.atttypid,
                    (SELECT typelem FROM pg_type WHERE pg_type.oid = a.atttypid),
                    (SELECT typbasetype FROM pg_type WHERE pg_type.oid = a.atttypid))) AS labels
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       LEFT JOIN pg_publication p ON p.pubname = $2
       LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
      WHERE c.oid = to_regclass($1)`,
    [table.name, publication],
  );
  const row = rows[0] ?? {};
  const fault = faultOf(row, tableOf(mesh, type).key, publication);
  if (fault) return { why: 'notOffered', detail: fault };
  const fingerprint = createHash('sha256')
    .update(JSON.stringify([table, row]))
    .digest('hex');
  return { table, fingerprint };
}

function faultOf(
  row: Readonly<Record<string, string | null>>,
  key: readonly string[],
  publication: string,
): string | null {
  if (row['relkind'] !== 'r' || row['relpersistence'] !== 'p' || row['relhassubclass'] === 't')
    return 'only a plain table that is logged, has no partitions and is no parent of others is told row by row';
  if (!row['publication']) return `there is no publication ${publication}`;
  if (row['tells'] !== 't') return `the publication ${publication} does not tell insert, update, delete and truncate`;
  const published = row['published'] && (JSON.parse(row['published']) as { attnames?: string[]; rowfilter?: unknown });
  if (!published) return `the table is not in the publication ${publication}`;
  if (published.rowfilter) return `the publication ${publication} filters the rows of the table`;
  if (published.attnames && !key.every((column) => published.attnames?.includes(column)))
    return `the publication ${publication} leaves out a column of the key`;
  const identity = row['identity'] ? (JSON.parse(row['identity']) as string[]) : [];
  if (row['relreplident'] !== 'f' && !key.every((column) => identity.includes(column)))
    return 'the replica identity of the table does not hold its key: give it a primary key over it, or REPLICA IDENTITY FULL';
  return null;
}
