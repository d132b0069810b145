/** What is published: the tarball is installed into an empty folder, as a stranger would, and its program is used. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { builtProgram } from '../support/temporal.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

const Packed = z
  .array(z.object({ filename: z.string(), size: z.number(), files: z.array(z.object({ path: z.string() })) }))
  .length(1);

let scratch: string;
let files: readonly string[];
let packedBytes: number;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'concordat-packaging-'));
  await builtProgram();
  // Without scripts: another test may be using dist/, which they make anew. It was built just now.
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], {
    cwd: root,
    maxBuffer: 16 * 1024 * 1024,
  });
  const [tarball] = Packed.parse(JSON.parse(packed.stdout));
  files = tarball?.files.map((file) => file.path) ?? [];
  packedBytes = tarball?.size ?? 0;
  // An empty folder of its own: npm would else go up to the first folder that holds packages.
  const installed = path.join(scratch, 'installed');
  await mkdir(installed);
  await run(
    'npm',
    ['install', '--prefix', installed, '--prefer-offline', '--no-audit', '--no-fund', `../${tarball?.filename}`],
    { cwd: installed },
  );
}, 300_000);

afterAll(async () => rm(scratch, { recursive: true, force: true }));

/** The program as npm put it on the path, in a folder of its own that has nothing in it. */
async function concordat(...given: readonly string[]): Promise<string> {
  const program = path.join(scratch, 'installed/node_modules/.bin/concordat');
  const folder = path.join(scratch, 'empty');
  await mkdir(folder, { recursive: true });
  const { stdout } = await run(program, [...given], { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder } });
  return stdout;
}

it('the tarball holds the built program, its workflow bundles and its words, and no source, test or secret', () => {
  for (const file of [
    'dist/cli/main.js',
    'dist/workers/main.js',
    'dist/sandbox/main.js',
    'dist/bundles/federation-workflows.cjs',
    'dist/bundles/authority-workflows.cjs',
    'package.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
  ])
    expect(files).toContain(file);
  const kinds = /^(?:dist\/.+\.(?:js|cjs|js\.map)|package\.json|LICENSE|README\.md|CHANGELOG\.md)$/;
  expect(files.filter((file) => !kinds.test(file))).toEqual([]);
  expect(files.filter((file) => /^dist\/(?:test|bench)\//.test(file))).toEqual([]);
});

it('the tarball is small enough to look through', () => {
  expect(packedBytes).toBeLessThan(5_000_000);
});

it('the installed program tells its version', async () => {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  expect((await concordat('--version')).trim()).toBe(version);
});

it('the installed program shows its commands, and help of one', async () => {
  expect(await concordat('--help')).toMatch(/^ {2}init /m);
  expect(await concordat('help', 'init')).toContain('Usage: concordat');
});

it('every command and every connector finds the packages that it needs', async () => {
  const modules = files.filter((file) =>
    /^dist\/(?:cli\/commands|activities\/connectors\/[^/]+)\/[^/]+\.js$/.test(file),
  );
  expect(modules).toContain('dist/cli/commands/show.js');
  expect(modules).toContain('dist/activities/connectors/postgresql/connector.js');
  const names = JSON.stringify(modules.map((file) => `concordat/${file}`));
  const importAll = `for (const name of ${names}) await import(new URL('node_modules/' + name, 'file://' + process.cwd() + '/'));`;
  await run('node', ['--input-type=module', '--eval', importAll], { cwd: path.join(scratch, 'installed') });
});

it('the installed program writes a federation and finds it valid', async () => {
  await concordat('init', '--mesh', 'aws=aws-iam', '--mesh', 'azure=entra', '--mesh', 'sov=keystone');
  expect((await stat(path.join(scratch, 'empty/federation/federation.yaml'))).isFile()).toBe(true);
  expect(await concordat('validate')).toMatch(/valid/i);
});

it('the installed worker says what it needs', async () => {
  const worker = path.join(scratch, 'installed/node_modules/concordat/dist/workers/main.js');
  await expect(
    run('node', [worker, '--federation'], { cwd: scratch, env: { PATH: process.env['PATH'] } }),
  ).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('CONCORDAT_FEDERATION must name a folder') });
});
