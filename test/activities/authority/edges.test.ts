/** Grants from snapshot to agreement, in two clouds that know roles, places and bindings (test/support/edge-cloud.ts). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { putDocument } from '../../../activities/exchange.js';
import { createFederationActivities } from '../../../activities/federation/activities.js';
import { digestOf } from '../../../core/digest.js';
import { ConcordatError } from '../../../core/errors.js';
import { TypeMap } from '../../../core/federation/map.js';
import type { Federation } from '../../../core/federation/federation.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { makeOperation, type Operation, type OperationDraft } from '../../../core/operation.js';
import { Plan } from '../../../core/plan.js';
import { awsUser, keystoneUser, seedEqual, teamHandle } from '../../support/equal-clouds.js';
import { EdgeCloud } from '../../support/edge-cloud.js';
import { dataset } from '../../support/local-federation.js';
import { documentOf } from './gate-scene.js';
import { GateWorld, layGround, members, type Ground, type Member, type Ready } from './gate-world.js';

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

describe('a coordinator that lies about edges gets no review, no write, and no base', () => {
  /** aws has a new grant, so sov is asked to make one; every forgery is of that. */
  async function asked(): Promise<{ world: GateWorld; clouds: ReturnType<typeof fresh>['clouds']; ready: Ready }> {
    const { world, clouds } = fresh();
    clouds.aws.put(binding('b9', `user/${awsUser(ground.sandbox, 1).id}`, 'r1'));
    return { world, clouds, ready: await world.ready({ aws: all, sov: all }) };
  }

  /** The plan as the coordinator would have it, asked about and, as if everybody had approved it, committed. */
  async function told(
    { world, clouds, ready }: Awaited<ReturnType<typeof asked>>,
    change: (plan: Plan) => object,
  ): Promise<void> {
    const honest = await documentOf(world, ready.plan.plan, Plan);
    const forged = await putDocument(world.exchange, 'federation', change(honest));
    expect(forged.sha256).not.toBe(ready.plan.planDigest);
    const before = [...clouds.sov.objects.keys()];
    for (const id of members) {
      const review = { inputs: ready.inputs, plan: forged, planDigest: forged.sha256 };
      const prepared = await prepareReview(world.contexts[id], review, { replaced: () => Promise.resolve() });
      expect(prepared).toMatchObject({ kind: 'refused', code: 'planNotReproduced' });
      expect(await world.apply(id, { ...ready.commit, plan: forged })).toMatchObject({
        kind: 'refused',
        code: 'planNotReproduced',
      });
    }
    expect([...clouds.sov.objects.keys()]).toEqual(before);
    expect(clouds.sov.deleted).toEqual([]);
  }

  const forgedBy =
    (change: (operation: Operation) => Partial<OperationDraft>) =>
    (plan: Plan): Plan => ({
      ...plan,
      operations: plan.operations.map((operation) =>
        makeOperation({ ...operation, current: null, ...change(operation) }),
      ),
    });
  const led = ({ changes }: Operation, field: string, to: string): Operation['changes'] =>
    changes.map((change) =>
      change.field === field && change.kind === 'value' ? { ...change, after: to } : change,
    ) as Operation['changes'];

  it('where the edge leads to somebody else, to another role or to nobody', async () => {
    const world = await asked();
    const others: readonly (readonly [string, string])[] = [
      ['principal', `person/${'7'.repeat(64)}`],
      ['principal', `role/${digestOf({ type: 'role', key: { name: 'operator' } })}`],
      ['role', `role/${digestOf({ type: 'role', key: { name: 'owner' } })}`],
      ['scope', `scope/${digestOf({ type: 'scope', key: { name: 'everything' } })}`],
    ];
    for (const [field, to] of others)
      await told(
        world,
        forgedBy((operation) => ({ changes: led(operation, field, to) })),
      );
  });

  it('where the edge has the natural key of another one', async () => {
    const world = await asked();
    const key = digestOf({ type: 'grant', key: { principal: 'p', role: 'r', scope: 's' } });
    await told(
      world,
      forgedBy(() => ({ key })),
    );
  });

  it('where a deletion is put in the place of the creation', async () => {
    const world = await asked();
    await told(
      world,
      forgedBy(() => ({ kind: 'delete', changes: [], rule: 'deletedOnOneSide', current: {} })),
    );
  });

  it('where an opaque record is no longer marked: in the plan, or in the document that its member signed', async () => {
    const { world, clouds } = fresh();
    clouds.sov.put({ ...binding('c1', `group/${ids().sov.group}`, 'm2'), opaque: 'only eligible' });
    clouds.aws.put(binding('b9', `user/${awsUser(ground.sandbox, 1).id}`, 'r1'));
    const ready = await world.ready({ aws: all, sov: all });
    await told({ world, clouds, ready }, (plan) => ({
      ...plan,
      opaque: [],
      divergences: plan.divergences.filter(({ kind }) => kind !== 'opaque'),
    }));
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    const marked = [...world.exchange.objects].filter(([, bytes]) => text(bytes).includes('only eligible'));
    const [name] = marked.find(([at]) => at.startsWith('sov/documents/')) ?? [];
    if (name === undefined) throw new Error('sov signed nothing about an opaque record');
    world.exchange.objects.set(name, new TextEncoder().encode('{"records":[]}'));
    for (const id of members)
      expect(await world.apply(id, ready.commit)).toMatchObject({ kind: 'refused', code: 'inputNotAuthentic' });
    expect(clouds.sov.deleted).toEqual([]);
  });

  it('where its own maps give a native role another meaning: it translates nothing, and owns no terms', async () => {
    const { world, ready } = await asked();
    const map = ground.federation.maps['sov.role'];
    const name = map?.fields['name'];
    if (!map || !name) throw new Error('sov maps no roles');
    const swapped = { path: 'name', through: [{ table: { operator: ['admin'] }, else: 'setAside' as const }] };
    const federation = {
      ...ground.federation,
      maps: { ...ground.federation.maps, 'sov.role': { ...map, fields: { ...map.fields, name: swapped } } },
    };
    const coordinator = createFederationActivities({
      federation,
      exchange: world.exchange,
      missingEndpoints: () => Promise.resolve([]),
      now: () => world.clockMs,
      heartbeat: () => undefined,
    });
    const planned = await coordinator.compareAndPlan(ready.inputs).catch((error: unknown) => error);
    // Either its run fits nobody's configuration, or it makes the very same plan: what roles mean, each member says itself.
    if (planned instanceof ConcordatError) expect(planned.code).toBe('configurationDiffers');
    else expect(planned).toMatchObject({ planDigest: ready.plan.planDigest });
  });
});

it('a team that goes says before approval what goes with it, also what the plan does not know', async () => {
  const { world, clouds } = fresh();
  // Of a role that no peer has, so no record of the dataset: the cloud ends it all the same.
  clouds.sov.put({ type: 'role', id: 'm9', body: { name: 'local' } });
  clouds.sov.put(binding('c9', `group/${ids().sov.group}`, 'm9'));
  // The last test of this file: the sandbox is that of all of them.
  const { state } = ground.sandbox.aws.server;
  const { groups } = state;
  const team = groups.all().find(({ name }) => name === teamHandle);
  if (!team) throw new Error('no team');
  // An empty list where the base had one proves nothing.
  state.addGroup({ name: 'team-omega', path: '/workforce/' });
  groups.remove(team);
  clouds.aws.objects.delete('binding b1');
  clouds.aws.objects.delete('binding b2');
  const { operations } = (await world.ready({ aws: all, sov: all })).sheets.sov;
  const going = operations.find(({ operation }) => operation.kind === 'delete' && operation.type === 'team');
  expect(going?.consequences).toContain(
    '2 binding here rest on it and cannot outlast it; no operation of this plan says so of 1 of them',
  );
  expect(going?.consequences.join()).toMatch(/takes its memberships and role assignments along/);
  const others = operations.filter(({ operation }) => operation.type !== 'team');
  expect(others.flatMap(({ consequences }) => consequences).join()).not.toMatch(/cannot outlast/);
});
