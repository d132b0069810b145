/**
 * Many operations named by where they stand among those that a plan has for one authority, and known by one root, so that what
 * is signed does not grow with them. Whoever has the plan finds the same operations; whoever has a few of them can be shown
 * that they are among these.
 */
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { canonicalJson, Digest } from './digest.js';
import { GatheredIds, type Ids } from './digest-list.js';
import type { LongList } from './long-list.js';
import { verifyInclusion } from './log/proof.js';
import { foldSubtrees, inclusionRanges, leafHash, nodeHash, subtreesOf, type Range } from './log/tree.js';

/** So many ranges a decision may hold: some 40 kB. */
export const placesMax = 2_000;
/** Ids in one leaf of the tree. */
const leafIds = 64;

/** First and last place, from 0 and both included; ascending, and never two that touch: one form for one set. */
export const Places = z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).max(placesMax);
export type Places = z.infer<typeof Places>;

export const OperationRanges = z.strictObject({
  /** Among the operations of the authority, in the order of the plan. */
  places: Places.min(1),
  count: z.int().positive(),
  /** Of the RFC 6962 tree over their ids in that order: each leaf is the canonical JSON of the next 64 of them. */
  root: Digest,
});
export type OperationRanges = z.infer<typeof OperationRanges>;

/** That one leaf of the tree holds what it holds. */
export const RangesProof = z.strictObject({
  /** All ids of the leaf. */
  ids: z.array(Digest).min(1).max(leafIds),
  leaf: z.int().nonnegative(),
  /** From the leaf up. */
  proof: z.array(Digest).max(64),
});
export type RangesProof = z.infer<typeof RangesProof>;

/** Where those stand that are wanted; empty where none is. */
export function placesOf(ids: Iterable<Digest>, isWanted: (id: Digest) => boolean): Places {
  const places: Places = [];
  let at = -1;
  for (const id of ids) {
    at += 1;
    if (!isWanted(id)) continue;
    const last = places.at(-1);
    if (last?.[1] === at - 1) last[1] = at;
    else places.push([at, at]);
  }
  return places;
}

export function countOf(places: Places): number {
  return places.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** Ids by their places; null where nothing that could be named stands. */
export interface IdsByPlace {
  readonly length: number;
  at(place: number): Digest | null | undefined;
}

/** The ids at these places; null where these are in no order, or nothing stands at one of them. */
export function atPlaces(places: Places, ids: IdsByPlace): Ids | null {
  const found = new GatheredIds();
  let next = 0;
  for (const [first, last] of places) {
    if (first < next || last < first || last >= ids.length) return null;
    for (let place = first; place <= last; place += 1) {
      const id = ids.at(place);
      if (id === undefined || id === null) return null;
      found.put(id);
    }
    next = last + 2;
  }
  return found.finish();
}

/** These ids at these places, and nothing at the others. Copies none of them. */
export function spreadOver(places: Places, ids: IdsByPlace): IdsByPlace {
  const taken: number[] = [];
  let count = 0;
  for (const [first, last] of places) {
    taken.push(count);
    count += last - first + 1;
  }
  const [, end] = places.at(-1) ?? [0, -1];
  return {
    length: end + 1,
    at(place) {
      let [low, high] = [0, places.length];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((places[middle]?.[0] ?? 0) <= place) low = middle + 1;
        else high = middle;
      }
      const range = places[low - 1];
      const at = range && place <= range[1] ? (taken[low - 1] ?? 0) + place - range[0] : -1;
      return at >= 0 && at < ids.length ? ids.at(at) : null;
    },
  };
}

export function rangesOver(places: Places, ids: IdsByPlace): OperationRanges {
  const named = atPlaces(places, ids);
  if (!named) throw new RangeError('these places are not among the operations');
  return { places, count: named.length, root: rootOf(named) };
}

/** Whether these, in this order, are what was signed. */
export function areNamedBy({ count, root }: OperationRanges, ids: LongList<Digest>): boolean {
  return ids.length === count && rootOf(ids) === root;
}

export function rootOf(ids: Iterable<Digest>): Digest {
  const leaves = leavesOf(ids);
  return bytesToHex(hashOf(leaves, { start: 0, end: leaves.length }));
}

/** Throws RangeError where `id` is not among them. */
export function proofOf(ids: readonly Digest[], id: Digest): RangesProof {
  const place = ids.indexOf(id);
  if (place < 0) throw new RangeError('this operation is not among them');
  const leaves = leavesOf(ids);
  const leaf = Math.floor(place / leafIds);
  return {
    ids: ids.slice(leaf * leafIds, (leaf + 1) * leafIds),
    leaf,
    proof: inclusionRanges(leaf, leaves.length).map((range) => bytesToHex(hashOf(leaves, range))),
  };
}

/** Whether the proof shows that `id` is among what was signed. */
export function isProven({ count, root }: OperationRanges, id: Digest, { ids, leaf, proof }: RangesProof): boolean {
  const claim = {
    leaf: leafOf(ids),
    index: leaf,
    size: Math.ceil(count / leafIds),
    proof: proof.map(hexToBytes),
    root: hexToBytes(root),
  };
  return ids.includes(id) && verifyInclusion(claim);
}

function leavesOf(ids: Iterable<Digest>): readonly Uint8Array[] {
  const leaves: Uint8Array[] = [];
  let waiting: Digest[] = [];
  for (const id of ids) {
    waiting.push(id);
    if (waiting.length < leafIds) continue;
    leaves.push(leafOf(waiting));
    waiting = [];
  }
  if (waiting.length > 0) leaves.push(leafOf(waiting));
  return leaves;
}

function leafOf(ids: readonly Digest[]): Uint8Array {
  return leafHash(utf8ToBytes(canonicalJson(ids)));
}

function hashOf(leaves: readonly Uint8Array[], range: Range): Uint8Array {
  return foldSubtrees(subtreesOf(range).map(({ level, index }) => subtreeHash(leaves, level, index)));
}

function subtreeHash(leaves: readonly Uint8Array[], level: number, index: number): Uint8Array {
  if (level === 0) return leaves[index] as Uint8Array;
  return nodeHash(subtreeHash(leaves, level - 1, 2 * index), subtreeHash(leaves, level - 1, 2 * index + 1));
}
