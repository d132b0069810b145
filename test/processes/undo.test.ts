/** A run that is undone by the commands that people use: shown, signed, planned, approved by somebody else, proved. */
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { awsTag, keystoneUser, seededPerson, seedEqual } from '../support/equal-clouds.js';
import { startFederation, type LocalFederation } from '../support/local-federation.js';
import { runCommand, type CommandRun } from '../support/run-command.js';
import { temporalAddress } from '../support/temporal.js';
import type { RunResult } from '../../workflows/messages.js';

let local: LocalFederation;
let before: string | undefined;
let harmful: string;
const { displayName } = seededPerson(1);

beforeAll(async () => {
  local = await startFederation({
    members: ['aws', 'sov'],
    approvers: ['you', 'two'],
    edit: (_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'),
  });
  seedEqual(local.sandbox, 4);
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  before = awsTag(local.sandbox, 1, 'department');
  keystoneUser(local.sandbox, 1).extra['department'] = 'Mistake';
  await local.idle();
  const handle = await local.start();
  const { planDigest } = await local.planOf(handle);
  await local.decide('aws', planDigest);
  expect(await handle.result()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 2 } });
  harmful = handle.firstExecutionRunId;
  expect(awsTag(local.sandbox, 1, 'department')).toBe('Mistake');
}, 240_000);
afterAll(() => local?.stop());

async function concordat(...argv: readonly string[]): Promise<CommandRun> {
  return runCommand([...argv, '--federation', local.folder], {
    workingFolder: path.dirname(local.folder),
    environment: { TEMPORAL_ADDRESS: await temporalAddress() },
  });
}

it('says what would go back and signs nothing without a name', async () => {
  const shown = await concordat('undo', 'latest');
  expect([shown.code, shown.stderr]).toEqual([0, '']);
  expect(shown.stdout).toContain(`change person ${displayName}: department`);
  const missing = await concordat('undo', 'latest', '--as', 'you', '--authority', 'aws', '--key', 'Nobody At All');
  expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('this run wrote no record')]);
});

it('goes back through the approval of somebody else, and is over then', async () => {
  const signed = await concordat('undo', 'latest', '--as', 'you', '--authority', 'aws', '--yes');
  expect(signed.code, signed.stderr).toBe(0);
  expect(signed.stdout).toContain('aws has it from you: 1 record of run');
  await local.idle();
  const handle = await local.start();
  const { planDigest } = await local.planOf(handle);
  const plan = await concordat('plan', planDigest.slice(0, 12));
  expect(plan.stdout).toMatch(/you of aws undoes agreement 2/);
  expect(plan.stdout).toContain('because people of aws undo what an earlier run agreed on');
  for (const authority of ['aws', 'sov']) await local.decide(authority, planDigest, { approver: 'two' });
  const result = (await handle.result()) as RunResult;
  expect(result).toMatchObject({ outcome: 'agreed', agreement: { sequence: 3 }, left: 0 });
  expect(awsTag(local.sandbox, 1, 'department')).toBe(before);
  expect(keystoneUser(local.sandbox, 1).extra['department']).toBe(before);
  await local.idle();
  expect(await local.run()).toMatchObject({ outcome: 'agreed', agreement: null, left: 0 });
}, 120_000);

it('leaves a lineage with both agreements that verifies, and an export of the undo that verifies', async () => {
  const lineage = await concordat('lineage', displayName, '--json');
  expect(lineage.code, lineage.stdout).toBe(0);
  expect(lineage.stdout).toContain('"sequence": 2');
  expect(lineage.stdout).toContain('"sequence": 3');
  const file = path.join(path.dirname(local.folder), 'undo.export');
  const exported = await concordat('export', 'workforce@3', '-o', file);
  expect(exported.code, exported.stdout + exported.stderr).toBe(0);
});

it('has nothing left to undo or to withdraw', async () => {
  const again = await concordat('undo', harmful, '--as', 'you', '--authority', 'aws', '--yes');
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('has moved since')]);
  const withdrawn = await concordat('undo', harmful, '--withdraw', '--as', 'you', '--authority', 'aws');
  expect([withdrawn.code, withdrawn.stderr]).toEqual([1, expect.stringContaining('no undo of run')]);
});
