/** Hops that are put into their order piece by piece are those that makeHops makes at once, in memory or from a file. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { SortedHops } from '../../../activities/lineage/sorted-hops.js';
import { tableId } from '../../../activities/lineage/record-table.js';
import { hmacSha256, sha256 } from '../../../activities/log/sha256.js';
import { draftHop, makeHops, type AgreedChange } from '../../../core/lineage/make-hops.js';

const changes = Array.from({ length: 600 }, (_, at): AgreedChange => ({
  dataset: 'parcels',
  type: 'parcel',
  key: `key ${at}`,
  before: null,
  after: { city: `city ${at}`, note: 'ø'.repeat(at % 50) },
  salt: createHash('sha256').update(`${at}`).digest(),
  native: null,
  cause: { kind: 'observed' },
  previous: null,
}));

it.each([
  { where: 'in memory', memoryBytesMax: 64 * 1024 * 1024, expectedCount: 600 },
  { where: 'in one file', memoryBytesMax: 1, expectedCount: 1 },
  { where: 'in a file of many parts', memoryBytesMax: 1, expectedCount: 100_000 },
])('$where', async ({ memoryBytesMax, expectedCount }) => {
  const expected = makeHops(changes, { sha256, hmac: hmacSha256 });
  const sorted = new SortedHops(expectedCount, memoryBytesMax);
  try {
    for (const change of changes) {
      const draft = draftHop(change, hmacSha256);
      if (draft) sorted.add(draft, { tableId: tableId(change), salt: change.salt });
    }
    const { leaves, root } = await sorted.leaves();
    expect(root).toBe(expected.root);
    expect(leaves.equals(Buffer.concat(expected.hops.map(({ leaf }) => leaf)))).toBe(true);
    // Asked again it gives the same.
    const found = [...sorted.inOrder()].length;
    const texts: string[] = [];
    for (const { text, tableId: id, salt } of sorted.inOrder()) {
      const { change } = expected.hops[texts.length] ?? {};
      if (change && !(id.equals(tableId(change)) && salt.equals(change.salt))) throw new Error('of another record');
      texts.push(text.toString());
    }
    expect([found, sorted.count]).toEqual([600, 600]);
    expect(texts).toEqual(expected.hops.map(({ text }) => text));
  } finally {
    sorted.discard();
  }
});
