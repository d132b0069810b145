/** Keys on disk, pins in files, and manifests that show every change. */
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../../activities/keys/generate.js';
import { pinPeer } from '../../../activities/manifests/pin-peer.js';
import { signFolder } from '../../../activities/manifests/sign-folder.js';
import { signManifest } from '../../../activities/manifests/sign-manifest.js';
import { pinned } from '../../../activities/keys/pin.js';
import {
  approverKeyFile,
  authorityKeyFile,
  generatePrivateKey,
  publicKeyOf,
  readKeyFile,
  writeKeyFile,
} from '../../../activities/keys/private-key.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keyUses } from '../../../core/key-state.js';
import { changed, smallFederation, written, type Files } from '../federation-folder/small-federation.js';

async function valid(folder: string): Promise<Federation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults));
  return loaded.federation;
}

async function withKeys(files: Files = smallFederation): Promise<string> {
  const folder = await written(files);
  await generateKeys(folder, await valid(folder), {});
  return folder;
}

async function signed(files: Files = smallFederation): Promise<string> {
  const folder = await withKeys(files);
  await signFolder(folder, await valid(folder));
  return folder;
}

async function edit(folder: string, file: string, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(path.join(folder, file), 'utf8');
  const after = text.replace(from, to);
  if (after === text) throw new Error(`${file} does not hold ${String(from)}`);
  await writeFile(path.join(folder, file), after);
}

async function manifestFaults(folder: string): Promise<readonly string[]> {
  const loaded = await loadSignedFederation(folder);
  return loaded.kind === 'valid' ? [] : loaded.faults.map(({ file, code, message }) => `${code} ${file} ${message}`);
}

test('one call makes a key for every authority and approver, readable by its owner only', async () => {
  const folder = await withKeys();
  for (const file of [
    ...keyUses.map((use) => authorityKeyFile(folder, 'aws', use)),
    authorityKeyFile(folder, 'azure', 'manifest'),
    approverKeyFile(folder, 'ana'),
  ]) {
    expect((await stat(file)).mode & 0o777, file).toBe(0o600);
    expect((await stat(path.dirname(file))).mode & 0o777).toBe(0o700);
  }
  expect(await readFile(path.join(folder, '.gitignore'), 'utf8')).toBe('keys/\n');
});

test('an approver of two authorities has one key, pinned in both files', async () => {
  const folder = await withKeys();
  const { authorities } = await valid(folder);
  const key = await readKeyFile(approverKeyFile(folder, 'ana'));
  expect(key && publicKeyOf(key)).toEqual(authorities['aws']?.approvers[0]?.key);
  expect(authorities['azure']?.approvers[0]?.key).toEqual(authorities['aws']?.approvers[0]?.key);
});

test('a second call keeps every key and every file', async () => {
  const folder = await withKeys();
  const before = await readFile(path.join(folder, 'federation.yaml'), 'utf8');
  const reports = await generateKeys(folder, await valid(folder), {});
  expect(reports.map(({ state }) => state)).toEqual(['kept', 'kept', 'kept']);
  expect(await readFile(path.join(folder, 'federation.yaml'), 'utf8')).toBe(before);
});

test('a pinned key whose private part is elsewhere stays pinned, and none is made', async () => {
  const folder = await withKeys();
  await rm(authorityKeyFile(folder, 'aws', 'manifest'));
  const reports = await generateKeys(folder, await valid(folder), {});
  expect(reports.find(({ id }) => id === 'aws')?.state).toBe('elsewhere');
  expect(await readKeyFile(authorityKeyFile(folder, 'aws', 'manifest'))).toBeNull();
});

test('one authority or one approver can be chosen, and unknown ones are refused', async () => {
  const folder = await written(smallFederation);
  const federation = await valid(folder);
  expect((await generateKeys(folder, federation, { authority: 'aws' })).map(({ id }) => id)).toEqual(['aws']);
  expect((await generateKeys(folder, await valid(folder), { approver: 'ana' })).map(({ id }) => id)).toEqual(['ana']);
  expect(await readKeyFile(authorityKeyFile(folder, 'azure'))).toBeNull();
  await expect(generateKeys(folder, federation, { authority: 'sov' })).rejects.toMatchObject({ code: 'notFound' });
  await expect(generateKeys(folder, federation, { approver: 'eve' })).rejects.toMatchObject({ code: 'notFound' });
});

test('a key on this machine that is not the pinned one is refused before anything is written', async () => {
  const folder = await withKeys(
    changed(smallFederation, 'authorities/aws.yaml', '- id: ana', '- id: ana\n  - id: bob'),
  );
  await rm(authorityKeyFile(folder, 'aws', 'manifest'));
  await writeKeyFile(authorityKeyFile(folder, 'aws', 'manifest'), await generatePrivateKey());
  await rm(approverKeyFile(folder, 'bob'));
  await edit(folder, 'authorities/aws.yaml', /- id: bob\n.*\n/, '- id: bob\n');
  const call = generateKeys(folder, await valid(folder), {});
  await expect(call).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('is not the key that the folder pins'),
  });
  expect(await readKeyFile(approverKeyFile(folder, 'bob'))).toBeNull();
});

test('a key is never overwritten', async () => {
  const folder = await withKeys();
  const file = authorityKeyFile(folder, 'aws');
  const before = await readFile(file, 'utf8');
  await expect(writeKeyFile(file, await generatePrivateKey())).rejects.toMatchObject({ code: 'usage' });
  expect(await readFile(file, 'utf8')).toBe(before);
});

test('a key file that others may read is refused', async () => {
  const folder = await withKeys();
  await chmod(authorityKeyFile(folder, 'aws'), 0o640);
  await expect(readKeyFile(authorityKeyFile(folder, 'aws'))).rejects.toMatchObject({
    message: expect.stringContaining('chmod 600'),
  });
});

test('a key file with parts of two keys, or with anything but a key, is refused without showing it', async () => {
  const folder = await withKeys();
  const file = authorityKeyFile(folder, 'aws');
  const [one, two] = [await generatePrivateKey(), await generatePrivateKey()];
  for (const text of [
    JSON.stringify({ ...one, x: two.x }),
    JSON.stringify({ ...one, more: 1 }),
    `${one.d} is no JSON`,
  ]) {
    await writeFile(file, text);
    const error = await readKeyFile(file).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'usage' });
    expect((error as Error).stack).not.toContain(one.d);
  }
});

const x = '1nJfjAymTjOzFhUTy1Hceokl9Ao_i8DwDSb2JSyqTuo';
const publicKey = { kty: 'OKP', crv: 'Ed25519', x } as const;

test.each([
  [
    'a comment behind the id',
    'members:\n  # first\n  - id: aws # the account\n\n  - id: azure\n',
    "members:\n  # first\n  - id: aws # the account\n    key: { kty: OKP, crv: Ed25519, x: '" +
      x +
      "' }\n\n  - id: azure\n",
  ],
  [
    'an entry in braces',
    'members: [{ id: aws }, { id:   azure }]  # odd   spaces\n',
    `members: [{ id: aws, key: { kty: OKP, crv: Ed25519, x: '${x}' } }, { id:   azure }]  # odd   spaces\n`,
  ],
  [
    'a file without a last line end',
    'members:\n- id: aws',
    `members:\n- id: aws\n  key: { kty: OKP, crv: Ed25519, x: '${x}' }\n`,
  ],
  [
    'line ends of Windows',
    'members:\r\n  - id: aws\r\n  - id: azure\r\n',
    `members:\r\n  - id: aws\r\n    key: { kty: OKP, crv: Ed25519, x: '${x}' }\r\n  - id: azure\r\n`,
  ],
])('pinning leaves %s as it was', (_, before, after) => {
  expect(pinned(before, { entry: ['members', 0], key: publicKey })).toBe(after);
  expect((parse(after) as { members: unknown[] }).members[0]).toEqual({ id: 'aws', key: publicKey });
});

test('pinning where a line cannot simply be added still gives the right file', () => {
  const before = 'members:\n  - "id":\n      aws\n    # why\n';
  expect(parse(pinned(before, { entry: ['members', 0], key: publicKey }))).toEqual({
    members: [{ id: 'aws', key: publicKey }],
  });
});

test('a folder counts as signed only after every member has signed', async () => {
  const folder = await written(smallFederation);
  expect(await manifestFaults(folder)).toEqual([
    expect.stringMatching(/^notSigned manifests\/aws\.jwt .*concordat keys generate/),
    expect.stringMatching(/^notSigned manifests\/azure\.jwt/),
  ]);
  await generateKeys(folder, await valid(folder), {});
  await signManifest(folder, await valid(folder), 'aws');
  expect(await manifestFaults(folder)).toEqual([
    expect.stringMatching(/azure has not signed .*manifest sign --authority azure/),
  ]);
  await signManifest(folder, await valid(folder), 'azure');
  expect(await manifestFaults(folder)).toEqual([
    expect.stringMatching(
      /^notSigned manifests\/aws\/peers\/azure\.jwt aws has not pinned azure; .*peer pin azure --authority aws/,
    ),
    expect.stringMatching(/^notSigned manifests\/azure\/peers\/aws\.jwt azure has not pinned aws/),
  ]);
  await pinPeer(folder, await valid(folder), 'aws', 'azure');
  await pinPeer(folder, await valid(folder), 'azure', 'aws');
  expect(await manifestFaults(folder)).toEqual([]);
});

test.each([
  ['the surface', '[mail, employeeId]', '[mail]'],
  ['a constraint', 'freshness: 2h', 'freshness: 3h'],
  ['the quorum', '- id: ana', '- id: bob\n  - id: ana'],
  ['the kind of the mesh', '{ kind: aws-iam }', '{ kind: entra, tenant: t }'],
])('a change of %s makes the manifest stale', async (_, from, to) => {
  let files: Files = changed(smallFederation, 'datasets/workforce.yaml', '[employeeId]', '[mail]');
  files = changed(files, 'datasets/workforce.yaml', '    - match: [mail]\n    - match: [mail]', '    - match: [mail]');
  const folder = await signed(files);
  await edit(folder, 'authorities/aws.yaml', from, to);
  expect(await manifestFaults(folder)).toEqual([
    expect.stringMatching(
      /^notSigned manifests\/aws\.jwt .*changed since aws signed it.*manifest sign --authority aws/,
    ),
  ]);
});

test('how a mesh is reached, comments and order are not part of the manifest', async () => {
  const folder = await signed();
  await edit(
    folder,
    'authorities/aws.yaml',
    '{ kind: aws-iam }',
    '{ endpoint: "http://127.0.0.1:1", kind: aws-iam } # moved',
  );
  expect(await manifestFaults(folder)).toEqual([]);
  expect(
    Buffer.from(
      (await readFile(path.join(folder, 'manifests/azure.jwt'), 'utf8')).split('.')[1] ?? '',
      'base64url',
    ).toString(),
  ).not.toContain('contoso');
});

test('the manifest of another authority, an altered one, and one of a key that is not pinned are refused', async () => {
  const folder = await signed();
  const file = path.join(folder, 'manifests/aws.jwt');
  const own = await readFile(file, 'utf8');
  await writeFile(file, await readFile(path.join(folder, 'manifests/azure.jwt'), 'utf8'));
  expect(await manifestFaults(folder)).toEqual([expect.stringMatching(/is not what the pinned key of aws signed/)]);
  const [head = '', , signature = ''] = own.split('.');
  const payload = Buffer.from(own.split('.')[1] ?? '', 'base64url')
    .toString()
    .replace('"quorum":1', '"quorum":2');
  await writeFile(file, `${head}.${Buffer.from(payload).toString('base64url')}.${signature}`);
  expect(await manifestFaults(folder)).toEqual([expect.stringMatching(/signature does not verify/)]);
  await writeFile(file, own);
  expect(await manifestFaults(folder)).toEqual([]);
  await rename(authorityKeyFile(folder, 'azure', 'manifest'), authorityKeyFile(folder, 'aws', 'manifest'));
  await expect(signManifest(folder, await valid(folder), 'aws')).rejects.toMatchObject({
    code: 'notSigned',
    message: expect.stringContaining('is not the one that federation.yaml pins'),
  });
});

test('a .gitignore that keeps keys out already is left alone, and another is added to', async () => {
  for (const [before, after] of [
    ['/keys\n', '/keys\n'],
    ['node_modules', 'node_modules\nkeys/\n'],
  ] as const) {
    const folder = await written({ ...smallFederation, '.gitignore': before });
    await mkdir(path.join(folder, 'manifests'));
    await generateKeys(folder, await valid(folder), { approver: 'ana' });
    expect(await readFile(path.join(folder, '.gitignore'), 'utf8')).toBe(after);
  }
});
