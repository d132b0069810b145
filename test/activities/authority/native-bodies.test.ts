import { expect, it } from 'vitest';
import { withBodiesAsRead, withBodiesOfMany } from '../../../activities/authority/native-bodies.js';
import type { OwnRecords } from '../../../activities/authority/own-records.js';
import { SortedListWriter } from '../../../activities/spilling/sorted-list-writer.js';
import { canonicalJson } from '../../../core/digest.js';
import type { RunInputs } from '../../../core/messages.js';
import { makeOperation, type Operation } from '../../../core/operation.js';
import { lastOf } from '../../../core/steps.js';

/** Key → its native objects: none, one, several, and two operations of one record. */
const objectsOf: Readonly<Record<string, readonly string[]>> = {
  a: [],
  b: ['n1'],
  bb: ['n2'],
  c: ['n3', 'n4'],
  d: ['n5'],
};
const operations = Object.keys(objectsOf)
  .flatMap((key) => (key === 'd' ? ['one', 'two'] : ['one']).map((field) => ({ key, field })))
  .map(({ key, field }) =>
    makeOperation({
      authority: 'north',
      type: 'person',
      key,
      kind: 'update',
      changes: [{ kind: 'value', field, before: null, after: 1 }],
      rule: 'changedOnOneSide',
      because: ['south'],
      current: {},
    }),
  );
const own = {
  async *objects() {
    // What the pages show twice, and in another order than the plan.
    for (const id of ['n5', 'n4', 'n3', 'n2', 'n1', 'n2', 'other'])
      yield await Promise.resolve({ id, type: 'user', body: {} });
  },
  typeOfNative: () => 'person',
  keyOf: (_type: string, id: string) => Object.keys(objectsOf).find((key) => objectsOf[key]?.includes(id)) ?? 'z',
  nativeIdsOf: (_type: string, key: string) => objectsOf[key] ?? [],
} as unknown as OwnRecords;

it('gives each operation once, with the objects of its record, whether they lie in memory or in a file', async () => {
  const writer = new SortedListWriter((text) => JSON.parse(text) as Operation);
  for (const operation of operations)
    writer.put(`${operation.type} ${operation.key} ${operation.id}`, canonicalJson(operation));
  const list = lastOf(writer.finish());
  const found = async (bodies: ReturnType<typeof withBodiesOfMany>): Promise<readonly string[]> => {
    const texts: string[] = [];
    for await (const { operation, objects } of bodies)
      texts.push(`${operation.id} ${objects.map(({ id }) => id).join()}`);
    return texts.sort();
  };
  const inputs = {} as RunInputs;
  const expected = await found(withBodiesAsRead(inputs, own, operations));
  expect(expected).toHaveLength(operations.length);
  expect(await found(withBodiesOfMany(inputs, own, list, (type, key) => `${type} ${key} `))).toEqual(expected);
});
