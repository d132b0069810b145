/**
 * What every store of records must get out of its files or tables. A world of this sort has a native type `parcel` with the
 * key `id` and the properties `name` and `note`, all of them text, and a native type `pair` with the key `left`, `right`.
 */
import { expect } from 'vitest';
import type { Connector, NativeCall, ReadItem } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import type { ConformanceCase } from './cases.js';
import { paceCases } from './pace-cases.js';
import { collect, endsIn, type Scene } from './scene.js';

const parcel = (id: string, note: string | null = null): JsonObject => ({ id, name: `Parcel ${id}`, note });

/** Fails the case where it is not made. */
async function made(connector: Connector, type: string, after: JsonObject): Promise<NativeObject> {
  const answer = await connector.write({ kind: 'create', type, after });
  expect(answer).toEqual({ kind: 'applied', id: expect.any(String) as string });
  const found = await connector.readOne(type, answer.kind === 'applied' ? answer.id : '');
  if (found === null) throw new Error('what was made is not shown');
  return found;
}

const objectsOf = (items: readonly ReadItem[]): readonly NativeObject[] =>
  items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));

async function populate({ connector }: Scene): Promise<readonly NativeObject[]> {
  const objects: NativeObject[] = [];
  for (let index = 0; index < 5; index += 1) objects.push(await made(connector, 'parcel', parcel(`p-${index}`)));
  objects.push(await made(connector, 'pair', { left: 'a', right: 'b', note: 'ab' }));
  return objects;
}

const byId = (objects: readonly NativeObject[]): ReadonlyMap<string, NativeObject> =>
  new Map(objects.map((object) => [`${object.type} ${object.id}`, object]));

/** Their reads go on in another process wherever they stopped, as long as nobody writes meanwhile. */
const alwaysResumed: ReadonlySet<string> = new Set(['folder', 'postgresql']);

const difficult = [
  'with, comma; semicolon\tand tab',
  'with "quotes" and \'single\' ones',
  'two\nlines and\r\na third',
  '  spaces around  ',
  'Zoë \u00e9 e\u0301 李 😀 \\ back / slash {x} %s $1',
  '',
  'NULL',
  'null',
  '\\N',
  '0.10',
  '-- comment; DROP TABLE parcels',
];

/**
 * https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#characters-disallowed-in-key-fields
 * https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
 */
function holdsKey({ world }: Scene, key: string): boolean {
  if (world.mesh.kind === 'cosmos') return !/[/\\#?\p{Cc}]|\s$/u.test(key);
  return world.mesh.kind !== 'azure-tables' || !/[/\\#?\p{Cc}]/u.test(key);
}

export const recordCases: readonly ConformanceCase[] = [
  {
    name: 'a probe names what it reaches and misses no permission',
    run: async ({ connector }) => {
      const probe = await connector.probe();
      expect(probe).toMatchObject({ reachable: true, authenticated: true, identity: expect.any(String) as string });
      expect(probe.permissions.filter(({ held }) => held !== true)).toEqual([]);
      expect(probe.nativeTypes?.map(({ type }) => type)).toEqual(['parcel', 'pair']);
    },
  },
  {
    name: 'an empty store is read to its end, type after type',
    run: async (scene) => {
      const items = await scene.everything();
      expect(endsIn(items)).toEqual(['parcel', 'pair']);
      expect(objectsOf(items)).toEqual([]);
    },
  },
  {
    name: 'only the native types that are asked for are read',
    run: async (scene) => {
      await populate(scene);
      const items = await collect(scene.connector.readAll({ nativeTypes: ['pair'] }));
      expect(endsIn(items)).toEqual(['pair']);
      expect(objectsOf(items).map(({ type }) => type)).toEqual(['pair']);
    },
  },
  {
    name: 'what was made is listed once over several pages, as a single read shows it',
    run: async (scene) => {
      const objects = await populate(scene);
      for (const pageSize of [1, 2, 5, 100]) {
        const items = await scene.everything(scene.world.connector({ pageSize }));
        expect(endsIn(items)).toEqual(['parcel', 'pair']);
        const listed = objectsOf(items);
        expect(listed).toHaveLength(objects.length);
        expect(byId(listed)).toEqual(byId(objects));
        for (const { objects: page } of items.filter((item) => item.kind === 'objects'))
          expect(page.length).toBeLessThanOrEqual(pageSize);
      }
      for (const object of objects) expect(await scene.connector.readOne(object.type, object.id)).toEqual(object);
    },
  },
  {
    name: 'a read that stops anywhere goes on right after it in another process, or says that it begins again',
    run: async (scene) => {
      await populate(scene);
      const whole = await scene.everything(scene.world.connector({ pageSize: 2 }));
      for (const [index, { cursor }] of whole.entries()) {
        const rest = await scene.everything(scene.world.connector({ pageSize: 2 }), cursor).catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'cursorLost' });
          return null;
        });
        if (alwaysResumed.has(scene.world.mesh.kind)) expect(rest).not.toBeNull();
        if (rest === null) continue;
        expect(byId(objectsOf(rest))).toEqual(byId(objectsOf(whole.slice(index + 1))));
        expect(endsIn(rest)).toEqual(endsIn(whole.slice(index + 1)));
      }
    },
  },
  {
    name: 'a row that never was is null, and so is its twin',
    run: async ({ connector }) => {
      expect(await connector.readOne('parcel', 'nobody')).toBeNull();
      expect(await connector.readOne('pair', '["a","c"]')).toBeNull();
      expect(await connector.readOne('pair', 'no list')).toBeNull();
      expect(await connector.findTwin('parcel', parcel('nobody'))).toBeNull();
    },
  },
  {
    name: 'the twin of a body is the row with its key',
    run: async (scene) => {
      const [first, , , , , pair] = await populate(scene);
      expect(await scene.connector.findTwin('parcel', parcel('p-0', 'other'))).toEqual(first);
      expect(await scene.connector.findTwin('pair', { left: 'a', right: 'b' })).toEqual(pair);
    },
  },
  {
    name: 'texts that need care come back as they are, in keys and beside them, and the empty text is not null',
    run: async (scene) => {
      const { connector } = scene;
      const keys = difficult.map((text, at) => (holdsKey(scene, `key ${text}`) ? `key ${text}` : `key ${at}`));
      for (const [at, text] of difficult.entries()) {
        const key = keys[at] ?? '';
        if (key !== `key ${text}`)
          expect(await connector.write({ kind: 'create', type: 'parcel', after: parcel(`key ${text}`) })).toMatchObject(
            { kind: 'refused', code: 'valueNotRepresentable' },
          );
        const object = await made(connector, 'parcel', parcel(key, text));
        expect(object.body).toEqual(parcel(key, text));
        const cleared = { ...object.body, note: null };
        expect(
          await connector.write({ kind: 'update', type: 'parcel', id: object.id, before: object.body, after: cleared }),
        ).toEqual({ kind: 'applied', id: object.id });
        expect((await connector.readOne('parcel', object.id))?.body).toEqual(cleared);
      }
      const listed = objectsOf(await scene.everything());
      expect(listed.map(({ id }) => id).sort()).toEqual([...keys].sort());
    },
  },
  {
    name: 'a create under a key that is there is a conflict and changes nothing',
    run: async (scene) => {
      const objects = await populate(scene);
      expect(
        await scene.connector.write({ kind: 'create', type: 'parcel', after: parcel('p-1', 'usurper') }),
      ).toMatchObject({
        kind: 'conflict',
        code: 'nameTaken',
      });
      expect(byId(objectsOf(await scene.everything()))).toEqual(byId(objects));
    },
  },
  {
    name: 'an update is one call, changes what it names, and keeps id and every other row',
    run: async (scene) => {
      const objects = await populate(scene);
      const [first] = objects;
      if (!first) throw new Error('nothing was made');
      const after = { ...first.body, note: 'changed' };
      const write = { kind: 'update', type: 'parcel', id: first.id, before: first.body, after } as const;
      const calls = scene.connector.plannedCalls(write);
      expect(calls).toHaveLength(1);
      expect(calls[0]?.arguments).toEqual({ note: 'changed' });
      expect(await scene.connector.write(write)).toEqual({ kind: 'applied', id: first.id });
      const wanted = byId([{ ...first, body: after }, ...objects.slice(1)]);
      expect(byId(objectsOf(await scene.everything()))).toEqual(wanted);
    },
  },
  {
    name: 'a write over a row that is not as it was read is a conflict, wherever it differs, and changes nothing',
    run: async (scene) => {
      const [first] = await populate(scene);
      if (!first) throw new Error('nothing was made');
      const { type, id, body } = first;
      const elsewhere = { ...body, name: 'by somebody else' };
      const other = scene.world.connector();
      expect(await other.write({ kind: 'update', type, id, before: body, after: elsewhere })).toMatchObject({
        kind: 'applied',
      });
      const expected = { kind: 'conflict', code: 'expectationFailed' };
      expect(
        await scene.connector.write({ kind: 'update', type, id, before: body, after: { ...body, note: 'late' } }),
      ).toMatchObject(expected);
      expect(
        await scene.connector.write({ kind: 'delete', type, id, before: body, deletionMayRemove: [] }),
      ).toMatchObject(expected);
      expect((await scene.connector.readOne(type, id))?.body).toEqual(elsewhere);
    },
  },
  {
    name: 'a key never changes',
    run: async (scene) => {
      const objects = await populate(scene);
      const [first] = objects;
      if (!first) throw new Error('nothing was made');
      const after = { ...first.body, id: 'p-9' };
      expect(
        await scene.connector.write({ kind: 'update', type: 'parcel', id: first.id, before: first.body, after }),
      ).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      expect(byId(objectsOf(await scene.everything()))).toEqual(byId(objects));
    },
  },
  {
    name: 'a row without its whole key is refused, and nothing is announced',
    run: async ({ connector, everything }) => {
      const announced: NativeCall[] = [];
      const announce = (call: NativeCall): Promise<void> => Promise.resolve(void announced.push(call));
      for (const after of [{ left: 'a', right: null }, { left: 'a' }]) {
        const answer = await connector.write({ kind: 'create', type: 'pair', after }, announce);
        expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
      }
      expect(objectsOf(await everything())).toEqual([]);
    },
  },
  {
    name: 'a deleted row is null and no longer listed, and what is gone is a conflict',
    run: async (scene) => {
      const objects = await populate(scene);
      const [first] = objects;
      if (!first) throw new Error('nothing was made');
      const gone = { kind: 'delete', type: 'parcel', id: first.id, before: first.body, deletionMayRemove: [] } as const;
      expect(await scene.connector.write(gone)).toEqual({ kind: 'applied', id: first.id });
      expect(await scene.connector.readOne('parcel', first.id)).toBeNull();
      expect(byId(objectsOf(await scene.everything()))).toEqual(byId(objects.slice(1)));
      const expected = { kind: 'conflict', code: 'expectationFailed' };
      expect(await scene.connector.write(gone)).toMatchObject(expected);
      const after = { ...first.body, note: 'late' };
      expect(
        await scene.connector.write({ kind: 'update', type: 'parcel', id: first.id, before: first.body, after }),
      ).toMatchObject(expected);
    },
  },
  {
    name: 'the call that is made is the one that was planned, and a failing announcement stops it',
    run: async (scene) => {
      const write = { kind: 'create', type: 'parcel', after: parcel('p-1') } as const;
      await expect(
        scene.connector.write(write, () => Promise.reject(new Error('the process ends here'))),
      ).rejects.toThrow('the process ends here');
      expect(objectsOf(await scene.everything())).toEqual([]);
      const announced: NativeCall[] = [];
      await scene.connector.write(write, (call) => Promise.resolve(void announced.push(call)));
      expect(announced).toEqual(scene.connector.plannedCalls(write));
    },
  },
  {
    name: 'writes of several workers at once are all there',
    run: async (scene) => {
      const workers = [scene.world.connector(), scene.world.connector(), scene.world.connector()];
      const answers = await Promise.all(
        [...Array(9).keys()].map((index) =>
          (workers[index % 3] ?? scene.connector).write({
            kind: 'create',
            type: 'parcel',
            after: parcel(`p-${index}`),
          }),
        ),
      );
      expect(answers.map((answer) => answer.kind)).toEqual(Array(9).fill('applied'));
      expect(objectsOf(await scene.everything())).toHaveLength(9);
    },
  },
  ...paceCases,
];
