/** Cases of reading: lists, pages, cursors, single objects, twins. */
import { expect } from 'vitest';
import type { ConformanceCase } from './cases.js';
import { endsIn, objectsIn, type Scene } from './scene.js';

/** Five users and three groups; the first group holds all users but the last. */
async function populate(scene: Scene): Promise<{ users: readonly string[]; groups: readonly string[] }> {
  const users: string[] = [];
  for (let index = 0; index < 5; index += 1)
    users.push((await scene.create('user', scene.dialect.user(`user-${index}`))).id);
  const groups: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    const members = index === 0 ? users.slice(0, 4) : [];
    groups.push((await scene.create('group', scene.dialect.group(`group-${index}`, members))).id);
  }
  return { users, groups };
}

const ids = (objects: readonly { readonly id: string }[]): readonly string[] => objects.map(({ id }) => id).sort();

export const readCases: readonly ConformanceCase[] = [
  {
    name: 'an empty cloud is read to its end: users first, then groups',
    run: async (scene) => {
      const items = await scene.everything();
      expect(endsIn(items)).toEqual(['users', 'groups']);
      expect(items.at(-1)?.kind).toBe('scopeEnd');
    },
  },
  {
    name: 'what was made is listed once, as a single read shows it',
    run: async (scene) => {
      const { users, groups } = await populate(scene);
      const items = await scene.everything(scene.world.connector());
      for (const [type, made] of [['user', users] as const, ['group', groups] as const]) {
        const listed = objectsIn(items, type).filter(({ id }) => made.includes(id));
        expect(ids(listed)).toEqual([...made].sort());
        for (const object of listed) expect(await scene.read(type, object.id)).toEqual(object);
      }
    },
  },
  {
    name: 'lists longer than a page are read to their end, every object once',
    run: async (scene) => {
      const { users, groups } = await populate(scene);
      const items = await scene.everything(scene.world.connector({ pageSize: 2 }));
      expect(endsIn(items)).toEqual(['users', 'groups']);
      expect(ids(objectsIn(items, 'user').filter(({ id }) => users.includes(id)))).toEqual([...users].sort());
      expect(ids(objectsIn(items, 'group'))).toEqual([...groups].sort());
      const full = objectsIn(items, 'group').find(({ id }) => id === groups[0]);
      expect(full?.body['members']).toEqual(users.slice(0, 4).sort());
    },
  },
  {
    name: 'a read that stops anywhere goes on right after it in another process',
    run: async (scene) => {
      await populate(scene);
      const whole = await scene.everything(scene.world.connector({ pageSize: 2 }));
      for (const [index, { cursor }] of whole.entries()) {
        const rest = await scene.everything(scene.world.connector({ pageSize: 2 }), cursor);
        const left = whole.slice(index + 1);
        for (const type of ['user', 'group'] as const)
          expect(new Map(objectsIn(rest, type).map((object) => [object.id, object]))).toEqual(
            new Map(objectsIn(left, type).map((object) => [object.id, object])),
          );
        expect(endsIn(rest)).toEqual(endsIn(left));
      }
    },
  },
  {
    name: 'two reads of a cloud that rests are equal',
    run: async (scene) => {
      await populate(scene);
      const all = async () => {
        const items = await scene.everything(scene.world.connector());
        return new Map(
          [...objectsIn(items, 'user'), ...objectsIn(items, 'group')].map((object) => [object.id, object]),
        );
      };
      expect(await all()).toEqual(await all());
    },
  },
  {
    name: 'an object that never was is null, and so is its twin',
    run: async ({ connector, dialect, world }) => {
      const id =
        world.mesh.kind === 'aws-iam'
          ? 'AIDAAAAAAAAAAAAAAAAAA'
          : world.mesh.kind === 'entra'
            ? '00000000-1111-4222-8333-444444444444'
            : '0123456789abcdef0123456789abcdef';
      expect(await connector.readOne('user', id)).toBeNull();
      expect(await connector.readOne('group', id.replace('AIDA', 'AGPA'))).toBeNull();
      expect(await connector.findTwin('user', dialect.user('nobody'))).toBeNull();
      expect(await connector.findTwin('group', dialect.group('nothing', []))).toBeNull();
    },
  },
  {
    name: 'the twin of a body is the object that holds its name',
    run: async (scene) => {
      const user = await scene.create('user', scene.dialect.user('jane'));
      const group = await scene.create('group', scene.dialect.group('team', [user.id]));
      const other = scene.world.connector();
      expect(await other.findTwin('user', scene.dialect.user('jane'))).toEqual(user);
      expect(await other.findTwin('group', scene.dialect.group('team', []))).toEqual(group);
    },
  },
  {
    name: 'a name with characters that queries use is found as it is',
    run: async (scene) => {
      const user = await scene.create('user', scene.dialect.user(scene.dialect.difficultName));
      expect(await scene.world.connector().findTwin('user', scene.dialect.user(scene.dialect.difficultName))).toEqual(
        user,
      );
    },
  },
];
