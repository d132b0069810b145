/** Hops of records that a base took over unseen are those that would be made of each by itself. */
import { expect, it } from 'vitest';
import { publicKeyOf } from '../../../activities/keys/private-key.js';
import { emptyManifest, RecordTable } from '../../../activities/lineage/record-table.js';
import { adoptHops, makeRunHops, type HopOwner, type Witnessed } from '../../../activities/lineage/run-hops.js';
import { SaltProposals } from '../../../activities/lineage/salts.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import type { DatasetShape, DatasetType } from '../../../core/federation/federation.js';
import type { Fields } from '../../../core/record.js';
import { LogWorld } from '../log/log-world.js';

const digest = (byte: string): string => byte.repeat(32);
const members = ['aws', 'entra'];
/** entra holds no note, and tags that nobody has are null in both meshes. */
const groups = [
  { id: 'aws+entra', fields: ['city', 'tags'], members },
  { id: 'aws', fields: ['note'], members: ['aws'] },
];
const parcel = {
  taxonomy: {
    type: 'parcel',
    fields: { city: { kind: 'text' }, note: { kind: 'text' }, tags: { kind: 'set', of: 'text' } },
  },
  held: { aws: ['city', 'note', 'tags'], entra: ['city', 'tags'] },
  groups,
} as unknown as DatasetType;
const shape = { dataset: { dataset: 'parcels' }, members, types: [parcel] } as unknown as DatasetShape;
const records = Array.from({ length: 40 }, (_, at) => ({
  key: `key ${at}`,
  fields: { city: `city ${at}`, note: 'n', tags: at % 2 === 0 ? null : ['a'] } satisfies Fields,
}));

it.each(members)('by %s', async (member) => {
  const world = new LogWorld(members);
  const seal = async (id: string, rows: typeof records) => {
    const held = groups.filter((group) => id === '(base)' || group.members.includes(id));
    const fields = held.flatMap((group) => group.fields);
    const sealer = createSealer({
      store: world.exchange,
      prefix: id === '(base)' ? 'aws' : id,
      type: 'parcel',
      groups: held,
      expectedCount: 40,
    });
    for (const { key, fields: all } of rows)
      sealer.add({
        type: 'parcel',
        key,
        fields: Object.fromEntries(Object.entries(all).filter(([name]) => fields.includes(name))),
      });
    return { id, sealed: await sealer.finish() };
  };
  const participants = [await seal('aws', records), await seal('entra', records), await seal('(base)', [])];
  const proposeAll = (exchange: HopOwner['exchange']): Promise<string | null> => {
    const proposals = new SaltProposals(new RecordTable(world.exchange, 'none', emptyManifest));
    for (const { key } of records) proposals.add('parcel', key);
    return proposals.put(exchange, 'aws');
  };
  const witnessed: Witnessed = {
    run: digest('01'),
    plan: digest('02'),
    candidate: digest('03'),
    sequence: 1,
    shape,
    views: { parcel: [] },
    changes: [],
    unanimous: {},
    effective: [],
    decisionsBy: new Map(),
    salts: { aws: await proposeAll(world.exchange) },
    nativeOf: (_type, key) => (key === 'key 3' ? digest('0a') : null),
    hlc: '0000000000010000',
  };
  const unanimous = {
    parcel: {
      type: parcel,
      count: 40,
      walk: { participants, groups, unanimous: { base: '(base)', wanted: new Set<bigint>() } },
    },
  };
  const changes = records.map(
    ({ key, fields }) =>
      ({ kind: 'put', type: 'parcel', key, fields: { ...fields, tags: fields.tags ?? [] } }) as const,
  );
  const owner = (own: LogWorld): HopOwner => {
    const log = own.of(member);
    return { ...log, signingKey: log.logKey, messageKeys: [publicKeyOf(log.logKey)] };
  };
  const changed = owner(world.copy());
  const short = await makeRunHops(owner(world.copy()), { ...witnessed, unanimous });
  const long = await makeRunHops(owner(world.copy()), { ...witnessed, changes });
  expect(long.hops?.count).toBe(40);
  expect(short.hops?.root).toBe(long.hops?.root);

  // Records that were here before go on from where they ended, under the salts that they had.
  await makeRunHops(changed, { ...witnessed, changes: changes.slice(0, 20) });
  await adoptHops(changed, 'parcels', witnessed.candidate, { ref: 'aws/documents/none', sha256: digest('05') });
  const again = {
    ...witnessed,
    candidate: digest('06'),
    sequence: 2,
    salts: { aws: await proposeAll(changed.exchange) },
  };
  const shortAgain = await makeRunHops(changed, { ...again, unanimous });
  const longAgain = await makeRunHops(changed, { ...again, candidate: digest('07'), changes });
  expect(shortAgain.hops?.count).toBe(40);
  expect(shortAgain.hops?.root).toBe(longAgain.hops?.root);
  expect(shortAgain.hops?.root).not.toBe(short.hops?.root);
});
