/** Cases of writing: create, update, delete, membership, and what the cloud must refuse. */
import { expect } from 'vitest';
import type { NativeCall } from '../../activities/connectors/connector.js';
import type { ConformanceCase } from './cases.js';
import { objectsIn } from './scene.js';

const userCases: readonly ConformanceCase[] = [
  {
    name: 'a new user is read back as it was written',
    run: async ({ create, dialect }) => {
      const body = dialect.user('jane');
      expect((await create('user', body)).body).toMatchObject(dialect.kept('user', body));
    },
  },
  {
    name: 'an update changes what it names and keeps id and everything else',
    run: async ({ create, update, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      const edited = await update(user, dialect.noted(user.body, dialect.difficultText));
      expect(dialect.noteOf(edited.body)).toBe(dialect.difficultText);
      expect(edited).toEqual({ ...user, body: dialect.noted(user.body, dialect.difficultText) });
    },
  },
  {
    name: 'a property that is cleared is empty afterwards',
    run: async ({ create, update, dialect }) => {
      const user = await create('user', dialect.noted(dialect.user('jane'), 'for now'));
      expect(dialect.noteOf(user.body)).toBe('for now');
      const cleared = await update(user, dialect.cleared(user.body));
      expect(dialect.noteOf(cleared.body)).toBeNull();
    },
  },
  {
    name: 'a rename keeps id and properties and frees the old name',
    run: async ({ create, update, connector, dialect }) => {
      const user = await create('user', dialect.noted(dialect.user('jane'), 'kept'));
      const renamed = await update(user, dialect.renamed(user.body, 'jane.doe'));
      expect(renamed.id).toBe(user.id);
      expect(renamed.body).toEqual(dialect.renamed(user.body, 'jane.doe'));
      expect(await connector.findTwin('user', dialect.user('jane'))).toBeNull();
    },
  },
  {
    name: 'a create under a taken name is a conflict and changes nothing',
    run: async ({ create, write, read, everything, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      const before = objectsIn(await everything(), 'user').length;
      const after = dialect.noted(dialect.user('jane'), 'usurper');
      expect(await write({ kind: 'create', type: 'user', after })).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
      expect(await read('user', user.id)).toEqual(user);
      expect(objectsIn(await everything(), 'user')).toHaveLength(before);
    },
  },
  {
    name: 'a rename to a taken name is a conflict and changes nothing',
    run: async ({ create, write, read, dialect }) => {
      const jane = await create('user', dialect.user('jane'));
      const john = await create('user', dialect.user('john'));
      const after = dialect.renamed(john.body, 'jane');
      expect(await write({ kind: 'update', type: 'user', id: john.id, before: john.body, after })).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
      expect(await read('user', jane.id)).toEqual(jane);
      expect(await read('user', john.id)).toEqual(john);
    },
  },
  {
    name: 'a name in another case is taken exactly where the cloud ignores case',
    run: async ({ create, write, dialect }) => {
      await create('user', dialect.user('jane'));
      const answer = await write({ kind: 'create', type: 'user', after: dialect.user('JANE') });
      if (dialect.namesIgnoreCase) expect(answer).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
      else expect(answer.kind).toBe('applied');
    },
  },
  {
    name: 'a body that the cloud cannot hold is refused and nothing is sent',
    run: async ({ connector, everything, dialect }) => {
      const before = objectsIn(await everything(), 'user');
      const announced: NativeCall[] = [];
      const answer = await connector.write({ kind: 'create', type: 'user', after: dialect.impossible }, (call) => {
        announced.push(call);
        return Promise.resolve();
      });
      expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      expect(announced).toEqual([]);
      expect(objectsIn(await everything(), 'user')).toEqual(before);
    },
  },
  {
    name: 'a deleted user is null and no longer listed',
    run: async ({ create, write, connector, everything, dialect }) => {
      const { id, body } = await create('user', dialect.user('jane'));
      expect(await write({ kind: 'delete', type: 'user', id, before: body, deletionMayRemove: [] })).toEqual({
        kind: 'applied',
        id,
      });
      expect(await connector.readOne('user', id)).toBeNull();
      expect(objectsIn(await everything(), 'user').map((object) => object.id)).not.toContain(id);
    },
  },
  {
    name: 'a write to an object that is gone is a conflict',
    run: async ({ create, write, world, dialect }) => {
      const { id, body } = await create('user', dialect.user('jane'));
      const gone = { kind: 'delete', type: 'user', id, before: body, deletionMayRemove: [] } as const;
      // by somebody else: this connector must not know of it
      expect(await world.connector().write(gone)).toMatchObject({ kind: 'applied' });
      const after = dialect.noted(body, 'too late');
      const expected = { kind: 'conflict', code: 'expectationFailed' };
      expect(await write({ kind: 'update', type: 'user', id, before: body, after })).toMatchObject(expected);
      expect(await write(gone)).toMatchObject(expected);
    },
  },
];

const groupCases: readonly ConformanceCase[] = [
  {
    name: 'a new group is read back with its members, sorted',
    run: async ({ create, dialect }) => {
      const ids = [];
      for (const name of ['c', 'a', 'b']) ids.push((await create('user', dialect.user(name))).id);
      const body = dialect.group('team', ids);
      const group = await create('group', body);
      expect(group.body).toMatchObject({ ...dialect.kept('group', body), members: [...ids].sort() });
    },
  },
  {
    name: 'an update adds and removes exactly the members that differ',
    run: async ({ create, update, connector, dialect }) => {
      const [a, b, c] = [
        (await create('user', dialect.user('a'))).id,
        (await create('user', dialect.user('b'))).id,
        (await create('user', dialect.user('c'))).id,
      ];
      const group = await create('group', dialect.group('team', [a, b]));
      const after = dialect.withMembers(group.body, [b, c].sort());
      const write = { kind: 'update', type: 'group', id: group.id, before: group.body, after } as const;
      expect(connector.plannedCalls(write)).toHaveLength(2);
      const changed = await update(group, after);
      expect(changed).toEqual({ ...group, body: after });
    },
  },
  {
    name: 'an update that is applied twice ends the same',
    run: async ({ create, update, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      const empty = await create('group', dialect.group('team', []));
      const added = dialect.withMembers(empty.body, [user.id]);
      const once = await update(empty, added);
      expect(await update(empty, added)).toEqual(once);
      const removed = dialect.withMembers(once.body, []);
      const without = await update(once, removed);
      expect(await update(once, removed)).toEqual(without);
      expect(without.body['members']).toEqual([]);
    },
  },
  {
    name: 'a member that does not exist is not added, and that is said',
    run: async ({ create, write, read, world, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      const group = await create('group', dialect.group('team', []));
      const gone = { kind: 'delete', type: 'user', id: user.id, before: user.body, deletionMayRemove: [] } as const;
      expect(await world.connector().write(gone)).toMatchObject({ kind: 'applied' });
      const after = dialect.withMembers(group.body, [user.id]);
      const answer = await write({ kind: 'update', type: 'group', id: group.id, before: group.body, after });
      expect(['conflict', 'refused']).toContain(answer.kind);
      expect((await read('group', group.id)).body['members']).toEqual([]);
    },
  },
  {
    name: 'a group with members is deleted only where memberships may go, and its members stay',
    run: async ({ create, write, read, connector, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      const { id, body } = await create('group', dialect.group('team', [user.id]));
      const deletion = { kind: 'delete', type: 'group', id, before: body } as const;
      expect(await write({ ...deletion, deletionMayRemove: [] })).toMatchObject({
        kind: 'refused',
        code: 'deletionBlocked',
      });
      expect(await read('group', id)).toMatchObject({ id, body });
      expect(await write({ ...deletion, deletionMayRemove: ['memberships'] })).toEqual({ kind: 'applied', id });
      expect(await connector.readOne('group', id)).toBeNull();
      expect(await read('user', user.id)).toEqual(user);
    },
  },
  {
    name: 'a user in a group is deleted with the membership where that may go',
    run: async ({ create, write, read, connector, dialect }) => {
      const { id, body } = await create('user', dialect.user('jane'));
      const group = await create('group', dialect.group('team', [id]));
      const deletion = { kind: 'delete', type: 'user', id, before: body } as const;
      if (dialect.membershipsBlockUserDeletion) {
        expect(await write({ ...deletion, deletionMayRemove: [] })).toMatchObject({
          kind: 'refused',
          code: 'deletionBlocked',
        });
        expect((await read('group', group.id)).body['members']).toEqual([id]);
      }
      expect(await write({ ...deletion, deletionMayRemove: ['memberships'] })).toEqual({ kind: 'applied', id });
      expect(await connector.readOne('user', id)).toBeNull();
      expect((await read('group', group.id)).body['members']).toEqual([]);
    },
  },
  {
    name: 'the calls that are made are the calls that were planned, in their order',
    run: async ({ create, connector, dialect }) => {
      const [a, b] = [(await create('user', dialect.user('a'))).id, (await create('user', dialect.user('b'))).id];
      const write = { kind: 'create', type: 'group', after: dialect.group('team', [a, b].sort()) } as const;
      const announced: NativeCall[] = [];
      await connector.write(write, (call) => {
        announced.push(call);
        return Promise.resolve();
      });
      expect(announced.map(({ call }) => call)).toEqual(connector.plannedCalls(write).map(({ call }) => call));
      expect(announced).toHaveLength(3);
    },
  },
  {
    name: 'a failure of the announcement stops the write before that call',
    run: async ({ create, connector, everything, dialect }) => {
      const user = await create('user', dialect.user('jane'));
      let announced = 0;
      const write = { kind: 'create', type: 'group', after: dialect.group('team', [user.id]) } as const;
      await expect(
        connector.write(write, () => {
          announced += 1;
          return announced === 2 ? Promise.reject(new Error('the process ends here')) : Promise.resolve();
        }),
      ).rejects.toThrow('the process ends here');
      expect(objectsIn(await everything(), 'group').map(({ body }) => body['members'])).toEqual([[]]);
    },
  },
];

export const writeCases: readonly ConformanceCase[] = [...userCases, ...groupCases];
