/**
 * The layout, proved on the real imports of every source file. The second half shows that the proof can fail: each rule
 * is broken by a planted file.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { faultsOf } from './architecture/check.js';
import { connectorFiles, longFiles } from './architecture/rules.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const folders = ['core', 'workflows', 'activities', 'workers', 'cli', 'sandbox'];

async function sources(): Promise<ReadonlyMap<string, string>> {
  const files = await Promise.all(
    folders
      .filter((folder) => existsSync(path.join(root, folder)))
      .map(async (folder) =>
        (await readdir(path.join(root, folder), { recursive: true }))
          .filter((name) => name.endsWith('.ts'))
          .map((name) => path.posix.join(folder, name.split(path.sep).join('/'))),
      ),
  );
  return new Map(
    await Promise.all(files.flat().map(async (file) => [file, await readFile(path.join(root, file), 'utf8')] as const)),
  );
}

describe('the sources', () => {
  it('keep to the layout', async () => {
    const found = await sources();
    expect(found.size).toBeGreaterThan(100);
    expect(faultsOf(found)).toEqual([]);
  });

  it('have every file that is listed as long', async () => {
    const found = await sources();
    expect(Object.keys(longFiles).filter((file) => !found.has(file))).toEqual([]);
  });
});

describe('the installed packages', async () => {
  const Lock = z.object({
    packages: z.record(
      z.string(),
      z.object({
        version: z.string().optional(),
        optionalDependencies: z.record(z.string(), z.string()).default({}),
      }),
    ),
  });
  const { packages } = Lock.parse(JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')));
  const places = Object.keys(packages);

  // Two copies give two classes `Type`: replaying a history then fails with "type must be a Type".
  it('have one copy of protobufjs 8, where all of Temporal finds it', async () => {
    const copies = places
      .filter((place) => place.endsWith('node_modules/protobufjs'))
      .filter((place) => packages[place]?.version?.startsWith('8.') === true);
    expect(copies).toEqual(['node_modules/protobufjs']);
    const installed = await readFile(path.join(root, 'node_modules/protobufjs/package.json'), 'utf8');
    expect(JSON.parse(installed)).toMatchObject({ version: expect.stringMatching(/^8\./) });
  });

  it('have every package of Temporal at one version', () => {
    const temporal = places.filter((place) => /node_modules\/@temporalio\/[^/]+$/.test(place));
    expect(temporal.length).toBeGreaterThan(5);
    expect(new Set(temporal.map((place) => packages[place]?.version)).size).toBe(1);
  });

  // npm leaves out what its registry did not serve that day, and `npm ci` then refuses the lock file everywhere.
  it('are locked for every platform', () => {
    const missing = places.flatMap((place) =>
      Object.keys(packages[place]?.optionalDependencies ?? {}).filter(
        (name) => place !== '' && !places.some((other) => other.endsWith(`node_modules/${name}`)),
      ),
    );
    expect(missing).toEqual([]);
  });
});

const target: Readonly<Record<string, string>> = {
  'workflows/contract.ts': 'export const a = 1;\n',
  'workflows/messages.ts': 'export const a = 1;\n',
  'workflows/reconcile.ts': 'export const a = 1;\n',
  'activities/store.ts': 'export const a = 1;\n',
  'activities/links.ts': 'export const a = 1;\n',
  'activities/keys/sign.ts': 'export const a = 1;\n',
  'activities/keys/private-key.ts': 'export const a = 1;\n',
  'activities/authority/gate.ts': 'export const a = 1;\n',
  'activities/authority/review-sheet.ts': 'export const a = 1;\n',
  'activities/connectors/connector.ts': 'export const a = 1;\n',
  ...Object.fromEntries(
    ['entra', 'keystone'].flatMap((mesh) =>
      connectorFiles.map((name) => [`activities/connectors/${mesh}/${name}`, 'export const a = 1;\n']),
    ),
  ),
  'workers/main.ts': 'export const a = 1;\n',
  'cli/main.ts': 'export const a = 1;\n',
  'sandbox/start.ts': 'export const a = 1;\n',
};

/** The faults of a small program that keeps to the layout, with these files put in. */
function planted(files: Readonly<Record<string, string>>): readonly string[] {
  return faultsOf(new Map(Object.entries({ ...target, ...files })));
}

describe('the check', () => {
  it('has nothing against the small program that the next tests break', () => {
    expect(planted({})).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    ['core that reads a file', 'core/a.ts', `import fs from 'node:fs';`, 'core/a.ts:1: imports node:fs'],
    [
      'core that imports a workflow',
      'core/a.ts',
      `import { a } from '../workflows/reconcile.js';`,
      'workflows/reconcile.ts',
    ],
    [
      'core that imports types of activities',
      'core/a.ts',
      `import type { a } from '../activities/store.js';`,
      'activities/store.ts',
    ],
    ['a package whose name begins like an allowed one', 'core/a.ts', `import { a } from 'zod-extra';`, 'zod-extra'],
    ['a re-export', 'core/a.ts', `\nexport * from 'jose';`, 'core/a.ts:2: imports jose'],
    ['an import by call', 'core/a.ts', `export const a = await import('jose');`, 'imports jose'],
    [
      'an import whose name is computed',
      'cli/a.ts',
      `export const a = (name: string) => import(name);`,
      'not written out',
    ],
    [
      'a workflow that imports an activity',
      'workflows/a.ts',
      `import { a } from '../activities/store.js';`,
      'types only',
    ],
    [
      'a workflow that imports an activity with an inline type, which still loads it',
      'workflows/a.ts',
      `import { type a } from '../activities/store.js';`,
      'types only',
    ],
    ['a workflow that imports a built-in module', 'workflows/a.ts', `import 'node:crypto';`, 'node:crypto'],
    [
      'an activity that imports a workflow',
      'activities/a.ts',
      `import { a } from '../workflows/reconcile.js';`,
      'types only',
    ],
    [
      'an activity that imports the command line',
      'activities/a.ts',
      `import type { a } from '../cli/main.js';`,
      'cli/main.ts',
    ],
    [
      'an activity that connects to Temporal',
      'activities/a.ts',
      `import { Client } from '@temporalio/client';`,
      'types only',
    ],
    [
      'an activity that calls a cloud outside a connector',
      'activities/a.ts',
      `import '@aws-sdk/client-iam';`,
      '@aws-sdk/client-iam',
    ],
    [
      'a connector that imports another',
      'activities/connectors/entra/a.ts',
      `import { a } from '../keystone/client.js';`,
      'its own folder',
    ],
    [
      'a connector that imports keys',
      'activities/connectors/entra/a.ts',
      `import { a } from '../../keys/sign.js';`,
      'its own folder',
    ],
    [
      'a connector that calls another cloud',
      'activities/connectors/keystone/a.ts',
      `import '@aws-sdk/client-iam';`,
      '@aws-sdk/client-iam',
    ],
    [
      'a connector that knows Temporal',
      'activities/connectors/entra/a.ts',
      `import '@temporalio/activity';`,
      '@temporalio/activity',
    ],
    ['a worker that imports the command line', 'workers/a.ts', `import { a } from '../cli/main.js';`, 'cli/main.ts'],
    ['a command line that imports a worker', 'cli/a.ts', `import { a } from '../workers/main.js';`, 'workers/main.ts'],
    [
      'a command line that imports a connector',
      'cli/a.ts',
      `import { a } from '../activities/connectors/entra/client.js';`,
      'may not',
    ],
    [
      'a command line that imports the gate',
      'cli/a.ts',
      `import { a } from '../activities/authority/gate.js';`,
      'types only',
    ],
    [
      'a command outside cli/local that downloads',
      'cli/commands/a.ts',
      `import '@temporalio/testing';`,
      '@temporalio/testing',
    ],
    [
      'a stand-in that shares code with a connector',
      'sandbox/a.ts',
      `import { a } from '../activities/connectors/entra/client.js';`,
      'may not',
    ],
    [
      'a source that imports a test',
      'core/a.ts',
      `import { a } from '../test/support/b.js';`,
      'no source of the program',
    ],
    ['a default export', 'core/a.ts', `export default 1;`, 'default export'],
    ['an enum', 'core/a.ts', `export enum A { b }`, 'enum'],
    ['a clock in core', 'core/a.ts', `export const a = () => Date.now();`, 'reads a clock'],
    ['the date of now in core', 'core/a.ts', `export const a = () => new Date();`, 'reads a clock'],
    ['a monotonic clock in a workflow', 'workflows/a.ts', `export const a = () => performance.now();`, 'replay'],
    ['chance in a workflow', 'workflows/a.ts', `export const a = () => Math.random();`, 'at random'],
    ['a file named after no concept', 'core/string-utils.ts', `export const a = 1;`, 'no concept'],
    ['a folder named after no concept', 'core/helpers/a.ts', `export const a = 1;`, 'no concept'],
    ['a file of 401 lines', 'core/a.ts', `export const a = 1;${'\n'.repeat(401)}`, '401 lines'],
    ['a folder that is not in the layout', 'tools/a.ts', `export const a = 1;`, 'no folder of the layout'],
  ])('finds %s', (_, file, text, words) => {
    const faults = planted({ [file]: text });
    expect(faults.some((fault) => fault.startsWith(file) && fault.includes(words))).toBe(true);
  });

  it.each<[string, string, string]>([
    ['types of activities in a workflow', 'workflows/a.ts', `import type { a } from '../activities/store.js';`],
    ['the time in a workflow, which replay gives again', 'workflows/a.ts', `export const a = () => Date.now();`],
    ['a date made of a number in core', 'core/a.ts', `export const a = () => new Date(0);`],
    ['the contract in an activity', 'activities/a.ts', `import { a } from '../workflows/contract.js';`],
    ['the review sheet in a command', 'cli/a.ts', `import { a } from '../activities/authority/review-sheet.js';`],
    ['words of a comment', 'core/a.ts', `// import fs from 'node:fs'; Date.now()\nexport const a = 'enum A {}';`],
    ['a file of 400 lines', 'core/a.ts', `export const a = 1;${'\n'.repeat(400)}`],
  ])('allows %s', (_, file, text) => {
    expect(planted({ [file]: text })).toEqual([]);
  });

  it('follows imports: the coordinator may not reach a key through others', () => {
    const faults = planted({
      'activities/federation/activities.ts': `import { a } from '../exchange.js';`,
      'activities/exchange.ts': `import { a } from './keys/sign.js';`,
      'activities/keys/sign.ts': `import { a } from './private-key.js';`,
    });
    expect(faults).toEqual([
      expect.stringContaining(
        'activities/federation/activities.ts → activities/exchange.ts → activities/keys/sign.ts → activities/keys/private-key.ts',
      ),
    ]);
  });

  it('finds folders that import each other, once', () => {
    const faults = planted({
      'core/one/a.ts': `import { b } from '../two/b.js';`,
      'core/two/b.ts': `import { c } from '../three/c.js';`,
      'core/three/c.ts': `import { a } from '../one/d.js';`,
      'core/one/d.ts': `export const a = 1;`,
    });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('core/one → core/two → core/three → core/one');
  });

  it('finds the connector that lacks a file', () => {
    const faults = planted({ 'activities/connectors/newcloud/client.ts': 'export const a = 1;' });
    expect(faults).toContain('activities/connectors/newcloud/: has no read.ts, which every connector has');
    expect(faults).toHaveLength(connectorFiles.length - 1);
  });

  it('refuses a file that it cannot read', () => {
    expect(() => planted({ 'core/a.ts': 'const = ;' })).toThrow(/core\/a\.ts does not parse/);
  });
});
