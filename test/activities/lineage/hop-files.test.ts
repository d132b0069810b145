/** Hops lie in pieces, one of which is made durable while the next one fills: the leaves come when all of them are there. */
import { expect, it } from 'vitest';
import { putHops, readHopText } from '../../../activities/lineage/hop-files.js';
import { MemoryStore } from '../../support/memory-store.js';

const count = 3 * 8_192 + 1;
const texts = Array.from({ length: count }, (_, index) => Buffer.from(`hop ${index}`));
const leaves = Buffer.alloc(count * 32);

it('of a store that takes its time every hop is as it was, and the leaves are put last', async () => {
  const store = new MemoryStore();
  const put = store.putIfAbsent.bind(store);
  const order: string[] = [];
  store.putIfAbsent = async (name, bytes) => {
    await new Promise((done) => setTimeout(done, name.endsWith('0') ? 30 : 5));
    order.push(name);
    return await put(name, bytes);
  };
  await putHops(store, 'hops', texts, leaves);
  expect(order).toEqual(['hops/bodies-0', 'hops/bodies-1', 'hops/bodies-2', 'hops/bodies-3', 'hops/leaves']);
  for (const index of [0, 8_191, 8_192, 20_000, count - 1])
    expect(await readHopText(store, 'hops', index)).toBe(`hop ${index}`);
});

it.each([0, 1, 3])('where piece %i cannot be put, there are no leaves', async (piece) => {
  const store = new MemoryStore();
  const put = store.putIfAbsent.bind(store);
  store.putIfAbsent = (name, bytes) =>
    name.endsWith(`bodies-${piece}`) ? Promise.reject(new Error('the disk is full')) : put(name, bytes);
  await expect(putHops(store, 'hops', texts, leaves)).rejects.toThrow('the disk is full');
  expect(await store.get('hops/leaves')).toBeNull();
});
