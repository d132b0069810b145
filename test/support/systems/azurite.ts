/**
 * azurite: tables and blobs of Azure storage, by Microsoft (https://github.com/Azure/Azurite), in memory on free ports of this
 * machine. Installed once from the registry, the newest release for Node 20.
 */
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { TableServiceClient } from '@azure/data-tables';
import { nodePackage } from './node-package.js';
import type { MissingSystem } from './system.js';

const version = '3.35.0';
const howToGet = `npm install azurite@${version} within reach of a registry`;

/** Where azurite is not as Azure is. */
export const deviations = [
  { about: 'noThrottling', detail: 'never busy, no lost reply' },
  { about: 'badInput', detail: 'InvalidInput for a key that Azure answers with OutOfRangeInput or KeyValueTooLarge' },
] as const satisfies readonly { readonly about: string; readonly detail: string }[];

/** The account and key that everybody knows: https://learn.microsoft.com/azure/storage/common/storage-use-azurite */
const account = 'devstoreaccount1';
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Azurite {
  readonly kind: 'available';
  readonly name: 'azurite';
  readonly version: string;
  readonly account: string;
  readonly blobEndpoint: string;
  readonly tableEndpoint: string;
  readonly environment: { readonly AZURE_STORAGE_CONNECTION_STRING: string };
  /** Without tables and containers. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function startAzurite(): Promise<Azurite | MissingSystem> {
  const installed = await nodePackage('azurite', version);
  if (installed.kind === 'missing') return { kind: 'missing', name: 'azurite', reason: installed.reason, howToGet };
  const [blobPort = 0, queuePort = 0, tablePort = 0] = await freePorts(3);
  const main = path.join(installed.folder, 'node_modules/azurite/dist/src/azurite.js');
  const ports = ['--blobPort', blobPort, '--queuePort', queuePort, '--tablePort', tablePort].map(String);
  const switches = ['--silent', '--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry'];
  const server = spawn(process.execPath, [main, ...switches, ...ports], { stdio: 'ignore', cwd: installed.folder });
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
  const blobEndpoint = `http://127.0.0.1:${blobPort}/${account}`;
  const tableEndpoint = `http://127.0.0.1:${tablePort}/${account}`;
  let reason: string | undefined;
  void ended.then((words) => (reason ??= words));
  const deadlineMs = performance.now() + 60_000;
  const answers = (url: string): Promise<boolean> =>
    fetch(url).then(
      () => true,
      () => false,
    );
  while (!((await answers(blobEndpoint)) && (await answers(tableEndpoint)))) {
    if (performance.now() > deadlineMs) reason ??= 'it did not answer within a minute';
    if (reason !== undefined) {
      await stop();
      return { kind: 'missing', name: 'azurite', reason, howToGet };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const connection = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${blobEndpoint};TableEndpoint=${tableEndpoint};`;
  return {
    kind: 'available',
    name: 'azurite',
    version,
    account,
    blobEndpoint,
    tableEndpoint,
    environment: { AZURE_STORAGE_CONNECTION_STRING: connection },
    async reset() {
      const tables = TableServiceClient.fromConnectionString(connection, { allowInsecureConnection: true });
      for await (const { name } of tables.listTables()) if (name !== undefined) await tables.deleteTable(name);
      const blobs = BlobServiceClient.fromConnectionString(connection);
      for await (const { name } of blobs.listContainers()) await blobs.deleteContainer(name);
    },
    stop,
  };
}
