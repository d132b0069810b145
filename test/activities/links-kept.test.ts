/** Links as they are kept: of a large table some lie beside it, and what is asked of some is told without the rest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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
  narrow: fc.option(fc.record({ type, ids: fc.subarray(ids), keys: fc.subarray(keys) }), { nil: null }),
  /** Before which step it is narrowed. */
  at: fc.nat(2),
  dies: fc.option(fc.nat(4), { nil: null, freq: 2 }),
});

type Session = typeof session extends fc.Arbitrary<infer One> ? One : never;

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

  constructor(from: MemoryStore, left: number) {
    super(from);
    this.#left = left;
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
      fc.asyncProperty(fc.array(session, { minLength: 2, maxLength: 5 }), fc.boolean(), async (sessions, isLarge) => {
        const smallBytesMax = isLarge ? 0 : 1_000_000;
        let store = new MemoryStore();
        let whole = new Links({}, hmacKey, dataset);
        for (const { created, steps, narrow, at, dies } of sessions) {
          // No mesh makes an object under the native id of one that is there.
          if (created && [created.key, `~`].includes(whole.keyOf(created.type, created.id).replace(/^~.*/, '~'))) {
            await keepCreatedLinks(store, dataset, [{ type: created.type, nativeId: created.id, key: created.key }]);
            whole = await loadLinks(store, dataset, hmacKey);
          }
          const links = await loadLinks(store, dataset, hmacKey);
          for (let index = 0; index <= steps.length; index += 1) {
            if (narrow && index === Math.min(at, steps.length)) {
              links.narrow(narrow.type, new Set(narrow.ids), new Set(narrow.keys));
              for (const one of narrow.ids) expect(links.keyOf(narrow.type, one)).toBe(whole.keyOf(narrow.type, one));
            }
            const one = steps[index];
            if (one) for (const each of [links, whole]) take(each, one);
          }
          if (narrow) {
            for (const one of narrow.ids) {
              expect(links.keyOf(narrow.type, one)).toBe(whole.keyOf(narrow.type, one));
              expect(links.isLinked(narrow.type, one)).toBe(whole.isLinked(narrow.type, one));
            }
            for (const one of narrow.keys)
              expect(links.nativeIdOf(narrow.type, one)).toBe(whole.nativeIdOf(narrow.type, one));
            const wanted = new Set(narrow.keys);
            expect(links.linkedTo(narrow.type, wanted)).toEqual(whole.linkedTo(narrow.type, wanted));
            expect(links.hasAny(narrow.type)).toBe(whole.hasAny(narrow.type));
          }
          const before = await loadLinks(store, dataset, hmacKey);
          const dying = new DyingStore(store, dies ?? Number.POSITIVE_INFINITY);
          const isDead = await saveLinks(dying, dataset, links, smallBytesMax).then(
            () => false,
            () => true,
          );
          store = new MemoryStore(dying);
          const after = await loadLinks(store, dataset, hmacKey);
          if (isDead) {
            const entries = (of: Links): unknown => types.map((name) => of.entries(name));
            expect([entries(before), entries(whole)]).toContainEqual(entries(after));
            whole = after;
          } else {
            // Put down and read again: then who had a key before its last holder is found by it.
            whole = new Links(whole.bytes(), hmacKey, dataset);
            expect(all(after)).toEqual(all(whole));
          }
        }
      }),
      { ...fullRuns(1_000), examples: [[reusedNativeId, true]] },
    ));

  it('of a large table lie beside it where some more come, and nothing is written where none does', async () => {
    const store = new MemoryStore();
    const table = new Links({ parcel: { n1: 'k1', n2: 'k2' } }, hmacKey, dataset);
    await saveLinks(store, dataset, table, 0);
    const head = (await store.readHead(`links/${dataset}`))?.version;
    const links = await loadLinks(store, dataset, hmacKey);
    links.narrow('parcel', new Set(['n1', 'n3']), new Set(['k1', 'k3']));
    links.set('parcel', 'n1', 'k1');
    await saveLinks(store, dataset, links, 0);
    expect(await store.list('')).toEqual([]);
    links.set('parcel', 'n3', 'k3');
    await saveLinks(store, dataset, links, 0);
    expect((await store.readHead(`links/${dataset}`))?.version).toBe(head);
    expect(await store.list(createdGroupsPrefix(dataset))).toHaveLength(1);
    const moved = await loadLinks(store, dataset, hmacKey);
    expect(moved.entries('parcel')).toHaveLength(3);
    moved.set('parcel', 'n3', 'k4');
    await saveLinks(store, dataset, moved, 0);
    expect(await store.list('')).toEqual([]);
    expect((await loadLinks(store, dataset, hmacKey)).keyOf('parcel', 'n3')).toBe('k4');
  });
});
