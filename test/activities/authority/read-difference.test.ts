/** Two reads of everything held against each other: what differs is what a comparison of all rows finds, and nothing else is sealed again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candidatesByLines } from '../../../activities/authority/asked-lines.js';
import { askedFor } from '../../../activities/authority/asked-records.js';
import { lineKeyOf, readLineKeys, unknown } from '../../../activities/authority/increments/line-keys.js';
import { pageFiles, pagesIn, PageWriter } from '../../../activities/authority/page-files.js';
import { differenceOfReads } from '../../../activities/authority/increments/read-difference.js';
import { IncrementState } from '../../../activities/authority/increments/state.js';
import type { ReadItem } from '../../../activities/connectors/connector.js';
import { Links, loadLinks, saveLinks } from '../../../activities/links.js';
import { createFileStore } from '../../../activities/store-files.js';
import type { ObjectStore } from '../../../activities/store.js';
import type { JsonObject } from '../../../core/json.js';
import { mapOf, surfaceIn } from '../../../core/federation/federation.js';
import { exposedFields } from '../../../core/federation/surface.js';
import { naturalKeyOf } from '../../../core/natural-key.js';
import type { NativeObject } from '../../../core/record.js';
import { dataset } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';
import { fullRuns } from '../../support/property-runs.js';
import { here, IncrementWorld, layGround, said, type Ground } from './increments-support.js';

const [before, now] = ['ab'.repeat(32), 'cd'.repeat(32)];

async function write(
  store: ObjectStore,
  run: string,
  objects: readonly NativeObject[],
  pageSize: number,
): Promise<void> {
  const writer = await PageWriter.behind(store, 'people', run, () => undefined);
  for (let from = 0; from < objects.length; from += pageSize) {
    const page: ReadItem = {
      kind: 'objects',
      scope: 's',
      objects: objects.slice(from, from + pageSize),
      cursor: `${from} of ${run}`,
    };
    await writer.add(page);
  }
  await writer.add({ kind: 'scopeEnd', scope: 's', nativeType: 'one', complete: true, cursor: 'end' });
  await writer.end();
}

/** Takes out what pages say of all of their objects. */
function makeOld({ objects }: MemoryStore, run: string): void {
  for (const [name, bytes] of objects)
    if (name.includes(run)) {
      const text = new TextDecoder().decode(bytes).replaceAll(/^(\{"kind":.*),"alike":\{[^}]*\}/gm, '$1');
      expect(text).not.toContain('"alike":{');
      objects.set(name, new TextEncoder().encode(text));
    }
}

const object = fc.record({
  type: fc.constantFrom('one', 'two'),
  id: fc.constantFrom(...'abcdefghijklmnopqrst'.split(''), 'ü', ',"body":', '\n]}', '"'),
  body: fc.record({ text: fc.constantFrom('x', 'two\nlines', '\n]}', '\u{1F600}', ',"body":{'), count: fc.nat(2) }),
});
const known = ({ type, id }: NativeObject): string => `${type} ${id}`;
const objects = fc.uniqueArray(object, { selector: known, maxLength: 40 });

/** By comparing everything with everything. */
function naive(
  was: readonly NativeObject[],
  is: readonly NativeObject[],
): Record<string, { before: string[]; now: string[] }> {
  const told: Record<string, { before: string[]; now: string[] }> = {};
  for (const [side, own, others] of [['before', was, is] as const, ['now', is, was] as const])
    for (const one of own) {
      if (others.some((other) => JSON.stringify(other) === JSON.stringify(one))) continue;
      (told[one.type] ??= { before: [], now: [] })[side].push(JSON.stringify(one));
    }
  for (const sides of Object.values(told)) {
    sides.before.sort();
    sides.now.sort();
  }
  return told;
}

describe('what parts two reads', () => {
  const size = fc.integer({ min: 1, max: 9 });
  const layout = fc.record({
    sizes: fc.oneof(
      fc.tuple(size, size),
      size.map((one) => [one, one] as const),
    ),
    // Then most pages hold objects of one type.
    isSorted: fc.boolean(),
    // As pages were written that do not say what they hold.
    isOld: fc.tuple(fc.boolean(), fc.boolean()),
  });
  const change = fc.tuple(fc.nat(40), fc.option(object), fc.boolean());

  it('is what a comparison of all rows finds, however they lie in pages', async () => {
    await fc.assert(
      fc.asyncProperty(objects, fc.array(change, { maxLength: 8 }), layout, async (given, changes, laid) => {
        const was = laid.isSorted ? [...given].sort((left, right) => (left.type < right.type ? -1 : 1)) : given;
        const is = [...was];
        for (const [at, one, moves] of changes) {
          const taken = is.splice(at % (is.length + 1), 1);
          const put = one ?? (moves ? taken[0] : undefined);
          if (put && !is.some((other) => known(other) === known(put)))
            is.splice(moves ? (at * 7) % (is.length + 1) : at % (is.length + 1), 0, put);
        }
        const store = new MemoryStore();
        await write(store, before, was, laid.sizes[0]);
        await write(store, now, is, laid.sizes[1]);
        for (const [at, run] of [before, now].entries()) if (laid.isOld[at]) makeOld(store, run);
        const told = await differenceOfReads(
          { privateStore: store, heartbeat: () => undefined },
          'people',
          { before, now },
          ['one', 'two'],
          1_000,
        );
        const words = Object.fromEntries(
          [...(told ?? [])].flatMap(([type, sides]) => {
            const [were, are] = [was, is].map((all) => all.filter((one) => one.type === type));
            expect(sides.places).toHaveLength(are?.length ?? 0);
            for (const [at, place] of sides.places.entries())
              if (place > 0) expect(were?.[place - 1]).toEqual(are?.[at]);
            if (changes.length === 0) expect([...sides.places]).toEqual(are?.map((_one, at) => at + 1));
            if (sides.before.size + sides.now.size === 0) return [];
            const text = (map: ReadonlyMap<string, NativeObject>): string[] =>
              [...map.values()].map((one) => JSON.stringify(one)).sort();
            return [[type, { before: text(sides.before), now: text(sides.now) }] as const];
          }),
        );
        expect(told).not.toBeNull();
        expect(words).toEqual(naive(was, is));
      }),
      fullRuns(2_000),
    );
  });

  const one = (id: number, count = 0): NativeObject => ({ type: 'one', id: `${id}`, body: { count } });
  const many = Array.from({ length: 300 }, (_, id) => one(id));
  const held = async (was: readonly NativeObject[], is: readonly NativeObject[], changedMax: number) => {
    const store = new MemoryStore();
    await write(store, before, was, 7);
    await write(store, now, is, 11);
    return differenceOfReads(
      { privateStore: store, heartbeat: () => undefined },
      'people',
      { before, now },
      ['one'],
      changedMax,
    );
  };

  it('is found over files whose memory is used again', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'concordat-reads-'));
    try {
      const store = createFileStore(folder);
      const wide = (id: number, count = 0): NativeObject => ({ ...one(id), body: { count, text: `${id}`.repeat(40) } });
      const was = Array.from({ length: 12_000 }, (_, id) => wide(id));
      // One row less at the beginning, so that the files of the two reads end at other rows.
      const is = was.slice(1).map((object, at) => (at % 1_000 === 0 ? wide(at + 1, 1) : object));
      await write(store, before, was, 50);
      await write(store, now, is, 70);
      expect((await pageFiles(store, 'people', now)).length).toBeGreaterThan(20);
      const context = { privateStore: store, heartbeat: () => undefined };
      const told = (await differenceOfReads(context, 'people', { before, now }, ['one'], 100))?.get('one');
      expect([...(told?.now.values() ?? [])]).toEqual(is.filter((_, at) => at % 1_000 === 0));
      expect(new Set(told?.before.keys())).toEqual(new Set(['0', ...(told?.now.keys() ?? [])]));
      const read: NativeObject[] = [];
      for await (const item of pagesIn(store, 'people', now)) if (item.kind === 'objects') read.push(...item.objects);
      expect(read).toEqual(is);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is not told where too much of it would have to be held', async () => {
    const is = many.map((object, at) => (at % 10 === 0 ? one(at, 1) : object));
    expect((await held(many, is, 30))?.get('one')?.now.size).toBe(30);
    expect(await held(many, is, 29)).toBeNull();
    expect(await held(many, [], 299)).toBeNull();
    expect(await held([], many, 299)).toBeNull();
  });

  it('is not told where an object stands in a read twice', async () => {
    // As it was and as it is; twice as it is; and as it was beside two of another kind.
    expect(await held(many, [...many, one(3, 1)], 100)).toBeNull();
    expect(await held(many, [...many, one(900), one(900)], 100)).toBeNull();
    expect(await held(many, [...many.slice(1), one(0, 1), one(0, 2)], 100)).toBeNull();
    expect((await held(many, [...many, one(900)], 100))?.get('one')?.now.size).toBe(1);
  });
});

const row = (number: string, more: JsonObject = {}): JsonObject => ({
  numero: number,
  destinataire: `Zoë ${number}`,
  poids: 1.5,
  expedie: 1_714_561_200,
  fragile: true,
  ...more,
});
const idOf = (number: number): string => `S-${number}`;

/** What the seal of the last run was made of. */
function stateOf({ privates }: IncrementWorld, run: string): IncrementState {
  const [name] = [...privates[here].objects.keys()].filter(
    (one) => one.startsWith('pages/') && one.endsWith(`${run}/state`),
  );
  const bytes = name === undefined ? undefined : privates[here].objects.get(name);
  if (!bytes) throw new Error('the run kept no state');
  return IncrementState.parse(JSON.parse(new TextDecoder().decode(bytes)));
}

describe('a store that tells no changes', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await layGround();
  });
  afterAll(() => ground.stop());

  async function run(world: IncrementWorld) {
    const inputs = await world.open();
    const twin = await world.twin(inputs);
    await world.read(inputs);
    const statement = await world.seal(inputs);
    expect(said(statement)).toEqual(said(twin));
    expect(statement.reads).toBeUndefined();
    const { natives, seals } = stateOf(world, inputs.run);
    const unknownKeys = await heldLineKeys(world, inputs.run, seals['shipment']?.lineKeys);
    return { inputs, statement, runs: natives['envoi']?.runs, changed: seals['shipment']?.changed, unknownKeys };
  }

  const keyOf = (number: string): string => {
    const taxonomy = ground.federation.taxonomy['shipment'];
    const found = taxonomy && naturalKeyOf(taxonomy, { number });
    if (found?.kind !== 'key') throw new Error('no key');
    return found.key;
  };
  /** Each is the one of the object that stands there, or unknown; of how many it is. */
  async function heldLineKeys(world: IncrementWorld, run: string, name: string | undefined): Promise<number | null> {
    if (name === undefined) return null;
    const objects: NativeObject[] = [];
    for await (const item of pagesIn(world.privates[here], dataset, run))
      if (item.kind === 'objects') objects.push(...item.objects);
    const keys = await readLineKeys(world.privates[here], name, objects.length);
    expect(keys).not.toBeNull();
    for (const [at, { body }] of objects.entries())
      if (keys?.[at] !== unknown) expect(keys?.[at]).toBe(lineKeyOf(keyOf(body['numero'] as string)));
    return keys?.filter((key) => key === unknown).length ?? null;
  }
  async function filled(count = 120): Promise<IncrementWorld> {
    const world = new IncrementWorld(ground, null);
    for (let number = 0; number < count; number += 1) world.store.put(idOf(number), row(idOf(number)));
    expect(await run(world)).toMatchObject({ runs: 0, changed: 0 });
    return world;
  }

  it('is read whole, and only rows that are not as they were are sealed again', async () => {
    const world = await filled();
    expect(await run(world)).toMatchObject({ runs: 1, changed: 0, unknownKeys: 0 });
    // No new value of a property that has few, which would be counted over all rows.
    world.store.put(idOf(3), row(idOf(3), { destinataire: 'Zoë at last' }));
    world.store.remove(idOf(4));
    world.store.put('new', row('new'));
    expect(await run(world)).toMatchObject({
      runs: 2,
      changed: 3,
      // The changed one, the new one, and the one that stood behind the one that is gone.
      unknownKeys: 3,
      statement: { types: [{ count: 120 }] },
    });
    world.store.remove(idOf(5));
    expect(await run(world)).toMatchObject({ runs: 3, changed: 4, statement: { types: [{ count: 119 }] } });
  });

  it('tells which rows may be a record that is asked for, and no other row is parsed', async () => {
    const world = await filled();
    world.store.put(idOf(3), row(idOf(3), { destinataire: 'Zoë at last' }));
    // Joined as the seventh, and by now the eighth.
    const { inputs } = await run(world);
    const context = world.context(here);
    const links = new Links({ shipment: { [idOf(90)]: keyOf(idOf(7)) } }, context.linkKey, dataset);
    await saveLinks(context.privateStore, dataset, links);
    const taxonomy = ground.federation.taxonomy['shipment'];
    const map = mapOf(ground.federation, here, 'shipment');
    const told = exposedFields(surfaceIn(ground.federation, here, 'shipment') ?? { fields: {}, where: [] });
    if (!taxonomy || !map) throw new Error('no shipments');
    const candidates = async (numbers: readonly string[], max = 100): Promise<readonly string[] | null> => {
      const asked = askedFor(numbers.map((number) => ({ type: 'shipment', key: keyOf(number) })));
      const loaded = await loadLinks(context.privateStore, dataset, context.linkKey);
      const types = [{ taxonomy, map, told, isExposed: null }];
      const found = asked && (await candidatesByLines(context, inputs, types, asked, loaded, max));
      return found?.map(({ id }) => id) ?? null;
    };
    // The one that changed is not known by its key, the other one is, and the last one by its link.
    const wanted = [idOf(3), idOf(7), idOf(90)];
    expect(await candidates([idOf(7)])).toEqual(wanted);
    expect(await candidates([idOf(5)])).toEqual([idOf(3), idOf(5)]);
    expect(await candidates(['nobody'])).toEqual([idOf(3)]);
    expect(await candidates([idOf(7)], 1)).toBeNull();
    const { objects } = world.privates[here];
    for (const [name, bytes] of objects)
      if (name.endsWith(`${inputs.run}/00000000`)) {
        const text = new TextDecoder().decode(bytes);
        const broken = text.replaceAll(/("id":"([^"]+)","body":\{)[^\n]*\}\}/g, (line, head: string, id: string) =>
          wanted.includes(id) ? line : `${head}no json}}`,
        );
        expect(broken).not.toBe(text);
        objects.set(name, new TextEncoder().encode(broken));
      }
    expect(await candidates([idOf(7)])).toEqual(wanted);
    // Of another number of rows it says nothing.
    const lines = stateOf(world, inputs.run).seals['shipment']?.lineKeys ?? '';
    objects.set(lines, (objects.get(lines) ?? new Uint8Array()).slice(4));
    expect(await candidates([idOf(7)])).toBeNull();
  });

  it('is sealed whole where much changed, where an object came twice, and every so often', async () => {
    const world = await filled();
    for (let number = 0; number < 40; number += 1) world.store.put(idOf(number), row(idOf(number), { poids: 9 }));
    expect(await run(world)).toMatchObject({ changed: 0 });
    world.store.put('new', row('new'));
    world.store.shownAgain.set(idOf(7), row(idOf(7), { numero: 'as it was' }));
    // The later sight counts, and nobody can go on from a seal of which two rows may tell what one record was.
    expect(await run(world)).toMatchObject({ statement: { types: [{ count: 121 }] }, changed: undefined });
    world.store.shownAgain.clear();
    expect(await run(world)).toMatchObject({ statement: { types: [{ count: 121 }] }, changed: 0 });
    const runs: (number | undefined)[] = [];
    for (let time = 0; time < 33; time += 1) {
      const inputs = await world.open();
      await world.read(inputs);
      await world.seal(inputs);
      runs.push(stateOf(world, inputs.run).natives['envoi']?.runs);
    }
    expect(runs.filter((count) => count === 0)).toHaveLength(1);
    expect(runs).toContain(31);
  });

  it('is sealed whole after a read that did not come to its end', async () => {
    const world = await filled();
    world.store.isCutShort = true;
    const { statement } = await run(world);
    expect(statement.scopes).toMatchObject([{ complete: false }]);
    world.store.isCutShort = false;
    expect(await run(world)).toMatchObject({ statement: { types: [{ count: 120 }] }, changed: 0 });
  });
});
