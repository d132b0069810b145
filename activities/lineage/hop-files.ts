/**
 * Where the hops of one run lie: under the authority's prefix, bodies in pieces with their offsets, and the hashes of all
 * leaves, so that one body and its proof are read without the rest.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { foldSubtrees, hashBytes, inclusionRanges, subtreesOf } from '../../core/log/tree.js';
import { rowHash } from '../../core/log/tiles.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { sha256 } from '../log/sha256.js';
import type { ObjectStore } from '../store.js';

const hopsPerPiece = 8_192;
const offsetBytes = 4;
const firstPieceBytes = 64 * 1024;

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
  let ends: number[] = [];
  let bodies = Buffer.allocUnsafeSlow(firstPieceBytes);
  // One is made durable while the next one fills.
  let before: Promise<unknown> = Promise.resolve();
  const putPiece = async (): Promise<void> => {
    const head = (ends.length + 1) * offsetBytes;
    const length = ends.at(-1) ?? 0;
    const bytes = Buffer.allocUnsafeSlow(head + length);
    bytes.writeUInt32BE(head, 0);
    ends.forEach((end, index) => bytes.writeUInt32BE(head + end, (index + 1) * offsetBytes));
    bodies.copy(bytes, head, 0, length);
    await before;
    before = store.putIfAbsent(`${folder}/bodies-${piece}`, bytes);
    // It may fail before anybody waits for it.
    before.catch(() => undefined);
    piece += 1;
    ends = [];
    heartbeat?.();
  };
  for (const text of texts) {
    const start = ends.at(-1) ?? 0;
    if (start + text.length > bodies.length) {
      const more = Buffer.allocUnsafeSlow(2 * (start + text.length));
      bodies.copy(more, 0, 0, start);
      bodies = more;
    }
    // It may be good for one step only.
    bodies.set(text, start);
    ends.push(start + text.length);
    if (ends.length === hopsPerPiece) await putPiece();
    else if (isSliceOver()) await letOthersRun();
  }
  if (ends.length > 0) await putPiece();
  await before;
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
