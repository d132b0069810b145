/** The tree against the vectors of RFC 6962's reference code, and against a second, slow definition of itself. */
import { describe, expect, it } from 'vitest';
import { appendLeaves, emptyFrontier, rootOf } from '../../../core/log/frontier.js';
import { verifyConsistency, verifyInclusion } from '../../../core/log/proof.js';
import {
  consistencyRanges,
  emptyRoot,
  foldSubtrees,
  inclusionRanges,
  leafHash,
  nodeHash,
  subtreesOf,
  type Range,
} from '../../../core/log/tree.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const leaves = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, at) => leafHash(Buffer.from(`leaf ${at}`)));

/** MTH of RFC 9162 section 2.1.1 as it is written there. */
function slowRoot(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return emptyRoot();
  if (hashes.length === 1) return hashes[0] ?? emptyRoot();
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(slowRoot(hashes.slice(0, split)), slowRoot(hashes.slice(split)));
}

const hashOf =
  (all: readonly Uint8Array[]) =>
  ({ start, end }: Range): Uint8Array =>
    slowRoot(all.slice(start, end));

describe('the tree', () => {
  // github.com/google/certificate-transparency, merkletree tests.
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const roots = [
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];

  it('has the roots of the published vectors', () => {
    let frontier = emptyFrontier;
    expect(hex(rootOf(frontier))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    inputs.forEach((input, at) => {
      frontier = appendLeaves(frontier, [leafHash(Buffer.from(input, 'hex'))]);
      expect(hex(rootOf(frontier))).toBe(roots[at]);
    });
  });

  it('folds the complete subtrees of any size into the root', () => {
    const all = leaves(70);
    for (let size = 0; size <= all.length; size += 1) {
      const folded = foldSubtrees(
        subtreesOf({ start: 0, end: size }).map(({ level, index }) =>
          slowRoot(all.slice(index * 2 ** level, (index + 1) * 2 ** level)),
        ),
      );
      expect(hex(folded)).toBe(hex(slowRoot(all.slice(0, size))));
    }
  });

  it('splits sizes beyond 32 bits exactly', () => {
    expect(subtreesOf({ start: 0, end: 2 ** 40 + 2 ** 31 + 1 }).map(({ level }) => level)).toEqual([40, 31, 0]);
    expect(inclusionRanges(2 ** 40, 2 ** 40 + 1)).toEqual([{ start: 0, end: 2 ** 40 }]);
  });
});

describe('proofs', () => {
  const all = leaves(35);
  const root = (size: number): Uint8Array => slowRoot(all.slice(0, size));

  it('of inclusion verify for every leaf of every size, and for no other leaf, index, size or root', () => {
    for (let size = 1; size <= all.length; size += 1) {
      for (let index = 0; index < size; index += 1) {
        const leaf = all[index] ?? emptyRoot();
        const proof = inclusionRanges(index, size).map(hashOf(all));
        const claim = { leaf, index, size, proof, root: root(size) };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, leaf: leafHash(leaf) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: leaf === claim.root ? emptyRoot() : leaf })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, leaf] })).toBe(false);
        if (proof.length > 0) expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        if (size > 1) expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(false);
      }
    }
  });

  it('of consistency verify for every pair of sizes, and for no other roots, sizes or proofs', () => {
    for (let to = 1; to <= all.length; to += 1) {
      for (let from = 1; from <= to; from += 1) {
        const proof = consistencyRanges(from, to).map(hashOf(all));
        const claim = { from, to, fromRoot: root(from), toRoot: root(to), proof };
        expect(verifyConsistency(claim)).toBe(true);
        expect(verifyConsistency({ ...claim, fromRoot: emptyRoot() })).toBe(false);
        expect(verifyConsistency({ ...claim, toRoot: emptyRoot() })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, emptyRoot()] })).toBe(false);
        proof.forEach((_, at) => {
          const altered = proof.map((hash, other) => (other === at ? nodeHash(hash, hash) : hash));
          expect(verifyConsistency({ ...claim, proof: altered })).toBe(false);
        });
        if (from > 1 && from < to) expect(verifyConsistency({ ...claim, from: from - 1 })).toBe(false);
      }
    }
  });

  it('do not verify for a log that changed one early entry', () => {
    const other = [leafHash(Buffer.from('altered')), ...all.slice(1)];
    const proof = consistencyRanges(9, 20).map(hashOf(other));
    const claim = { from: 9, to: 20, fromRoot: root(9), toRoot: slowRoot(other.slice(0, 20)), proof };
    expect(verifyConsistency(claim)).toBe(false);
  });

  it('of inclusion do not verify where they end below the root that they are for', () => {
    const leaf = all[0] ?? emptyRoot();
    expect(verifyInclusion({ leaf, index: 0, size: 2, proof: [], root: leaf })).toBe(false);
    const proof = inclusionRanges(0, 4).map(hashOf(all));
    expect(verifyInclusion({ leaf, index: 0, size: 8, proof, root: root(4) })).toBe(false);
  });

  it('take any numbers and lengths without throwing', () => {
    const short = new Uint8Array(31);
    for (const size of [-1, 0, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      expect(verifyInclusion({ leaf: root(1), index: 0, size, proof: [], root: root(2) })).toBe(false);
      expect(verifyConsistency({ from: 3, to: size, fromRoot: root(1), toRoot: root(2), proof: [] })).toBe(false);
    }
    expect(verifyInclusion({ leaf: short, index: 0, size: 1, proof: [], root: short })).toBe(false);
    expect(verifyConsistency({ from: 0, to: 5, fromRoot: emptyRoot(), toRoot: root(5), proof: [] })).toBe(true);
    expect(verifyConsistency({ from: 0, to: 5, fromRoot: root(1), toRoot: root(5), proof: [] })).toBe(false);
  });
});
