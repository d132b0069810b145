/** What `concordat doctor` learns: who we are, and which rights on each table are held. Never throws. */
import type { PoolClient } from 'pg';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { describeTable } from './catalog.js';
import { postgresqlCapabilities } from './capabilities.js';
import type { PostgresqlClient } from './client.js';
import type { PostgresqlMesh } from './config.js';
import { followedTable, slotState, type SlotMesh } from './slot.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];

/** What telling changes needs; without it every run reads everything. */
async function probeChanges(client: PoolClient, mesh: SlotMesh): Promise<ProbeResult['permissions']> {
  const { rows } = await client.query<{ held: string }>(
    'SELECT rolreplication OR rolsuper AS held FROM pg_roles WHERE rolname = current_user',
  );
  const slot = await slotState(client, mesh);
  const permissions: ProbeResult['permissions'][number][] = [
    { permission: 'the attribute REPLICATION', held: rows[0]?.held === 't' },
    {
      permission: `the replication slot ${mesh.changes.slot}`,
      held: !('why' in slot),
      ...('why' in slot ? { detail: slot.detail } : {}),
    },
  ];
  for (const type of Object.keys(mesh.tables)) {
    const followed = await followedTable(client, mesh, type);
    const permission = `${mesh.schema}.${mesh.tables[type]?.table ?? ''} in the publication ${mesh.changes.publication}`;
    permissions.push({
      permission,
      held: !('why' in followed),
      ...('why' in followed ? { detail: followed.detail } : {}),
    });
  }
  return permissions;
}

export async function probePostgresql(client: PostgresqlClient, mesh: PostgresqlMesh): Promise<ProbeResult> {
  const { nativeTypes, permissions } = postgresqlCapabilities(mesh);
  try {
    return await client.use(async (connection) => {
      const who = await connection.query<{ user: string; database: string; usage: string }>(
        `SELECT current_user AS user, current_database() AS database,
                coalesce((SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = $1), false) AS usage`,
        [mesh.schema],
      );
      const [me] = who.rows;
      const found = await Promise.resolve(nativeTypes).then(async (types) => {
        const told = [];
        for (const { type } of types) {
          const table = await describeTable(connection, mesh, type).catch((error: unknown) => {
            if (error instanceof ConcordatError) return null;
            throw error;
          });
          const rights = table
            ? (
                await connection.query<Record<string, string>>(
                  `SELECT has_table_privilege($1, 'SELECT') AS read,
                          has_table_privilege($1, 'INSERT') AND has_table_privilege($1, 'UPDATE')
                            AND has_table_privilege($1, 'DELETE') AS write,
                          coalesce((SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass($1)), false) AS filtered`,
                  [table.name],
                )
              ).rows[0]
            : undefined;
          const detail = table
            ? table.isUnique
              ? rights?.['filtered'] === 't'
                ? 'row security is on: the read fails unless this user is exempt'
                : undefined
              : 'no unique index keeps its key: rows with one key are shown and not written'
            : 'there is no such table, or it lacks a column of the key';
          told.push({
            type,
            read: rights?.['read'] === 't',
            write: rights?.['write'] === 't',
            ...(detail === undefined ? {} : { detail }),
          });
        }
        return told;
      });
      const { changes } = mesh;
      const told = changes ? await probeChanges(connection, { ...mesh, changes }) : [];
      return {
        reachable: true,
        authenticated: true,
        identity: `${me?.user ?? ''} on the database ${me?.database ?? ''}`,
        permissions: [
          ...permissions.read.map((permission) => ({ permission, held: me?.usage === 't' })),
          ...found.flatMap(({ type, read, write, detail }) => {
            const needs = nativeTypes.find((each) => each.type === type)?.permissions;
            const words = detail === undefined ? {} : { detail };
            return [
              ...(needs?.read ?? []).map((permission) => ({ permission, held: read, ...words })),
              ...(needs?.write ?? []).map((permission) => ({ permission, held: write, ...words })),
            ];
          }),
          ...told,
        ],
        nativeTypes: found,
      };
    });
  } catch (error) {
    const code = error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
    return {
      reachable: !unreached.includes(code) && code !== 'credentialsMissing',
      authenticated: false,
      permissions: permissions.read.map((permission) => ({ permission, held: 'notChecked' as const })),
      code,
      detail: error instanceof ConcordatError ? error.message : 'the connector failed',
    };
  }
}
