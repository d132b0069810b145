/** `concordat keys generate` and `concordat manifest`: from a new folder to one that workers accept, in one command. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

test('one command takes a new folder to one that validates as signed', async () => {
  const folder = await written(smallFederation);
  expect((await run(['validate', '--signed', '--federation', folder])).code).toBe(1);
  const said = await run(['keys', 'generate', '--federation', folder]);
  expect(said.code).toBe(0);
  expect(said.stdout).toMatch(
    /^authority aws: made [\w-]{43}\nauthority azure: made .*\napprover ana: made .*\nmanifest aws: signed\nmanifest azure: signed\n/,
  );
  expect((await run(['validate', '--signed', '--federation', folder])).code).toBe(0);
  expect((await run(['manifest', 'verify', '--federation', folder])).code).toBe(0);
});

test('no output holds the private part of a key', async () => {
  const folder = await written(smallFederation);
  const said = [
    await run(['keys', 'generate', '--federation', folder]),
    await run(['keys', 'generate', '--json', '--federation', folder]),
  ];
  for (const file of ['authorities/aws/manifest', 'authorities/azure/log', 'approvers/ana']) {
    const { d } = JSON.parse(await readFile(path.join(folder, `keys/${file}.key.json`), 'utf8')) as { d: string };
    for (const { stdout, stderr } of said) expect(stdout + stderr).not.toContain(d);
  }
});

test('each authority on its own machine: the folder is signed once all have done their part', async () => {
  const folder = await written(smallFederation);
  await run(['keys', 'generate', '--approver', 'ana', '--federation', folder]);
  const first = await run(['keys', 'generate', '--authority', 'aws', '--json', '--federation', folder]);
  expect(JSON.parse(first.stdout)).toMatchObject({ signed: ['aws'], unsigned: [{ authority: 'azure' }] });
  expect((await run(['manifest', 'verify', '--federation', folder])).code).toBe(1);
  await run(['keys', 'generate', '--authority', 'azure', '--federation', folder]);
  const unpinned = await run(['manifest', 'verify', '--federation', folder]);
  expect(unpinned.code).toBe(1);
  expect(unpinned.stdout).toContain('run `concordat peer pin azure --authority aws` where the key of aws is');
  expect((await run(['peer', 'pin', '--authority', 'aws', '--federation', folder])).code).toBe(0);
  expect((await run(['manifest', 'verify', '--federation', folder])).code).toBe(0);
});

test('a changed file is shown as stale, and signing it again settles it', async () => {
  const folder = await written(smallFederation);
  await run(['keys', 'generate', '--federation', folder]);
  const file = path.join(folder, 'authorities/azure.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace('freshness: 2h', 'freshness: 1h'));
  const stale = await run(['manifest', 'verify', '--federation', folder]);
  expect(stale.code).toBe(1);
  expect(stale.stdout).toMatch(
    /manifest aws: holds\nmanifest azure: .*run `concordat manifest sign --authority azure`/,
  );
  expect((await run(['manifest', 'sign', '--authority', 'azure', '--federation', folder])).code).toBe(0);
  expect((await run(['manifest', 'verify', '--federation', folder])).code).toBe(0);
});

test('signing without the key says so, for one authority and for all', async () => {
  const folder = await written(smallFederation);
  await run(['keys', 'generate', '--federation', folder]);
  await rm(path.join(folder, 'keys'), { recursive: true });
  for (const argv of [
    ['manifest', 'sign'],
    ['manifest', 'sign', '--authority', 'aws'],
  ]) {
    const said = await run([...argv, '--json', '--federation', folder]);
    expect(said.code).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({ error: { code: 'notSigned' } });
  }
  expect((await run(['manifest', 'sign', '--authority', 'sov', '--federation', folder])).stderr).toContain(
    'no authority "sov"',
  );
});
