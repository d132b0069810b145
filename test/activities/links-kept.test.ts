/** Links as they are kept: of a large table some lie beside it, and what is asked of some is told without the rest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AskedKeys, Link } from '../../activities/link-buckets.js';
import { bucketsPrefix, manifestIn, namesIn } from '../../activities/link-manifest.js';
import { byCodeUnit } from '../../core/json.js';
import { createdGroupsPrefix, keepCreatedLinks, Links, loadLinks, saveLinks } from '../../activities/links.js';
import { MemoryStore } from '../support/memory-store.js';
import { fullRuns } from '../support/property-runs.js';

const hmacKey = new Uint8Array(32).fill(7);
const dataset = 'parcels';
const types = ['parcel', 'stop'] as const;
const ids = ['n1', 'n2', 'ñ "3"'];
const keys = ['k1', 'ab'.repeat(32)];

const type = fc.oneof({ weight: 5, arbitrary: fc.constant('parcel') }, fc.constantFrom(...types));
const id = fc.constantFrom(...ids);
const key = fc.constantFrom(...keys);
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), type, id, key }),
  fc.record({ kind: fc.constant('remove' as const), type, id }),
);
const session = fc.record({
  /** Links of creations, put beside the table before it is loaded. */
  created: fc.option(fc.record({ type, id, key }), { nil: null, freq: 2 }),
  steps: fc.array(step, { maxLength: 2 }),
  narrow: fc.option(
    fc.record({
      type,
      ids: fc.subarray(ids),
      keys: fc.subarray(keys),
      /** Whether the keys can be listed. */
      isListed: fc.boolean(),
      /** Native ids and keys that are asked for after that. */
      again: fc.option(fc.subarray([...ids, ...keys]), { nil: null }),
    }),
    { nil: null },
  ),
  /** Before which step it is narrowed. */
  at: fc.nat(2),
  dies: fc.option(fc.nat(12), { nil: null, freq: 2 }),
});

type Session = typeof session extends fc.Arbitrary<infer One> ? One : never;

/** Links that a bucket should hold; a table of some lies in buckets from four times as many on. */
const sizes = fc.constantFrom(0.25, 0.5, 1_000);

function asked({ keys: some, isListed }: NonNullable<Session['narrow']>): AskedKeys {
  return { has: (one) => some.includes(one), list: isListed ? new Set(some) : null };
}

async function readWhole(store: MemoryStore): Promise<Links> {
  const links = await loadLinks(store, dataset, hmacKey);
  for (const name of types) await links.readWhole(name);
  return links;
}

/** In the order in which they were set: who had a key before its last holder is found by it later. */
async function tableOf(links: Links): Promise<Record<string, Record<string, string>>> {
  const table: Record<string, Record<string, string>> = {};
  for (const name of types) table[name] = Object.fromEntries(await inStream(links, name));
  return table;
}

async function inStream(links: Links, name: string): Promise<readonly Link[]> {
  const all: Link[] = [];
  for await (const some of links.stream(name)) all.push(...some);
  return all;
}

async function streamed(links: Links, name: string): Promise<readonly Link[]> {
  return [...(await inStream(links, name))].sort(([left], [right]) => byCodeUnit(left, right));
}

/** What the head names is there, and once it was moved nothing else but what the one before it names. */
async function expectOnlyNamed(store: MemoryStore, heads: readonly Uint8Array[]): Promise<void> {
  const [head, ...before] = heads
    .slice(-2)
    .map((bytes) => {
      const manifest = manifestIn(bytes);
      return manifest ? [...namesIn(dataset, manifest)] : [];
    })
    .reverse();
  const kept = await store.list(bucketsPrefix(dataset));
  expect((head ?? []).filter((name) => !kept.includes(name))).toEqual([]);
  if (heads.length > 1) expect(kept.filter((name) => ![...(head ?? []), ...before.flat()].includes(name))).toEqual([]);
}

function take(links: Links, one: Session['steps'][number]): void {
  if (one.kind === 'set') links.set(one.type, one.id, one.key);
  else links.remove(one.type, one.id);
}

function all(links: Links): unknown {
  return types.map((name) => [links.entries(name), keys.map((one) => links.nativeIdOf(name, one))]);
}

/** Ends as a process does: before one of its changes of the store. */
class DyingStore extends MemoryStore {
  #left: number;
  /** The head that it began with, and those that it was moved to. */
  readonly history: Uint8Array[] = [];

  constructor(from: MemoryStore, left: number) {
    super(from);
    this.#left = left;
    for (const { bytes } of from.heads.values()) this.history.push(bytes);
  }
  #step(): void {
    if (this.#left === 0) throw new Error('died');
    this.#left -= 1;
  }
  override putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    this.#step();
    return super.putIfAbsent(name, bytes);
  }
  override compareAndSetHead(name: string, from: number, bytes: Uint8Array): Promise<boolean> {
    this.#step();
    this.history.push(bytes);
    return super.compareAndSetHead(name, from, bytes);
  }
  override remove(name: string): Promise<void> {
    this.#step();
    return super.remove(name);
  }
}

const still: Session = { created: null, steps: [], narrow: null, at: 0, dies: null };
/** A link in a group outlives the death of its writer; its record comes back as another object, and another one has its native id. */
const reusedNativeId: Session[] = [
  { ...still, created: { type: 'parcel', id: 'n2', key: 'ab'.repeat(32) }, dies: 1 },
  { ...still, created: { type: 'parcel', id: 'n1', key: 'ab'.repeat(32) } },
  { ...still, steps: [{ kind: 'set', type: 'parcel', id: 'ñ "3"', key: 'k1' }], dies: 1 },
  { ...still, created: { type: 'parcel', id: 'n2', key: 'k1' } },
];

describe('links that are kept', () => {
  it('are those of one table that was never put down, over sessions, narrow questions and deaths', () =>
    fc.assert(
      fc.asyncProperty(fc.array(session, { minLength: 2, maxLength: 5 }), sizes, async (sessions, linksInBucket) => {
        let store = new MemoryStore();
        store.linksInBucket = linksInBucket;
        let whole = new Links({}, hmacKey, dataset);
        for (const { created, steps, narrow, at, dies } of sessions) {
          // No mesh makes an object under the native id of one that is there.
          if (created && [created.key, `~`].includes(whole.keyOf(created.type, created.id).replace(/^~.*/, '~'))) {
            await keepCreatedLinks(store, dataset, [{ type: created.type, nativeId: created.id, key: created.key }]);
            whole = new Links(await tableOf(await readWhole(store)), hmacKey, dataset);
          }
          const links = await loadLinks(store, dataset, hmacKey);
          for (let index = 0; index <= steps.length; index += 1) {
            if (narrow && index === Math.min(at, steps.length)) {
              await links.narrow(narrow.type, new Set(narrow.ids), asked(narrow));
              if (narrow.again) await links.narrow(narrow.type, new Set(narrow.again), new Set(narrow.again));
              for (const one of narrow.ids) expect(links.keyOf(narrow.type, one)).toBe(whole.keyOf(narrow.type, one));
            }
            const one = steps[index];
            if (one) for (const each of [links, whole]) take(each, one);
          }
          if (narrow) {
            for (const one of [...narrow.ids, ...(narrow.again ?? [])]) {
              expect(links.keyOf(narrow.type, one)).toBe(whole.keyOf(narrow.type, one));
              expect(links.isLinked(narrow.type, one)).toBe(whole.isLinked(narrow.type, one));
            }
            for (const one of [...narrow.keys, ...(narrow.again ?? [])])
              expect(links.nativeIdOf(narrow.type, one)).toBe(whole.nativeIdOf(narrow.type, one));
            for (const wanted of [new Set(narrow.keys), new Set(keys.slice(1))])
              expect(await links.linkedTo(narrow.type, wanted)).toEqual(await whole.linkedTo(narrow.type, wanted));
            if (whole.mayHaveAny(narrow.type)) expect(links.mayHaveAny(narrow.type)).toBe(true);
          }
          for (const name of types) {
            for (const one of ids) expect(await links.linkedKeyOf(name, one)).toBe(await whole.linkedKeyOf(name, one));
            expect(await streamed(links, name)).toEqual(await streamed(whole, name));
          }
          const before = await readWhole(store);
          const dying = new DyingStore(store, dies ?? Number.POSITIVE_INFINITY);
          const isDead = await saveLinks(dying, dataset, links).then(
            () => false,
            () => true,
          );
          store = new MemoryStore(dying);
          const after = await readWhole(store);
          if (isDead) {
            const entries = (of: Links): unknown => types.map((name) => of.entries(name));
            expect([entries(before), entries(whole)]).toContainEqual(entries(after));
            whole = new Links(await tableOf(after), hmacKey, dataset);
          } else {
            // Put down and read again: then who had a key before its last holder is found by it.
            whole = new Links(whole.bytes(), hmacKey, dataset);
            expect(all(after)).toEqual(all(whole));
            await expectOnlyNamed(store, dying.history);
          }
        }
      }),
      { ...fullRuns(1_500), examples: [[reusedNativeId, 0.25]] },
    ));

  it('of a large table lie beside it where some more come, and nothing is written where none does', async () => {
    const store = new MemoryStore();
    store.linksInBucket = 0.25;
    await saveLinks(store, dataset, new Links({ parcel: { n1: 'k1', n2: 'k2' } }, hmacKey, dataset));
    const head = (await store.readHead(`links/${dataset}`))?.version;
    const buckets = await store.list('');
    const links = await loadLinks(store, dataset, hmacKey);
    await links.narrow('parcel', new Set(['n1', 'n3']), new Set(['k1', 'k3']));
    links.set('parcel', 'n1', 'k1');
    await saveLinks(store, dataset, links);
    expect(await store.list('')).toEqual(buckets);
    links.set('parcel', 'n3', 'k3');
    await saveLinks(store, dataset, links);
    expect((await store.readHead(`links/${dataset}`))?.version).toBe(head);
    expect(await store.list(createdGroupsPrefix(dataset))).toHaveLength(1);
    const moved = await loadLinks(store, dataset, hmacKey);
    moved.set('parcel', 'n3', 'k4');
    await saveLinks(store, dataset, moved);
    expect(await store.list(createdGroupsPrefix(dataset))).toEqual([]);
    const after = await loadLinks(store, dataset, hmacKey);
    expect(await after.linkedKeyOf('parcel', 'n3')).toBe('k4');
    expect(await streamed(after, 'parcel')).toHaveLength(3);
  });

  it('of a large table that were not read are told by nobody', async () => {
    const store = new MemoryStore();
    store.linksInBucket = 0.25;
    await saveLinks(store, dataset, new Links({ parcel: { n1: 'k1', n2: 'k2' } }, hmacKey, dataset));
    const links = await loadLinks(store, dataset, hmacKey);
    await links.narrow('parcel', new Set(['n1']), new Set(['k2']));
    expect([links.keyOf('parcel', 'n1'), links.nativeIdOf('parcel', 'k2')]).toEqual(['k1', 'n2']);
    expect(() => links.isLinked('parcel', 'n2')).toThrow('not read');
    expect(() => links.nativeIdOf('parcel', 'k1')).toThrow('not read');
    expect(() => links.entries('parcel')).toThrow('not read');
    expect(links.isLinked('stop', 'n2')).toBe(false);
  });
});
