/** Salts that a snapshot proposed are found in memory and in a file alike, and refused where any piece of them is another one. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  proposalBytes,
  proposalsName,
  readProposedSalts,
  requireSignedProposals,
} from '../../../activities/lineage/proposed-salts.js';
import { MemoryStore } from '../../support/memory-store.js';

const idBytes = 16;
const count = 2_000;
/** Some ids begin with the same four bytes, and two with the first and the last there are. */
const ids = Array.from({ length: count }, (_, at) => {
  const id = randomBytes(idBytes);
  if (at % 5 === 0) id.writeUInt32BE(0x70000000);
  if (at === 1) id.writeUInt32BE(0);
  if (at === 2) id.writeUInt32BE(0xffffffff);
  return id;
}).sort((left, right) => Buffer.compare(left, right));
const rows = Buffer.concat(ids.flatMap((id) => [id, randomBytes(proposalBytes - idBytes)]));
const digest = createHash('sha256').update(rows).digest('hex');

function storeOf(bytes: Uint8Array): MemoryStore {
  const store = new MemoryStore();
  store.objects.set(proposalsName('aws', digest), bytes);
  return Object.assign(store, { size: (name: string) => Promise.resolve(store.objects.get(name)?.length ?? null) });
}

const places = [
  ['memory, in one piece', { memoryBytesMax: 1e9, pieceBytes: 1e9 }],
  ['memory, in pieces', { memoryBytesMax: 1e9, pieceBytes: 7 * proposalBytes }],
  ['a file, begun late', { memoryBytesMax: 100 * proposalBytes, pieceBytes: 7 * proposalBytes }],
  ['a file', { memoryBytesMax: 0, pieceBytes: 1e9 }],
] as const;

it.each(places)('every one is found in %s, and no other', async (_where, options) => {
  const salts = await readProposedSalts(storeOf(rows), 'aws', digest, options);
  const found = ids.map((id) => salts.of(id));
  for (const [at, salt] of found.entries())
    expect(Buffer.from(salt ?? []).equals(rows.subarray(at * proposalBytes + idBytes, (at + 1) * proposalBytes))).toBe(
      true,
    );
  for (const id of ids) {
    const other = Buffer.from(id);
    other[idBytes - 1] = (other[idBytes - 1] ?? 0) ^ 1;
    expect(salts.of(other)).toBeUndefined();
  }
});

it.each(places)('what is not what was signed is refused, read into %s', async (_where, options) => {
  for (const at of [0, rows.length >> 1, rows.length - 1]) {
    const forged = Buffer.from(rows);
    forged[at] = (forged[at] ?? 0) ^ 1;
    await expect(readProposedSalts(storeOf(forged), 'aws', digest, options)).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
    await expect(requireSignedProposals(storeOf(forged), 'aws', digest)).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
  }
  const short = rows.subarray(0, rows.length - proposalBytes);
  for (const bytes of [short, Buffer.alloc(0)])
    await expect(readProposedSalts(storeOf(bytes), 'aws', digest, options)).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
  await expect(readProposedSalts(new MemoryStore(), 'aws', digest, options)).rejects.toMatchObject({
    code: 'inputNotAuthentic',
  });
});
