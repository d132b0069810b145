/** Statements of authors in a federation folder: one that does not hold is a fault with its place, and counts for nobody. */
import { appendFile, copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { signDocument } from '../../../activities/federation-folder/sign-document.js';
import { generatePrivateKey, type PrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { authorStatementType } from '../../../core/approval/author-statement.js';
import { configurationOf } from '../../../core/federation/federation.js';
import { configurationDigestOf, shapeOf } from '../../../core/federation/configuration.js';
import { bareKey } from '../../../core/public-key.js';
import { changed, smallFederation, written, type Files } from './small-federation.js';

const map = 'maps/aws.person';

async function loaded(folder: string) {
  const read = await loadFederation(folder);
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.faults));
  return read;
}

/** ana, listed by aws and with the same key by azure, signed the map of aws. */
async function signedFolder(
  files: Files = smallFederation,
): Promise<{ readonly folder: string; readonly key: PrivateKey }> {
  const key = await generatePrivateKey();
  const { kty, crv, x } = bareKey(key);
  let listed = files;
  for (const id of ['aws', 'azure'])
    listed = changed(
      listed,
      `authorities/${id}.yaml`,
      '- id: ana',
      `- id: ana\n    key: { kty: ${kty}, crv: ${crv}, x: ${x} }`,
    );
  const folder = await written(listed);
  await sign(folder, key, map);
  return { folder, key };
}

async function sign(folder: string, key: PrivateKey, document: string): Promise<void> {
  const { federation } = await loaded(folder);
  const author = { authority: 'aws', approver: 'ana', key: bareKey(key) };
  await signDocument(folder, federation, document, author, key, 1_760_000_000_000);
}

async function faultsOf(folder: string): Promise<readonly string[]> {
  return (await loaded(folder)).authorFaults.map(({ file, line, message }) => `${file}:${line} ${message}`);
}

async function replaceIn(file: string, from: string, to: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not hold ${from}`);
  await writeFile(
    file,
    text.replace(from, () => to),
  );
}

/** The statement of ana with a change, signed by whoever. */
async function forge(folder: string, change: object, key: PrivateKey, to = map): Promise<void> {
  const [line = ''] = (await readFile(path.join(folder, `${map}.jws`), 'utf8')).split('\n');
  const { payload } = readUnverified(line, { typ: authorStatementType });
  await writeFile(
    path.join(folder, `${to}.jws`),
    `${await signCompact({ ...payload, ...change }, { typ: authorStatementType, key })}\n`,
  );
}

describe('the statement of an author', () => {
  it('that fits its file is part of what all members hold alike; nothing is where nobody signed', async () => {
    const { folder } = await signedFolder();
    const { federation, authorFaults } = await loaded(folder);
    expect(authorFaults).toEqual([]);
    const dataset = federation.datasets['workforce'];
    if (!dataset) throw new Error('no dataset');
    const configuration = configurationOf(federation, dataset);
    expect(configuration.statements?.map(({ document }) => document)).toEqual([map]);
    expect(shapeOf(configuration).documents?.filter(({ statements }) => statements.length > 0)).toMatchObject([
      { name: map, authority: 'aws', type: 'person' },
    ]);
    const { statements: _, ...unsigned } = federation;
    const without = configurationOf(unsigned, dataset);
    expect(without).not.toHaveProperty('statements');
    expect(shapeOf(without)).not.toHaveProperty('documents');
    expect(configurationDigestOf(without)).not.toBe(configurationDigestOf(configuration));
  });

  it('still fits after a comment was added, and no more after a field was', async () => {
    const { folder } = await signedFolder();
    await appendFile(path.join(folder, `${map}.yaml`), '# why\n');
    expect(await faultsOf(folder)).toEqual([]);
    await replaceIn(path.join(folder, `${map}.yaml`), 'path: employeeId', 'path: costCentre');
    expect(await faultsOf(folder)).toEqual([
      `${map}.jws:1 was signed by ana for another content than ${map}.yaml has now; look at the file and sign it again: concordat sign ${map}.yaml --as KEY`,
    ]);
    expect((await loaded(folder)).federation).not.toHaveProperty('statements');
  });

  it.each([
    ['for another federation', { federation: 'large' }, /was signed for federation large, and this one is small/],
    [
      'for another file',
      { document: 'maps/azure.person' },
      /was signed for maps\/azure\.person and lies beside another/,
    ],
    ['under the name of somebody else', { approver: 'ben' }, /signed by ben of aws with a key that aws does not list/],
    ['with another shape', { digest: 7 }, /does not have the shape of this version/],
  ])('%s is a fault and counts for nobody', async (_what, change, words) => {
    const { folder, key } = await signedFolder();
    await forge(folder, change, key);
    expect((await faultsOf(folder)).join('\n')).toMatch(words);
    expect((await loaded(folder)).federation).not.toHaveProperty('statements');
  });

  it('is a fault where a stranger signed it in the name of ana, with her key in it or with theirs', async () => {
    const { folder } = await signedFolder();
    const stranger = await generatePrivateKey();
    await forge(folder, {}, stranger);
    expect((await faultsOf(folder)).join('\n')).toMatch(/does not verify: .*none of the expected keys/);
    await sign(folder, stranger, map);
    expect((await faultsOf(folder)).join('\n')).toMatch(/with a key that aws does not list/);
  });

  it('is a fault beside another file, and where its file is gone', async () => {
    const { folder } = await signedFolder();
    await copyFile(path.join(folder, `${map}.jws`), path.join(folder, 'maps/azure.person.jws'));
    await copyFile(path.join(folder, `${map}.jws`), path.join(folder, 'maps/azure.gone.jws'));
    expect((await faultsOf(folder)).join('\n')).toMatch(/maps\/azure\.gone\.jws:1 there is no maps\/azure\.gone\.yaml/);
    expect((await faultsOf(folder)).join('\n')).toMatch(/maps\/azure\.person\.jws:1 was signed for maps\/aws\.person/);
  });

  it('is demanded of every file where federation.yaml says so', async () => {
    const { folder, key } = await signedFolder(
      changed(smallFederation, 'federation.yaml', 'federation: small', 'federation: small\nauthors: required'),
    );
    const faults = (await loaded(folder)).authorFaults;
    expect(faults.every(({ code }) => code === 'notSigned')).toBe(true);
    expect(faults.map(({ file }) => file)).toEqual([
      'authorities/aws.yaml',
      'authorities/azure.yaml',
      'datasets/workforce.yaml',
      'maps/aws.team.yaml',
      'maps/azure.person.yaml',
      'maps/azure.team.yaml',
      'taxonomy/person.yaml',
      'taxonomy/team.yaml',
    ]);
    for (const { file } of faults) await sign(folder, key, file.replace('.yaml', ''));
    expect((await loaded(folder)).authorFaults).toEqual([]);
  });
});
