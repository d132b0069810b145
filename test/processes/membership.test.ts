/** An authority leaves a dataset and comes to it again: the others go on, and a newcomer's first contact deletes nothing. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';

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
