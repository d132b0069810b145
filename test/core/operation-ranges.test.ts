/** Operations named by place: the same for everybody who has the plan, and nothing that is not exactly what was signed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Decision, namedCount, opened } from '../../core/decision.js';
import { canonicalJson, sha256Hex, type Digest } from '../../core/digest.js';
import {
  areNamedBy,
  atPlaces,
  countOf,
  isProven,
  OperationRanges,
  placesOf,
  proofOf,
  rangesOver,
  rootOf,
  spreadOver,
} from '../../core/operation-ranges.js';
import { leafHash, nodeHash } from '../../core/log/tree.js';
import { propertyRuns } from '../support/property-runs.js';

const idsOf = (count: number): Digest[] => Array.from({ length: count }, (_, at) => sha256Hex(`operation ${at}`));
/** Some of up to 400 operations: more than six leaves of the tree. */
const somes = fc
  .integer({ min: 1, max: 400 })
  .chain((count) => fc.tuple(fc.constant(count), fc.array(fc.boolean(), { minLength: count, maxLength: count })))
  .filter(([, wanted]) => wanted.includes(true));

describe('ranges of operations', () => {
  it('name exactly those that were meant, in the order of the plan', () => {
    fc.assert(
      fc.property(somes, ([count, wanted]) => {
        const ids = idsOf(count);
        const named = ids.filter((_, at) => wanted[at]);
        const places = placesOf(ids, (id) => named.includes(id));
        const ranges = rangesOver(places, ids);
        expect(OperationRanges.safeParse(ranges).success).toBe(true);
        expect(atPlaces(places, ids)).toEqual(named);
        expect([countOf(places), ranges.count]).toEqual([named.length, named.length]);
        expect(areNamedBy(ranges, named)).toBe(true);
        // Where only these are known, they stand at the same places as in the whole plan.
        expect(atPlaces(places, spreadOver(places, named))).toEqual(named);
      }),
      propertyRuns(200),
    );
  });

  it('are known by a root over every one of them and their order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), (count, seed) => {
        const ids = idsOf(count);
        const ranges = rangesOver([[0, count - 1]], ids);
        const at = seed % count;
        const swapped = [...ids];
        [swapped[at], swapped[(at + 1) % count]] = [swapped[(at + 1) % count] ?? '', swapped[at] ?? ''];
        const others: readonly (readonly Digest[])[] = [
          ids.toSpliced(at, 1),
          [...ids, sha256Hex('one more')],
          ids.with(at, sha256Hex('another')),
          swapped,
        ];
        for (const other of others) expect(areNamedBy(ranges, other)).toBe(false);
      }),
      propertyRuns(100),
    );
  });

  it('have the root of RFC 6962 over leaves of 64 ids each', () => {
    const ids = idsOf(150);
    const leaf = (from: number): Uint8Array =>
      leafHash(new TextEncoder().encode(canonicalJson(ids.slice(from, from + 64))));
    const root = nodeHash(nodeHash(leaf(0), leaf(64)), leaf(128));
    expect(rootOf(ids)).toBe(Buffer.from(root).toString('hex'));
  });

  it('have one form: places that overlap, touch, go back or lead beyond the end name nothing', () => {
    const ids = idsOf(10);
    const wrong: [number, number][][] = [
      [[0, 10]],
      [
        [0, 3],
        [3, 4],
      ],
      [
        [0, 3],
        [4, 5],
      ],
      [
        [5, 6],
        [0, 1],
      ],
      [[4, 2]],
      [[0, Number.MAX_SAFE_INTEGER]],
    ];
    for (const places of wrong) expect(atPlaces(places, ids), JSON.stringify(places)).toBeNull();
    expect(atPlaces([[0, 9]], ids)).toEqual(ids);
    // What is not asked stands nowhere.
    expect(atPlaces([[0, 4]], spreadOver([[0, 1], [3, 4]], ids.slice(0, 4)))).toBeNull(); // prettier-ignore
  });

  it('prove of each operation that it is among them, and of no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(), (count, seed) => {
        const ids = idsOf(count);
        const ranges = rangesOver([[0, count - 1]], ids);
        const id = ids[seed % count] ?? '';
        const proof = proofOf(ids, id);
        expect(isProven(ranges, id, proof)).toBe(true);
        const stranger = sha256Hex('stranger');
        expect(isProven(ranges, stranger, proof)).toBe(false);
        expect(isProven(ranges, stranger, { ...proof, ids: proof.ids.with(0, stranger) })).toBe(false);
        expect(isProven({ ...ranges, root: stranger }, id, proof)).toBe(false);
        expect(isProven(ranges, id, { ...proof, leaf: proof.leaf + 1 })).toBe(false);
        expect(() => proofOf(ids, stranger)).toThrow(RangeError);
      }),
      propertyRuns(100),
    );
  });
});

describe('a decision on ranges', () => {
  const ids = idsOf(500);
  const decision: Decision = {
    id: 'a'.repeat(22),
    kind: 'approve',
    federation: 'f',
    authority: 'aws',
    dataset: 'd',
    plan: sha256Hex('plan'),
    approver: 'ada',
    delegation: null,
    binds: 'identicalOperations',
    operations: [],
    ranges: rangesOver([[0, 499]], ids),
    choices: {},
    conflicts: [],
    partial: false,
    reason: null,
    untilMs: null,
    issuedAtMs: 0,
    expiresAtMs: 1,
  };

  it('is opened by what was signed for, and by nothing else', () => {
    expect(opened(decision, ids)).toMatchObject({ operations: ids, approver: 'ada' });
    expect(opened(decision, ids)).not.toHaveProperty('ranges');
    expect(opened(decision, ids.slice(1))).toBeNull();
    expect(opened(decision, null)).toBeNull();
    expect(namedCount(decision)).toBe(500);
  });

  it('does not list any besides, and a list needs no opening', () => {
    expect(Decision.safeParse(decision).success).toBe(true);
    expect(opened({ ...decision, operations: ids.slice(0, 1) }, ids)).toBeNull();
    const { ranges: _, ...listed } = { ...decision, operations: ids.slice(0, 1) };
    expect(opened(listed, ids)).toEqual(listed);
    expect(namedCount(listed)).toBe(1);
  });
});
