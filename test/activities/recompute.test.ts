/** One input gives one plan: for the coordinator, for every authority, in whatever order the references come. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFederationActivities } from '../../activities/federation/activities.js';
import { digestOfInputs } from '../../activities/kept-plan.js';
import { recomputeCorrelation, recomputePlan } from '../../activities/recompute.js';
import { applyPermit } from '../../activities/authority/commit.js';
import { disclose } from '../../activities/authority/disclosure.js';
import { prepareReview } from '../../activities/authority/prepare-review.js';
import { digestOf } from '../../core/digest.js';
import type { Ref } from '../../core/messages.js';
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
      // What one has made is not kept for another.
      const { planDigest } = await recomputePlan({ ...ground.federation }, world.exchange, given);
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
      federation: { ...ground.federation },
      exchange: world.exchange,
      missingEndpoints: () => Promise.resolve([]),
      heartbeat: (details) => void told.push(details),
      signal: () => cancelling.signal,
      now: () => 0,
    });
    await activities.compareAndPlan(inputs);
    expect(told).toContainEqual(expect.objectContaining({ type: 'person', unanimous: 0 }));
    const before = told.length;
    await activities.compareAndPlan(inputs);
    expect(told.slice(before)).not.toContainEqual(expect.objectContaining({ type: 'person' }));
    cancelling.abort(new Error('somebody cancelled the run'));
    await expect(activities.compareAndPlan(inputs)).rejects.toThrow('somebody cancelled the run');
  });

  it('is made and agreed on by steps of the coordinator that say that they live until the last of them is written', async () => {
    keystoneUser(ground.sandbox, 5).extra['department'] = 'Archive';
    const world = agreed.copy();
    const { inputs, plan } = await world.planned();
    let told = 0;
    const silent: string[] = [];
    const written: string[] = [];
    const put = world.exchange.putIfAbsent.bind(world.exchange);
    world.exchange.putIfAbsent = async (name, bytes) => {
      const before = told;
      // So long does it take a store to keep it.
      vi.advanceTimersByTime(6_000);
      written.push(name);
      if (told === before) silent.push(name);
      return await put(name, bytes);
    };
    const activities = createFederationActivities({
      federation: { ...ground.federation },
      exchange: world.exchange,
      missingEndpoints: () => Promise.resolve([]),
      heartbeat: () => void (told += 1),
      now: () => 0,
    });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const steps = [
        () => activities.correlateSnapshots(inputs),
        () => activities.compareGroup({ inputs, group: 0, groups: 1 }),
        () => activities.compareAndPlan(inputs),
        () => activities.settleReviews({ inputs, plan: plan.plan, reviews: [] }),
      ];
      for (const step of steps) {
        const before = written.length;
        await step();
        expect(written.length).toBeGreaterThan(before);
      }
      const { permit } = await activities.settleReviews({ inputs, plan: plan.plan, reviews: [] });
      await activities.proposeCandidate({ inputs, plan: plan.plan, reviews: [], permit, receipts: [] });
      expect(silent).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is the same from any number of groups of the compare, in which nothing is walked twice', async () => {
    keystoneUser(ground.sandbox, 4).extra['department'] = 'Archive';
    const world = agreed.copy();
    const { inputs, plan } = await world.planned();
    expect(plan.operations).toBeGreaterThan(0);
    for (const groups of [1, 2, 16]) {
      const compared: Ref[] = [];
      for (let group = 0; group < groups; group += 1)
        compared.push((await world.coordinator.compareGroup({ inputs, group, groups })).compared);
      expect(await world.coordinator.compareAndPlan(inputs, compared)).toEqual(plan);
      const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews: [], compared });
      const proposing = { inputs, plan: plan.plan, reviews: [], permit, receipts: [] };
      expect(await world.coordinator.proposeCandidate({ ...proposing, compared })).toEqual(
        await world.coordinator.proposeCandidate(proposing),
      );
    }
  });

  it('is given up by an authority that makes it again, where that step is cancelled', async () => {
    const world = agreed.copy();
    const { inputs, plan } = await world.planned();
    const cancelling = new AbortController();
    const told: unknown[] = [];
    world.change('aws', { signal: () => cancelling.signal, heartbeat: (details) => void told.push(details) });
    const input = { inputs, plan: plan.plan, planDigest: plan.planDigest };
    const prepare = (): Promise<unknown> =>
      prepareReview(world.contexts.aws, input, { replaced: () => Promise.resolve() });
    await prepare();
    expect(told).toContainEqual(expect.objectContaining({ type: 'person' }));
    cancelling.abort(new Error('somebody withdrew the run'));
    await expect(prepare()).rejects.toThrow('somebody withdrew the run');
    await expect(disclose(world.contexts.aws, input)).rejects.toThrow('somebody withdrew the run');
    const reviews = { ...input, reviews: [], permit: plan.plan };
    await expect(applyPermit(world.contexts.aws, reviews)).rejects.toThrow('somebody withdrew the run');
  });

  it('is kept for those very inputs, for whoever made it, and found once they are verified anew', async () => {
    keystoneUser(ground.sandbox, 4).extra['department'] = 'Archive';
    const world = agreed.copy();
    const [first, second] = [await world.planned(), await world.planned()];
    const federation = { ...ground.federation };
    const made = await recomputePlan(federation, world.exchange, first.inputs);
    expect((await recomputePlan(federation, world.exchange, first.inputs)).plan).toBe(made.plan);
    expect((await recomputePlan({ ...federation }, world.exchange, first.inputs)).plan).not.toBe(made.plan);
    const whole = digestOfInputs(made.messages, made.snapshots);
    for (const part of ['opens', 'standings', 'shape', 'baseDigest'])
      expect(digestOfInputs({ ...made.messages, [part]: 'other' }, made.snapshots), part).not.toBe(whole);
    expect(digestOfInputs(made.messages, {})).not.toBe(whole);
    // A run of its own, over the same state.
    const other = await recomputePlan(federation, world.exchange, second.inputs);
    expect(other.plan).not.toBe(made.plan);
    const mixed = { ...second.inputs, snapshots: first.inputs.snapshots };
    await expect(recomputePlan(federation, world.exchange, mixed)).rejects.toMatchObject({ code: 'wrongRun' });
    const [open] = second.inputs.opens;
    const key = open?.ref ?? '';
    world.exchange.objects.set(key, Buffer.from('another'));
    await expect(recomputePlan(federation, world.exchange, second.inputs)).rejects.toThrow();
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
