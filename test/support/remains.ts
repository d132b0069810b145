/**
 * What a federation of a test leaves: its exchange store and the logs of its workers, moved to where the scan after the
 * suite looks (test/support/scan-remains.ts), with the words that may stand nowhere in them.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { inject } from 'vitest';
import { z } from 'zod';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { layoutOf } from '../../cli/local/layout.js';
import type { Federation } from '../../core/federation/federation.js';
import { surfaceOf } from '../../core/federation/surface.js';
import type { Sandbox } from '../../sandbox/start.js';
import { executionsOf, historiesFolder, namespacesOf, remainsFile, type Remains } from './scan-remains.js';

/** Called when everything has ended. Nothing is kept where the file's process has no shared setup. */
export async function leaveRemains(left: Left, root = inject('remainsFolder')): Promise<void> {
  if (!root) return;
  const folder = path.join(root, left.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const words: Remains = {
    name: left.name,
    secrets: [...credentialsOf(left.environments), ...(await privateKeysIn(left.keysFolder))],
    sealed: left.sandbox ? [...sealedValues(left.federation, left.sandbox)] : [],
  };
  await writeFile(path.join(folder, remainsFile), JSON.stringify(words), { mode: 0o600 });
  await rename(left.exchangeLocation, path.join(folder, 'exchange')).catch(unlessMissing);
  await rename(left.logFolder, path.join(folder, 'logs')).catch(unlessMissing);
}

interface Left {
  readonly name: string;
  readonly federation: Federation;
  /** Where it runs in the test's own process, so that what it holds can be read. */
  readonly sandbox: Sandbox | null;
  /** Of the workers. */
  readonly environments: readonly Readonly<Record<string, string>>[];
  readonly keysFolder: string;
  readonly exchangeLocation: string;
  readonly logFolder: string;
}

/** Of a server that ends before the scan: called while it still answers, before leaveRemains under the same name. */
export async function keepHistories(name: string, address: string, root = inject('remainsFolder')): Promise<void> {
  if (!root) return;
  const folder = path.join(root, name, historiesFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const connection = await Connection.connect({ address });
  try {
    for (const namespace of await namespacesOf(connection)) {
      let number = 0;
      for await (const { id, bytes } of executionsOf(connection, namespace)) {
        number += 1;
        await writeFile(path.join(folder, `${namespace}-${number}`), Buffer.concat([Buffer.from(`${id}\n`), bytes]));
      }
    }
  } finally {
    await connection.close();
  }
}

/** What `concordat demo` and `concordat dev` leave in a folder, once they have ended. */
export async function leaveRemainsOfProgram(
  name: string,
  federationFolder: string,
  root = inject('remainsFolder'),
): Promise<void> {
  if (!root) return;
  const loaded = await loadFederation(federationFolder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults));
  const { exchangeLocation, keysFolder } = layoutOf(federationFolder, {});
  const logFolder = path.join(federationFolder, '.concordat', 'logs');
  const [clouds] = (await readFile(path.join(logFolder, 'clouds.log'), 'utf8')).split('\n');
  await leaveRemains(
    {
      name,
      federation: loaded.federation,
      sandbox: null,
      environments: Object.values(StandIns.parse(JSON.parse(clouds ?? ''))).map(({ environment }) => environment),
      keysFolder,
      exchangeLocation,
      logFolder,
    },
    root,
  );
}

/** What the stand-ins say when they are ready. */
const Cloud = z.looseObject({ environment: z.record(z.string(), z.string()) });
const StandIns = z.object({ aws: Cloud, entra: Cloud, keystone: Cloud });

function unlessMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

function credentialsOf(environments: readonly Readonly<Record<string, string>>[]): readonly string[] {
  return environments.flatMap((environment) =>
    Object.entries(environment).flatMap(([name, value]) => (/SECRET|PASSWORD/.test(name) ? [value] : [])),
  );
}

/** The private part of every key file. */
async function privateKeysIn(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const keys = files.filter((file) => file.endsWith('.key.json'));
  return Promise.all(
    keys.map(async (file) => (JSON.parse(await readFile(path.join(folder, file), 'utf8')) as { readonly d: string }).d),
  );
}

/** What the three clouds hold in a property that is named like a field which somebody shows only as a digest. */
function sealedValues(federation: Federation, { aws, entra, keystone }: Sandbox): readonly string[] {
  const fields = new Set(
    Object.values(federation.authorities).flatMap((authority) =>
      Object.keys(federation.taxonomy).flatMap((type) =>
        Object.entries(surfaceOf(authority, type)?.fields ?? {}).flatMap(([name, how]) =>
          how === 'digest' ? [name] : [],
        ),
      ),
    ),
  );
  const values = new Set<string>();
  const add = (name: string, value: unknown): void => {
    if (fields.has(name) && typeof value === 'string') values.add(value);
  };
  for (const { tags } of aws.server.state.users.all()) for (const { key, value } of tags) add(key, value);
  for (const { properties } of entra.server.state.listUsers())
    for (const [name, value] of Object.entries(properties)) add(name, value);
  for (const { extra } of keystone.server.state.users.all())
    for (const [name, value] of Object.entries(extra)) add(name, value);
  return [...values];
}
