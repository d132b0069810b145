/**
 * What connectors make of clouds that misbehave: refused scopes, lost replies, throttling, pages cut short. No real
 * system does this on demand, so only the sandbox is asked; the counts of its calls prove how often a write was sent.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConcordatError } from '../../core/errors.js';
import type { FaultOrder } from '../../sandbox/http/faults.js';
import { cloudNames, type CloudName } from '../../sandbox/population.js';
import { startSandboxWorld, type SandboxWorld } from './sandbox-worlds.js';
import { endsIn, objectsIn, sceneIn, type Scene } from './scene.js';

/** The cloud's own names of the calls that the connector makes. */
interface Calls {
  readonly listUsers: Pick<FaultOrder, 'operation' | 'target'>;
  readonly listGroups: Pick<FaultOrder, 'operation' | 'target'>;
  /** What must be refused so that members of a group cannot be read. */
  readonly members: readonly Pick<FaultOrder, 'operation' | 'target'>[];
  /** How scopes end then, besides `groups/<id>/members: forbidden`. */
  readonly membersEnds: readonly string[];
  readonly createUser: string;
  readonly updateUser: string;
  readonly deleteUser: string;
  readonly addMember: string;
}

const account = 'iam:GetAccountAuthorizationDetails';
const callsOf: Readonly<Record<CloudName, Calls>> = {
  aws: {
    listUsers: { operation: account, target: 'Filter.member.1=User' },
    listGroups: { operation: account, target: 'Filter.member.1=Group' },
    // IAM shows groups with users, so members are known from the users; only without those are groups asked.
    members: [{ operation: account, target: 'Filter.member.1=User' }, { operation: 'iam:GetGroup' }],
    membersEnds: ['users: forbidden', 'groups'],
    createUser: 'iam:CreateUser',
    updateUser: 'iam:TagUser',
    deleteUser: 'iam:DeleteUser',
    addMember: 'iam:AddUserToGroup',
  },
  entra: {
    listUsers: { operation: 'GET /users' },
    listGroups: { operation: 'GET /groups' },
    members: [{ operation: 'GET /groups/{id}/members' }],
    membersEnds: ['users', 'groups'],
    createUser: 'POST /users',
    updateUser: 'PATCH /users/{id}',
    deleteUser: 'DELETE /users/{id}',
    addMember: 'POST /groups/{id}/members/$ref',
  },
  keystone: {
    listUsers: { operation: 'GET /v3/users' },
    listGroups: { operation: 'GET /v3/groups' },
    members: [{ operation: 'GET /v3/groups/{id}/users' }],
    membersEnds: ['users', 'groups'],
    createUser: 'POST /v3/users',
    updateUser: 'PATCH /v3/users/{id}',
    deleteUser: 'DELETE /v3/users/{id}',
    addMember: 'PUT /v3/groups/{id}/users/{user}',
  },
};

const unknown = { kind: 'unknown', code: 'effectUnknown' };

for (const cloud of cloudNames)
  describe(`faults of sandbox ${cloud}`, () => {
    const calls = callsOf[cloud];
    let world: SandboxWorld;
    let scene: Scene;
    let user: string;
    let group: string;
    beforeAll(async () => {
      world = await startSandboxWorld(cloud);
    });
    afterAll(() => world.stop());
    beforeEach(async () => {
      await world.reset();
      scene = sceneIn(world);
      user = (await scene.create('user', scene.dialect.user('jane'))).id;
      group = (await scene.create('group', scene.dialect.group('team', [user]))).id;
      world.server.forgetCalls();
    });

    const fault = (order: FaultOrder): void => world.server.faults.add(order);
    const countOf = (operation: string): number => world.server.calls()[operation] ?? 0;
    const createJohn = () => scene.write({ kind: 'create', type: 'user', after: scene.dialect.user('john') });
    const johnExists = async (): Promise<boolean> =>
      (await world.connector().findTwin('user', scene.dialect.user('john'))) !== null;

    describe('reading', () => {
      it('names a refused list of users as incomplete and goes on with groups', async () => {
        fault({ kind: 'forbidden', ...calls.listUsers, count: 'always' });
        const items = await scene.everything(world.connector());
        expect(endsIn(items).filter((end) => !end.includes('/'))).toEqual(['users: forbidden', 'groups']);
        expect(objectsIn(items, 'user')).toEqual([]);
        expect(objectsIn(items, 'group').map(({ id }) => id)).toEqual([group]);
      });

      it('names a refused list of groups as incomplete and keeps the users', async () => {
        fault({ kind: 'forbidden', ...calls.listGroups, count: 'always' });
        const items = await scene.everything(world.connector());
        expect(endsIn(items)).toEqual(['users', 'groups: forbidden']);
        expect(objectsIn(items, 'user').map(({ id }) => id)).toContain(user);
      });

      it('leaves members out, instead of empty, where they are refused', async () => {
        for (const call of calls.members) fault({ kind: 'forbidden', ...call, count: 'always' });
        const items = await scene.everything(world.connector());
        const ends = endsIn(items);
        expect(ends).toContain(`groups/${group}/members: forbidden`);
        expect(ends.filter((end) => !end.includes('/'))).toEqual(calls.membersEnds);
        const [shown] = objectsIn(items, 'group');
        expect(shown?.id).toBe(group);
        expect(shown?.body).not.toHaveProperty('members');
      });

      it.each([
        ['is throttled', { kind: 'throttled' }],
        ['is throttled with a time to wait', { kind: 'throttled', retryAfterSeconds: 1 }],
        ['is answered with 503', { kind: 'serverFault', status: 503 }],
        ['is answered with 500', { kind: 'serverFault', status: 500 }],
        ['loses its connection', { kind: 'resetBefore' }],
        ['is cut short in the middle of a page', { kind: 'cutBody' }],
      ] as const)('repeats a list that %s, and misses nothing', async (_words, order) => {
        const whole = await scene.everything(world.connector());
        // Clients wait seconds of their own once they are throttled.
        const count = order.kind === 'throttled' ? 1 : 2;
        fault({ ...order, ...calls.listUsers, count });
        fault({ ...order, ...calls.listGroups, count });
        expect(await scene.everything(world.connector())).toEqual(whole);
        expect(world.server.faults.list()).toEqual([]);
      });

      it.each([
        ['throttled', { kind: 'throttled' }],
        ['providerFault', { kind: 'serverFault', status: 500 }],
      ] as const)('gives up with %s rather than end a scope that it has not read', async (code, order) => {
        fault({ ...order, ...calls.listGroups, count: 'always' });
        await expect(scene.everything(world.connector())).rejects.toMatchObject({ name: 'ConcordatError', code });
      });

      it('gives up where every page is cut short rather than end a scope that it has not read', async () => {
        fault({ kind: 'cutBody', ...calls.listGroups, count: 'always' });
        const failure: unknown = await scene.everything(world.connector()).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(ConcordatError);
        // The AWS SDK hands on half a page as one that it cannot parse.
        expect(['unreachable', 'unexpectedAnswer']).toContain((failure as ConcordatError).code);
      });

      it('reads a page in the middle that was cut short, every object once', async () => {
        const before = new Set(objectsIn(await scene.everything(world.connector()), 'user').map(({ id }) => id));
        for (const name of ['a', 'b', 'c', 'd']) before.add((await scene.create('user', scene.dialect.user(name))).id);
        fault({ kind: 'cutBody', ...calls.listUsers, skip: 1 });
        const items = await scene.everything(world.connector({ pageSize: 2 }));
        const ids = objectsIn(items, 'user').map(({ id }) => id);
        expect(ids.sort()).toEqual([...before].sort());
        expect(world.server.faults.list()).toEqual([]);
      });
    });

    describe('writing', () => {
      it('does not know the effect of a create whose connection broke before it, and sends it once', async () => {
        fault({ kind: 'resetBefore', operation: calls.createUser, count: 'always' });
        expect(await createJohn()).toMatchObject(unknown);
        expect(countOf(calls.createUser)).toBe(1);
        expect(await johnExists()).toBe(false);
      });

      it.each(['resetAfter', 'cutBody'] as const)(
        'does not know the effect of a create whose answer was lost (%s), sends it once, and finds the twin',
        async (kind) => {
          fault({ kind, operation: calls.createUser });
          expect(await createJohn()).toMatchObject(unknown);
          expect(countOf(calls.createUser)).toBe(1);
          expect(await johnExists()).toBe(true);
        },
      );

      it.each([500, 502, 503, 504])('does not know the effect of a create answered with %i', async (status) => {
        fault({ kind: 'serverFault', status, operation: calls.createUser, count: 'always' });
        expect(await createJohn()).toMatchObject(unknown);
        expect(countOf(calls.createUser)).toBe(1);
      });

      it('repeats a create that was throttled, for nothing was done, until it is applied', async () => {
        fault({ kind: 'throttled', operation: calls.createUser, count: 2 });
        expect(await createJohn()).toMatchObject({ kind: 'applied' });
        expect(countOf(calls.createUser)).toBe(3);
      });

      it('says that a create which stays throttled was refused', async () => {
        fault({ kind: 'throttled', operation: calls.createUser, count: 'always' });
        expect(await createJohn()).toMatchObject({ kind: 'refused', code: 'throttled' });
        expect(await johnExists()).toBe(false);
      });

      it('says that a forbidden create was refused, and sends it once', async () => {
        fault({ kind: 'forbidden', operation: calls.createUser, count: 'always' });
        expect(await createJohn()).toMatchObject({ kind: 'refused', code: 'forbidden' });
        expect(countOf(calls.createUser)).toBe(1);
      });

      it('does not know the effect of a lost update, and sends it once', async () => {
        const { id, body } = await scene.read('user', user);
        fault({ kind: 'resetAfter', operation: calls.updateUser });
        const after = scene.dialect.noted(body, 'changed');
        expect(await scene.write({ kind: 'update', type: 'user', id, before: body, after })).toMatchObject(unknown);
        expect(countOf(calls.updateUser)).toBe(1);
        expect(scene.dialect.noteOf((await scene.read('user', id)).body)).toBe('changed');
      });

      it('does not know the effect of a lost deletion, and sends it once', async () => {
        const { id, body } = await scene.create('user', scene.dialect.user('john'));
        fault({ kind: 'resetAfter', operation: calls.deleteUser });
        const deletion = { kind: 'delete', type: 'user', id, before: body, deletionMayRemove: [] } as const;
        expect(await scene.write(deletion)).toMatchObject(unknown);
        expect(countOf(calls.deleteUser)).toBe(1);
        expect(await world.connector().readOne('user', id)).toBeNull();
      });

      it('stops at the first call that is not known to have been applied', async () => {
        const ids = [];
        for (const name of ['a', 'b']) ids.push((await scene.create('user', scene.dialect.user(name))).id);
        world.server.forgetCalls();
        fault({ kind: 'resetBefore', operation: calls.addMember });
        const write = { kind: 'create', type: 'group', after: scene.dialect.group('new', ids.sort()) } as const;
        expect(await scene.write(write)).toMatchObject(unknown);
        expect(countOf(calls.addMember)).toBe(1);
        const made = await world.connector().findTwin('group', scene.dialect.group('new', []));
        expect(made?.body['members']).toEqual([]);
      });
    });
  });
