/**
 * Where the hops of one run lie: under the authority's prefix, bodies in pieces with their offsets, and the hashes of all
 * leaves, so that one body and its proof are read without the rest.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { foldSubtrees, hashBytes, inclusionRanges, subtreesOf } from '../../core/log/tree.js';
import { rowHash } from '../../core/log/tiles.js';
import { sha256 } from '../log/sha256.js';
import type { ObjectStore } from '../store.js';

const hopsPerPiece = 8_192;
const offsetBytes = 4;

export function hopFolder(prefix: string, root: Digest): string {
  return `${prefix}/hops/${root}`;
}

/** Idempotent: names and bytes follow from the hops. The leaves come last: their hashes, one after another. */
export async function putHops(
  store: ObjectStore,
  folder: string,
  texts: Iterable<Uint8Array>,
  leaves: Uint8Array,
  heartbeat?: () => void,
): Promise<void> {
  let piece = 0;
  let bodies: Uint8Array[] = [];
  const putPiece = async (): Promise<void> => {
    const offsets = Buffer.alloc((bodies.length + 1) * offsetBytes);
    let at = offsets.length;
    bodies.forEach((body, index) => {
      offsets.writeUInt32BE(at, index * offsetBytes);
      at += body.length;
    });
    offsets.writeUInt32BE(at, bodies.length * offsetBytes);
    await store.putIfAbsent(`${folder}/bodies-${piece}`, Buffer.concat([offsets, ...bodies]));
    piece += 1;
    bodies = [];
    heartbeat?.();
  };
  for (const text of texts) {
    // It may be good for one step only.
    bodies.push(Buffer.from(text));
    if (bodies.length === hopsPerPiece) await putPiece();
  }
  if (bodies.length > 0) await putPiece();
  await store.putIfAbsent(`${folder}/leaves`, leaves);
}

export async function readHopText(store: ObjectStore, folder: string, index: number): Promise<string> {
  const piece = `${folder}/bodies-${Math.floor(index / hopsPerPiece)}`;
  const offsets = Buffer.from(await store.getRange(piece, (index % hopsPerPiece) * offsetBytes, 2 * offsetBytes));
  const start = offsets.readUInt32BE(0);
  const end = offsets.readUInt32BE(offsetBytes);
  if (end < start) throw new ConcordatError('inputNotAuthentic', `${piece} has offsets that go back`);
  return Buffer.from(await store.getRange(piece, start, end - start)).toString('utf8');
}

/** The proof that hop `index` is under the root. What it reads is not trusted: a wrong proof does not verify. */
export async function hopInclusion(
  store: ObjectStore,
  folder: string,
  index: number,
  count: number,
): Promise<readonly Uint8Array[]> {
  const leaves = await store.get(`${folder}/leaves`);
  if (leaves?.length !== count * hashBytes)
    throw new ConcordatError('storeFault', `${folder}/leaves is missing or short`);
  return inclusionRanges(index, count).map((range) =>
    foldSubtrees(
      subtreesOf(range).map(({ level, index: subtree }) => {
        const hashes: Uint8Array[] = [];
        for (let leaf = subtree * 2 ** level; leaf < (subtree + 1) * 2 ** level; leaf += 1)
          hashes.push(leaves.subarray(leaf * hashBytes, (leaf + 1) * hashBytes));
        return rowHash(hashes, sha256);
      }),
      sha256,
    ),
  );
}
