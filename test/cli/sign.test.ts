/** `concordat sign` and what `concordat validate` says of it. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

async function pinned(): Promise<string> {
  const folder = await written(smallFederation);
  expect((await run(['keys', 'generate', '--federation', folder])).code).toBe(0);
  return folder;
}

test('a person signs files, several may, and whoever changes one has to sign it again', async () => {
  const folder = await pinned();
  const on = ['--federation', folder];
  const signed = await run([
    'sign',
    'maps/aws.person.yaml',
    path.join(folder, 'datasets/workforce.yaml'),
    '--as',
    'ana',
    ...on,
  ]);
  expect(signed).toMatchObject({ code: 0, stderr: '' });
  expect(signed.stdout).toMatch(
    /^signed maps\/aws\.person\.yaml by ana of aws\nsigned datasets\/workforce\.yaml by ana of aws\n/,
  );
  const valid = await run(['validate', ...on]);
  expect(valid.code).toBe(0);
  expect(valid.stdout).toMatch(/no author: authorities\/aws\.yaml, authorities\/azure\.yaml, maps\/aws\.team\.yaml/);
  expect(JSON.parse((await run(['validate', '--json', ...on])).stdout)).toMatchObject({
    authors: { signed: ['datasets/workforce', 'maps/aws.person'] },
  });
  const map = path.join(folder, 'maps/aws.person.yaml');
  await writeFile(map, (await readFile(map, 'utf8')).replace('path: email', 'path: mail'));
  const stale = await run(['validate', ...on]);
  expect(stale.code).toBe(1);
  expect(stale.stdout).toMatch(/^maps\/aws\.person\.jws:1:1 was signed by ana for another content.*\n1 fault\n$/);
  expect((await run(['sign', 'maps/aws.person.yaml', '--as', 'ana', ...on])).code).toBe(0);
  expect((await readFile(path.join(folder, 'maps/aws.person.jws'), 'utf8')).trim().split('\n')).toHaveLength(1);
  expect((await run(['validate', ...on])).code).toBe(0);
});

test('nothing is signed where one of the files is none of the folder, or nobody lists the signer', async () => {
  const folder = await pinned();
  const on = ['--federation', folder];
  await appendFile(path.join(folder, 'notes.txt'), 'not a document');
  const wrong = await run(['sign', 'maps/aws.person.yaml', 'maps/aws.persn.yaml', '--as', 'ana', ...on]);
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/maps\/aws\.persn\.yaml: no map, type, dataset or authority file/);
  const stranger = await run(['sign', 'maps/aws.person.yaml', '--as', 'eve', ...on]);
  expect(stranger.stderr).toMatch(/no authority lists eve as an approver/);
  await expect(readFile(path.join(folder, 'maps/aws.person.jws'))).rejects.toThrow(/ENOENT/);
});
