/** Many records at once, of every store of records that offers it: what one write promises, each write of a batch promises. */
import { expect } from 'vitest';
import type { BatchAnswer, Batches, Connector, NativeWrite } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { ConformanceCase } from './cases.js';
import { collect, type Scene } from './scene.js';

const parcel = (id: string, note: string | null = null): JsonObject => ({ id, name: `Parcel ${id}`, note });
const createOf = (id: string, note: string | null = null): NativeWrite => ({
  kind: 'create',
  type: 'parcel',
  after: parcel(id, note),
});
const updateOf = (id: string, before: JsonObject, change: JsonObject): NativeWrite => ({
  kind: 'update',
  type: 'parcel',
  id,
  before,
  after: { ...before, ...change },
});
const deleteOf = (id: string, before: JsonObject): NativeWrite => ({
  kind: 'delete',
  type: 'parcel',
  id,
  before,
  deletionMayRemove: [],
});

function batchesOf({ batches }: Connector): Batches {
  if (!batches) throw new Error('this store takes one record at a time');
  return batches;
}

async function shown(scene: Scene): Promise<Readonly<Record<string, JsonObject>>> {
  const items = await collect(scene.world.connector().readAll({ nativeTypes: ['parcel'] }));
  return Object.fromEntries(
    items.flatMap((item) => (item.kind === 'objects' ? item.objects.map(({ id, body }) => [id, body]) : [])),
  );
}

const words = (answers: readonly BatchAnswer[]): readonly string[] =>
  answers.map((answer) => (answer.kind === 'applied' || answer.kind === 'notSent' ? answer.kind : answer.code));

async function madeTogether(connector: Connector, ids: readonly string[]): Promise<void> {
  const answers = await batchesOf(connector).writeMany(ids.map((id) => createOf(id)));
  expect(answers).toMatchObject(ids.map((id) => ({ kind: 'applied', id })));
}

const some = [...Array(25).keys()].map((number) => `p-${number}`);

export const batchCases: readonly ConformanceCase[] = [
  {
    name: 'a batch makes, changes and deletes its records, leaves the others, and says of each what is there',
    run: async (scene) => {
      const { connector } = scene;
      const batches = batchesOf(connector);
      await madeTogether(connector, some);
      const read = await batches.readMany('parcel', [...some, 'nobody', 'p-1']);
      expect([...read.keys()].sort()).toEqual([...some].sort());
      for (const id of some) expect(read.get(id)).toEqual(await connector.readOne('parcel', id));

      const changes = some
        .slice(0, 10)
        .map((id) => updateOf(id, parcel(id), { note: `note of ${id}, "quoted" \\ {}` }));
      const answers = await batches.writeMany(changes);
      expect(words(answers)).toEqual(changes.map(() => 'applied'));
      for (const [at, answer] of answers.entries())
        if (answer.kind === 'applied' && answer.object)
          expect(answer.object).toEqual(await connector.readOne('parcel', some[at] ?? ''));
      expect(words(await batches.writeMany(some.slice(20).map((id) => deleteOf(id, parcel(id)))))).toEqual(
        Array(5).fill('applied'),
      );
      expect(await shown(scene)).toEqual(
        Object.fromEntries(
          some.slice(0, 20).map((id, at) => [id, at < 10 ? parcel(id, `note of ${id}, "quoted" \\ {}`) : parcel(id)]),
        ),
      );
    },
  },
  {
    name: 'of a batch exactly those are conflicts whose record is not as it was read, and the rest is applied',
    run: async (scene) => {
      const { connector } = scene;
      await madeTogether(connector, some);
      await connector.write(updateOf('p-3', parcel('p-3'), { name: 'by somebody else' }));
      await connector.write(updateOf('p-4', parcel('p-4'), { note: '' }));
      await connector.write(deleteOf('p-7', parcel('p-7')));
      const before = await shown(scene);
      const answers = await batchesOf(connector).writeMany(
        some.slice(0, 10).map((id) => updateOf(id, parcel(id), { note: 'of the batch' })),
      );
      expect(words(answers)).toEqual(
        some.slice(0, 10).map((id) => (['p-3', 'p-4', 'p-7'].includes(id) ? 'expectationFailed' : 'applied')),
      );
      const wanted = some
        .slice(0, 10)
        .flatMap((id) => (['p-3', 'p-4', 'p-7'].includes(id) ? [] : [[id, parcel(id, 'of the batch')] as const]));
      expect(await shown(scene)).toEqual({ ...before, ...Object.fromEntries(wanted) });
      const gone = await batchesOf(connector).writeMany([
        deleteOf('p-3', parcel('p-3')),
        deleteOf('p-7', parcel('p-7')),
        deleteOf('p-11', parcel('p-11')),
      ]);
      expect(words(gone)).toEqual(['expectationFailed', 'expectationFailed', 'applied']);
      expect(Object.keys(await shown(scene))).toHaveLength(23);
    },
  },
  {
    name: 'a batch makes no record under a key that is there, and all others',
    run: async (scene) => {
      const { connector } = scene;
      await madeTogether(connector, ['p-1', 'p-3']);
      const answers = await batchesOf(connector).writeMany(
        ['p-0', 'p-1', 'p-2', 'p-3', 'p-4'].map((id) => createOf(id, 'again')),
      );
      expect(words(answers)).toEqual(['applied', 'nameTaken', 'applied', 'nameTaken', 'applied']);
      expect(await shown(scene)).toEqual({
        'p-0': parcel('p-0', 'again'),
        'p-1': parcel('p-1'),
        'p-2': parcel('p-2', 'again'),
        'p-3': parcel('p-3'),
        'p-4': parcel('p-4', 'again'),
      });
    },
  },
  {
    name: 'what a store cannot hold is refused alone, and the rest of the batch is applied',
    run: async (scene) => {
      const { connector } = scene;
      await madeTogether(connector, ['p-0', 'p-1', 'p-2']);
      const answers = await batchesOf(connector).writeMany([
        updateOf('p-0', parcel('p-0'), { note: 'held' }),
        updateOf('p-1', parcel('p-1'), { id: 'p-9' }),
        updateOf('p-2', parcel('p-2'), { note: 'held' }),
      ]);
      expect(words(answers)).toEqual(['applied', 'valueNotRepresentable', 'applied']);
      expect(await shown(scene)).toEqual({
        'p-0': parcel('p-0', 'held'),
        'p-1': parcel('p-1'),
        'p-2': parcel('p-2', 'held'),
      });
    },
  },
  {
    name: 'nothing of a batch is sent where its announcement fails, or where it may not go on',
    run: async (scene) => {
      const batches = batchesOf(scene.connector);
      const writes = some.map((id) => createOf(id));
      await expect(
        batches.writeMany(writes, { announce: () => Promise.reject(new Error('the process ends here')) }),
      ).rejects.toThrow('the process ends here');
      expect(await shown(scene)).toEqual({});
      const answers = await batches.writeMany(writes, { mayGoOn: () => false });
      expect(words(answers)).toEqual(writes.map(() => 'notSent'));
      expect(await shown(scene)).toEqual({});
    },
  },
  {
    name: 'batches of several workers over one store are all there',
    run: async (scene) => {
      const workers = [scene.world.connector(), scene.world.connector(), scene.world.connector()];
      const answers = await Promise.all(
        workers.map((worker, at) =>
          batchesOf(worker).writeMany(some.filter((_, number) => number % 3 === at).map((id) => createOf(id))),
        ),
      );
      expect(answers.flatMap((of) => words(of))).toEqual(some.map(() => 'applied'));
      expect(Object.keys(await shown(scene)).sort()).toEqual([...some].sort());
    },
  },
  {
    name: 'records with a key of several parts are read and written together too',
    run: async ({ connector }) => {
      const batches = batchesOf(connector);
      const rows = ['a', 'b', 'c'].map((right): JsonObject => ({ left: 'x, "y"', right, note: null }));
      const made = await batches.writeMany(rows.map((after) => ({ kind: 'create', type: 'pair', after })));
      expect(words(made)).toEqual(['applied', 'applied', 'applied']);
      const ids = made.map((answer) => (answer.kind === 'applied' ? answer.id : ''));
      const answers = await batches.writeMany(
        rows.map((before, at) => ({
          kind: 'update',
          type: 'pair',
          id: ids[at] ?? '',
          before,
          after: { ...before, note: `number ${at}` },
        })),
      );
      expect(words(answers)).toEqual(['applied', 'applied', 'applied']);
      const read = await batches.readMany('pair', ids);
      expect(ids.map((id) => read.get(id)?.body)).toEqual(rows.map((row, at) => ({ ...row, note: `number ${at}` })));
    },
  },
];
