import type { ScheduleClient } from '@temporalio/client';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  applySchedules,
  backfillSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  scheduleClient,
  triggerSchedule,
} from '../../cli/temporal/schedules.js';
import { Dataset } from '../../core/federation/dataset.js';
import { scheduleId } from '../../core/names.js';
import { freshFederation, type TestFederation } from '../support/temporal.js';

function dataset(name: string, schedule?: object): Dataset {
  return Dataset.parse({
    dataset: name,
    types: ['person'],
    members: ['aws', 'azure'],
    ...(schedule ? { schedule } : {}),
  });
}

const hourly = dataset('people', { every: '1h' });

let test: TestFederation;
let client: ScheduleClient;
beforeEach(async () => {
  test = await freshFederation([]);
  client = scheduleClient(test.connection, test.federation);
});

const described = (name: string) => client.getHandle(scheduleId(name)).describe();

/** Nobody polls the queue, so what a schedule started stays open and can be counted. */
async function startedRuns(): Promise<number> {
  const { executions } = await test.connection.workflowService.listWorkflowExecutions({ namespace: test.namespace });
  return executions.length;
}

describe('concordat schedule apply', () => {
  it('starts scheduledRun of the dataset, skips while one is going and forgets starts that are too late', async () => {
    await applySchedules(client, [dataset('people', { every: '1h', jitter: '45s', catchUp: '20m' })]);
    const { action, policies, spec } = await described('people');
    expect(action).toMatchObject({
      type: 'startWorkflow',
      workflowType: 'scheduledRun',
      workflowId: 'scheduled/people',
      taskQueue: 'concordat',
      args: [{ dataset: 'people' }],
    });
    expect(policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 1_200_000 });
    expect(spec).toMatchObject({ intervals: [{ every: 3_600_000 }], jitter: 45_000 });
  });

  it('reads cron in the time zone of the file', async () => {
    await applySchedules(client, [dataset('people', { cron: '30 7 * * *', timeZone: 'Asia/Kathmandu', jitter: '1s' })]);
    const next = (await described('people')).info.nextActionTimes[0];
    // Kathmandu is 5 h 45 min ahead of UTC.
    expect(next?.toISOString().slice(11, 16)).toBe('01:45');
  });

  it('makes no schedule for a dataset that declares none', async () => {
    expect(await applySchedules(client, [dataset('people')])).toEqual([]);
    expect(await listSchedules(client, [dataset('people')])).toEqual([]);
  });

  it('changes nothing the second time', async () => {
    expect(await applySchedules(client, [hourly])).toEqual([{ dataset: 'people', outcome: 'created', paused: false }]);
    const before = await described('people');
    expect(await applySchedules(client, [hourly])).toEqual([{ dataset: 'people', outcome: 'updated', paused: false }]);
    const after = await described('people');
    expect([after.spec, after.action, after.policies]).toEqual([before.spec, before.action, before.policies]);
  });

  it('takes over a changed file and keeps a pause with its note', async () => {
    await applySchedules(client, [hourly]);
    await pauseSchedule(client, 'people', 'migration of the tenant');
    const applied = await applySchedules(client, [dataset('people', { every: '5m' })]);
    expect(applied).toEqual([{ dataset: 'people', outcome: 'updated', paused: true }]);
    const { spec, state } = await described('people');
    expect(spec.intervals?.[0]?.every).toBe(300_000);
    expect(state).toMatchObject({ paused: true, note: 'migration of the tenant' });
  });

  it('removes the schedule of a dataset that declares none any more only when asked to', async () => {
    await applySchedules(client, [hourly, dataset('teams', { every: '1h' })]);
    await vi.waitFor(async () => expect(await listSchedules(client, [])).toHaveLength(2), { timeout: 15_000 });
    expect(await applySchedules(client, [hourly])).toHaveLength(1);
    expect((await described('teams')).scheduleId).toBe('reconcile/teams');
    const pruned = await applySchedules(client, [hourly, dataset('teams')], { prune: true });
    expect(pruned).toContainEqual({ dataset: 'teams', outcome: 'removed', paused: false });
    await expect(described('teams')).rejects.toThrow();
    expect((await described('people')).scheduleId).toBe('reconcile/people');
  });
});

describe('concordat schedule list', () => {
  it('shows what is active, paused, not applied yet and no longer declared', async () => {
    const datasets = ['active', 'paused', 'gone'].map((name) => dataset(name, { every: '1h' }));
    await applySchedules(client, datasets);
    await pauseSchedule(client, 'paused', 'holiday');
    await vi.waitFor(async () => expect(await listSchedules(client, [])).toHaveLength(3), { timeout: 15_000 });
    const listed = await listSchedules(client, [...datasets.slice(0, 2), dataset('absent', { every: '1h' })]);
    expect(listed.map((entry) => [entry.dataset, entry.state, entry.note])).toEqual([
      ['absent', 'absent', undefined],
      ['active', 'active', undefined],
      ['gone', 'undeclared', undefined],
      ['paused', 'paused', 'holiday'],
    ]);
    expect(Date.parse(listed[1]?.next ?? '')).toBeGreaterThan(Date.now());
    expect(listed[3]?.next).toBeUndefined();
  });
});

describe('concordat schedule pause, resume, trigger and backfill', () => {
  it('pauses and goes on', async () => {
    await applySchedules(client, [hourly]);
    await pauseSchedule(client, 'people', 'audit');
    expect((await described('people')).state).toMatchObject({ paused: true, note: 'audit' });
    await resumeSchedule(client, 'people', 'audit is over');
    expect((await described('people')).state).toMatchObject({ paused: false, note: 'audit is over' });
  });

  it('triggers one run, and none beside one that is going', async () => {
    await applySchedules(client, [hourly]);
    await triggerSchedule(client, 'people');
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 15_000 });
    await triggerSchedule(client, 'people');
    await vi.waitFor(async () => expect((await described('people')).info.numActionsSkippedOverlap).toBe(1), {
      timeout: 15_000,
    });
    expect(await startedRuns()).toBe(1);
  });

  it('makes up for nine missed days with one run', async () => {
    await applySchedules(client, [dataset('people', { every: '1d' })]);
    const end = new Date();
    await backfillSchedule(client, 'people', { start: new Date(end.getTime() - 9 * 86_400_000), end });
    await vi.waitFor(async () => expect((await described('people')).info.numActionsSkippedOverlap).toBe(8), {
      timeout: 15_000,
    });
    await vi.waitFor(async () => expect(await startedRuns()).toBe(1), { timeout: 15_000 });
  });

  it('says that a dataset has no schedule and how to get one', async () => {
    const refusal = { code: 'notFound', message: expect.stringContaining('concordat schedule apply') as string };
    await expect(pauseSchedule(client, 'people', '')).rejects.toMatchObject(refusal);
    await expect(resumeSchedule(client, 'people', '')).rejects.toMatchObject(refusal);
    await expect(triggerSchedule(client, 'people')).rejects.toMatchObject(refusal);
    const period = { start: new Date(0), end: new Date(1) };
    await expect(backfillSchedule(client, 'people', period)).rejects.toMatchObject(refusal);
  });
});
