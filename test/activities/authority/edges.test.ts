/** Grants from snapshot to agreement, in two clouds that know roles, places and bindings (test/support/edge-cloud.ts). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TypeMap } from '../../../core/federation/map.js';
import type { Federation } from '../../../core/federation/federation.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { Plan } from '../../../core/plan.js';
import { awsUser, keystoneUser, seedEqual, teamHandle } from '../../support/equal-clouds.js';
import { EdgeCloud } from '../../support/edge-cloud.js';
import { dataset } from '../../support/local-federation.js';
import { documentOf } from './gate-scene.js';
import { GateWorld, layGround, members, type Ground, type Member } from './gate-world.js';

const taxonomy = {
  scope: TaxonomyType.parse({ type: 'scope', fields: { name: { kind: 'text' } }, key: ['name'] }),
  role: TaxonomyType.parse({ type: 'role', fields: { name: { kind: 'text' } }, key: ['name'] }),
  grant: TaxonomyType.parse({
    type: 'grant',
    phrase: '{principal} as {role} on {scope}',
    fields: {
      principal: { kind: 'reference', of: ['person', 'team'] },
      role: { kind: 'reference', of: ['role'] },
      scope: { kind: 'reference', of: ['scope'] },
    },
    key: ['principal', 'role', 'scope'],
  }),
};
const tables = { aws: { operator: ['PowerUserAccess', 'OpsAccess'] }, sov: { operator: ['member', '_member_'] } };

function mapsOf(member: Member): Readonly<Record<string, TypeMap>> {
  const common = { lifecycle: 'active', create: {}, ignore: [] };
  return {
    [`${member}.scope`]: TypeMap.parse({
      ...common,
      type: 'scope',
      native: 'place',
      fields: { name: { path: 'name' } },
    }),
    [`${member}.role`]: TypeMap.parse({
      ...common,
      type: 'role',
      native: 'role',
      fields: { name: { path: 'name', through: [{ table: tables[member], else: 'setAside' }] } },
    }),
    [`${member}.grant`]: TypeMap.parse({
      ...common,
      type: 'grant',
      native: 'binding',
      fields: {
        principal: { path: 'principal', through: [{ reference: { user: 'person', group: 'team' } }] },
        role: { path: 'role', through: [{ reference: { role: 'role' } }] },
        scope: { path: 'place', through: [{ reference: { place: 'scope' } }] },
      },
    }),
  };
}

function withGrants(federation: Federation): Federation {
  const surface = {
    scope: { fields: { name: 'clear' }, where: [] },
    role: { fields: { name: 'clear' }, where: [] },
    grant: { fields: { principal: 'clear', role: 'clear', scope: 'clear' }, where: [] },
  } as const;
  const authorities = Object.fromEntries(
    Object.entries(federation.authorities).map(([id, authority]) => [
      id,
      { ...authority, surface: { ...authority.surface, ...surface } },
    ]),
  ) as unknown as Federation['authorities'];
  const old = federation.datasets[dataset];
  if (!old) throw new Error('no dataset');
  return {
    ...federation,
    authorities,
    taxonomy: { ...federation.taxonomy, ...taxonomy },
    maps: { ...federation.maps, ...mapsOf('aws'), ...mapsOf('sov') },
    datasets: { [dataset]: { ...old, types: [...old.types, 'scope', 'role', 'grant'] } },
  };
}

let ground: Ground;
let agreed: GateWorld;
let start: Readonly<Record<Member, EdgeCloud>>;

const ids = (): Readonly<Record<Member, { group: string; user: string }>> => {
  const { aws, keystone } = ground.sandbox;
  return {
    aws: {
      group: aws.server.state.groups.all().find(({ name }) => name === teamHandle)?.id ?? '',
      user: awsUser(ground.sandbox, 3).id,
    },
    sov: {
      group: keystone.server.state.groups.all().find(({ name }) => name === teamHandle)?.id ?? '',
      user: keystoneUser(ground.sandbox, 3).id,
    },
  };
};

const binding = (id: string, principal: string, role: string): Parameters<EdgeCloud['put']>[0] => ({
  type: 'binding',
  id,
  body: { principal, role: `role/${role}`, place: 'place/prod' },
});

beforeAll(async () => {
  const laid = await layGround((_, text) =>
    text.replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }'),
  );
  ground = { ...laid, federation: withGrants(laid.federation) };
  seedEqual(ground.sandbox, 4);
  const world = new GateWorld(ground);
  const { aws, sov } = ids();
  const place = { type: 'place', id: 'prod', body: { name: 'production' } };
  start = {
    aws: new EdgeCloud(world.contexts.aws.connector, [
      place,
      { type: 'role', id: 'r1', body: { name: 'PowerUserAccess' } },
      { type: 'role', id: 'r2', body: { name: 'SomethingElse' } },
      binding('b0', `user/${aws.user}`, 'r1'),
      binding('b1', `group/${aws.group}`, 'r1'),
      // Outside of the dataset, each for another reason.
      binding('b2', `group/${aws.group}`, 'r2'),
      binding('b3', 'serviceAccount/7', 'r1'),
    ]),
    sov: new EdgeCloud(world.contexts.sov.connector, [
      place,
      { type: 'role', id: 'm1', body: { name: '_member_' } },
      { type: 'role', id: 'm2', body: { name: 'member' } },
      binding('c0', `user/${sov.user}`, 'm2'),
      binding('c1', `group/${sov.group}`, 'm2'),
    ]),
  };
  for (const id of members) world.change(id, { connector: start[id] });
  await world.agree(await world.ready({ aws: [], sov: [] }), []);
  agreed = world;
});
afterAll(() => ground?.stop());

/** As agreed, with clouds of its own. */
function fresh(): { readonly world: GateWorld; readonly clouds: Readonly<Record<Member, EdgeCloud>> } {
  const world = agreed.copy();
  const clouds = {
    aws: new EdgeCloud(world.contexts.aws.connector, [...start.aws.objects.values()]),
    sov: new EdgeCloud(world.contexts.sov.connector, [...start.sov.objects.values()]),
  };
  for (const id of members) world.change(id, { connector: clouds[id] });
  return { world, clouds };
}

const all = [{ approver: 'ada' }, { approver: 'bob' }];

async function planned(world: GateWorld): Promise<Plan> {
  const { plan } = await world.planned();
  return documentOf(world, plan.plan, Plan);
}

async function carryOut(world: GateWorld): Promise<readonly unknown[]> {
  const ready = await world.ready({ aws: all, sov: all });
  const results = [];
  for (const id of members) if (ready.plan.affected.includes(id)) results.push(await world.apply(id, ready.commit));
  const receipts = results.flatMap(({ receipts: ref }) => (ref ? [ref] : []));
  await world.agree(ready, receipts);
  return results;
}

it('the same grant under different native roles is one record, and a second run plans nothing', async () => {
  const { world } = fresh();
  const { plan } = await world.planned();
  expect(plan).toMatchObject({ operations: 0, divergences: 0, conflicts: 0, cases: 0, baseMoves: false });
});

it('a grant that one cloud let go is deleted in the other, with every native object that it is', async () => {
  const { world, clouds } = fresh();
  clouds.sov.put(binding('c2', `group/${ids().sov.group}`, 'm1'));
  clouds.aws.objects.delete('binding b1');
  const ready = await world.ready({ aws: all, sov: all });
  const [only, ...more] = ready.sheets.sov.operations;
  expect(more).toEqual([]);
  expect(only).toMatchObject({ operation: { kind: 'delete', type: 'grant', rule: 'deletedOnOneSide' }, refused: null });
  expect(only?.calls.map(({ target }) => target).sort()).toEqual(['c1', 'c2']);
  expect(only?.consequences).toEqual([
    '2 objects of this mesh are this one record: all of them go',
    'open sessions keep the role until they end',
  ]);
  expect(await world.apply('sov', ready.commit)).toMatchObject({
    kind: 'done',
    complete: true,
    counts: { applied: 1 },
  });
  expect(clouds.sov.deleted.sort()).toEqual(['c1', 'c2']);
});

it('a grant of one cloud is made in the other with the preferred role, and then all agree', async () => {
  const { world, clouds } = fresh();
  clouds.aws.put(binding('b9', `user/${awsUser(ground.sandbox, 1).id}`, 'r1'));
  expect(await carryOut(world)).toMatchObject([{ kind: 'done', complete: true, counts: { applied: 1 } }]);
  const made = [...clouds.sov.objects.values()].find(({ id }) => id === 'new-1');
  expect(made?.body).toMatchObject({ role: 'role/m2', place: 'place/prod' });
  expect((await world.planned()).plan).toMatchObject({ operations: 0, divergences: 0, baseMoves: false });
});

it.each(['group', 'role', 'place', 'binding'])(
  'a grant is not taken for deleted where %s was not read to its end',
  async (native) => {
    const { world, clouds } = fresh();
    clouds.aws.cut.add(native);
    const plan = await planned(world);
    expect(plan.operations.filter(({ kind }) => kind === 'delete')).toEqual([]);
    expect(plan.incomplete.map(({ authority }) => authority)).toContain('aws');
  },
);

it('a role that peers know and that got a name outside of the table deletes nothing', async () => {
  const { world, clouds } = fresh();
  clouds.aws.put({ type: 'role', id: 'r1', body: { name: 'Renamed' } });
  const plan = await planned(world);
  expect(plan.operations).toEqual([]);
  expect(plan.incomplete).toContainEqual({
    authority: 'aws',
    type: 'role',
    scope: 'role/setAside',
    reason: 'leftDataset',
  });
});

it('an opaque grant is shown with its reason, and nothing is written or deleted where it is', async () => {
  const { world, clouds } = fresh();
  clouds.sov.put({ ...binding('c1', `group/${ids().sov.group}`, 'm2'), opaque: 'only eligible' });
  clouds.aws.objects.delete('binding b1');
  const plan = await planned(world);
  expect(plan.operations).toEqual([]);
  expect(plan.divergences.map(({ kind, at }) => `${kind} ${at.join()}`)).toEqual(['opaque sov']);
  expect(plan.opaque).toMatchObject([{ authority: 'sov', type: 'grant', reason: 'only eligible', changed: true }]);
});

it('a grant that became opaque after the snapshot is left alone at the commit', async () => {
  const { world, clouds } = fresh();
  clouds.aws.objects.delete('binding b1');
  const ready = await world.ready({ aws: all, sov: all });
  clouds.sov.put({ ...binding('c1', `group/${ids().sov.group}`, 'm2'), opaque: 'only eligible' });
  expect(await world.apply('sov', ready.commit)).toMatchObject({ kind: 'done', counts: { refused: 1 } });
  expect(clouds.sov.deleted).toEqual([]);
});
