/** One input gives one plan: for the coordinator, for every authority, in whatever order the references come. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFederationActivities } from '../../activities/federation/activities.js';
import { recomputeCorrelation, recomputePlan } from '../../activities/recompute.js';
import { digestOf } from '../../core/digest.js';
import { awsUser, keystoneUser } from '../support/equal-clouds.js';
import { GateWorld, layGround, type Ground } from './authority/gate-world.js';

let ground: Ground;
let agreed: GateWorld;
beforeAll(async () => {
  ground = await layGround((_file, text) => text);
  agreed = await GateWorld.agreed(ground, 8);
});
afterAll(() => ground?.stop());

describe('the plan', () => {
  it('is the same whoever makes it and in whatever order opens and snapshots are named', async () => {
    keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 2), 'displayName', 'Quillan Other');
    const world = agreed.copy();
    const { inputs, plan } = await world.planned();
    expect(plan.operations).toBe(2);
    const turned = { ...inputs, opens: inputs.opens.toReversed(), snapshots: inputs.snapshots.toReversed() };
    for (const given of [inputs, turned]) {
      const { planDigest } = await recomputePlan(ground.federation, world.exchange, given);
      expect(planDigest).toBe(plan.planDigest);
    }
  });

  it('is the same in two runs over the same state, so that a review can outlive its run', async () => {
    const world = agreed.copy();
    const [first, second] = [await world.planned(), await world.planned()];
    expect(second.inputs.run).not.toBe(first.inputs.run);
    expect(second.plan.planDigest).toBe(first.plan.planDigest);
  });

  it('is given up where somebody cancels the activity that makes it, which told how far it was', async () => {
    keystoneUser(ground.sandbox, 3).extra['department'] = 'Archive';
    const world = agreed.copy();
    const { inputs } = await world.planned();
    const told: unknown[] = [];
    const cancelling = new AbortController();
    const activities = createFederationActivities({
      federation: ground.federation,
      exchange: world.exchange,
      missingEndpoints: () => Promise.resolve([]),
      heartbeat: (details) => void told.push(details),
      signal: () => cancelling.signal,
      now: () => 0,
    });
    await activities.compareAndPlan(inputs);
    expect(told).toContainEqual(expect.objectContaining({ type: 'person', unanimous: 0 }));
    cancelling.abort(new Error('somebody cancelled the run'));
    await expect(activities.compareAndPlan(inputs)).rejects.toThrow('somebody cancelled the run');
  });

  it('is refused where records that correlate were compared before they were linked', async () => {
    const world = new GateWorld(ground);
    const { inputs } = await world.planned();
    expect(inputs.correlation).not.toBeNull();
    const early = { ...inputs, snapshots: inputs.firstSnapshots, correlation: null, firstSnapshots: [] };
    await expect(recomputePlan(ground.federation, world.exchange, early)).rejects.toMatchObject({
      code: 'planNotReproduced',
    });
    const { correlation } = await recomputeCorrelation(ground.federation, world.exchange, early);
    expect(digestOf(correlation)).toBe(inputs.correlation?.sha256);
  });
});
