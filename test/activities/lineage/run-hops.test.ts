/** The hops of a run where a worker dies at any step of making them or of taking them in. */
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { publicKeyOf } from '../../../activities/keys/private-key.js';
import { putHops, readHopText } from '../../../activities/lineage/hop-files.js';
import { readChain } from '../../../activities/lineage/read-chain.js';
import { emptyManifest, RecordTable } from '../../../activities/lineage/record-table.js';
import {
  adoptHops,
  makeRunHops,
  ownTable,
  sealedName,
  type HopOwner,
  type Witnessed,
} from '../../../activities/lineage/run-hops.js';
import { SaltProposals } from '../../../activities/lineage/salts.js';
import { ownCheckpoint } from '../../../activities/log/own-log.js';
import { SortedListWriter } from '../../../activities/spilling/sorted-list-writer.js';
import { canonicalJson } from '../../../core/digest.js';
import { ConcordatError } from '../../../core/errors.js';
import type { DatasetShape } from '../../../core/federation/federation.js';
import { hopText, parseHop } from '../../../core/lineage/hop.js';
import type { BaseChange } from '../../../core/next-base.js';
import type { Operation } from '../../../core/operation.js';
import { lastOf } from '../../../core/steps.js';
import { MemoryStore } from '../authority/gate-world.js';
import { dyingStore, LogWorld } from '../log/log-world.js';

const digest = (byte: string): string => byte.repeat(32);
const shape = {
  dataset: { dataset: 'workforce' },
  members: ['aws'],
  types: [{ taxonomy: { type: 'person' }, held: { aws: ['department', 'name'] } }],
} as unknown as DatasetShape;
const keys = ['one', 'two', 'three'];
const seal = { ref: 'aws/documents/seal', sha256: digest('cd') };

async function ready(): Promise<{ readonly world: LogWorld; readonly witnessed: Witnessed }> {
  const world = new LogWorld(['aws']);
  const proposals = new SaltProposals(new RecordTable(world.exchange, 'none', emptyManifest));
  for (const key of keys) proposals.add('person', key);
  const witnessed: Witnessed = {
    run: digest('01'),
    plan: digest('02'),
    candidate: digest('03'),
    sequence: 1,
    shape,
    views: { person: [] },
    changes: keys.map((key) => ({ kind: 'put', type: 'person', key, fields: { department: 'Archive', name: key } })),
    unanimous: {},
    effective: [],
    decisionsBy: new Map(),
    salts: { aws: await proposals.put(world.exchange, 'aws') },
    nativeOf: () => null,
    hlc: '0000000000010000',
  };
  return { world, witnessed };
}

function ownerOf(world: LogWorld, dies?: { at: number; readonly after: boolean }): HopOwner {
  const log = world.of('aws');
  const through = (store: HopOwner['exchange']) => (dies ? dyingStore(store, dies) : store);
  return {
    ...log,
    signingKey: log.logKey,
    messageKeys: [publicKeyOf(log.logKey)],
    exchange: through(log.exchange),
    privateStore: through(log.privateStore),
  };
}

describe('hops', () => {
  it('are made once, signed once, logged once and taken in once, wherever a worker dies, also with another time', async () => {
    const { world: before, witnessed } = await ready();
    let deaths = 0;
    for (const after of [false, true]) {
      for (let at = 1; ; at += 1) {
        const world = before.copy();
        const owner = ownerOf(world, { at, after });
        let died = false;
        try {
          await makeRunHops(owner, witnessed);
          await adoptHops(owner, 'workforce', witnessed.candidate, seal);
        } catch (error) {
          expect(String(error)).toContain('the process has died');
          died = true;
        }
        const again = ownerOf(world);
        const made = await makeRunHops(again, { ...witnessed, hlc: '0000000000990000' });
        await adoptHops(again, 'workforce', witnessed.candidate, seal);
        expect(made.hops).toMatchObject({ count: 3, position: 0 });
        expect((await ownCheckpoint(again)).checkpoint.size).toBe(1);
        expect((await ownTable(again, 'workforce')).manifest).toMatchObject({ sequence: 1, count: 3 });
        // They have done what they were kept for: 88 bytes a record would stay with every run.
        const kept = await again.privateStore.list('lineage/workforce/made/');
        expect(kept.filter((name) => name.includes('/rows'))).toEqual([]);
        const name = { dataset: 'workforce', type: 'person', key: 'two' };
        expect((await readChain(world.exchange, 'aws', ['aws'], name))?.chain.hops).toHaveLength(1);
        if (!died) break;
        deaths += 1;
      }
    }
    expect(deaths).toBeGreaterThan(20);
  });

  it('are the same of changes and operations that lie in files', async () => {
    const { world, witnessed } = await ready();
    const operations = ['three', 'one'].map(
      (key) => ({ id: digest(key === 'one' ? 'a1' : 'b2'), authority: 'aws', type: 'person', key }) as Operation,
    );
    const decisionsBy = new Map(operations.map(({ id }) => [id, [digest('dd')]]));
    const held = { ...witnessed, effective: operations, decisionsBy };
    const file = new SortedListWriter((text) => JSON.parse(text) as BaseChange);
    for (const change of witnessed.changes) file.put('', canonicalJson(change));
    const filed = {
      ...held,
      changes: lastOf(file.finish()),
      effective: { of: (_type: string, key: string) => operations.filter((one) => one.key === key) },
    };
    const made = await makeRunHops(ownerOf(world.copy()), held);
    expect(await makeRunHops(ownerOf(world.copy()), filed)).toEqual(made);
    expect(made.hops?.root).not.toBe((await makeRunHops(ownerOf(world.copy()), witnessed)).hops?.root);
  });

  it('are taken in by one of two workers, and the other finds them there', async () => {
    const { world, witnessed } = await ready();
    await makeRunHops(ownerOf(world), witnessed);
    const workers = [ownerOf(world), ownerOf(world), ownerOf(world)];
    await Promise.all(workers.map((owner) => adoptHops(owner, 'workforce', witnessed.candidate, seal)));
    expect((await ownTable(ownerOf(world), 'workforce')).manifest).toMatchObject({ sequence: 1, count: 3 });
    // One that read the head before the other moved it comes for rows that are gone.
    const late = ownerOf(world);
    vi.spyOn(late.privateStore, 'readHead').mockResolvedValueOnce(null);
    await adoptHops(late, 'workforce', witnessed.candidate, seal);
    expect((await ownTable(ownerOf(world), 'workforce')).manifest).toMatchObject({ sequence: 1, count: 3 });
  });

  it('of a candidate that was never sealed are in no chain', async () => {
    const { world, witnessed } = await ready();
    const owner = ownerOf(world);
    await makeRunHops(owner, witnessed);
    const name = { dataset: 'workforce', type: 'person', key: 'two' };
    expect(await readChain(world.exchange, 'aws', ['aws'], name)).toBeNull();
    const other = { ...witnessed, candidate: digest('04') };
    await makeRunHops(owner, other);
    await adoptHops(owner, 'workforce', other.candidate, seal);
    const chain = await readChain(world.exchange, 'aws', ['aws'], name);
    expect(chain?.chain.hops).toHaveLength(1);
  });

  const name = { dataset: 'workforce', type: 'person', key: 'two' };
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);

  it.each<[string, (world: LogWorld) => Promise<void>, RegExp]>([
    [
      'publishes what is no table',
      async ({ exchange }) => {
        const head = await exchange.readHead('aws/lineage/workforce/table');
        await exchange.compareAndSetHead('aws/lineage/workforce/table', head?.version ?? 0, text('{"sequence":'));
      },
      /another shape/,
    ],
    [
      'names its seal in another form',
      async ({ exchange }) =>
        void exchange.objects.set(sealedName('aws/lineage/workforce', 1), text('['.repeat(9_999))),
      /another shape/,
    ],
    [
      'says that there are fewer hops',
      async ({ exchange }) => {
        const sealed = exchange.objects.get(sealedName('aws/lineage/workforce', 1));
        const forged = new TextDecoder().decode(sealed).replace('"count":3', '"count":1');
        exchange.objects.set(sealedName('aws/lineage/workforce', 1), text(forged));
      },
      /cannot hold/,
    ],
    [
      'lets a hop follow itself',
      async ({ exchange }) => {
        const [bodies = ''] = [...exchange.objects.keys()].filter((one) => one.endsWith('/bodies-0'));
        const folder = path.dirname(bodies);
        const hop = parseHop(await readHopText(exchange, folder, 0));
        if (!hop) throw new Error('there is no hop');
        const [previous, forged] = [{ sequence: 1, index: 0, hop: digest('ab') }, new MemoryStore()];
        const text = Buffer.from(hopText({ ...hop, previous }));
        await putHops(forged, folder, [text, text, text], new Uint8Array(3 * 32));
        for (const [object, bytes] of forged.objects) exchange.objects.set(object, bytes);
      },
      /names a later one/,
    ],
  ])('of a member that %s are refused with a code, at once', async (_what, forge, why) => {
    const { world, witnessed } = await ready();
    const owner = ownerOf(world);
    await makeRunHops(owner, witnessed);
    await adoptHops(owner, 'workforce', witnessed.candidate, seal);
    await forge(world);
    // Which record has which place follows from its random salt, so not every lie touches every record.
    const readings = await Promise.allSettled(
      keys.map((key) => readChain(world.exchange, 'aws', ['aws'], { ...name, key })),
    );
    const refusals = readings.flatMap((reading) => (reading.status === 'rejected' ? [reading.reason as unknown] : []));
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ConcordatError);
    const words = (refusal: unknown): string => (refusal instanceof ConcordatError ? refusal.message : '');
    const [told] = refusals.filter((refusal) => why.test(words(refusal)));
    expect(told).toMatchObject({ code: 'inputNotAuthentic' });
  });

  it('are made though a peer publishes what is no table, and published over what somebody else put there', async () => {
    const { world, witnessed } = await ready();
    await world.exchange.compareAndSetHead('sov/lineage/workforce/table', 0, text('not JSON'));
    await world.exchange.compareAndSetHead('aws/lineage/workforce/table', 0, text('not JSON'));
    const owner = ownerOf(world);
    const withPeer = { ...witnessed, shape: { ...shape, members: ['aws', 'sov'] } as unknown as DatasetShape };
    const views = keys.map((key) => ({ key, base: { department: 'Archive' }, members: {} }));
    await makeRunHops(owner, { ...withPeer, views: { person: views } });
    await adoptHops(owner, 'workforce', witnessed.candidate, seal);
    expect((await readChain(world.exchange, 'aws', ['aws'], name))?.chain.hops).toHaveLength(1);
  });
});
