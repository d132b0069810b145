/** Snapshots that read only what changed: what they say is what a full read says, and where that is in doubt all is read. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../core/json.js';
import { IncrementState } from '../../../activities/authority/increments/state.js';
import { runsOf } from '../../support/property-runs.js';
import { said, here, IncrementWorld, layGround, type Ground } from './increments-support.js';

let ground: Ground;
beforeAll(async () => {
  ground = await layGround();
});
afterAll(() => ground?.stop());

const row = (number: string, more: JsonObject = {}): JsonObject => ({
  numero: number,
  destinataire: `Zoë ${number}`,
  poids: 1.5,
  expedie: 1_714_561_200,
  fragile: true,
  ...more,
});
const idOf = (number: number): string => `S-${number}`;

async function filled(fullReadEvery?: number, count = 120): Promise<IncrementWorld> {
  const world = new IncrementWorld(ground, fullReadEvery);
  for (let number = 0; number < count; number += 1) world.store.put(idOf(number), row(idOf(number)));
  await run(world);
  return world;
}
async function run(world: IncrementWorld) {
  const inputs = await world.open();
  const twin = await world.twin(inputs);
  const reads = world.store.fullReads;
  await world.read(inputs);
  const statement = await world.seal(inputs);
  expect(said(statement)).toEqual(said(twin));
  return { statement, twin, reads: statement.reads, fullReads: world.store.fullReads - reads };
}

describe('a run after a full read', () => {
  it('reads nothing but what changed, and says what a full read says', async () => {
    const world = await filled();
    expect(await run(world)).toMatchObject({
      fullReads: 0,
      reads: [{ read: 'increment', why: 'changes', objects: 0 }],
    });
    world.store.put(idOf(3), row(idOf(3), { poids: 2 }));
    world.store.remove(idOf(4));
    world.store.put('new', row('new'));
    const { statement, reads, fullReads } = await run(world);
    expect(fullReads).toBe(0);
    expect(reads).toEqual([{ type: 'shipment', read: 'increment', why: 'changes', objects: 3 }]);
    expect(statement.scopes).toMatchObject([{ complete: true }]);
    expect(statement.types).toMatchObject([{ count: 120 }]);
    // Nothing but a deletion.
    world.store.remove(idOf(5));
    expect(await run(world)).toMatchObject({ fullReads: 0, statement: { types: [{ count: 119 }] } });
  });
});

describe('two rows under one key', () => {
  it('are looked for among all rows, also where only one of them changed', async () => {
    const world = await filled();
    world.store.put(idOf(2), row(idOf(2), { numero: 'twin' }));
    expect(await run(world)).toMatchObject({ reads: [{ read: 'increment' }], statement: { types: [{ count: 120 }] } });
    // The later one by its id counts less, and the earlier one more: neither may pass for the only one.
    for (const other of [3, 1]) {
      // No new value of a property that has few, which would be counted over all rows.
      world.store.put(idOf(other), row(idOf(other), { numero: 'twin' }));
      const { statement } = await run(world);
      expect(statement.doubled).not.toEqual([]);
      world.store.put(idOf(other), row(idOf(other)));
      expect((await run(world)).statement.doubled).toEqual([]);
    }
  });
});

describe('what Concordat wrote itself', () => {
  it('is read by key where the store does not tell it yet, and not looked for again later', async () => {
    const world = await filled();
    await world.write(idOf(3), row(idOf(3), { poids: 2 }));
    await world.write(idOf(4), null);
    await world.write('new', row('new'));
    expect(await run(world)).toMatchObject({
      fullReads: 0,
      reads: [{ read: 'increment', objects: 3 }],
      statement: { types: [{ count: 120 }] },
    });
    // Told now, and one more time at most.
    expect((await run(world)).reads).toMatchObject([{ read: 'increment', objects: 3 }]);
    expect((await run(world)).reads).toMatchObject([{ read: 'increment', objects: 0 }]);
  });

  it('is read again by the next run where the one that read it never sealed', async () => {
    const world = await filled();
    await world.write('new', row('new'));
    await world.read(await world.open());
    expect(await run(world)).toMatchObject({ fullReads: 0, statement: { types: [{ count: 121 }] } });
  });
});

describe('a change that is in doubt', () => {
  it.each([
    ['a stream that ends before its end', 'doubtful', (world: IncrementWorld) => (world.store.faults.cutOff = true)],
    ['an expired cursor', 'expired', (world: IncrementWorld) => (world.store.faults.expired = true)],
    ['a doubtful one', 'doubtful', (world: IncrementWorld) => (world.store.faults.doubtful = true)],
  ])('by %s ends in a full read that says so', async (_words, why, fault) => {
    const world = await filled();
    world.store.remove(idOf(7));
    world.store.remove(idOf(8));
    fault(world);
    expect(await run(world)).toMatchObject({ fullReads: 1, reads: [{ read: 'full', why, objects: 118 }] });
    Object.assign(world.store.faults, { cutOff: false, expired: false, doubtful: false });
    expect(await run(world)).toMatchObject({ fullReads: 0, reads: [{ read: 'increment' }] });
  });

  it('by many changes is read whole', async () => {
    const world = await filled();
    for (let number = 0; number < 40; number += 1) world.store.put(idOf(number), row(idOf(number), { poids: 9 }));
    expect(await run(world)).toMatchObject({ fullReads: 1, reads: [{ read: 'full', why: 'many' }] });
  });

  it('because what it builds on was erased is read whole', async () => {
    const world = await filled();
    const { objects } = world.privates[here];
    for (const name of objects.keys()) if (name.startsWith('pages/')) objects.delete(name);
    expect(await run(world)).toMatchObject({ fullReads: 1, reads: [{ read: 'full', why: 'first' }] });
  });
});

describe('a full read on schedule', () => {
  it('proves that nothing was missed, also where something changes while it reads', async () => {
    const world = await filled(3);
    world.store.put(idOf(1), row(idOf(1), { poids: 2 }));
    expect((await run(world)).reads).toMatchObject([{ read: 'increment' }]);
    expect((await run(world)).reads).toMatchObject([{ read: 'increment' }]);
    world.store.put(idOf(2), row(idOf(2), { poids: 2 }));
    world.store.remove(idOf(3));
    const inputs = await world.open();
    world.store.meanwhile = () => {
      world.store.put(idOf(2), row(idOf(2), { poids: 3 }));
      world.store.remove(idOf(5));
      world.store.put('late', row('late'));
    };
    await world.read(inputs);
    expect((await world.seal(inputs)).reads).toMatchObject([{ read: 'full', why: 'scheduled', missed: 0 }]);
    expect((await run(world)).reads).toMatchObject([{ read: 'increment' }]);
  });

  it('tells a change that was missed, and nothing is read by changes until a proof finds none', async () => {
    const world = await filled(2);
    world.store.faults.lost.add(idOf(1)).add(idOf(2)).add('quiet');
    world.store.put(idOf(1), row(idOf(1), { poids: 2 }));
    world.store.remove(idOf(2));
    world.store.put('quiet', row('quiet'));
    const inputs = await world.open();
    await world.read(inputs);
    // Nobody can know, and nothing is deleted.
    expect(await world.seal(inputs)).toMatchObject({
      types: [{ count: 120 }],
      reads: [{ read: 'increment', objects: 0 }],
    });
    expect((await run(world)).reads).toMatchObject([{ read: 'full', why: 'scheduled', missed: 3 }]);
    expect((await run(world)).reads).toMatchObject([{ read: 'full', why: 'missed', missed: 0 }]);
    expect((await run(world)).reads).toMatchObject([{ read: 'increment', why: 'changes' }]);
  });
});

const numbers = 130;
/** 2 is the one that several rows share. */
const anyBody = fc.oneof({ weight: 3, arbitrary: fc.nat(11) }, { weight: 1, arbitrary: fc.constant(2) });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), at: fc.nat(numbers), body: anyBody }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('write' as const), at: fc.nat(numbers), body: anyBody }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: fc.nat(numbers) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('opaque' as const), at: fc.nat(numbers), is: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('run' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), sealed: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom('doubled', 'reversed', 'cutOff', 'expired', 'doubtful'),
      is: fc.boolean(),
    }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Bodies of every kind: plain, without an image, hidden, outside, under the key of another, with what no map names. */
function bodyOf(at: number, body: number): JsonObject {
  const number = idOf(at);
  switch (body) {
    case 0:
      return row(number, { poids: 'heavy' });
    case 1:
      return row(number, { destinataire: 'hidden' });
    case 2:
      // Two rows of one record: their numbers are equal once they are in normal form.
      return row(number, { numero: `twin-${at % 3}` });
    case 3:
      return row(number, { more: 'x' });
    case 4:
      return row(number, { poids: 0.0001, expedie: null });
    case 5:
      return row(number, { numero: null });
    default:
      return row(number, { poids: body });
  }
}

/** How many objects were sealed again one by one since all were. */
function changedSince({ privates }: IncrementWorld, run: string): number {
  const name = [...privates[here].objects.keys()].find(
    (one) => one.startsWith('pages/') && one.endsWith(`${run}/state`),
  );
  const bytes = name === undefined ? undefined : privates[here].objects.get(name);
  const state = bytes && IncrementState.parse(JSON.parse(new TextDecoder().decode(bytes)));
  return state?.seals['shipment']?.changed ?? 0;
}

interface Seen {
  increments: number;
  full: number;
  touched: number;
  held: number;
}

interface History {
  readonly steps: readonly Step[];
  readonly fullReadEvery: number;
  /** Which seals are made twice. */
  readonly repeatEvery: number;
}

const histories: fc.Arbitrary<History> = fc.record({
  steps: fc.array(step, { maxLength: 25 }),
  fullReadEvery: fc.integer({ min: 2, max: 9 }),
  repeatEvery: fc.integer({ min: 1, max: 9 }),
});
/**
 * Histories side by side: most of their time they wait for signatures to be made and verified. Where the store tells no changes,
 * what was read is held against what was read before.
 */
const lanes = ['told', 'told', 'held against', 'held against'] as const;

async function live(
  world: IncrementWorld,
  { steps, repeatEvery }: History,
  seen: Seen,
  isHeldAgainst: boolean,
): Promise<void> {
  let runs = 0;
  // Of each kind and each weight there is one, so that few changes show what no row had before.
  for (let number = 0; number < numbers; number += 1)
    world.store.put(idOf(number), {
      ...bodyOf(number, number < 6 ? number : 6 + (number % 6)),
      fragile: number !== 1,
    });
  world.store.remove(idOf(2));
  // At the end one row has another receiver, which is nothing new of a property that has few values.
  for (const one of [...steps, { kind: 'run' } as const, { kind: 'receiver' } as const, { kind: 'run' } as const]) {
    if (one.kind === 'receiver') world.store.put(idOf(20), { ...bodyOf(20, 6), destinataire: 'Zoë at last' });
    else if (one.kind === 'put') {
      const body = bodyOf(one.at, one.body);
      world.store.put(idOf(one.at), one.body === 1 ? { ...body, fragile: false } : body);
    } else if (one.kind === 'write') await world.write(idOf(one.at), one.body === 11 ? null : bodyOf(one.at, one.body));
    else if (one.kind === 'remove') world.store.remove(idOf(one.at));
    else if (one.kind === 'opaque') world.store.touch(idOf(one.at), one.is);
    else if (one.kind === 'fault') Object.assign(world.store.faults, { [one.fault]: one.is });
    else if (one.kind === 'crash') {
      // The run ends after it read, or after it sealed, and is never heard of again.
      const inputs = await world.open();
      await world.read(inputs);
      if (one.sealed) await world.seal(inputs);
    } else {
      const inputs = await world.open();
      const twin = await world.twin(inputs);
      await world.read(inputs);
      const first = await world.seal(inputs);
      // An attempt may be repeated.
      runs += 1;
      const again = runs % repeatEvery === 0 ? await world.seal(inputs) : first;
      if (isHeldAgainst) seen.held += changedSince(world, inputs.run) > 0 ? 1 : 0;
      else if ([...world.privates[here].objects.keys()].some((name) => name.includes(`/${inputs.run}/ledger-`)))
        seen.touched += 1;
      expect(said(again)).toEqual(said(first));
      expect(said(first)).toEqual(said(twin));
      for (const { read, missed = 0 } of again.reads ?? []) {
        seen[read === 'increment' ? 'increments' : 'full'] += 1;
        expect(missed).toBe(0);
      }
    }
  }
}

describe('over any history of changes, faults and crashes', () => {
  it('what was read by changes comes to what a full read says', async () => {
    const filtered = await layGround((file, text) =>
      file === 'authorities/lyon.yaml'
        ? text.replace(
            'surface: { shipment: [number, receiver, weight, sentAt, fragile] }',
            'surface: { shipment: { fields: { number: clear, weight: clear, sentAt: clear, fragile: clear }, where: [{ field: fragile, equals: true }] } }',
          )
        : text,
    );
    const seen = { increments: 0, full: 0, touched: 0, held: 0 };
    try {
      const { numRuns } = runsOf('CONCORDAT_INCREMENT_HISTORIES', 12);
      const { seed = Date.now() } = fc.readConfigureGlobal();
      const inLane = (way: (typeof lanes)[number], lane: number): Promise<void> => {
        const isHeldAgainst = way === 'held against';
        const property = fc.asyncProperty(histories, (history) =>
          live(
            new IncrementWorld(filtered, isHeldAgainst ? null : history.fullReadEvery),
            history,
            seen,
            isHeldAgainst,
          ),
        );
        return fc.assert(property, { numRuns: Math.ceil(numRuns / lanes.length), seed: seed + lane });
      };
      await Promise.all(lanes.map(inLane));
    } finally {
      await filtered.stop();
    }
    expect(seen.increments).toBeGreaterThan(0);
    expect(seen.full).toBeGreaterThan(0);
    expect(seen.touched).toBeGreaterThan(0);
    expect(seen.held).toBeGreaterThan(0);
  }, 7_200_000);
});
