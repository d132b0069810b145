/** `concordat keys rotate-digest`: the next key is made by one member, encrypted to all, and told to nobody else. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { byCodeUnit } from '../../core/json.js';
import { smallFederation, written, type Files } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

const digestFederation: Files = {
  ...smallFederation,
  'authorities/aws.yaml': (smallFederation['authorities/aws.yaml'] ?? '').replace(
    'person: [mail, employeeId]',
    'person: { fields: { mail: digest, employeeId: clear } }',
  ),
};

async function signed(files: Files = digestFederation): Promise<string> {
  const folder = await written(files);
  await run(['keys', 'generate', '--federation', folder]);
  return folder;
}

const rotate = (folder: string, ...given: string[]) =>
  run(['keys', 'rotate-digest', ...given, '--json', '--federation', folder]);

async function filesUnder(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
}

test('any member makes the next key for all, and no secret is shown or leaves its private store', async () => {
  const folder = await signed();
  const first = await rotate(folder, 'workforce', '--authority', 'aws');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const told = JSON.parse(first.stdout) as { key: string };
  expect(told).toEqual({
    dataset: 'workforce',
    authority: 'aws',
    key: expect.stringMatching(/^[0-9a-f]{32}$/),
    members: ['aws', 'azure'],
  });
  const second = await rotate(folder, 'workforce', '--authority', 'azure');
  expect(second.code).toBe(0);
  expect(JSON.parse(second.stdout)).not.toMatchObject({ key: told.key });
  const made = (await filesUnder(path.join(folder, '.concordat/private'))).filter((name) => name.includes('/made/'));
  // Of the second one, azure knew that it comes after the one that aws had published.
  expect(made.map((name) => name.split('/').at(-1) ?? '').sort(byCodeUnit)).toEqual(['1', '2']);
  const shown = [first, second].map(({ stdout, stderr }) => Buffer.from(stdout + stderr));
  const published = await Promise.all(
    (await filesUnder(path.join(folder, '.concordat/exchange'))).map((name) => readFile(name)),
  );
  expect(published.length).toBeGreaterThan(2);
  for (const name of made) {
    const secret = await readFile(name);
    expect(secret).toHaveLength(32);
    for (const bytes of [...shown, ...published])
      for (const form of [secret, ...(['hex', 'base64url', 'base64'] as const).map((as) => secret.toString(as))])
        expect(bytes.includes(form)).toBe(false);
  }
});

test.each([
  ['another dataset', ['nothing', '--authority', 'aws'], /has no dataset nothing; it has workforce/],
  ['somebody else', ['workforce', '--authority', 'sov'], /sov is no member of workforce; it has aws and azure/],
  ['nobody', ['workforce'], /--authority/],
])('of %s is refused with what to do', async (_, given, message) => {
  const said = await rotate(await signed(), ...given);
  expect(said.code).toBe(1);
  expect(said.stdout + said.stderr).toMatch(message);
});

test('says that there is no key where nothing is a digest, and whose key is missing where it is not here', async () => {
  const plain = await rotate(await signed(smallFederation), 'workforce', '--authority', 'aws');
  expect(plain.code).toBe(1);
  expect(plain.stdout).toContain('there is no key to replace');
  const folder = await signed();
  await rm(path.join(folder, 'keys/authorities/aws/messages.key.json'));
  const without = await rotate(folder, 'workforce', '--authority', 'aws');
  expect(without.code).toBe(1);
  expect(without.stdout).toContain('no message key of aws');
});
