/** The table of records and the salts that members come to share. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RecordIds } from '../../../activities/lineage/record-ids.js';
import { emptyManifest, RecordTable, tableId, type TableManifest } from '../../../activities/lineage/record-table.js';
import { encodeRows, rowBytes, type TableRow } from '../../../activities/lineage/table-rows.js';
import { IdIndex } from '../../../activities/lineage/id-index.js';
import { SaltProposals, saltsOf, type SaltSources } from '../../../activities/lineage/salts.js';
import { MemoryStore } from '../authority/gate-world.js';

const row = (key: string, sequence: number): TableRow => ({
  id: tableId({ type: 'person', key }),
  salt: randomBytes(32),
  end: { sequence, index: sequence, hop: 'ab'.repeat(32) },
});

describe('the table of records', () => {
  it('finds every record over any growth, the newest row of each, and no other record', async () => {
    const store = new MemoryStore();
    let manifest = emptyManifest;
    const latest = new Map<string, TableRow>();
    for (const [sequence, from, to] of [
      [1, 0, 3],
      [2, 2, 5_000],
      [3, 4_000, 12_000],
      [4, 7, 8],
    ] as const) {
      const keys = Array.from({ length: to - from }, (_, at) => `key ${from + at}`);
      const rows = keys.map((key) => row(key, sequence));
      keys.forEach((key, at) => latest.set(key, rows[at] ?? row(key, 0)));
      const table = new RecordTable(store, 'aws/lineage/d', manifest);
      manifest = await table.with(rows, sequence);
      await table.removeAllBut(manifest);
    }
    expect([manifest.count, manifest.sequence]).toEqual([12_000, 4]);
    expect(manifest.bits).toBeGreaterThan(1);
    const table = new RecordTable(store, 'aws/lineage/d', manifest);
    for (const [key, expected] of latest) {
      const found = await table.rowOf(tableId({ type: 'person', key }));
      expect(found?.end).toEqual(expected.end);
      expect(Buffer.from(found?.salt ?? []).equals(expected.salt)).toBe(true);
    }
    expect(await table.rowOf(tableId({ type: 'team', key: 'key 1' }))).toBeNull();
    // Nothing of a table that was replaced stays behind.
    expect(store.objects.size).toBe(new Set(manifest.buckets.filter((bucket) => bucket !== null)).size);
  });

  it('holds in each bucket the newest row of each id in order, whatever came before, between, behind and twice', async () => {
    const store = new MemoryStore();
    // Of two halves of the ids with rows in some of 2,048: rows at the ends, between and over others.
    const keys = Array.from({ length: 3_300 }, (_, at) => `key ${at}`);
    const old = keys.filter((_, at) => at % 3 !== 0).map((key) => row(key, 1));
    const first = await new RecordTable(store, 'p', emptyManifest).with(old, 1);
    const twice = keys.filter((_, at) => at % 5 < 2).map((key) => row(key, 2));
    const last = keys.filter((_, at) => at % 10 === 0).map((key) => row(key, 3));
    const second = await new RecordTable(store, 'p', first).with([...twice, ...last], 2);
    expect(second.bits, 'no bucket was made anew').toBe(first.bits);
    const newest = new Map([...old, ...twice, ...last].map((one) => [one.id.toString('hex'), one]));
    const expected = [...newest].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
    const there = second.buckets.map((digest) => store.objects.get(`p/table/${digest}`) ?? new Uint8Array(0));
    expect(second.count).toBe(expected.length);
    expect(Buffer.concat(there).equals(encodeRows(expected))).toBe(true);
  });

  it('is the same of rows that lie in pieces, in any number of passes over them, whether it grows or not', async () => {
    const keys = Array.from({ length: 9_000 }, (_, at) => `key ${at}`);
    const old = keys.filter((_, at) => at % 3 === 0).map((key) => row(key, 1));
    const [some, many] = [keys.slice(0, 40), keys.slice(500)].map((of) => of.map((key) => row(key, 2)));
    const store = new MemoryStore();
    const first = await new RecordTable(store, 'p', emptyManifest).with(old, 1);
    for (const rows of [some ?? [], [...(many ?? []), row('key 600', 3)]]) {
      const expected = await new RecordTable(new MemoryStore(store), 'p', first).with(rows, 2);
      for (const bytesMax of [1, 20_000, 400_000]) {
        let readings = 0;
        const read = (): readonly Buffer[] => {
          readings += 1;
          return [rows.slice(0, 33), rows.slice(33)].map(encodeRows);
        };
        const table = new RecordTable(store, 'p', first);
        expect(await table.withPieces({ count: rows.length, read, bytesMax }, 2)).toEqual(expected);
        expect(readings > 1, `passes of ${bytesMax} bytes`).toBe(rows.length * rowBytes > bytesMax);
      }
    }
  });

  it('tells in the order of ids what it tells in any, reads each bucket once and keeps none', async () => {
    const store = new MemoryStore();
    const rows = Array.from({ length: 6_000 }, (_, at) => row(`key ${at}`, 1));
    const manifest = await new RecordTable(store, 'p', emptyManifest).with(rows, 1);
    const reads: string[] = [];
    const counted = Object.create(store) as MemoryStore;
    counted.get = (name) => {
      reads.push(name);
      return store.get(name);
    };
    const table = new RecordTable(counted, 'p', manifest);
    const ids = [...rows.map(({ id }) => id), tableId({ type: 'team', key: 'key 1' })].sort((left, right) =>
      Buffer.compare(left, right),
    );
    const found = new Map<string, TableRow | null>();
    for (const id of ids) found.set(id.toString('hex'), await table.rowInOrder(id));
    expect(reads.length).toBe(manifest.buckets.length);
    for (const { id, end } of rows) expect(found.get(id.toString('hex'))?.end).toEqual(end);
    expect(found.get(tableId({ type: 'team', key: 'key 1' }).toString('hex'))).toBeNull();
    await table.rowInOrder(ids[0] ?? Buffer.alloc(16));
    expect(reads.length, 'the first bucket was let go').toBe(manifest.buckets.length + 1);
  });

  it('is without a record once it was taken out, and no bucket is left that held it, also of a worker that died', async () => {
    const store = new MemoryStore();
    const first = await new RecordTable(store, 'p', emptyManifest).with([row('a', 1), row('b', 1)], 1);
    const erased = await new RecordTable(store, 'p', first).rowOf(tableId({ type: 'person', key: 'a' }));
    // Written, and never taken into a head.
    await new RecordTable(store, 'p', first).with([row('c', 2)], 2);
    const table = new RecordTable(store, 'p', first);
    const next = await table.without(tableId({ type: 'person', key: 'a' }));
    await table.removeAllBut(next, await table.bucketsThere());
    expect([next.count, next.sequence]).toEqual([1, 1]);
    expect(await new RecordTable(store, 'p', next).rowOf(tableId({ type: 'person', key: 'a' }))).toBeNull();
    expect(await new RecordTable(store, 'p', next).rowOf(tableId({ type: 'person', key: 'b' }))).not.toBeNull();
    expect(
      [...store.objects.values()].some((bytes) => Buffer.from(bytes).includes(Buffer.from(erased?.salt ?? '?'))),
    ).toBe(false);
    expect(await new RecordTable(store, 'p', next).without(tableId({ type: 'person', key: 'a' }))).toBe(next);
  });

  it('writes only the buckets that a run touches', async () => {
    const store = new MemoryStore();
    const first = new RecordTable(store, 'p', emptyManifest);
    const manifest = await first.with(
      Array.from({ length: 9_000 }, (_, at) => row(`key ${at}`, 1)),
      1,
    );
    const next = await new RecordTable(store, 'p', manifest).with([row('key 5', 2)], 2);
    expect(next.buckets.filter((bucket, at) => bucket !== manifest.buckets[at])).toHaveLength(1);
  });

  describe('where few rows wait beside the buckets', () => {
    const keys = Array.from({ length: 9_000 }, (_, at) => `key ${at}`);
    const idOf = (key: string): Buffer => tableId({ type: 'person', key });
    const hasRow = async (table: RecordTable, expected: TableRow): Promise<void> => {
      for (const found of [await table.rowOf(expected.id), await table.rowInOrder(expected.id)])
        expect([found?.end, Buffer.from(found?.salt ?? []).toString('hex')]).toEqual([
          expected.end,
          Buffer.from(expected.salt).toString('hex'),
        ]);
    };
    const add = (store: MemoryStore, manifest: TableManifest, rows: readonly TableRow[], sequence: number) =>
      new RecordTable(store, 'p', manifest).withPieces(
        { count: rows.length, read: () => [encodeRows(rows)] },
        sequence,
        3,
      );

    async function waiting() {
      const store = new MemoryStore();
      const old = keys.map((key) => row(key, 1));
      const first = await new RecordTable(store, 'p', emptyManifest).with(old, 1);
      const changed = [3, 70, 4_000].map((at) => row(keys[at] ?? '', 2));
      const fresh = [row('new 1', 2), row('new 2', 2)];
      return { store, old, first, changed, fresh, second: await add(store, first, [...changed, ...fresh], 2) };
    }

    it('writes one object, and finds of each record the newest row', async () => {
      const { store, old, first, changed, fresh, second } = await waiting();
      expect(second).toEqual({ ...first, sequence: 2, recent: { count: 5, rows: second.recent?.rows } });
      expect(store.objects.size).toBe(first.buckets.length + 1);
      const again = row(keys[70] ?? '', 3);
      const third = await add(store, second, [again], 3);
      expect([third.recent?.count, third.buckets]).toEqual([5, first.buckets]);
      const table = new RecordTable(store, 'p', third);
      for (const one of [again, ...fresh, ...changed.slice(0, 1), ...changed.slice(2), ...old.slice(100, 110)])
        await hasRow(table, one);
      const ids = [...old.slice(0, 9), ...fresh, row('nobody', 1)]
        .map(({ id }) => id)
        .sort((left, right) => Buffer.compare(left, right));
      expect((await table.lacking(Buffer.concat(ids))).equals(idOf('nobody'))).toBe(true);
    });

    it.each([
      ['are many', 600],
      ['make the table grow', 12_000],
    ])('they go into the buckets once they %s', async (_, more) => {
      const { store, first, second } = await waiting();
      const rows = Array.from({ length: more }, (_one, at) => row(`more ${at}`, 3));
      const third = await add(store, second, rows, 3);
      expect(third.recent).toBeUndefined();
      expect(third.count).toBe(9_002 + more);
      expect(third.bits > first.bits).toBe(more > 600);
      const table = new RecordTable(store, 'p', third);
      const changed = await new RecordTable(store, 'p', second).rowOf(idOf(keys[70] ?? ''));
      expect(changed?.end?.sequence).toBe(2);
      if (changed) await hasRow(table, changed);
      await hasRow(table, rows[5] ?? row('', 0));
      await table.removeAllBut(third, await table.bucketsThere());
      expect(store.objects.size).toBe(third.buckets.length);
    });

    it('a record that is erased is in neither', async () => {
      const { store, second } = await waiting();
      const salts: string[] = [];
      for (const key of [keys[70] ?? '', 'new 1', keys[5] ?? ''])
        for (const manifest of [second, { ...second, recent: undefined }]) {
          const found = await new RecordTable(store, 'p', manifest).rowOf(idOf(key));
          if (found) salts.push(Buffer.from(found.salt).toString('hex'));
        }
      expect(salts).toHaveLength(5);
      let manifest = second;
      for (const key of [keys[70] ?? '', 'new 1', keys[5] ?? '']) {
        const table = new RecordTable(store, 'p', manifest);
        const next = await table.without(idOf(key));
        await table.removeAllBut(next, await table.bucketsThere());
        expect(await new RecordTable(store, 'p', next).rowOf(idOf(key))).toBeNull();
        expect(await new RecordTable(store, 'p', next).without(idOf(key))).toBe(next);
        manifest = next;
      }
      expect([manifest.count, manifest.recent?.count]).toEqual([8_998, 3]);
      for (const salt of salts)
        expect([...store.objects.values()].some((bytes) => Buffer.from(bytes).includes(salt, 0, 'hex'))).toBe(false);
    });
  });

  it('is refused where a bucket was altered', async () => {
    const store = new MemoryStore();
    const manifest = await new RecordTable(store, 'p', emptyManifest).with([row('a', 1)], 1);
    const [name = ''] = store.objects.keys();
    store.objects.set(name, Buffer.alloc(store.objects.get(name)?.length ?? 0));
    await expect(
      new RecordTable(store, 'p', manifest).rowOf(tableId({ type: 'person', key: 'a' })),
    ).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });
});

it('ids of many records come sorted and once, without those that were taken back', () => {
  const ids = new RecordIds();
  const names = Array.from({ length: 9_000 }, (_, at) => `${at % 5_000}`);
  for (const name of names) ids.add('person', name);
  ids.cutTo(8_192);
  ids.cutTo(6_000);
  ids.add('team', 'one');
  const expected = [...new Set([...names.slice(0, 6_000).map((key) => `person ${key}`), 'team one'])].map((name) => {
    const [type = '', key = ''] = name.split(' ');
    return tableId({ type, key });
  });
  expect(ids.takeSorted()).toEqual(Buffer.concat(expected.sort((left, right) => Buffer.compare(left, right))));
  expect(ids.takeSorted()).toHaveLength(0);
});

it('an index finds each id among those that begin alike, and no other', () => {
  const ids = Array.from({ length: 40 }, (_, at) => Buffer.from([at >> 5, ...Array<number>(14).fill(7), at * 2]));
  const rows = Buffer.concat(ids.map((id) => Buffer.concat([id, Buffer.from('row')])));
  const index = new IdIndex(rows, 19);
  expect(ids.map((id) => index.find(id))).toEqual(ids.map((_, at) => at));
  const others = ids.map((id) => Buffer.from(id.map((byte, at) => (at === 15 ? byte + 1 : byte))));
  expect(others.map((id) => index.find(id))).toEqual(others.map(() => -1));
  expect(new IdIndex(Buffer.alloc(0), 19).find(Buffer.alloc(16))).toBe(-1);
});

const asked = async (sources: SaltSources) => {
  const salts = await saltsOf(sources);
  return (type: string, key: string, isInBase: boolean) => salts.of(tableId({ type, key }), type, isInBase);
};

describe('salts', () => {
  const empty = (store: MemoryStore): RecordTable => new RecordTable(store, 'none', emptyManifest);
  const sources = (store: MemoryStore, proposed: Record<string, string | null>) => ({
    exchange: store,
    own: empty(store),
    proposed,
    tables: () => Promise.resolve([]),
  });

  it('are the same for all members: of each record the proposal of the first that showed it', async () => {
    const store = new MemoryStore();
    const shown: Record<string, readonly string[]> = { aws: ['a', 'b', '~c'], azure: ['b', 'c'], sov: ['a', 'c', 'd'] };
    const proposed: Record<string, string | null> = {};
    for (const [member, keys] of Object.entries(shown)) {
      const proposals = new SaltProposals(empty(store));
      for (const key of keys) proposals.add('person', key);
      proposed[member] = await proposals.put(store, member);
    }
    const one = await asked(sources(store, proposed));
    const other = await asked(sources(store, Object.fromEntries(Object.entries(proposed).reverse())));
    const salts = await Promise.all(['a', 'b', 'c', 'd'].map((key) => one('person', key, false)));
    expect(new Set(salts.map((salt) => Buffer.from(salt).toString('hex'))).size).toBe(4);
    for (const [at, key] of ['a', 'b', 'c', 'd'].entries())
      expect(Buffer.from(await other('person', key, false))).toEqual(Buffer.from(salts[at] ?? []));
    const onlyAws = await asked(sources(store, { aws: proposed['aws'] ?? null }));
    expect(Buffer.from(await onlyAws('person', 'b', false))).toEqual(Buffer.from(salts[1] ?? []));
    await expect(onlyAws('person', 'd', false)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
    await expect(onlyAws('person', '~c', false)).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });

  it('of a record that the base holds come from those who were there, not from a proposal of somebody who joins', async () => {
    const store = new MemoryStore();
    const theirs = row('a', 3);
    const manifest = await new RecordTable(store, 'sov/lineage/d', emptyManifest).with([theirs], 3);
    const proposals = new SaltProposals(empty(store));
    proposals.add('person', 'a');
    const saltOf = await asked({
      ...sources(store, { azure: await proposals.put(store, 'azure') }),
      tables: () => Promise.resolve([new RecordTable(store, 'sov/lineage/d', manifest)]),
    });
    expect(Buffer.from(await saltOf('person', 'a', true))).toEqual(theirs.salt);
  });

  it('come from the next member that has them where one has spoiled its table, and from nobody where all have', async () => {
    const store = new MemoryStore();
    const theirs = row('a', 3);
    const good = await new RecordTable(store, 'sov/lineage/d', emptyManifest).with([theirs], 3);
    const spoiled = new RecordTable(store, 'aws/lineage/d', { ...good, buckets: ['ab'.repeat(32)] });
    const from = (...tables: readonly RecordTable[]) =>
      asked({ ...sources(store, {}), tables: () => Promise.resolve(tables) });
    const saltOf = await from(spoiled, new RecordTable(store, 'sov/lineage/d', good));
    expect(Buffer.from(await saltOf('person', 'a', true))).toEqual(theirs.salt);
    await expect((await from(spoiled))('person', 'a', true)).rejects.toMatchObject({ code: 'storeFault' });
  });

  it('are proposed only for records that have none, and refused where they are not what was signed', async () => {
    const store = new MemoryStore();
    const manifest = await new RecordTable(store, 'p', emptyManifest).with([row('a', 1)], 1);
    const proposals = new SaltProposals(new RecordTable(store, 'p', manifest));
    proposals.add('person', 'a');
    expect(await proposals.put(store, 'aws')).toBeNull();
    const other = new SaltProposals(empty(store));
    other.add('person', 'b');
    const digest = await other.put(store, 'aws');
    store.objects.set(`aws/salts/${digest}`, Buffer.alloc(48));
    await expect(asked(sources(store, { aws: digest }))).rejects.toMatchObject({ code: 'inputNotAuthentic' });
  });
});
