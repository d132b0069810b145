/** Row filters: what is kept back is not shown, never read as deleted, never written, and stays in the sets of its mesh. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { getMessage } from '../../../activities/exchange.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import { Plan } from '../../../core/plan.js';
import { addToAws, awsTag, awsUser, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { documentOf } from './gate-scene.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

const people = 6;
const elsewhere = 'Elsewhere';
let ground: Ground;
let agreed: GateWorld;
let clouds: { aws: string; sov: string };

beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text
          .replace(
            'person: [displayName, mail, employeeId, department]',
            'person: { fields: { displayName: clear, mail: clear, employeeId: clear }, where: [{ field: department, equals: Umbrology }] }',
          )
          .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }')
      : text.replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }'),
  );
  agreed = await GateWorld.agreed(ground, people);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

function restore(): GateWorld {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  return agreed.copy();
}

async function hiddenBy(world: GateWorld, { snapshots }: RunInputs): Promise<unknown> {
  const { payload } = await getMessage(world.exchange, snapshots[0] as Ref, {
    typ: snapshotType,
    schema: SnapshotStatement,
    keys: keysOf(ground.federation, 'aws', 'messages'),
  });
  return payload.hiddenRows;
}

function setDepartment(number: number, department: string): void {
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, number), 'department', department);
}

it('a record that left the filter is counted, and neither deleted nor removed from its team anywhere', async () => {
  const world = restore();
  setDepartment(1, elsewhere);
  const { inputs, plan } = await world.planned();
  expect(await hiddenBy(world, inputs)).toEqual([{ type: 'person', count: 1 }]);
  expect(plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0, baseMoves: false, incompleteScopes: [] });
});

it('nothing of a record that is kept back is shown, and a change of it is no difference', async () => {
  const world = restore();
  setDepartment(1, elsewhere);
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'displayName', 'Clandestine Person');
  const { plan } = await world.planned();
  expect(plan).toMatchObject({ operations: 0, conflicts: 0 });
  const exchanged = [...world.exchange.objects.values()].map((bytes) => new TextDecoder().decode(bytes)).join('\n');
  expect(exchanged).not.toContain('Clandestine');
  expect(exchanged).not.toContain(elsewhere);
  expect(exchanged).toContain('Quillan Vexworth 2');
});

it('a record that peers never saw is not there for them, and stays where it is', async () => {
  const world = restore();
  const stranger = addToAws(ground.sandbox, { ...seededPerson(40), department: elsewhere });
  const state = ground.sandbox.aws.server.state;
  const [group] = state.groups.all();
  if (!group) throw new Error('there is no team');
  state.join(stranger, group);
  // Something else about the team changes, so that it is written.
  keystoneUser(ground.sandbox, 2).extra['display_name'] = 'Quillan Other';
  const sovTeam = ground.sandbox.keystone.server.state.groups.all().find(({ domain }) => domain === 'workforce');
  sovTeam?.members.add(keystoneUser(ground.sandbox, 4).id);
  const told = await world.ready({ aws: [{ approver: 'ada' }], sov: [{ approver: 'ada' }] });
  const plan = await documentOf(world, told.plan.plan, Plan);
  expect(plan.operations.map(({ authority, type, kind }) => `${authority} ${type} ${kind}`)).toEqual([
    'aws person update',
    'aws team update',
  ]);
  expect(await hiddenBy(world, told.inputs)).toEqual([{ type: 'person', count: 1 }]);
  expect(await world.apply('aws', told.commit)).toMatchObject({ kind: 'done', complete: true });
  expect(JSON.stringify(told.sheets.aws.operations)).not.toContain('RemoveUserFromGroup');
  expect([...stranger.groups]).toEqual([group.id]);
});

it('what left the filter is not written, also where everybody else lets it go', async () => {
  const world = restore();
  setDepartment(5, elsewhere);
  const state = ground.sandbox.keystone.server.state;
  state.removeUser(keystoneUser(ground.sandbox, 5));
  const { sheets } = await world.ready({ aws: [], sov: [] });
  expect(sheets.aws.operations).toMatchObject([{ operation: { kind: 'delete' }, refused: { code: 'outsideSurface' } }]);
  expect(awsTag(ground.sandbox, 5, 'department')).toBe(elsewhere);
});

it('a record that comes back into the filter agrees again', async () => {
  const world = restore();
  setDepartment(1, elsewhere);
  await world.planned();
  setDepartment(1, seededPerson(1).department);
  const { inputs, plan } = await world.planned();
  expect(await hiddenBy(world, inputs)).toEqual([]);
  expect(plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0, baseMoves: false });
});
