/**
 * An authority leaves a dataset and comes to it again: the others go on, and a newcomer's first contact deletes nothing. Then
 * one rotates its keys while all workers run.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { dataset, eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { runCommand } from '../support/run-command.js';

let local: LocalFederation;

beforeAll(async () => {
  local = await startFederation({
    edit: (_file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace('waitInRun: 1h', 'waitInRun: 2m'),
  });
  seedEqual(local.sandbox, 6);
  expect(await local.run()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 1 } });
}, 180_000);
afterAll(() => local?.stop());

/** The dataset's file changes everywhere, and every worker starts with it. */
async function withMembers(members: string): Promise<void> {
  const file = path.join(local.folder, 'datasets', `${dataset}.yaml`);
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^members: .*$/m, `members: [${members}]`));
  for (const id of ['federation', 'aws', 'azure', 'sov']) {
    await local.endWorker(id, 'SIGKILL');
    await local.startWorker(id);
  }
}

const entraUsers = () => local.sandbox.entra.server.state.listUsers();

it('the others agree without the one that left', async () => {
  await withMembers('aws, sov');
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 1), 'department', 'Orchard');
  local.sandbox.keystone.server.state.removeUser(keystoneUser(local.sandbox, 5));
  const run = await local.run();
  expect(run).toMatchObject({ outcome: 'agreed', absent: [], agreement: { sequence: 2 } });
  expect(keystoneUser(local.sandbox, 1).extra['department']).toBe('Orchard');
  expect(entraUsers()).toHaveLength(6);
}, 240_000);

it('and the one that comes is asked for what differs, and nothing is deleted there or here', async () => {
  await withMembers('aws, azure, sov');
  const first = await local.run({ planOnly: true }, false);
  const deletions = (await local.plan(first.plan.plan)).operations.filter(({ kind }) => kind === 'delete');
  expect(deletions).toEqual([]);
  await local.idle();
  const run = await local.run();
  expect(run.absent).toEqual([]);
  expect(entraUsers()).toHaveLength(6);
  expect(entraUsers().map(({ properties }) => properties['department'])).toContain('Orchard');
  const last = await local.run();
  expect(last).toMatchObject({ outcome: 'agreed', left: 0, plan: { operations: 0 } });
}, 240_000);

it('and who rotates its keys signs with the next ones, while all workers run, and all agree on', async () => {
  const next: Record<string, string> = {};
  for (const use of ['messages', 'log']) {
    const rotated = await runCommand(
      ['keys', 'rotate', '--authority', 'aws', '--use', use, '--lead', '1s', '--json', '--federation', local.folder],
      { workingFolder: path.dirname(local.folder) },
    );
    expect(rotated.code, rotated.stderr).toBe(0);
    const { key } = JSON.parse(rotated.stdout) as {
      readonly key: { readonly kid: string; readonly notBeforeMs: number };
    };
    next[use] = key.kid;
    await eventually(`the next key for ${use} counts`, () => Promise.resolve(Date.now() > key.notBeforeMs));
  }
  await local.idle();
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 2), 'department', 'Printworks');
  const run = await local.run();
  expect(run).toMatchObject({ outcome: 'agreed', absent: [], left: 0 });
  expect(run.agreement).not.toBeNull();
  expect(keystoneUser(local.sandbox, 2).extra['department']).toBe('Printworks');
  const opens = run.evidence?.inputs.opens ?? [];
  const signers = await Promise.all(
    opens.map(async ({ ref }) => [ref.split('/')[0], decodeProtectedHeader(await textOf(ref)).kid] as const),
  );
  expect(Object.fromEntries(signers)['aws']).toBe(next['messages']);
  expect(Object.fromEntries(signers)['sov']).not.toBe(next['messages']);
  const folder = { workingFolder: path.dirname(local.folder) };
  const exported = await runCommand(['export', dataset, '-o', 'rotated.jsonl', '--federation', local.folder], folder);
  expect([exported.code, exported.stderr]).toEqual([0, '']);
  const verified = await runCommand(['verify', 'rotated.jsonl', '--peers', local.folder], folder);
  expect([verified.code, verified.stderr]).toEqual([0, '']);
}, 240_000);

async function textOf(ref: string): Promise<string> {
  return new TextDecoder().decode((await local.exchange.get(ref)) ?? new Uint8Array());
}
