/** People decide: by Update and by Signal, in part, late, never, or about a plan that has changed meanwhile. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reconcileWorkflowId, reviewWorkflowId } from '../../core/names.js';
import type { RunResult } from '../../workflows/messages.js';
import { decideUpdate } from '../../workflows/messages.js';
import { awsTag, awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import {
  dataset,
  eventually,
  startFederation,
  type LocalFederation,
  type ReconcileHandle,
} from '../support/local-federation.js';

let local: LocalFederation;

/** No name is used twice, so that no test meets the operations of another. */
let used = 0;
const word = (): string => `Unit ${(used += 1)}`;

/** sov changes a department: one operation for aws. */
function changeAtSov(number: number): string {
  const department = word();
  keystoneUser(local.sandbox, number).extra['department'] = department;
  return department;
}
/** aws changes a display name: one operation for sov. */
function changeAtAws(number: number): string {
  const displayName = word();
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, number), 'displayName', displayName);
  return displayName;
}
const departmentAtAws = (number: number): string | undefined => awsTag(local.sandbox, number, 'department');
const nameAtSov = (number: number): unknown => keystoneUser(local.sandbox, number).extra['display_name'];

async function reviewOutcome(authority: string, plan: string): Promise<string> {
  const result = (await local.client(authority).workflow.getHandle(reviewWorkflowId(dataset, plan)).result()) as {
    outcome: string;
  };
  return result.outcome;
}
async function runsOfDataset(): Promise<number> {
  const { count } = await local.client().workflow.count("WorkflowType = 'reconcile'");
  return count;
}
const resultOf = async (handle: ReconcileHandle): Promise<RunResult> => (await handle.result()) as RunResult;

describe('reviews of two authorities with one approver each', () => {
  beforeAll(async () => {
    local = await startFederation({
      members: ['aws', 'sov'],
      approvers: ['you', 'two'],
      edit: (_file, text) =>
        text
          .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
          .replace('waitInRun: 1h', 'waitInRun: 12s'),
    });
    seedEqual(local.sandbox, 8);
    const first = await local.run();
    expect(first).toMatchObject({ outcome: 'agreed', newLinks: 18, agreement: { sequence: 1 } });
  });
  afterAll(() => local?.stop());
  beforeEach(() => local.idle());

  it('take the same kind of decision by Update and by Signal, and what is wrong leaves no event behind', async () => {
    const [department, displayName] = [changeAtSov(0), changeAtAws(1)];
    const handle = await local.start();
    const plan = await local.planOf(handle);
    expect(plan.affected).toEqual(['aws', 'sov']);
    await local.sheet('aws', plan.planDigest);
    const review = local.client('aws').workflow.getHandle(reviewWorkflowId(dataset, plan.planDigest));
    const before = await local.events(review, 'aws');
    const send = (envelope: unknown): Promise<unknown> =>
      review.executeUpdate(decideUpdate, { args: [envelope as never] });
    await expect(send({ plan: 'a'.repeat(64), jws: 'x' })).rejects.toMatchObject({
      cause: { type: 'decisionForOtherPlan' },
    });
    await expect(send({ plan: plan.planDigest })).rejects.toMatchObject({ cause: { type: 'decisionMalformed' } });
    await expect(send('yes')).rejects.toMatchObject({ cause: { type: 'decisionMalformed' } });
    expect(await local.events(review, 'aws')).toBe(before);
    await expect(send({ plan: plan.planDigest, jws: 'no.such.signature' })).rejects.toMatchObject({
      cause: { type: 'decisionSignature' },
    });
    await local.decide('aws', plan.planDigest, { by: 'update' });
    await local.decide('sov', plan.planDigest, { by: 'signal' });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'agreed',
      left: 0,
      reviews: [
        { authority: 'aws', outcome: 'approved', approved: 1 },
        { authority: 'sov', outcome: 'approved', approved: 1 },
      ],
      commits: [
        { authority: 'aws', outcome: 'done' },
        { authority: 'sov', outcome: 'done' },
      ],
    });
    expect([departmentAtAws(0), nameAtSov(1)]).toEqual([department, displayName]);
  });

  it('keep a rejected change divergent with its reason and end, and commit what the other authority approved', async () => {
    const [department, displayName] = [changeAtSov(0), changeAtAws(1)];
    const handle = await local.start();
    const plan = await local.planOf(handle);
    await local.decide('aws', plan.planDigest, { kind: 'reject' });
    await local.decide('sov', plan.planDigest);
    const result = await resultOf(handle);
    expect(result.reviews).toMatchObject([
      { authority: 'aws', outcome: 'rejected', rejected: 1 },
      { authority: 'sov', outcome: 'approved' },
    ]);
    expect(result).toMatchObject({ outcome: 'divergent', left: 1 });
    expect(nameAtSov(1)).toBe(displayName);
    expect(departmentAtAws(0)).not.toBe(department);
    const next = await local.run({}, false);
    expect(next).toMatchObject({ left: 0, plan: { operations: 0, accepted: 1 } });
    const accepted = (await local.plan(next.plan.plan)).divergences.flatMap((divergence) => divergence.accepted);
    expect(accepted).toMatchObject([{ authority: 'aws', reason: 'not now' }]);
    expect(accepted[0]?.untilMs).toBeGreaterThan(Date.now());
    // Somebody gives in: nothing stays open for the tests that follow.
    keystoneUser(local.sandbox, 0).extra['department'] = departmentAtAws(0);
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  });

  it('of a silent authority end the run as pending, the other is written, and a late approval starts a run at once', async () => {
    const [department, displayName] = [changeAtSov(2), changeAtAws(3)];
    const handle = await local.start();
    const plan = await local.planOf(handle);
    await local.decide('sov', plan.planDigest);
    const result = await resultOf(handle);
    expect(result).toMatchObject({
      outcome: 'approvalPending',
      reviews: [
        { authority: 'aws', outcome: 'pending' },
        { authority: 'sov', outcome: 'approved' },
      ],
      commits: [{ authority: 'sov', outcome: 'done' }],
    });
    expect(nameAtSov(3)).toBe(displayName);
    expect(departmentAtAws(2)).not.toBe(department);
    const runs = await runsOfDataset();
    await local.decide('aws', plan.planDigest);
    await eventually('the late approval to be written', () => Promise.resolve(departmentAtAws(2) === department));
    await local.idle();
    await eventually('the run that was asked for to be listed', async () => (await runsOfDataset()) === runs + 1);
    const last = local.client().workflow.getHandle(reconcileWorkflowId(dataset));
    expect(await last.result()).toMatchObject({ outcome: 'agreed' });
  });

  it('that are open are attached to by a later run with the same plan', async () => {
    const department = changeAtSov(4);
    const first = await local.run({ noWait: true }, false);
    expect(first.outcome).toBe('approvalPending');
    const { planDigest } = first.plan;
    const review = local.client('aws').workflow.getHandle(reviewWorkflowId(dataset, planDigest));
    const { runId } = await review.describe();
    const handle = await local.start();
    expect((await local.planOf(handle)).planDigest).toBe(planDigest);
    await local.decide('aws', planDigest);
    expect(await resultOf(handle)).toMatchObject({ outcome: 'agreed', commits: [{ outcome: 'done' }] });
    expect((await review.describe()).runId).toBe(runId);
    expect(departmentAtAws(4)).toBe(department);
  });

  it('are replaced by another plan, which carries decisions on identical operations and asks only what is new', async () => {
    const [one, two] = [changeAtSov(5), changeAtSov(6)];
    const first = await local.run({ noWait: true }, false);
    const operations = (await local.plan(first.plan.plan)).operations;
    expect(operations).toHaveLength(2);
    await local.decide('aws', first.plan.planDigest, { only: ({ id }) => id === operations[0]?.id });
    expect(await local.status('aws', first.plan.planDigest)).toMatchObject({ approved: 1, open: 1, missing: 1 });
    const three = changeAtSov(7);
    const handle = await local.start();
    const second = await local.planOf(handle);
    expect(second.planDigest).not.toBe(first.plan.planDigest);
    await local.sheet('aws', second.planDigest);
    expect(await local.status('aws', second.planDigest)).toMatchObject({ approved: 1, open: 2 });
    expect(await reviewOutcome('aws', first.plan.planDigest)).toBe('replaced');
    await local.decide('aws', second.planDigest, { only: ({ id }) => id !== operations[0]?.id });
    expect(await resultOf(handle)).toMatchObject({ outcome: 'agreed', commits: [{ counts: { applied: 3 } }] });
    expect([5, 6, 7].map(departmentAtAws)).toEqual([one, two, three]);
  });

  it('may approve a part and reject the rest: the part is written', async () => {
    const [one, two] = [changeAtSov(0), changeAtSov(1)];
    const handle = await local.start();
    const plan = await local.planOf(handle);
    const [first] = (await local.plan(plan.plan)).operations;
    await local.decide('aws', plan.planDigest, { only: ({ id }) => id === first?.id });
    await local.decide('aws', plan.planDigest, { only: ({ id }) => id !== first?.id, kind: 'reject' });
    expect(await resultOf(handle)).toMatchObject({
      outcome: 'divergent',
      reviews: [{ outcome: 'partlyApproved', approved: 1, rejected: 1 }],
      commits: [{ counts: { applied: 1 } }],
    });
    expect([departmentAtAws(0) === one, departmentAtAws(1) === two].filter(Boolean)).toHaveLength(1);
    for (const number of [0, 1]) keystoneUser(local.sandbox, number).extra['department'] = departmentAtAws(number);
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  });

  it('outlive kill -9 of the worker of their authority: the decision given afterwards is written', async () => {
    const department = changeAtSov(2);
    const handle = await local.start();
    const plan = await local.planOf(handle);
    await local.sheet('aws', plan.planDigest);
    await local.endWorker('aws', 'SIGKILL');
    await local.startWorker('aws');
    await local.decide('aws', plan.planDigest);
    await eventually('the approved change', () => Promise.resolve(departmentAtAws(2) === department));
    await local.idle();
  });

  it('are withdrawn with a run that a person cancels, and nothing is written', async () => {
    const department = changeAtSov(3);
    const handle = await local.start();
    const plan = await local.planOf(handle);
    await local.sheet('aws', plan.planDigest);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow(/cancel/i);
    expect(await reviewOutcome('aws', plan.planDigest)).toBe('withdrawn');
    expect(departmentAtAws(3)).not.toBe(department);
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
    expect(departmentAtAws(3)).toBe(department);
  });
});
