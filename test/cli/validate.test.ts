/** `concordat validate`, and what every command shares: options, errors, exit codes, JSON. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  changed,
  smallFederation,
  temporaryFolder,
  written,
} from '../activities/federation-folder/small-federation.js';
import { recordFederationFiles } from '../support/record-federation.js';
import { run } from './run.js';

const faulty = changed(smallFederation, 'authorities/aws.yaml', 'quorum: 1', 'quorum: 2');

test('a folder without faults ends with 0 and says what it holds', async () => {
  const said = await run(['validate', '--federation', await written(smallFederation)]);
  expect(said.code).toBe(0);
  expect(said.stdout).toContain('valid: federation small (authorities 2, types 2, maps 4, datasets 1)');
  expect(said.stdout).toContain('not signed yet: manifests/aws.jwt');
  expect(said.stderr).toBe('');
});

test('faults end with 1 and stand one a line as file, line and column', async () => {
  const said = await run(['validate', '--federation', await written(faulty)]);
  expect(said.code).toBe(1);
  expect(said.stdout).toMatch(/^authorities\/aws\.yaml:8:21 approval\.quorum: needs 2 approvals/);
  expect(said.stdout.trimEnd().split('\n').at(-1)).toBe('1 fault');
});

test('--signed counts missing manifests as faults', async () => {
  const said = await run(['validate', '--signed', '--federation', await written(smallFederation)]);
  expect(said.code).toBe(1);
  expect(said.stdout).toMatch(/^manifests\/aws\.jwt:1:1 .*\nmanifests\/azure\.jwt:1:1 .*\n2 faults\n$/);
});

test('--json prints one document on stdout and nothing else, also for faults', async () => {
  const said = await run(['validate', '--json', '--federation', await written(faulty)]);
  expect(said.code).toBe(1);
  expect(said.stderr).toBe('');
  expect(JSON.parse(said.stdout)).toMatchObject({
    valid: false,
    faults: [
      { file: 'authorities/aws.yaml', line: 8, column: 21, field: 'approval.quorum', code: 'invalidFederation' },
    ],
  });
});

test('--json prints an error as its one document, and the words on stderr', async () => {
  const folder = await written(faulty);
  const said = await run(['manifest', 'verify', '--json', '--federation', folder]);
  expect(said.code).toBe(1);
  expect(JSON.parse(said.stdout)).toMatchObject({
    error: { code: 'invalidFederation', next: 'run `concordat validate`' },
  });
  expect(said.stderr).toMatch(
    /^error: the federation folder has faults\n {2}authorities\/aws\.yaml:8:21 .*\n {2}next: run `concordat validate`\n$/,
  );
});

test('--write-schemas writes a JSON Schema for each kind of file, and the folder stays valid', async () => {
  const folder = await written(smallFederation);
  const said = await run(['validate', '--write-schemas', '--federation', folder]);
  expect(said.code).toBe(0);
  for (const kind of ['federation', 'authority', 'taxonomy', 'map', 'dataset']) {
    const schema = JSON.parse(await readFile(path.join(folder, `schemas/${kind}.schema.json`), 'utf8')) as object;
    expect(schema, kind).toMatchObject({
      $schema: expect.stringContaining('2020-12'),
      type: 'object',
      additionalProperties: false,
    });
  }
  // What has a default may be left out by people.
  const authority = JSON.parse(await readFile(path.join(folder, 'schemas/authority.schema.json'), 'utf8')) as {
    required: string[];
  };
  expect(authority.required).toEqual(['authority', 'mesh', 'surface', 'approvers']);
});

test('a Parquet file is said to be never written, until the authority says so to its peers', async () => {
  const parquet = '{ kind: folder, path: d, files: { shipment: { file: s.parquet, format: parquet, key: [number] } } }';
  const table =
    '{ kind: postgresql, tables: { envoi: { table: e, key: [numero] }, sending: { table: s, key: [nr] } } }';
  const files = recordFederationFiles({ berlin: parquet, lyon: table, oslo: table })('parcels');
  const folder = await written(files);
  const said = await run(['validate', '--federation', folder]);
  expect(said.stdout).toContain('read only: berlin shipment lies in a Parquet file');
  expect(said.stdout).toContain('constraints.writable.shipment: { operations: [] }');
  const authority = files['authorities/berlin.yaml'] ?? '';
  const told = authority.replace('constraints: {', 'constraints: { writable: { shipment: { operations: [] } },');
  await writeFile(path.join(folder, 'authorities/berlin.yaml'), told);
  const again = await run(['validate', '--federation', folder]);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stdout).not.toContain('read only');
});

test('the folder is the option, else the environment, else ./federation, else here', async () => {
  const [valid, broken, above] = [await written(smallFederation), await written(faulty), await temporaryFolder()];
  const environment = { CONCORDAT_FEDERATION: broken };
  expect((await run(['validate', '--federation', valid], { environment })).code).toBe(0);
  expect((await run(['validate'], { environment, workingFolder: valid })).code).toBe(1);
  expect((await run(['validate'], { workingFolder: valid })).code).toBe(0);
  expect((await run(['init', '--mesh', 'aws=aws-iam', '--mesh', 'azure=entra'], { workingFolder: above })).code).toBe(
    0,
  );
  expect((await run(['validate'], { workingFolder: above })).code).toBe(0);
});

test('colours are for terminals, and neither NO_COLOR nor --no-color nor --json leaves any', async () => {
  const folder = await written(faulty);
  const argv = ['validate', '--federation', folder];
  const escape = '\u001b[';
  expect((await run(argv, { terminal: true })).stdout).toContain(escape);
  expect((await run(argv)).stdout).not.toContain(escape);
  expect((await run([...argv, '--no-color'], { terminal: true })).stdout).not.toContain(escape);
  expect((await run([...argv, '--json'], { terminal: true })).stdout).not.toContain(escape);
  expect((await run(argv, { terminal: true, environment: { NO_COLOR: '1' } })).stdout).not.toContain(escape);
});

test('escape sequences in a file reach no terminal', async () => {
  const folder = await written(smallFederation);
  await writeFile(path.join(folder, 'authorities/aws.yaml'), '"\\e[2Jcleared": 1\n');
  const said = await run(['validate', '--federation', folder]);
  expect(said.stdout).toContain('\\u001b[2Jcleared');
  expect(said.stdout).not.toContain('\u001b');
});

test.each([
  [['validat'], 'Did you mean validate?'],
  [['validate', '--jsno'], 'Did you mean --json?'],
  [['init', '--mesh'], 'argument missing'],
  [['validate', 'too', 'many'], 'too many arguments'],
])('a slip of the hand (%j) is an error with a hint and ends with 1', async (argv, hint) => {
  const said = await run(argv);
  expect(said.code).toBe(1);
  expect(said.stdout).toBe('');
  expect(said.stderr).toMatch(/^error: /);
  expect(said.stderr).toContain(hint);
  expect(said.stderr).toContain('next: see --help');
});

test.each([['init'], ['validate'], ['keys', 'generate'], ['manifest', 'sign'], ['manifest', 'verify']])(
  'the help of %s %s has examples and exit codes',
  async (...words) => {
    const said = await run([...words.filter((word) => typeof word === 'string'), '--help']);
    expect(said.code).toBe(0);
    expect(said.stdout).toContain('Examples:\n  $ concordat ');
    expect(said.stdout).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 /);
    expect(said.stdout).toContain('--federation <folder>');
  },
);

test('help names every command without loading it, and help of a command loads it', async () => {
  const all = await run(['--help']);
  for (const name of ['init', 'validate', 'keys', 'manifest'])
    expect(all.stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  expect((await run(['help', 'validate'])).stdout).toContain('--write-schemas');
  expect((await run(['--version'])).stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
});

test('no command at all shows the help and ends with 1', async () => {
  const said = await run([]);
  expect(said.code).toBe(1);
  expect(said.stdout).toContain('Usage: concordat');
});
