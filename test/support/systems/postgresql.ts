/**
 * PostgreSQL from the packages of Debian 12: a cluster of its own in a temporary folder, on a free port of this machine.
 *
 * Where no initdb is found it is installed with apt-get, which needs root. PostgreSQL refuses to run as root, so it then runs
 * as the user `postgres` that the package makes.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { byCodeUnit } from '../../../core/json.js';
import type { PostgresqlMesh } from '../../../activities/connectors/postgresql/config.js';
import { withDebianPackages } from './debian-packages.js';
import type { AvailableSystem, MissingSystem } from './system.js';

const run = promisify(execFile);
const howToGet = 'on Debian 12 as root: apt-get install -y --no-install-recommends postgresql';
const packages = '/usr/lib/postgresql';

export type PostgresqlSystem =
  | (AvailableSystem & {
      readonly mesh: PostgresqlMesh;
      /** As the owner of the cluster. */
      sql(text: string, database?: string): Promise<void>;
      /** A database of its own; answers with the environment that reaches it as the service user. */
      database(name: string): Promise<Readonly<Record<string, string>>>;
    })
  | MissingSystem;

async function findPrograms(): Promise<string | undefined> {
  const versions = await readdir(packages).catch(() => []);
  for (const version of versions.sort(byCodeUnit).reverse()) {
    const folder = join(packages, version, 'bin');
    if (
      await access(join(folder, 'initdb')).then(
        () => true,
        () => false,
      )
    )
      return folder;
  }
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function owner(): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const id = async (option: string): Promise<number> => Number((await run('id', [option, 'postgres'])).stdout.trim());
  return { uid: await id('-u'), gid: await id('-g') };
}

const table = `CREATE TABLE parcels (id text PRIMARY KEY, name text, note text);
  CREATE TABLE pairs ("left" text, "right" text, note text, PRIMARY KEY ("left", "right"));`;

export async function startPostgresql(): Promise<PostgresqlSystem> {
  const name = 'postgresql';
  const found = await withDebianPackages(['postgresql'], findPrograms);
  if ('reason' in found) return { kind: 'missing', name, reason: found.reason, howToGet };
  const folder = await mkdtemp(join(tmpdir(), 'concordat-postgresql-'));
  const as = await owner();
  const [ownerPassword, password] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, ownerPassword, { mode: 0o600 });
  if (as.uid !== undefined) {
    await chown(folder, as.uid, as.gid ?? as.uid);
    await chown(passwordFile, as.uid, as.gid ?? as.uid);
  }
  await chmod(folder, 0o700);
  const data = join(folder, 'data');
  await run(
    join(found.found, 'initdb'),
    ['-D', data, '-U', 'owner', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C', '-N'],
    as,
  );
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: folder,
    fsync: 'off',
    wal_level: 'logical',
    max_replication_slots: '40',
    // Connections of earlier cases rest for ten seconds.
    max_connections: '400',
  };
  const server = spawn(
    join(found.found, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    { ...as, stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const url = (user: string, secret: string, database: string): string =>
    `postgres://${user}:${secret}@127.0.0.1:${port}/${database}`;
  const sql = async (text: string, database = 'postgres'): Promise<void> => {
    const client = new Client({ connectionString: url('owner', ownerPassword, database) });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  const stop = async (): Promise<void> => {
    server.kill('SIGINT');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (let tries = 0; ; tries += 1) {
      try {
        await sql('SELECT 1');
        break;
      } catch (error) {
        if (tries > 200 || server.exitCode !== null) throw error;
        await delay(50);
      }
    }
    await sql(`CREATE USER concordat REPLICATION PASSWORD '${password}'`);
  } catch (error) {
    await stop();
    throw error;
  }
  const database = async (called: string): Promise<Readonly<Record<string, string>>> => {
    await sql(`CREATE DATABASE ${called}`);
    await sql(
      'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO concordat; GRANT USAGE ON SCHEMA public TO concordat',
      called,
    );
    return { PGCONNECTION: url('concordat', password, called) };
  };
  const environment = await database('parcels');
  await sql(table, 'parcels');
  const { stdout } = await run(join(found.found, 'postgres'), ['--version']);
  return {
    kind: 'available',
    name,
    version: stdout.trim().replace(/^postgres \(PostgreSQL\) ([0-9.]+).*$/, '$1'),
    endpoint: `127.0.0.1:${port}`,
    mesh: {
      kind: 'postgresql',
      connectionFrom: 'PGCONNECTION',
      schema: 'public',
      tables: { parcel: { table: 'parcels', key: ['id'] }, pair: { table: 'pairs', key: ['left', 'right'] } },
    },
    environment,
    sql,
    database,
    reset: () => sql('TRUNCATE parcels; TRUNCATE pairs', 'parcels'),
    stop,
  };
}
