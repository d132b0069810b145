/** Effects from native bodies to a plan: an AWS account and a Keystone whose roles have the same name. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAll } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import type { Json } from '../../../core/json.js';
import type { SnapshotStatement } from '../../../core/messages.js';
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
  role: TaxonomyType.parse({
    type: 'role',
    key: ['name'],
    fields: { name: { kind: 'text' }, effect: { kind: 'effect' } },
  }),
  grant: TaxonomyType.parse({
    type: 'grant',
    phrase: '{principal} as {role}',
    fields: {
      principal: { kind: 'reference', of: ['person', 'team'] },
      role: { kind: 'reference', of: ['role'] },
      effect: { kind: 'effect' },
    },
    key: ['principal', 'role'],
  }),
};

const capabilities: Federation['capabilities'] = [
  { capability: 'manage keys', aws: { actions: ['kms:CreateKey'] }, keystone: { roles: ['member'] } },
  { capability: 'read objects', aws: { actions: ['s3:GetObject'] }, keystone: { roles: ['reader'] } },
  { capability: 'see invoices', aws: { actions: ['aws-portal:ViewBilling'] } },
];

const natives = {
  aws: { role: 'policySet', grant: 'policyAttachment', name: 'Name', principal: 'Principal', of: 'PolicySet' },
  sov: { role: 'role', grant: 'roleAssignment', name: 'name', principal: 'principal', of: 'role' },
};

function mapsOf(member: Member): Readonly<Record<string, TypeMap>> {
  const { role, grant, name, principal, of } = natives[member];
  const common = { lifecycle: 'active', create: {}, ignore: [] };
  const table = { operator: [member === 'aws' ? 'PowerUserAccess' : 'member'] };
  const effect = { from: 'capabilities' };
  return {
    [`${member}.role`]: TypeMap.parse({
      ...common,
      type: 'role',
      native: role,
      fields: { name: { path: name, through: [{ table, else: 'setAside' }] }, effect },
    }),
    [`${member}.grant`]: TypeMap.parse({
      ...common,
      type: 'grant',
      native: grant,
      fields: {
        principal: { path: principal, through: [{ reference: { user: 'person', group: 'team' } }] },
        role: { path: of, through: [{ reference: { [role]: 'role' } }] },
        effect,
      },
    }),
  };
}

function withGrants(federation: Federation): Federation {
  const surface = {
    role: { fields: { name: 'clear', effect: 'clear' }, where: [] },
    grant: { fields: { principal: 'clear', role: 'clear', effect: 'clear' }, where: [] },
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
    ...(capabilities ? { capabilities } : {}),
    taxonomy: { ...federation.taxonomy, ...taxonomy },
    maps: { ...federation.maps, ...mapsOf('aws'), ...mapsOf('sov') },
    datasets: { [dataset]: { ...old, types: [...old.types, 'role', 'grant'] } },
  };
}

type Native = Parameters<EdgeCloud['put']>[0];

const allow = (...actions: string[]): Json => statement('Allow', actions);
const statement = (effect: string, actions: readonly string[]): Json => ({
  Version: '2012-10-17',
  Statement: [{ Effect: effect, Action: [...actions], Resource: ['*'] }],
});
const policySet = (document: Json): Native => ({
  type: 'policySet',
  id: 'power',
  body: { Name: 'PowerUserAccess', PolicyArns: ['arn:power'], Documents: { 'arn:power': document } },
});
const attachment = (principal: string): Native => ({
  type: 'policyAttachment',
  id: `${principal}/power`,
  body: { Principal: principal, PolicySet: 'policySet/power', Account: 'account/1' },
});
const assignment = (id: string, principal: string): Native => ({
  type: 'roleAssignment',
  id,
  body: { principal, role: 'role/m', scope: 'project/p', inherited: false },
});
const whole = allow('kms:*', 's3:GetObject', 'aws-portal:*');

const types = {
  aws: ['policySet', 'inlinePolicy', 'policyAttachment'],
  sov: ['role', 'roleAssignment'],
};

let ground: Ground;
let agreed: GateWorld;
let start: Readonly<Record<Member, readonly Native[]>>;
let person: { readonly aws: string; readonly sov: string };

function clouds(world: GateWorld): Readonly<Record<Member, EdgeCloud>> {
  const inner = { aws: world.contexts.aws.connector, sov: world.contexts.sov.connector };
  const made = {
    aws: new EdgeCloud(inner.aws, start.aws, types.aws),
    sov: new EdgeCloud(inner.sov, start.sov, types.sov),
  };
  for (const id of members) world.change(id, { connector: made[id] });
  return made;
}

beforeAll(async () => {
  const laid = await layGround((_, text) =>
    text.replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }'),
  );
  ground = { ...laid, federation: withGrants(laid.federation) };
  seedEqual(ground.sandbox, 4);
  const { aws, keystone } = ground.sandbox;
  const group = {
    aws: aws.server.state.groups.all().find(({ name }) => name === teamHandle)?.id ?? '',
    sov: keystone.server.state.groups.all().find(({ name }) => name === teamHandle)?.id ?? '',
  };
  person = { aws: awsUser(ground.sandbox, 3).id, sov: keystoneUser(ground.sandbox, 3).id };
  start = {
    aws: [policySet(whole), attachment(`user/${person.aws}`), attachment(`group/${group.aws}`)],
    sov: [
      { type: 'role', id: 'm', body: { name: 'member', domain_id: null, implies: ['r'] } },
      { type: 'role', id: 'r', body: { name: 'reader', domain_id: null, implies: [] } },
      assignment('a1', `user/${person.sov}`),
      assignment('a2', `group/${group.sov}`),
    ],
  };
  const world = new GateWorld(ground);
  clouds(world);
  await world.agree(await world.ready({ aws: [], sov: [] }), []);
  agreed = world;
});
afterAll(() => ground?.stop());

async function planned(change: (made: Readonly<Record<Member, EdgeCloud>>) => void): Promise<Plan> {
  const world = agreed.copy();
  change(clouds(world));
  const { plan } = await world.planned();
  return documentOf(world, plan.plan, Plan);
}

it('the same effect under other native names is agreed on, with what one cloud cannot express left aside', async () => {
  const world = agreed.copy();
  clouds(world);
  expect((await world.planned()).plan).toMatchObject({ operations: 0, divergences: 0, conflicts: 0, baseMoves: false });
});

it('a policy that leaves less makes role and grants differ in effect, and asks for nothing', async () => {
  const plan = await planned(({ aws }) => aws.put(policySet(allow('s3:GetObject'))));
  expect(plan.operations).toEqual([]);
  expect(plan.conflicts).toEqual([]);
  expect(plan.divergences.map(({ kind, type, field, leaves }) => [kind, type, field, leaves])).toEqual([
    ['effectDiffers', 'grant', 'effect', { aws: [], sov: ['manage keys'] }],
    ['effectDiffers', 'grant', 'effect', { aws: [], sov: ['manage keys'] }],
    ['effectDiffers', 'role', 'effect', { aws: [], sov: ['manage keys'] }],
  ]);
});

it('a deny that is written into a user takes from that grant alone', async () => {
  const principal = `user/${person.aws}`;
  const plan = await planned(({ aws }) =>
    aws.put({
      type: 'inlinePolicy',
      id: `${principal}/stop`,
      body: { Principal: principal, PolicyName: 'stop', Document: statement('Deny', ['kms:*']) },
      opaque: 'inline policy',
    }),
  );
  expect(plan.divergences.map(({ kind, type, leaves }) => [kind, type, leaves])).toEqual([
    ['effectDiffers', 'grant', { aws: [], sov: ['manage keys'] }],
  ]);
});

it('a role that no longer implies another one differs in effect', async () => {
  const plan = await planned(({ sov }) =>
    sov.put({ type: 'role', id: 'm', body: { name: 'member', domain_id: null, implies: [] } }),
  );
  expect(new Set(plan.divergences.map(({ leaves }) => JSON.stringify(leaves)))).toEqual(
    new Set([JSON.stringify({ aws: ['read objects'], sov: [] })]),
  );
});

it('what was not read is not seen: no divergence says that it leaves nothing', async () => {
  const unread = await planned(({ sov }) =>
    sov.put({ type: 'role', id: 'm', body: { name: 'member', domain_id: null } }),
  );
  expect(unread.divergences).toEqual([]);
  const unreadable = await planned(({ aws }) => aws.put(policySet({ unreadable: 'a reason', digest: 'd' })));
  expect(unreadable.divergences).toEqual([]);
});

it('a policy list that was cut short leaves grants conditional and not all seen, and deletes nothing', async () => {
  const plan = await planned(({ aws }) => aws.cut.add('inlinePolicy'));
  expect(plan.operations).toEqual([]);
  expect(plan.divergences.map(({ kind, leaves }) => [kind, leaves?.['aws']])).toEqual([
    ['effectDiffers', ['manage keys (conditional, not all seen)', 'read objects (conditional, not all seen)']],
    ['effectDiffers', ['manage keys (conditional, not all seen)', 'read objects (conditional, not all seen)']],
  ]);
});

it('of a grant that is not fully represented, nobody says that it gives anything', async () => {
  const world = agreed.copy();
  clouds(world).sov.put({ ...assignment('a1', `user/${person.sov}`), opaque: 'only eligible' });
  const { inputs } = await world.planned();
  const exchange = world.contexts.sov.exchange;
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const effects: unknown[] = [];
  for (const { ref } of inputs.snapshots.filter((snapshot) => snapshot.ref.startsWith('sov/'))) {
    const jws = new TextDecoder().decode((await exchange.get(ref)) ?? new Uint8Array());
    const said = Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString();
    const { types: sealed } = JSON.parse(said) as SnapshotStatement;
    for (const type of sealed.filter((one) => one.type === 'grant'))
      for await (const record of readAll(type, reader)) effects.push(record.fields['effect']);
  }
  expect(effects.map((effect) => JSON.stringify(effect)).sort()).toEqual([
    JSON.stringify(['manage keys (not seen)', 'read objects (not seen)']),
    JSON.stringify(['manage keys', 'read objects']),
  ]);
});

it('a deletion names no effect, so that it stands whatever policies do meanwhile', async () => {
  const plan = await planned(({ aws }) => {
    aws.objects.delete(`policyAttachment user/${person.aws}/power`);
    aws.put(policySet(allow('s3:GetObject')));
  });
  expect(
    plan.operations.map(({ kind, authority, changes }) => [kind, authority, changes.map(({ field }) => field)]),
  ).toEqual([['delete', 'sov', ['principal', 'role']]]);
});

it('a grant that is proposed elsewhere is proposed without an effect', async () => {
  const other = awsUser(ground.sandbox, 1).id;
  const plan = await planned(({ aws }) => aws.put(attachment(`user/${other}`)));
  expect(
    plan.operations.map(({ kind, authority, changes }) => [kind, authority, changes.map(({ field }) => field)]),
  ).toEqual([['create', 'sov', ['principal', 'role']]]);
});
