/**
 * A federation that tells an OpenLineage endpoint of its runs: quiet and busy ones, with absent members, failed and
 * terminated ones, while the endpoint never answers and the worker is killed. What comes is held against the published
 * schemas and against everything that must stay inside.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reconcileWorkflowId } from '../../core/names.js';
import type { RunEvent } from '../../core/open-lineage/run-event.js';
import { startReceiver, type Receiver } from '../activities/open-lineage/receiver.js';
import { runCommand } from '../support/run-command.js';
import { awsUser, entraUser, keystoneUser, seededPerson, seedEqual } from '../support/equal-clouds.js';
import { dataset, eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { faultsOf } from '../support/open-lineage.js';

let local: LocalFederation;
let receiver: Receiver;
const people = 6;
const eventsMax = 60;

beforeAll(async () => {
  receiver = await startReceiver();
  receiver.always = 'hang';
  local = await startFederation({
    edit: (_file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace('waitInRun: 1h', 'waitInRun: 2m'),
    environmentOf: {
      federation: {
        CONCORDAT_ABSENT_AFTER: '3s',
        CONCORDAT_LINEAGE_EVERY: '200ms',
        CONCORDAT_LINEAGE_TIMEOUT: '700ms',
        OPENLINEAGE_URL: receiver.url,
        OPENLINEAGE_API_KEY: 'k-lineage-91',
      },
    },
  });
  seedEqual(local.sandbox, people);
}, 300_000);
afterAll(async () => {
  await local?.stop();
  await receiver?.close();
});

/** Events by the id of their execution, as soon as both are there. */
const told = async (workflowRunId: string): Promise<{ readonly start: RunEvent; readonly end: RunEvent }> =>
  eventually(
    `the events of ${workflowRunId}`,
    async () => {
      const events = receiver.posted.map(({ event }) => event as RunEvent);
      const end = events.find(({ run }) => run.facets['concordat_reconciliation']?.['workflowRunId'] === workflowRunId);
      const start = events.find(({ eventType, run }) => eventType === 'START' && run.runId === end?.run.runId);
      return start && end ? { start, end } : undefined;
    },
    100_000,
  );
const lineageEvents = async (...more: string[]) => {
  const { code, stdout } = await runCommand(['lineage-events', '--json', ...more], {
    workingFolder: local.folder,
    environment: { CONCORDAT_FEDERATION: local.folder },
  });
  return { code, ...(JSON.parse(stdout) as { waiting: object[]; refused: object[]; trouble: object | null }) };
};

let busyRun: string;
let quietRun: string;

describe('while the endpoint never answers', () => {
  it('runs end as they would without one, in not one history event more', async () => {
    expect(await local.run()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 1 } });
    keystoneUser(local.sandbox, 2).extra['department'] = 'Harbour';
    const busy = await local.start();
    const plan = await local.planOf(busy);
    await Promise.all(plan.affected.map((authority) => local.decide(authority, plan.planDigest)));
    expect(await busy.result()).toMatchObject({ outcome: 'agreed', agreement: { sequence: 2 } });
    busyRun = busy.firstExecutionRunId;
    await local.idle();
    const quiet = await local.start();
    expect(await quiet.result()).toMatchObject({ outcome: 'agreed', agreement: null });
    quietRun = quiet.firstExecutionRunId;
    const history = await quiet.fetchHistory();
    expect(history.events?.length).toBeLessThanOrEqual(eventsMax);
    expect(JSON.stringify(history)).not.toMatch(/lineage/i);
    await eventually('an event to be sent', async () => receiver.posted.length > 0);
    const state = await lineageEvents();
    expect(state).toMatchObject({ refused: [], trouble: { kind: 'unreachable', reason: 'tooSlow' }, code: 1 });
    expect(state.waiting.length).toBeGreaterThan(0);
  });

  it('a worker that is killed while it posts leaves everything to its successor', async () => {
    const sent = receiver.posted.length;
    await eventually('another attempt', async () => receiver.posted.length > sent);
    await local.endWorker('federation', 'SIGKILL');
    const attempts = receiver.posted.splice(0).map(({ body }) => body);
    receiver.always = { status: 201 };
    await local.startWorker('federation');
    const [{ end }] = await Promise.all([told(busyRun), told(quietRun)]);
    expect(end).toMatchObject({ eventType: 'COMPLETE' });
    expect(attempts.length).toBeGreaterThan(0);
    // What was sent in vain is sent again to the byte.
    for (const body of attempts) expect(receiver.posted.map((one) => one.body)).toContain(body);
    expect(receiver.posted.every(({ authorization }) => authorization === 'Bearer k-lineage-91')).toBe(true);
    await eventually('an empty outbox', async () => (await lineageEvents()).waiting.length === 0);
    expect(await lineageEvents()).toMatchObject({ code: 0, trouble: null });
  });
});

describe('what is told', () => {
  it('of a run that wrote and agreed: what was read, what was written, what was agreed, and the logs that cover it', async () => {
    const { start, end } = await told(busyRun);
    expect(start.inputs.map(({ namespace }) => namespace)).toHaveLength(3);
    expect(end.inputs.map(({ facets }) => facets['version'] !== undefined)).toEqual([true, true, true, true]);
    expect(end.outputs.map(({ namespace }) => namespace)).toEqual([
      `concordat://${local.name}/aws`,
      `concordat://${local.name}/azure`,
      `concordat://${local.name}`,
    ]);
    const agreed = end.outputs.at(-1)?.facets['concordat_lineage'];
    expect(agreed).toMatchObject({ sequence: 2 });
    const { end: quiet } = await told(quietRun);
    expect(quiet.outputs).toEqual([]);
    const base = quiet.inputs.find(({ namespace }) => namespace === `concordat://${local.name}`);
    expect(base?.facets['version']?.['datasetVersion'], 'the next run reads what this one agreed').toBe(
      agreed?.['root'],
    );
  });

  it('of a run without a member, of one that found no majority, and of one that was terminated', async () => {
    await local.idle();
    await local.endWorker('azure', 'SIGKILL');
    const absent = await local.start();
    await absent.result();
    await local.endWorker('sov', 'SIGKILL');
    const failing = await local.start();
    await expect(failing.result()).rejects.toThrow();
    const ended = await local.start();
    await local.client().workflow.getHandle(reconcileWorkflowId(dataset), ended.firstExecutionRunId).terminate();
    const [first, second, third] = await Promise.all(
      [absent, failing, ended].map(({ firstExecutionRunId }) => told(firstExecutionRunId)),
    );
    expect(first?.end.run.facets['concordat_reconciliation']).toMatchObject({
      outcome: 'divergent',
      absent: [{ authority: 'azure', code: 'authorityAbsent' }],
    });
    expect(first?.end.inputs.map(({ namespace }) => namespace)).not.toContain(`concordat://${local.name}/azure`);
    expect(second?.end).toMatchObject({
      eventType: 'FAIL',
      run: { facets: { errorMessage: { message: expect.stringMatching(/^waitingForMajority: /) as string } } },
    });
    expect(third?.end.eventType).toBe('ABORT');
  });

  it('keeps to the published schemas, is one START and one end for each run in this order, and names nobody', () => {
    const texts = receiver.posted.map(({ body }) => body);
    expect(texts.length).toBeGreaterThanOrEqual(12);
    const open = new Set<string>();
    for (const text of new Set(texts)) {
      const event = JSON.parse(text) as RunEvent;
      expect(faultsOf(event)).toEqual([]);
      if (event.eventType === 'START') open.add(event.run.runId);
      else expect(open.has(event.run.runId), event.eventType).toBe(true);
    }
    expect(new Set(texts).size).toBe(2 * open.size);
    const forbidden = ['Harbour', 'k-lineage-91'];
    for (let number = 0; number < people; number += 1) {
      const { displayName, mail, employeeId } = seededPerson(number);
      const aws = awsUser(local.sandbox, number);
      forbidden.push(displayName, mail, employeeId, aws.id, aws.name, entraUser(local.sandbox, number).id);
      forbidden.push(keystoneUser(local.sandbox, number).id);
    }
    for (const word of forbidden) {
      expect(word.length).toBeGreaterThan(3);
      for (const text of texts) expect(text).not.toContain(word);
    }
  });
});
