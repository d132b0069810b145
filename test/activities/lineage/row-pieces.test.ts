/** Rows that wait for a seal come back as they were kept, or not at all. */
import { expect, it } from 'vitest';
import { encodeRows, rowBytes, type TableRow } from '../../../activities/lineage/table-rows.js';
import { readRows, removeRows, RowPieces } from '../../../activities/lineage/row-pieces.js';
import { MemoryStore } from '../../support/memory-store.js';

const count = 32_768 + 5;
const rows = Array.from({ length: count }, (_, index): TableRow => {
  const id = Buffer.alloc(16);
  id.writeUInt32BE(index);
  return { id, salt: Buffer.alloc(32, index), end: { sequence: 3, index, hop: 'ab'.repeat(32) } };
});
const prefix = 'lineage/parcels/made/c/rows';

async function kept(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const pieces = new RowPieces(store, prefix, count);
  for (const row of rows) await pieces.add(row);
  return store;
}

async function read(store: MemoryStore, wanted: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readRows(store, prefix, wanted)) pieces.push(piece);
  return Buffer.concat(pieces);
}

it('all of them, in their order, until they are removed, and nothing else with them', async () => {
  const store = await kept();
  expect((await read(store, count)).equals(encodeRows(rows))).toBe(true);
  const others = ['lineage/parcels/made/c/made', 'lineage/parcels/made/d/rows', 'lineage/parcels/table/rows'];
  for (const name of others) await store.putIfAbsent(name, Buffer.from('-'));
  expect((await store.list(prefix)).length).toBe(2);
  await removeRows(store, prefix);
  expect(await store.list('lineage/')).toEqual(others);
  await removeRows(store, 'lineage/parcels/made/');
  expect(await store.list('lineage/')).toEqual([others[0], others[2]]);
});

it('not where a piece is lost, or is of other rows', async () => {
  const store = await kept();
  const [first = '', last = ''] = await store.list(prefix);
  await expect(read(store, count + 1)).rejects.toMatchObject({ code: 'storeFault' });
  await expect(read(store, count - 1)).rejects.toMatchObject({ code: 'storeFault' });
  await store.remove(last);
  await expect(read(store, count)).rejects.toMatchObject({ code: 'storeFault' });
  await store.remove(first);
  await expect(read(store, count)).rejects.toMatchObject({ code: 'storeFault' });
});

it('also from the one object in which a worker of before kept them', async () => {
  const store = new MemoryStore();
  await store.putIfAbsent(prefix, encodeRows(rows.slice(0, 2)));
  expect((await read(store, 2)).length).toBe(2 * rowBytes);
  await removeRows(store, prefix);
  expect(await store.list(prefix)).toEqual([]);
});
