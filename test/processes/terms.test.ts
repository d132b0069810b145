/** The terms of authorities over a real server: a quorum of two, all or nothing, and a deadline that passes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reviewWorkflowId } from '../../core/names.js';
import type { RunResult } from '../../workflows/messages.js';
import { awsTag, awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';

let local: LocalFederation;
const departmentAtAws = (number: number): unknown => awsTag(local.sandbox, number, 'department');
const nameAtSov = (number: number): unknown => keystoneUser(local.sandbox, number).extra['display_name'];
const changeAtSov = (number: number): void => {
  keystoneUser(local.sandbox, number).extra['department'] = `Unit ${number}`;
};
const changeAtAws = (number: number): void =>
  local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, number), 'displayName', `Name ${number}`);

async function runs(): Promise<number> {
  const { count } = await local.client().workflow.count("WorkflowType = 'reconcile'");
  return count;
}

describe('a dataset of all or nothing, between an authority with a short deadline and one with two approvers', () => {
  beforeAll(async () => {
    local = await startFederation({
      members: ['aws', 'sov'],
      approvers: ['you', 'two'],
      edit: (file, text) => {
        const calm = text
          .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
          .replace('waitInRun: 1h', 'waitInRun: 2m')
          .replace('commit: permitted', 'commit: allOrNothing');
        if (file === 'authorities/aws.yaml') return calm.replace('deadline: 7d', 'deadline: 15s');
        if (file === 'authorities/sov.yaml')
          return calm.replace('quorum: 1', 'quorum: 2').replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2');
        return calm;
      },
    });
    seedEqual(local.sandbox, 6);
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  });
  afterAll(() => local?.stop());
  beforeEach(() => local.idle());

  it('waits for the second approver and does not count the first one twice', async () => {
    changeAtAws(0);
    const handle = await local.start();
    const plan = await local.planOf(handle);
    expect(plan.affected).toEqual(['sov']);
    await local.decide('sov', plan.planDigest, { approver: 'you' });
    await local.decide('sov', plan.planDigest, { approver: 'you' });
    expect(await local.status('sov', plan.planDigest)).toMatchObject({
      quorum: 2,
      approved: 0,
      missing: 1,
      stage: 'waiting',
    });
    await local.decide('sov', plan.planDigest, { approver: 'two' });
    expect((await handle.result()) as RunResult).toMatchObject({
      outcome: 'agreed',
      reviews: [{ outcome: 'approved' }],
    });
    expect(nameAtSov(0)).toBe('Name 0');
  });

  it('writes nothing anywhere once one deadline has passed', async () => {
    changeAtAws(1);
    changeAtSov(2);
    const handle = await local.start();
    const plan = await local.planOf(handle);
    expect(plan.affected).toEqual(['aws', 'sov']);
    for (const approver of ['you', 'two']) await local.decide('sov', plan.planDigest, { approver });
    expect((await handle.result()) as RunResult).toMatchObject({
      outcome: 'divergent',
      left: 2,
      reviews: [
        { authority: 'aws', outcome: 'expired', approved: 0 },
        { authority: 'sov', outcome: 'approved', approved: 1 },
      ],
      commits: [],
    });
    expect(nameAtSov(1)).not.toBe('Name 1');
    expect(departmentAtAws(2)).not.toBe('Unit 2');
  });

  it('starts no run where a review expires after its run has ended: that would go on for ever', async () => {
    const before = await runs();
    const { plan, outcome } = await local.run({ noWait: true }, false);
    expect(outcome).toBe('approvalPending');
    const review = local.client('aws').workflow.getHandle(reviewWorkflowId(dataset, plan.planDigest));
    expect(await review.result()).toMatchObject({ outcome: 'expired' });
    await local.idle();
    expect(await runs()).toBe(before + 1);
  });

  it('writes everything once all have approved', async () => {
    const handle = await local.start();
    const plan = await local.planOf(handle);
    await local.decide('aws', plan.planDigest);
    expect((await handle.result()) as RunResult).toMatchObject({ outcome: 'agreed', left: 0 });
    expect([nameAtSov(1), departmentAtAws(2)]).toEqual(['Name 1', 'Unit 2']);
  });
});
