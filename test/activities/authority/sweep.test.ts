/**
 * Every crash point of every kind of write, without processes: the attempt ends where the point is, and another attempt
 * with a new context over the same stores goes on, as a worker that was started again does.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hadIntent, readReceipt } from '../../../activities/authority/journal.js';
import { addToAws, addToKeystone, awsTag, awsUser, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { forgetCalls, GateWorld, layGround, members, writeCalls, type Ground, type Member } from './gate-world.js';

const kinds = ['create', 'update', 'delete', 'createTeam'] as const;
type Kind = (typeof kinds)[number];
const points = ['afterIntent', 'beforeCall', 'beforeCall:2', 'afterWrite', 'afterLink', 'beforeReceipt'] as const;
const person = 5;
const newcomer = 50;

const calls: Readonly<Record<Member, Readonly<Record<Kind, Readonly<Record<string, number>>>>>> = {
  aws: {
    create: { 'iam:CreateUser': 1 },
    update: { 'iam:TagUser': 1 },
    delete: { 'iam:DeleteUser': 1 },
    createTeam: { 'iam:CreateGroup': 1, 'iam:AddUserToGroup': 2 },
  },
  sov: {
    create: { 'POST /v3/users': 1 },
    update: { 'PATCH /v3/users/{id}': 1 },
    delete: { 'DELETE /v3/users/{id}': 1 },
    createTeam: { 'POST /v3/groups': 1, 'PUT /v3/groups/{id}/users/{user}': 2 },
  },
};

let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  agreed = await GateWorld.agreed(ground, 8);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

/** The other cloud does it, so that one operation is due in this one. */
function changeElsewhere(member: Member, kind: Kind): void {
  const { sandbox } = ground;
  const atAws = member === 'sov';
  if (kind === 'create') {
    if (atAws) addToAws(sandbox, seededPerson(newcomer));
    else addToKeystone(sandbox, seededPerson(newcomer));
  } else if (kind === 'update') {
    if (atAws) sandbox.aws.server.state.setTag(awsUser(sandbox, person), 'department', 'Moved');
    else keystoneUser(sandbox, person).extra['department'] = 'Moved';
  } else if (kind === 'delete') {
    if (atAws) sandbox.aws.server.state.removeUser(awsUser(sandbox, person));
    else sandbox.keystone.server.state.removeUser(keystoneUser(sandbox, person));
  } else if (atAws) {
    const group = sandbox.aws.server.state.addGroup({ name: 'team-beta', path: '/workforce/' });
    for (const number of [1, 4]) sandbox.aws.server.state.join(awsUser(sandbox, number), group);
  } else {
    const group = sandbox.keystone.server.state.addGroup({ domain: 'workforce', name: 'team-beta' });
    for (const number of [1, 4]) group.members.add(keystoneUser(sandbox, number).id);
  }
}

function expectEffect(member: Member, kind: Kind): void {
  const { sandbox } = ground;
  const department = (number: number): unknown =>
    member === 'aws' ? awsTag(sandbox, number, 'department') : keystoneUser(sandbox, number).extra['department'];
  if (kind === 'create') expect(department(newcomer)).toBe(seededPerson(newcomer).department);
  else if (kind === 'update') expect(department(person)).toBe('Moved');
  else if (kind === 'delete') expect(() => department(person)).toThrow('there are 0');
  else {
    const group =
      member === 'aws'
        ? sandbox.aws.server.state.groups.all().filter(({ name }) => name === 'team-beta')
        : sandbox.keystone.server.state.groups.all().filter(({ name }) => name === 'team-beta');
    expect(group.map((one) => one.members.size)).toEqual([2]);
  }
}

const cases = members.flatMap((member) =>
  kinds.flatMap((kind) =>
    points
      .filter((point) => (point === 'afterLink' ? kind.startsWith('create') : true))
      .filter((point) => (point === 'beforeCall:2' ? kind === 'createTeam' : true))
      .map((point) => [member, kind, point] as const),
  ),
);

describe('a commit that dies', () => {
  it.each(cases)(
    'in %s, %s, at %s, has one effect and one receipt when it is tried again',
    async (member, kind, point) => {
      ground.sandbox.aws.server.reset();
      ground.sandbox.keystone.server.reset();
      ground.sandbox.aws.server.state.restore(clouds.aws);
      ground.sandbox.keystone.server.state.restore(clouds.sov);
      changeElsewhere(member, kind);
      const world = agreed.copy();
      const { commit, sheets } = await world.ready({ aws: [{ approver: 'ada' }], sov: [{ approver: 'ada' }] });
      const operations = sheets[member].operations.map(({ operation }) => operation.id);
      expect(operations).toHaveLength(1);
      const [operation = ''] = operations;
      forgetCalls(ground.sandbox);
      const [wanted, time = '1'] = point.split(':');
      let reached = 0;
      world.change(member, {
        checkpoint: (here) =>
          here === wanted && (reached += 1) === Number(time)
            ? Promise.reject(new Error('the process has died'))
            : Promise.resolve(),
      });
      await expect(world.apply(member, commit)).rejects.toThrow('the process has died');
      // Nothing of the memory of the first attempt is left: its connector knows no name and no token.
      const again = world.copy();
      expect(await hadIntent(again.contexts[member], commit.permit.sha256, operation)).toBe(true);
      const result = await again.apply(member, commit);
      expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 1, unknown: 0, conflict: 0 } });
      expect(await readReceipt(again.contexts[member], commit.permit.sha256, operation)).toMatchObject({
        outcome: 'applied',
      });
      expect(writeCalls(ground.sandbox)).toEqual(calls[member][kind]);
      expectEffect(member, kind);
    },
  );
});
