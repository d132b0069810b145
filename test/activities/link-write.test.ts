/** A table of links in buckets: what a save touches, two workers at once, growth, the form of before, and erasure. */
import { beforeEach, describe, expect, it } from 'vitest';
import { LinkBuckets, type Link } from '../../activities/link-buckets.js';
import { bucketsPrefix, manifestIn } from '../../activities/link-manifest.js';
import { dropBuckets, eraseLinks } from '../../activities/link-write.js';
import { Links, loadLinks, saveLinks } from '../../activities/links.js';
import { byCodeUnit } from '../../core/json.js';
import { MemoryStore } from '../support/memory-store.js';

const hmacKey = new Uint8Array(32).fill(7);
const dataset = 'parcels';
const type = 'parcel';
const idOf = (at: number): string => `["p-${at}"]`;
const keyOf = (at: number): string => at.toString(16).padStart(64, '0');
const upTo = (count: number): readonly Link[] => Array.from({ length: count }, (_, at) => [idOf(at), keyOf(at)]);

let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore();
  store.linksInBucket = 16;
});

async function write(links: readonly Link[]): Promise<void> {
  await saveLinks(store, dataset, new Links({ [type]: Object.fromEntries(links) }, hmacKey, dataset));
}

async function edit(from: MemoryStore, change: (links: Links) => void): Promise<void> {
  const links = await loadLinks(from, dataset, hmacKey);
  change(links);
  await saveLinks(from, dataset, links);
}

async function kept(from: MemoryStore = store): Promise<readonly Link[]> {
  const all: Link[] = [];
  for await (const some of (await loadLinks(from, dataset, hmacKey)).stream(type)) all.push(...some);
  return all.sort(([left], [right]) => byCodeUnit(left, right));
}
const sorted = (links: readonly Link[]): readonly Link[] =>
  [...links].sort(([left], [right]) => byCodeUnit(left, right));

/** Both sets of buckets say the same, and none is much larger than it should be. */
async function expectWhole(links: readonly Link[]): Promise<void> {
  const head = await store.readHead(`links/${dataset}`);
  const manifest = head && manifestIn(head.bytes);
  if (!manifest) throw new Error('the table lies in its head');
  const buckets = new LinkBuckets(store, dataset, manifest);
  expect(buckets.count(type)).toBe(links.length);
  expect(await kept()).toEqual(sorted(links));
  for (const [nativeId, key] of links) expect(await buckets.keyOf(type, nativeId)).toBe(key);
  const sizes: number[] = [];
  for await (const some of buckets.stream(type)) sizes.push(some.length);
  expect(Math.max(...sizes)).toBeLessThan(70);
  const entries = await Promise.all(buckets.of(type).byId.map((_, index) => buckets.read(type, 'ids', index)));
  expect(entries.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)).toBe(8 * links.length);
}

describe('links in buckets', () => {
  it('are written where they changed, and nowhere else', async () => {
    await write(upTo(1_000));
    const before = new Map(store.objects);
    expect(before.size).toBeGreaterThan(60);
    await edit(store, (links) => {
      links.remove(type, idOf(7));
    });
    expect([...store.objects.keys()].filter((name) => !before.has(name))).toHaveLength(2);
    await expectWhole(upTo(1_000).filter((_, at) => at !== 7));
  });

  it('are split where they have outgrown their buckets', async () => {
    await write(upTo(100));
    for (const [from, to] of [
      [100, 130],
      [130, 900],
      [900, 3_000],
    ] as const)
      await edit(store, (links) => {
        for (const [nativeId, key] of upTo(to).slice(from)) links.set(type, nativeId, key);
        links.remove(type, idOf(from - 1));
        links.set(type, idOf(from - 1), keyOf(from - 1));
      });
    await expectWhole(upTo(3_000));
  });

  it('that two workers change at once are all changed', async () => {
    await write(upTo(200));
    const slow = new OvertakenStore(store, async (other) => {
      await edit(other, (links) => {
        links.remove(type, idOf(1));
        links.set(type, idOf(2), keyOf(2_000));
      });
      await edit(other, (links) => links.remove(type, idOf(3)));
    });
    await edit(slow, (links) => {
      links.remove(type, idOf(4));
      links.set(type, idOf(5), keyOf(5_000));
    });
    store = slow;
    const moved = new Map([...upTo(200), [idOf(2), keyOf(2_000)] as const, [idOf(5), keyOf(5_000)] as const]);
    await expectWhole([...moved].filter(([id]) => ![idOf(1), idOf(3), idOf(4)].includes(id)));
  });

  it('stay where another worker tidies up late, and where somebody has read the head before', async () => {
    await write(upTo(200));
    const tidied = new OvertakenStore(store, async (other) => {
      const head = await other.readHead(`links/${dataset}`);
      await dropBuckets(other, dataset, head?.version ?? 0, [head && manifestIn(head.bytes)]);
    });
    const reader = await loadLinks(tidied, dataset, hmacKey);
    await edit(tidied, (links) => links.remove(type, idOf(4)));
    store = tidied;
    await expectWhole(upTo(200).filter((_, at) => at !== 4));
    await reader.narrow(type, new Set([idOf(4)]), new Set());
    expect(reader.keyOf(type, idOf(4))).toBe(keyOf(4));
  });

  it('lead from a key to its last holder, in whatever order they are asked for', async () => {
    await write([...upTo(200), ['a', 'k'], ['b', 'k']]);
    for (const asked of [
      [[], ['k'], ['a'], []],
      [['b'], [], [], ['k']],
      [['a'], [], ['b'], ['k']],
    ]) {
      const links = await loadLinks(store, dataset, hmacKey);
      const [ids, keys, laterIds, laterKeys] = asked.map((some) => new Set(some));
      await links.narrow(type, ids ?? new Set(), keys ?? new Set());
      await links.narrow(type, laterIds ?? new Set(), laterKeys ?? new Set());
      expect(links.nativeIdOf(type, 'k')).toBe('b');
    }
  });

  it('are made of a table that lies in one head where that is large', async () => {
    const all = upTo(2_000);
    const bytes = Buffer.from(JSON.stringify({ [type]: Object.fromEntries(all) }));
    await store.compareAndSetHead(`links/${dataset}`, 0, bytes);
    expect(await kept()).toEqual(sorted(all));
    await edit(store, () => undefined);
    await expectWhole(all);
  });

  it('are erased from every bucket, also of earlier heads and of a save that nobody ended', async () => {
    await write(upTo(200));
    await edit(store, (links) => links.set(type, idOf(9), keyOf(9_000)));
    await edit(store, (links) => links.remove(type, idOf(10)));
    const dying = new OvertakenStore(store, () => Promise.reject(new Error('died')));
    await expect(edit(dying, (links) => links.set(type, idOf(9), keyOf(9_001)))).rejects.toThrow('died');
    store = new MemoryStore(dying);
    const holding = (text: string): readonly string[] =>
      [...store.objects].flatMap(([name, bytes]) => (Buffer.from(bytes).includes(text) ? [name] : []));
    expect(holding(keyOf(9_000)).length + holding(keyOf(9_001)).length).toBeGreaterThan(1);
    await eraseLinks(store, dataset, type, (nativeId) => nativeId === idOf(9));
    for (const text of ['p-9\\"', keyOf(9), keyOf(9_000), keyOf(9_001), 'p-10\\"']) expect(holding(text)).toEqual([]);
    await expectWhole(upTo(200).filter((_, at) => ![9, 10].includes(at)));
    const left = [...store.objects.keys()].filter((name) => name.startsWith(bucketsPrefix(dataset)));
    const before = store.heads.get(`links/${dataset}`)?.version ?? 0;
    await eraseLinks(store, dataset, type, () => false);
    // What nobody may name any more is only known of versions that were set.
    expect(store.heads.get(`links/${dataset}`)?.version).toBe(before + 1);
    expect(await store.list(bucketsPrefix(dataset))).toEqual(left.sort());
  });
});

/** Something else happens right before the head is moved for the first time. */
class OvertakenStore extends MemoryStore {
  #happens: ((store: MemoryStore) => Promise<void>) | null;

  constructor(from: MemoryStore, happens: (store: MemoryStore) => Promise<void>) {
    super(from);
    this.#happens = happens;
  }
  override async compareAndSetHead(name: string, from: number, bytes: Uint8Array): Promise<boolean> {
    const happens = this.#happens;
    this.#happens = null;
    await happens?.(this);
    return super.compareAndSetHead(name, from, bytes);
  }
}
