/** One of three authorities is away for three runs: the others go on, it loses nothing, and it comes back to what was sealed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunResult } from '../../workflows/messages.js';
import { awsTag, awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { startFederation, type LocalFederation } from '../support/local-federation.js';

let local: LocalFederation;

beforeAll(async () => {
  local = await startFederation({
    edit: (_file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace('waitInRun: 1h', 'waitInRun: 2m'),
    environmentOf: { federation: { CONCORDAT_ABSENT_AFTER: '4s' } },
  });
  seedEqual(local.sandbox, 6);
  expect(await local.run()).toMatchObject({ outcome: 'agreed', absent: [], agreement: { sequence: 1 } });
}, 180_000);
afterAll(() => local?.stop());

const ofAzure = (number: number) =>
  local.sandbox.entra.server.state.listUsers().find((user) => user.properties['employeeId'] === `E77${1_000 + number}`);

it('the others go on for three runs without it, write nothing to it, and delete nothing because of it', async () => {
  await local.endWorker('azure', 'SIGKILL');
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 1), 'department', 'Orchard');
  const moved = await local.run();
  expect(moved).toMatchObject({
    outcome: 'divergent',
    absent: [{ authority: 'azure', code: 'authorityAbsent' }],
    agreement: null,
    commits: [{ authority: 'sov', outcome: 'done' }],
  });
  expect(keystoneUser(local.sandbox, 1).extra['department']).toBe('Orchard');
  expect(ofAzure(1)?.properties['department']).not.toBe('Orchard');

  local.sandbox.keystone.server.state.removeUser(keystoneUser(local.sandbox, 5));
  const held = await local.run();
  expect(held).toMatchObject({ outcome: 'divergent', plan: { operations: 0 }, absent: [{ authority: 'azure' }] });
  expect(awsTag(local.sandbox, 5, 'department'), 'aws still has whom sov let go').toBeDefined();

  keystoneUser(local.sandbox, 2).extra['department'] = 'Archive';
  const third = await local.run();
  expect(third).toMatchObject({
    outcome: 'divergent',
    absent: [{ authority: 'azure' }],
    agreement: null,
    commits: [{ authority: 'aws', outcome: 'done' }],
  });
  expect(awsTag(local.sandbox, 2, 'department')).toBe('Archive');
  expect(ofAzure(2)?.properties['department']).not.toBe('Archive');
}, 180_000);

it('and when it is back it gets what it missed, by its own people, and all agree', async () => {
  await local.startWorker('azure');
  const back = await local.run();
  expect(back).toMatchObject({ absent: [], agreement: { sequence: 2 } });
  expect(ofAzure(1)?.properties['department']).toBe('Orchard');
  expect(ofAzure(2)?.properties['department']).toBe('Archive');
  expect(ofAzure(5), 'the deletion was asked once all could be').toBeUndefined();
  const quiet: RunResult = await local.run();
  expect(quiet).toMatchObject({ outcome: 'agreed', absent: [], left: 0, plan: { operations: 0 } });
}, 180_000);
