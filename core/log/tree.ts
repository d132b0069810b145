/**
 * The hash tree of an append-only log (RFC 6962 section 2.1, RFC 9162 section 2.1): leaves and nodes hash under different
 * first bytes, so that a node can never be shown as a leaf.
 *
 * Everything that a proof needs is a hash over a range of leaves. A range is split the way the tree splits, so it is a
 * row of complete subtrees; where those lie is arithmetic, and reading them is left to the caller.
 */
import { sha256 } from '@noble/hashes/sha2.js';

/** 32 bytes for any bytes. Workers pass the one of their platform, which is faster. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const hashBytes = 32;

export function leafHash(leaf: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const input = new Uint8Array(1 + leaf.length);
  input.set(leaf, 1);
  return hash(input);
}

export function nodeHash(left: Uint8Array, right: Uint8Array, hash: Sha256 = sha256): Uint8Array {
  const input = new Uint8Array(1 + 2 * hashBytes);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 1 + hashBytes);
  return hash(input);
}

/** The root of a tree without leaves. */
export function emptyRoot(hash: Sha256 = sha256): Uint8Array {
  return hash(new Uint8Array(0));
}

/** A complete subtree: `2 ** level` leaves, the first of them at `index * 2 ** level`. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** Leaves from `start` up to but not including `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The complete subtrees of a range as RFC 9162 splits it, from left to right. `start` must be a multiple of a power of two
 * that is not below the length, as every range of a proof is.
 */
export function subtreesOf({ start, end }: Range): readonly Subtree[] {
  const subtrees: Subtree[] = [];
  let at = start;
  while (at < end) {
    const level = floorLog2(end - at);
    subtrees.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return subtrees;
}

/** The hash of a range from the hashes of its subtrees; of no subtree, the empty root. */
export function foldSubtrees(hashes: readonly Uint8Array[], hash: Sha256 = sha256): Uint8Array {
  let folded = hashes.at(-1);
  if (!folded) return emptyRoot(hash);
  for (let at = hashes.length - 2; at >= 0; at -= 1) folded = nodeHash(hashes[at] ?? folded, folded, hash);
  return folded;
}

/** The ranges whose hashes prove that leaf `index` is in the tree of `size` leaves, from the leaf up (RFC 9162 section 2.1.3.1). */
export function inclusionRanges(index: number, size: number): readonly Range[] {
  if (!isCount(index) || !isCount(size) || index >= size)
    throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
  const ranges: Range[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** The ranges whose hashes prove that the tree of `from` leaves is the beginning of the tree of `to` (RFC 9162 section 2.1.4.1). */
export function consistencyRanges(from: number, to: number): readonly Range[] {
  if (!isCount(from) || !isCount(to) || from < 1 || from > to)
    throw new RangeError(`a tree of ${from} leaves is not the beginning of a tree of ${to}`);
  if (from === to) return [];
  const ranges: Range[] = [];
  let start = 0;
  let end = to;
  // Whether the old tree's own root is the subtree that the walk ends in: its hash is then known to the verifier.
  let isWhole = true;
  while (from !== end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
      isWhole = false;
    }
  }
  if (!isWhole) ranges.push({ start, end });
  return ranges.reverse();
}

/** The largest power of two below `length`, which is at least 2. */
function splitOf(length: number): number {
  return 2 ** floorLog2(length - 1);
}

/** Exact for every safe integer, where Math.log2 is not and shifts end at 32 bits. */
function floorLog2(value: number): number {
  const high = Math.floor(value / 2 ** 31);
  return high > 0 ? 31 + (31 - Math.clz32(high)) : 31 - Math.clz32(value);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
