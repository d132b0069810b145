/**
 * cosmosdb-server: Cosmos DB by others than us and than Microsoft (https://github.com/vercel/cosmosdb-server), in memory on a
 * free port of this machine. Installed once from the registry. Microsoft's own emulator is an image for a container engine.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { CosmosClient } from '@azure/cosmos';
import { nodePackage } from './node-package.js';
import type { MissingSystem } from './system.js';

const packageName = '@vercel/cosmosdb-server';
const version = '1.0.1';
const howToGet = `npm install ${packageName}@${version} within reach of a registry`;

/** Where it is not as Cosmos DB is. */
export const deviations = [
  { about: 'noThrottling', detail: 'no request units, no 429, no lost reply' },
  { about: 'noRights', detail: 'any key is taken' },
  { about: 'onePartition', detail: 'one physical partition: what several of them do to a continuation cannot be seen' },
  { about: 'noLimits', detail: 'neither the characters of ids nor the size of items are looked at' },
  { about: 'noChangeFeed', detail: 'the change feed is empty' },
] as const satisfies readonly { readonly about: string; readonly detail: string }[];

export interface CosmosdbServer {
  readonly kind: 'available';
  readonly name: 'cosmosdb-server';
  readonly version: string;
  readonly endpoint: string;
  readonly environment: { readonly AZURE_COSMOS_CONNECTION_STRING: string };
  readonly administrator: CosmosClient;
  /** The database `records`, with these containers and nothing in them: name → what it is partitioned by. */
  reset(containers: Readonly<Record<string, string>>): Promise<void>;
  stop(): Promise<void>;
}

export async function startCosmosdbServer(): Promise<CosmosdbServer | MissingSystem> {
  const name = 'cosmosdb-server';
  const installed = await nodePackage(packageName, version);
  if (installed.kind === 'missing') return { kind: 'missing', name, reason: installed.reason, howToGet };
  const main = path.join(installed.folder, 'node_modules', packageName, 'lib/cli.js');
  const server = spawn(process.execPath, [main, '--port', '0', '--host', '127.0.0.1', '--no-ssl'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<string>((resolve) => {
    server.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`));
    server.once('error', (error) => resolve(error.message));
  });
  // a test run that dies must not leave a server behind
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill);
    kill();
    await ended;
  };
  const first = new Promise<string>((resolve) => createInterface(server.stdout).once('line', resolve));
  const line = await Promise.race([first, ended]);
  const port = /:(\d+)$/.exec(line)?.[1];
  if (port === undefined) {
    await stop();
    return { kind: 'missing', name, reason: line, howToGet };
  }
  const endpoint = `http://127.0.0.1:${port}/`;
  const key = Buffer.from('any key').toString('base64');
  const administrator = new CosmosClient({ endpoint, key, connectionPolicy: { enableEndpointDiscovery: false } });
  return {
    kind: 'available',
    name,
    version,
    endpoint,
    environment: { AZURE_COSMOS_CONNECTION_STRING: `AccountEndpoint=${endpoint};AccountKey=${key};` },
    administrator,
    reset: async (containers) => {
      const { resources } = await administrator.databases.readAll().fetchAll();
      for (const { id } of resources) await administrator.database(id).delete();
      const { database } = await administrator.databases.create({ id: 'records' });
      for (const [id, by] of Object.entries(containers))
        await database.containers.create({ id, partitionKey: { paths: [`/${by}`] } });
    },
    stop: async () => {
      administrator.dispose();
      await stop();
    },
  };
}
