/** `concordat manifest`, `peer` and `keys`: a change of terms and of keys as people see them. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { run, type Said } from './run.js';

async function signed(): Promise<string> {
  const folder = await written(smallFederation);
  expect((await run(['keys', 'generate', '--federation', folder])).code).toBe(0);
  return folder;
}

async function edit(folder: string, from: string, to: string): Promise<void> {
  const file = path.join(folder, 'authorities/azure.yaml');
  const text = await readFile(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(file, text.replace(from, to));
}

const json = (said: Said): Record<string, unknown> => JSON.parse(said.stdout) as Record<string, unknown>;

test('a change is told in words before it is signed, and to the peer before it accepts', async () => {
  const folder = await signed();
  const on = ['--federation', folder];
  expect((await run(['manifest', 'diff', ...on])).code).toBe(0);
  await edit(folder, 'freshness: 2h', 'freshness: 3h');
  await edit(folder, 'team: [handle, members]', 'team: [handle]');
  const unsigned = await run(['manifest', 'diff', 'azure', ...on]);
  expect(unsigned.code).toBe(2);
  expect(unsigned.stdout).toBe(
    'azure: the file says what is not signed yet\n' +
      '  azure lets a run write for 3 h after its start instead of 2 h (wider)\n' +
      '  azure no longer exposes team.members\n',
  );
  const sign = await run(['manifest', 'sign', '--authority', 'azure', ...on]);
  expect(sign.stdout).toContain('waits for aws: `concordat peer pin azure --authority aws` where its key is');
  expect((await run(['manifest', 'verify', ...on])).stdout).toContain('azure: holds; what it widened waits for aws');
  expect(json(await run(['manifest', 'diff', '--json', ...on]))).toMatchObject({
    authorities: [
      { authority: 'aws', unsigned: [], notAccepted: [] },
      {
        authority: 'azure',
        notAccepted: [{ peer: 'aws', differences: [{ direction: 'wider', path: 'constraints.freshness' }] }],
      },
    ],
  });
  expect((await run(['peer', 'list', ...on])).stdout).toMatch(/aws pins azure .* 1 not accepted/);
  const pin = await run(['peer', 'pin', 'azure', '--authority', 'aws', ...on]);
  expect(pin.stdout).toMatch(/^peer azure: pinned by aws [\w-]{43}\n  azure lets a run write for 3 h/);
  expect((await run(['manifest', 'diff', ...on])).code).toBe(0);
  expect((await run(['peer', 'list', ...on])).stdout).not.toContain('not accepted');
});

test('a manifest is shown with its keys and what counts of it', async () => {
  const folder = await signed();
  const said = await run(['manifest', 'show', 'azure', '--federation', folder]);
  expect(said.code).toBe(0);
  for (const part of [/^azure\n/, /shows person +.*employeeId/, /approvers +ana\n/, /in force +all of it\n/])
    expect(said.stdout).toMatch(part);
  expect(said.stdout).toMatch(/messages +[\w-]{43} +Ed25519 +counts\n/);
  expect(said.stdout).toMatch(/encryption +[\w-]{43} +P-256 +counts\n/);
  expect((await run(['manifest', 'show', 'sov', '--federation', folder])).code).toBe(1);
});

test('names that a peer chose cannot move the cursor of whoever reads a difference', async () => {
  const folder = await signed();
  await edit(
    folder,
    'freshness: 2h',
    'freshness: 2h\n  protected: [{ type: team, where: { handle: x }, reason: "\\e[2J" }]',
  );
  const { stdout } = await run(['manifest', 'diff', 'azure', '--federation', folder]);
  expect(stdout).toContain('(\\u001b[2J)');
  expect(stdout).not.toContain('\u001b');
});

test('a key is rotated and revoked, and listed as what it is', async () => {
  const folder = await signed();
  const on = ['--authority', 'azure', '--federation', folder];
  const next = json(await run(['keys', 'rotate', '--use', 'messages', '--lead', '1h', '--json', ...on]));
  const { kid } = next['key'] as { kid: string };
  const listed = await run(['keys', 'list', ...on]);
  expect(listed.stdout).toMatch(new RegExp(`messages +${kid} +Ed25519 +signs from `));
  const revoked = await run(['keys', 'revoke', kid.slice(0, 12), '--reason', 'compromised', ...on]);
  expect(revoked.code).toBe(0);
  expect((await run(['keys', 'list', ...on])).stdout).toMatch(
    new RegExp(`messages +${kid} +Ed25519 +revoked as compromised`),
  );
  expect((await run(['manifest', 'verify', '--as', 'aws', '--federation', folder])).code).toBe(0);
});

const refusals: readonly (readonly [readonly string[], string])[] = [
  [['keys', 'rotate', '--use', 'messages'], 'say whose with --authority'],
  [['keys', 'rotate', '--use', 'manifest', '--finish', '--authority', 'aws'], 'has published no next key'],
  [
    ['keys', 'rotate', '--use', 'logs', '--authority', 'aws'],
    'Allowed choices are manifest, messages, log, encryption',
  ],
  [['keys', 'revoke', 'nothing', '--reason', 'superseded', '--authority', 'aws'], 'names no key nothing'],
  [['peer', 'pin', 'sov'], 'no authority "sov"'],
  [['peer', 'pin', '--thumbprint', 'x'], 'a thumbprint is of one peer'],
  [['manifest', 'diff', 'sov'], 'no authority "sov"'],
];

test('what cannot be done is refused with one clear error and changes nothing', async () => {
  const folder = await signed();
  const before = await readFile(path.join(folder, 'manifests/aws.jwt'), 'utf8');
  for (const [argv, words] of refusals) {
    const said = await run([...argv, '--federation', folder]);
    expect(said.code, argv.join(' ')).toBe(1);
    expect(said.stderr).toContain(words);
  }
  expect(await readFile(path.join(folder, 'manifests/aws.jwt'), 'utf8')).toBe(before);
});
