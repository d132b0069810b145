/** Verifies proofs against roots (RFC 9162 sections 2.1.3.2 and 2.1.4.2). Takes anything that a peer may send; never throws. */
import { emptyRoot, hashBytes, nodeHash, type Sha256 } from './tree.js';

export interface InclusionClaim {
  /** The hash of the leaf (leafHash), not the leaf. */
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** RFC 9162 section 2.1.3.2, step by step. */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim, hash?: Sha256): boolean {
  if (!areCounts(index, size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let first = index;
  let last = size - 1;
  let computed = leaf;
  for (const step of proof) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      computed = nodeHash(step, computed, hash);
      if (first % 2 === 0) {
        while (first % 2 === 0 && first !== 0) {
          first /= 2;
          last = half(last);
        }
      }
    } else {
      computed = nodeHash(computed, step, hash);
    }
    first = half(first);
    last = half(last);
  }
  return last === 0 && sameBytes(computed, root);
}

export interface ConsistencyClaim {
  readonly from: number;
  readonly fromRoot: Uint8Array;
  readonly to: number;
  readonly toRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * RFC 9162 section 2.1.4.2. Beyond it: a tree is consistent with itself by an empty proof, and the empty tree is the
 * beginning of every other one.
 */
export function verifyConsistency({ from, fromRoot, to, toRoot, proof }: ConsistencyClaim, hash?: Sha256): boolean {
  if (!areCounts(from, to) || from > to || !areHashes([fromRoot, toRoot, ...proof])) return false;
  if (from === 0)
    return proof.length === 0 && sameBytes(fromRoot, emptyRoot(hash)) && (to > 0 || sameBytes(toRoot, fromRoot));
  if (from === to) return proof.length === 0 && sameBytes(fromRoot, toRoot);
  const path = isPowerOfTwo(from) ? [fromRoot, ...proof] : [...proof];
  let [fromComputed, toComputed] = [path[0], path[0]];
  if (proof.length === 0 || !fromComputed || !toComputed) return false;
  let first = from - 1;
  let last = to - 1;
  while (first % 2 === 1) {
    first = half(first);
    last = half(last);
  }
  for (const step of path.slice(1)) {
    if (last === 0) return false;
    if (first % 2 === 1 || first === last) {
      fromComputed = nodeHash(step, fromComputed, hash);
      toComputed = nodeHash(step, toComputed, hash);
      while (first % 2 === 0 && first !== 0) {
        first /= 2;
        last = half(last);
      }
    } else {
      toComputed = nodeHash(toComputed, step, hash);
    }
    first = half(first);
    last = half(last);
  }
  return last === 0 && sameBytes(fromComputed, fromRoot) && sameBytes(toComputed, toRoot);
}

export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** No shift: those end at 32 bits, and sizes may be larger. */
function half(value: number): number {
  return Math.floor(value / 2);
}

function isPowerOfTwo(value: number): boolean {
  let rest = value;
  while (rest % 2 === 0) rest /= 2;
  return rest === 1;
}

function areCounts(...values: readonly number[]): boolean {
  return values.every((value) => Number.isSafeInteger(value) && value >= 0);
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === hashBytes);
}
