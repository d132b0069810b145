/** What a peer's stamp may do to an authority: move its clock within the bound, and nothing beyond it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import { resetClock } from '../../../activities/authority/clock-reset.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import { getMessage } from '../../../activities/exchange.js';
import { publicKeyOf } from '../../../activities/keys/private-key.js';
import { readOpened } from '../../../activities/run-messages.js';
import { aheadMs, compareHlc } from '../../../core/clock/hlc.js';
import { SnapshotStatement, snapshotType } from '../../../core/messages.js';
import { GateWorld, layGround, MemoryStore, type Ground } from './gate-world.js';

let ground: Ground;
let agreed: GateWorld;
let world: GateWorld;
beforeAll(async () => {
  ground = await layGround((_file, text) => text);
  agreed = await GateWorld.agreed(ground, 3);
});
afterAll(() => ground?.stop());
beforeEach(() => {
  world = agreed.copy();
});

/** sov's worker believes in another time from now on; `store` where its clock is kept. */
function skew(offsetMs: number, store = world.stores.sov): void {
  const clock = createAuthorityClock({
    privateStore: store,
    physicalMs: () => world.clockMs + offsetMs,
    maxAheadMs: 60_000,
  });
  world.change('sov', { clock });
}
const ownStamp = () => world.contexts.aws.clock.stamp();
const opensOf = async (inputs: Parameters<typeof readOpened>[2]) =>
  readOpened(ground.federation, world.exchange, inputs);

describe('a peer whose clock is ahead', () => {
  it('within the bound moves the own clock above its stamp', async () => {
    skew(50_000);
    const inputs = await world.openAnyway();
    const { opens, asOf } = await opensOf(inputs);
    expect(asOf).toBe(opens['sov']?.hlc);
    await readPages(world.contexts.aws, inputs);
    expect(compareHlc(await ownStamp(), asOf)).toBe(1);
  });

  it('beyond the bound is refused by name before anything is read, and moves nothing', async () => {
    skew(61_000);
    const inputs = await world.openAnyway();
    await expect(readPages(world.contexts.aws, inputs)).rejects.toMatchObject({
      code: 'clockUntrusted',
      message: expect.stringMatching(/sov .* 1 min/),
    });
    await expect(sealSnapshot(world.contexts.aws, inputs)).rejects.toMatchObject({ code: 'clockUntrusted' });
    expect(aheadMs(await ownStamp(), world.clockMs)).toBeLessThan(3_000);
  });

  it('in its snapshot only, is refused where the plan is made again', async () => {
    const inputs = await world.open();
    for (const id of ['aws', 'sov'] as const) await readPages(world.contexts[id], inputs);
    const own = await sealSnapshot(world.contexts.aws, inputs);
    skew(120_000);
    const late = await sealSnapshot(world.contexts.sov, inputs);
    const planned = { ...inputs, snapshots: [own.snapshot, late.snapshot] };
    const plan = await world.coordinator.compareAndPlan(planned);
    const applied = await world.apply('aws', { inputs: planned, plan: plan.plan, reviews: [], permit: plan.plan });
    expect(applied).toMatchObject({ kind: 'refused', code: 'clockUntrusted' });
  });
});

describe('a peer whose clock went back', () => {
  const opensLower = async (): Promise<Parameters<typeof readPages>[1]> => {
    skew(50_000);
    await readPages(world.contexts.aws, await world.openAnyway());
    world.clockMs += 1_000;
    return world.openAnyway();
  };

  it('as after a restored backup, is refused: rounds only go up', async () => {
    skew(50_000);
    await readPages(world.contexts.aws, await world.openAnyway());
    skew(0, new MemoryStore());
    const inputs = await world.openAnyway();
    await expect(readPages(world.contexts.aws, inputs)).rejects.toMatchObject({
      code: 'clockUntrusted',
      message: expect.stringMatching(/the clock of sov went back/),
    });
  });

  it('is taken on again once it signed a reset, and not by the reset of somebody else', async () => {
    await opensLower();
    const reset = async (key = ground.keys.sov) =>
      resetClock({
        authority: 'sov',
        privateStore: world.stores.sov,
        exchange: world.exchange,
        key,
        keys: [publicKeyOf(key)],
        physicalMs: world.clockMs,
        // Its own people think ten seconds too many.
        maxAheadMs: 10_000,
        reason: 'the host was ahead',
      });
    const foreign = world.copy();
    await reset();
    skew(0);
    await readPages(world.contexts.aws, await world.openAnyway());

    world = foreign;
    await reset(ground.keys.aws);
    skew(0);
    await expect(readPages(world.contexts.aws, await world.openAnyway())).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
  });
});

it('a snapshot is stamped after all opens of its run', async () => {
  skew(40_000);
  const inputs = await world.openAnyway();
  await readPages(world.contexts.aws, inputs);
  const { snapshot } = await sealSnapshot(world.contexts.aws, inputs);
  const { payload } = await getMessage(world.exchange, snapshot, {
    typ: snapshotType,
    schema: SnapshotStatement,
    keys: [publicKeyOf(ground.keys.aws)],
  });
  const { asOf } = await opensOf(inputs);
  expect(compareHlc(payload.hlc, asOf)).toBe(1);
});
