/** The hops of a run where a worker dies at any step of making them or of taking them in. */
import { describe, expect, it } from 'vitest';
import { publicKeyOf } from '../../../activities/keys/private-key.js';
import { readChain } from '../../../activities/lineage/read-chain.js';
import { emptyManifest, RecordTable } from '../../../activities/lineage/record-table.js';
import {
  adoptHops,
  makeRunHops,
  ownTable,
  type HopOwner,
  type Witnessed,
} from '../../../activities/lineage/run-hops.js';
import { SaltProposals } from '../../../activities/lineage/salts.js';
import { ownCheckpoint } from '../../../activities/log/own-log.js';
import type { DatasetShape } from '../../../core/federation/federation.js';
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
  for (const key of keys) await proposals.add('person', key);
  const witnessed: Witnessed = {
    run: digest('01'),
    plan: digest('02'),
    candidate: digest('03'),
    sequence: 1,
    shape,
    views: { person: [] },
    changes: keys.map((key) => ({ kind: 'put', type: 'person', key, fields: { department: 'Archive', name: key } })),
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
        const name = { dataset: 'workforce', type: 'person', key: 'two' };
        expect((await readChain(world.exchange, 'aws', ['aws'], name))?.chain.hops).toHaveLength(1);
        if (!died) break;
        deaths += 1;
      }
    }
    expect(deaths).toBeGreaterThan(20);
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
});
