/**
 * The right edge of a log: the complete subtrees that its size is made of. All that appending needs, however long the log
 * is, and enough to compute every root on the way.
 */
import { foldSubtrees, nodeHash, subtreesOf, type Sha256 } from './tree.js';

export interface Frontier {
  readonly size: number;
  /** One hash for each complete subtree of the whole tree, from left to right (subtreesOf). */
  readonly hashes: readonly Uint8Array[];
}

export const emptyFrontier: Frontier = { size: 0, hashes: [] };

/** Throws RangeError where the hashes cannot be those of a tree of that size. */
export function frontierOf(size: number, hashes: readonly Uint8Array[]): Frontier {
  if (subtreesOf({ start: 0, end: size }).length !== hashes.length)
    throw new RangeError(`a tree of ${size} leaves has another right edge`);
  return { size, hashes };
}

export function appendLeaves(frontier: Frontier, leaves: Iterable<Uint8Array>, hash?: Sha256): Frontier {
  const hashes = [...frontier.hashes];
  let { size } = frontier;
  for (const leaf of leaves) {
    let node = leaf;
    // As many subtrees are completed by this leaf as the size ends in ones.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(hashes.pop() ?? node, node, hash);
    hashes.push(node);
    size += 1;
  }
  return { size, hashes };
}

export function rootOf(frontier: Frontier, hash?: Sha256): Uint8Array {
  return foldSubtrees(frontier.hashes, hash);
}
