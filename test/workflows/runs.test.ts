/** Runs that meet what goes wrong outside: clouds that fail, workers that are away, files that differ, two starts at once. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listUnsettled } from '../../activities/authority/unsettled.js';
import { prepareTemporal } from '../../activities/temporal-setup/prepare-temporal.js';
import { compareGroupCount } from '../../core/compare-groups.js';
import { federationEndpoint, reconcileWorkflowId, scheduledWorkflowId, taskQueue } from '../../core/names.js';
import type { RunResult } from '../../workflows/messages.js';
import {
  addToAws,
  awsTag,
  awsUser,
  keystoneUser,
  seededPerson,
  seedEqual,
  teamHandle,
} from '../support/equal-clouds.js';
import { dataset, eventually, startFederation, type LocalFederation } from '../support/local-federation.js';

let local: LocalFederation;
const departmentAtAws = (number: number): unknown => awsTag(local.sandbox, number, 'department');
const changeAtSov = (number: number, department: string): void => {
  keystoneUser(local.sandbox, number).extra['department'] = department;
};

async function failureOf(work: Promise<unknown>): Promise<{ readonly type: unknown; readonly message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure)
      return { type: error.cause.type, message: error.cause.message };
    throw error;
  }
  throw new Error('it did not fail');
}

beforeAll(async () => {
  local = await startFederation({
    members: ['aws', 'sov'],
    edit: (_file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace('waitInRun: 1h', 'waitInRun: 2m'),
  });
  seedEqual(local.sandbox, 8);
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
});
afterAll(() => local?.stop());
beforeEach(async () => {
  for (const cloud of [local.sandbox.aws, local.sandbox.keystone]) cloud.server.faults.clear();
  await local.idle();
});

interface Events {
  /** All but those of workflow tasks: how many of these there are depends on which answers come together. */
  readonly exact: number;
  readonly groups: number;
  /** Who did the groups. */
  readonly workers: ReadonlySet<string>;
}

async function plannedBy(): Promise<{ readonly result: RunResult; readonly events: Events }> {
  const handle = await local.start({ planOnly: true });
  const result = (await handle.result()) as RunResult;
  const { events } = await local.client().workflow.getHandle(handle.workflowId).fetchHistory();
  const all = events ?? [];
  const scheduled = new Set(
    all.flatMap(({ eventId, activityTaskScheduledEventAttributes: scheduling }) =>
      scheduling?.activityType?.name === 'compareGroup' ? [Number(eventId)] : [],
    ),
  );
  const workers = new Set(
    all.flatMap(({ activityTaskStartedEventAttributes: started }) =>
      started && scheduled.has(Number(started.scheduledEventId)) ? [started.identity ?? ''] : [],
    ),
  );
  const isTask = (one: (typeof all)[number]): boolean =>
    Boolean(
      one.workflowTaskScheduledEventAttributes ??
      one.workflowTaskStartedEventAttributes ??
      one.workflowTaskCompletedEventAttributes,
    );
  return { result, events: { exact: all.filter((one) => !isTask(one)).length, groups: scheduled.size, workers } };
}

describe('a large compare', () => {
  it('has three events more for each group, which any worker of the coordinator may take, and the same plan', async () => {
    changeAtSov(1, 'Archive');
    local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 2), 'displayName', 'Quillan Other');
    const small = await plannedBy();
    expect(small.events.groups).toBe(0);
    await local.endWorker('federation', 'SIGTERM');
    const parted = { CONCORDAT_COMPARE_GROUP_RECORDS: '2' };
    await local.startWorker('federation', parted);
    await local.startWorker('federation', parted, 'federation-too');
    const records = Object.values(small.result.records).reduce((sum, count) => sum + count, 0);
    const groups = compareGroupCount(records, 2);
    expect(groups).toBeGreaterThanOrEqual(8);
    const workers = new Set<string>();
    // Which of two that wait gets a group is chance: after so many runs both had some.
    for (let run = 0; run < 5 && workers.size < 2; run += 1) {
      const large = await plannedBy();
      expect(large.result.plan.planDigest).toBe(small.result.plan.planDigest);
      expect(large.events.groups).toBe(groups);
      expect(large.events.exact).toBe(small.events.exact + 3 * groups);
      for (const worker of large.events.workers) workers.add(worker);
    }
    expect(workers.size).toBe(2);
    await local.endWorker('federation-too', 'SIGTERM');
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  }, 120_000);
});

describe('a cloud that fails', () => {
  it('in the middle of a write gives an unknown receipt: a read or a person settles it, and nothing is doubled', async () => {
    changeAtSov(3, 'Harbour');
    addToAws(local.sandbox, seededPerson(20));
    local.sandbox.aws.server.faults.add({ kind: 'resetBefore', operation: 'iam:TagUser' });
    local.sandbox.keystone.server.faults.add({ kind: 'resetAfter', operation: 'POST /v3/users' });
    const first = await local.run();
    expect(first).toMatchObject({
      outcome: 'divergent',
      left: 2,
      commits: [
        { authority: 'aws', outcome: 'incomplete', counts: { unknown: 1 } },
        { authority: 'sov', outcome: 'incomplete', counts: { unknown: 1 } },
      ],
    });
    // The write that did happen is found. The one that does not show may still be under way, so it is not repeated.
    const second = await local.run({}, false);
    expect(second).toMatchObject({ outcome: 'divergent', left: 1, commits: [] });
    expect(departmentAtAws(3)).not.toBe('Harbour');
    const [open, ...more] = await listUnsettled({ privateStore: local.privateStore('aws') }, dataset);
    if (!open) throw new Error('nothing is unsettled');
    expect([more, await listUnsettled({ privateStore: local.privateStore('sov') }, dataset)]).toEqual([[], []]);
    const { operation, permit } = open;
    await local.say({ kind: 'settle', authority: 'aws', operation, permit, verdict: 'notApplied', reason: null });
    // The decision on it still stands, so nobody is asked again.
    const third = await local.run({}, false);
    expect(third).toMatchObject({ outcome: 'agreed', left: 0, commits: [{ authority: 'aws', outcome: 'done' }] });
    expect(departmentAtAws(3)).toBe('Harbour');
    for (const id of ['aws', 'sov'])
      expect(await listUnsettled({ privateStore: local.privateStore(id) }, dataset)).toEqual([]);
    expect(keystoneUser(local.sandbox, 20).extra['display_name']).toBe(seededPerson(20).displayName);
    expect(local.sandbox.keystone.server.calls()['POST /v3/users']).toBe(1);
  });

  it('with a scope that may not be read is named, and nothing is deleted because of it', async () => {
    local.sandbox.keystone.server.faults.add({ kind: 'forbidden', operation: 'GET /v3/users', count: 'always' });
    local.sandbox.aws.server.state.removeUser(awsUser(local.sandbox, 7));
    const result = await local.run({}, false);
    expect(result).toMatchObject({ outcome: 'divergent', plan: { operations: 0 } });
    expect(result.plan.incompleteScopes.join()).toMatch(/sov .*\(forbidden\)/);
    local.sandbox.keystone.server.faults.clear();
    const next = await local.run();
    expect(next).toMatchObject({ outcome: 'agreed', commits: [{ authority: 'sov', counts: { applied: 1 } }] });
    expect(() => keystoneUser(local.sandbox, 7)).toThrow('there are 0');
  });

  it('that shows an empty list where the base was not empty deletes nothing', async () => {
    const { state } = local.sandbox.keystone.server;
    const group = state.groups.named('workforce', teamHandle);
    if (!group) throw new Error('the team is gone');
    state.groups.remove(group);
    const result = await local.run({}, false);
    expect(result).toMatchObject({ outcome: 'divergent', plan: { operations: 0 } });
    expect(result.plan.incompleteScopes.join()).toContain('emptyWhereBaseWasNot');
    state.groups.add(group);
    expect(await local.run()).toMatchObject({ outcome: 'agreed', plan: { operations: 0 } });
  });

  it.each(['cutBody', 'serverFault'] as const)('once while it is read (%s) costs nothing but time', async (kind) => {
    const operation = 'iam:GetAccountAuthorizationDetails';
    local.sandbox.aws.server.faults.add({ kind, operation });
    expect(await local.run({}, false)).toMatchObject({
      outcome: 'agreed',
      plan: { operations: 0, incompleteScopes: [] },
    });
    expect(local.sandbox.aws.server.faults.list()).toEqual([]);
  });

  it('is read to its end by the next worker where kill -9 ended the one that read it', async () => {
    local.sandbox.keystone.server.faults.add({ kind: 'slow', operation: 'GET /v3/groups', delayMs: 60_000 });
    const handle = await local.start();
    await eventually('the slow list to be asked for', () =>
      Promise.resolve(local.sandbox.keystone.server.faults.list().length === 0),
    );
    await local.endWorker('sov', 'SIGKILL');
    await local.startWorker('sov');
    expect((await handle.result()) as RunResult).toMatchObject({
      outcome: 'agreed',
      plan: { operations: 0, incompleteScopes: [] },
    });
  }, 120_000);
});

describe('two starts', () => {
  const scheduled = (): Promise<{ started: boolean }> =>
    local.client().workflow.execute('scheduledRun', {
      workflowId: `${scheduledWorkflowId(dataset)}-${Date.now()}`,
      taskQueue,
      args: [{ dataset }],
    }) as Promise<{ started: boolean }>;

  it('give one run: the schedule starts none beside a run by hand', async () => {
    changeAtSov(4, 'Mill');
    const handle = await local.start();
    const plan = await local.planOf(handle);
    expect(await scheduled()).toEqual({ started: false });
    await local.decide('aws', plan.planDigest);
    expect((await handle.result()) as RunResult).toMatchObject({ outcome: 'agreed' });
  });

  it('give one run: nobody starts one by hand beside the schedule', async () => {
    changeAtSov(5, 'Quarry');
    expect(await scheduled()).toEqual({ started: true });
    await expect(local.start()).rejects.toMatchObject({ name: 'WorkflowExecutionAlreadyStartedError' });
    const handle = local.client().workflow.getHandle(reconcileWorkflowId(dataset));
    const plan = await local.planOf(handle as never);
    await local.decide('aws', plan.planDigest);
    expect(await handle.result()).toMatchObject({ outcome: 'agreed' });
    expect(departmentAtAws(5)).toBe('Quarry');
  });
});

describe('a run that cannot begin', () => {
  it('says that there is no such dataset, and which there are', async () => {
    const handle = await local.client().workflow.start('reconcile', {
      workflowId: reconcileWorkflowId('nobody'),
      taskQueue,
      args: [{ dataset: 'nobody' }],
    });
    const failure = await failureOf(handle.result());
    expect(failure).toMatchObject({ type: 'notFound' });
    expect(failure.message).toContain(dataset);
  });

  it('names the Nexus endpoint that is missing instead of waiting for it', async () => {
    const connection = local.client().connection;
    const name = federationEndpoint(local.name);
    const { endpoints } = await connection.operatorService.listNexusEndpoints({ name });
    const [endpoint] = endpoints;
    if (!endpoint?.id || !endpoint.version) throw new Error('the endpoint is not there');
    await connection.operatorService.deleteNexusEndpoint({ id: endpoint.id, version: endpoint.version });
    const failure = await failureOf((await local.start()).result());
    expect(failure).toMatchObject({ type: 'endpointMissing' });
    expect(failure.message).toContain(name);
    await prepareTemporal({
      connection: connection as Parameters<typeof prepareTemporal>[0]['connection'],
      federation: local.name,
      authorities: ['aws', 'sov'],
      retentionDays: 1,
    });
    await eventually('a run to begin again', async () => {
      const handle = await local.start();
      return handle.result().then(
        () => true,
        () => false,
      );
    });
  });

  it('says so where two members hold different federation files', async () => {
    const other = path.join(local.folder, '..', 'other');
    await cp(local.folder, other, { recursive: true, filter: (source) => !source.includes('.concordat') });
    const file = path.join(other, 'datasets', `${dataset}.yaml`);
    await writeFile(file, (await readFile(file, 'utf8')).replace('commit: permitted', 'commit: allOrNothing'));
    await local.endWorker('sov', 'SIGKILL');
    await local.startWorker('sov', { CONCORDAT_FEDERATION: other });
    const failure = await failureOf((await local.start()).result());
    expect(failure).toMatchObject({ type: 'configurationDiffers' });
    await local.endWorker('sov', 'SIGKILL');
  }, 120_000);

  it('names the authority whose worker is away, once its patience is over', async () => {
    await local.endWorker('federation', 'SIGKILL');
    await local.startWorker('federation', { CONCORDAT_ABSENT_AFTER: '4s' });
    const failure = await failureOf((await local.start()).result());
    expect(failure).toMatchObject({ type: 'waitingForMajority' });
    expect(failure.message).toContain('sov');
    expect(failure.message).not.toContain('aws (');
  }, 120_000);
});
