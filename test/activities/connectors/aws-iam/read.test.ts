import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { textIn } from '../../../../activities/connectors/aws-iam/body.js';
import { byCodeUnit } from '../../../../core/json.js';
import { serveAws } from '../../../../sandbox/aws/server.js';
import type { AwsSandbox } from '../../../../sandbox/aws/server.js';
import { connectTo, endsIn, objectsIn, readEverything } from './on-sandbox.js';

const listing = 'iam:GetAccountAuthorizationDetails';
let sandbox: AwsSandbox;

beforeAll(async () => {
  sandbox = await serveAws();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

/** 12 people in 7 groups under /people/, so that both lists have several pages; person n is in the groups that divide it. */
function populate(): void {
  const { state } = sandbox;
  const groups = Array.from({ length: 7 }, (_, n) => state.addGroup({ name: `group-${n + 1}`, path: '/people/' }));
  for (let n = 1; n <= 12; n += 1) {
    const user = state.addUser({ name: `person-${n}`, path: '/people/', tags: [{ key: 'number', value: `${n}` }] });
    groups.forEach((group, index) => {
      if (n % (index + 1) === 0) state.join(user, group);
    });
  }
}

describe('reading page by page', () => {
  it('shows every user once with tags, every group once with all members, in more pages than one', async () => {
    populate();
    const items = await readEverything(connectTo(sandbox, { pathPrefix: '/people/' }));
    expect(sandbox.calls()[listing]).toBeGreaterThan(4);
    expect(endsIn(items)).toEqual([
      ['users', true],
      ['groups', true],
    ]);
    const users = objectsIn(items, 'user');
    const numbers = users.map(({ body }) => Number((body['Tags'] as { number: string }).number));
    expect(numbers.toSorted((left, right) => left - right)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    const idOf = (n: number): string | undefined => users.find(({ body }) => body['UserName'] === `person-${n}`)?.id;
    const groups = objectsIn(items, 'group');
    expect(groups).toHaveLength(7);
    for (const group of groups) {
      const divisor = Number(textIn(group.body, 'GroupName').slice('group-'.length));
      const expected = Array.from({ length: 12 }, (_, n) => n + 1).filter((n) => n % divisor === 0);
      expect(group.body['members']).toEqual(expected.map(idOf).toSorted((a, b) => byCodeUnit(a ?? '', b ?? '')));
      expect(group.body).not.toHaveProperty('otherMembers');
    }
  });

  it('goes on from every cursor, in a process that has seen nothing, exactly where it stood', async () => {
    populate();
    const whole = await readEverything(connectTo(sandbox));
    expect(whole.length).toBeGreaterThan(6);
    for (const [index, item] of whole.entries()) {
      expect(await readEverything(connectTo(sandbox), item.cursor)).toEqual(whole.slice(index + 1));
    }
  });

  it('starts again when IAM no longer knows the marker, and when the cursor is not its own', async () => {
    populate();
    const lost = { code: 'cursorLost' };
    const connector = connectTo(sandbox);
    await expect(readEverything(connector, '{"at":"users","marker":"bm9uc2Vuc2U"}')).rejects.toMatchObject(lost);
    await expect(readEverything(connector, 'nonsense')).rejects.toMatchObject(lost);
  });

  it('repeats what was throttled or lost and still shows everything', async () => {
    populate();
    sandbox.faults.add({ kind: 'throttled', operation: listing, skip: 1 });
    sandbox.faults.add({ kind: 'resetAfter', operation: listing, skip: 2 });
    sandbox.faults.add({ kind: 'cutBody', operation: listing, skip: 3 });
    expect(objectsIn(await readEverything(connectTo(sandbox, { pathPrefix: '/people/' })))).toHaveLength(19);
  });

  it('throws where the fault of the cloud stays, rather than ending the scope', async () => {
    populate();
    sandbox.faults.add({ kind: 'serverFault', operation: listing, skip: 1, count: 'always', status: 503 });
    await expect(readEverything(connectTo(sandbox))).rejects.toMatchObject({ code: 'providerFault' });
  });

  it('stops when it is told to', async () => {
    populate();
    const controller = new AbortController();
    const read = connectTo(sandbox).readAll({ signal: controller.signal })[Symbol.asyncIterator]();
    await read.next();
    controller.abort(new Error('cancelled'));
    await expect(read.next()).rejects.toThrow('cancelled');
  });
});

describe('a scope that may not be read', () => {
  it('ends as incomplete in the middle of the users, and the groups are still read with their members', async () => {
    populate();
    sandbox.faults.add({
      kind: 'forbidden',
      operation: listing,
      target: 'Filter.member.1=User',
      skip: 1,
      count: 'always',
    });
    const items = await readEverything(connectTo(sandbox, { pathPrefix: '/people/' }));
    expect(endsIn(items)).toEqual([
      ['users', false, 'forbidden'],
      ['groups', true],
    ]);
    const first = objectsIn(items, 'group').find(({ body }) => body['GroupName'] === 'group-1');
    expect(first?.body['members']).toHaveLength(12);
  });

  it('leaves members out, and says of which groups, where nothing tells who they are', async () => {
    populate();
    sandbox.faults.add({ kind: 'forbidden', operation: listing, target: 'Filter.member.1=User', count: 'always' });
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:GetGroup', target: 'GroupName=group-2', count: 'always' });
    const items = await readEverything(connectTo(sandbox, { pathPrefix: '/people/' }));
    const groups = objectsIn(items, 'group');
    const second = groups.find(({ body }) => body['GroupName'] === 'group-2');
    expect(second?.body).toEqual({ GroupName: 'group-2', Path: '/people/' });
    expect(groups.filter(({ body }) => body['members'] === undefined)).toHaveLength(1);
    expect(endsIn(items)).toContainEqual([`groups/${second?.id}/members`, false, 'forbidden']);
  });
});

describe('members', () => {
  it('from outside the path prefix are listed apart', async () => {
    const { state } = sandbox;
    const group = state.addGroup({ name: 'engines', path: '/people/' });
    const ada = state.addUser({ name: 'ada', path: '/people/' });
    const robot = state.addUser({ name: 'robot', path: '/machines/' });
    state.join(ada, group);
    state.join(robot, group);
    const connector = connectTo(sandbox, { pathPrefix: '/people/' });
    const body = { GroupName: 'engines', Path: '/people/', members: [ada.id], otherMembers: [robot.id] };
    expect(objectsIn(await readEverything(connector), 'group')).toEqual([{ type: 'group', id: group.id, body }]);
    expect((await connector.readOne('group', group.id))?.body).toEqual(body);
  });

  it('are not lost when their group is renamed between the reading of users and of groups', async () => {
    const { state } = sandbox;
    const group = state.addGroup({ name: 'engines' });
    const ada = state.addUser({ name: 'ada' });
    state.join(ada, group);
    const items = [];
    for await (const item of connectTo(sandbox).readAll({})) {
      if (item.kind === 'scopeEnd' && item.scope === 'users') state.groups.rename(group, 'mills');
      items.push(item);
    }
    expect(objectsIn(items, 'group')[0]?.body).toEqual({ GroupName: 'mills', Path: '/', members: [ada.id] });
  });
});

describe('one object', () => {
  it('is found by its id alone, beyond the first page of names', async () => {
    populate();
    const last = sandbox.state.users.all().at(-1);
    const found = await connectTo(sandbox).readOne('user', last?.id ?? '');
    expect(found?.body['UserName']).toBe(last?.name);
  });

  it('follows a rename, and is null when another object took its name', async () => {
    const { state } = sandbox;
    const ada = state.addUser({ name: 'ada' });
    const connector = connectTo(sandbox);
    await connector.readOne('user', ada.id);
    state.users.rename(ada, 'ada.king');
    expect((await connector.readOne('user', ada.id))?.body['UserName']).toBe('ada.king');
    state.removeUser(ada);
    const other = state.addUser({ name: 'ada.king' });
    expect(await connector.readOne('user', ada.id)).toBeNull();
    expect((await connector.readOne('user', other.id))?.id).toBe(other.id);
  });

  it('is not said to be absent when the listing that would prove it fails', async () => {
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:ListUsers', count: 'always' });
    await expect(connectTo(sandbox).readOne('user', 'AIDANOSUCHUSER')).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('the account', () => {
  it('is refused before anything is read or written when it is not the declared one', async () => {
    const connector = connectTo(sandbox, { account: '999999999999' });
    await expect(readEverything(connector)).rejects.toMatchObject({ code: 'wrongAccount' });
    await expect(connector.readOne('user', 'AIDA1')).rejects.toMatchObject({ code: 'wrongAccount' });
    const answer = await connector.write({ kind: 'create', type: 'user', after: { UserName: 'ada', Path: '/' } });
    expect(answer).toMatchObject({ kind: 'refused', code: 'wrongAccount' });
    expect(Object.keys(sandbox.calls())).toEqual(['sts:GetCallerIdentity']);
  });

  it('is not asked for where none is declared', async () => {
    await readEverything(connectTo(sandbox));
    expect(Object.keys(sandbox.calls())).toEqual([listing]);
  });
});

describe('probing', () => {
  it('says which permission is missing', async () => {
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:TagUser', count: 'always' });
    const result = await connectTo(sandbox).probe();
    expect(result).toMatchObject({ reachable: true, authenticated: true, code: 'forbidden' });
    expect(result.permissions.filter(({ held }) => held === false).map(({ permission }) => permission)).toEqual([
      'iam:TagUser',
    ]);
    expect(result.permissions.filter(({ held }) => held === 'notChecked')).toEqual([]);
  });

  it('says that rejected credentials are rejected, and a cloud out of reach is out of reach', async () => {
    sandbox.faults.add({ kind: 'unauthorized', operation: 'sts:GetCallerIdentity', count: 'always' });
    const rejected = await connectTo(sandbox).probe();
    expect(rejected).toMatchObject({ reachable: true, authenticated: false, code: 'credentialsRejected' });
    const absent = await connectTo(sandbox, { endpoint: 'http://127.0.0.1:9' }).probe();
    expect(absent).toMatchObject({ reachable: false, authenticated: false, code: 'unreachable' });
  });
});
