import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenedDecision } from '../../core/decision.js';
import { amongIds, DigestList, GatheredIds, keptIds, sortedIds, type Ids } from '../../core/digest-list.js';
import { digestOf, sha256Hex } from '../../core/digest.js';
import { atPlaces, rootOf } from '../../core/operation-ranges.js';
import type { Operation } from '../../core/operation.js';
import { tally, type Vote } from '../../core/review.js';
import { plainTerms } from './support/terms.js';

// Some begin alike, so that what is found by its beginning is held to all of it.
const digests = fc.oneof(
  fc.nat(50).map((number) => digestOf({ number })),
  fc.nat(50).map((number) => `00000000${digestOf({ number }).slice(8)}`),
);

it('holds digests as they came, finds each of them, and no other', () => {
  fc.assert(
    fc.property(fc.array(digests, { maxLength: 40 }), digests, (given, other) => {
      const list = DigestList.of(given);
      expect([...list]).toEqual(given);
      expect(list).toHaveLength(given.length);
      for (const digest of given) expect(list.at(list.placeOf(digest))).toBe(digest);
      expect(list.has(other)).toBe(given.includes(other));
      expect([...list.sorted()]).toEqual([...given].sort());
      expect(Array.from(list.slice(3, 8))).toEqual(given.slice(3, 8));
    }),
    { numRuns: 40 },
  );
});

describe('gathered ids', () => {
  const ids = Array.from({ length: 50 }, (_, at) => sha256Hex(`id ${at}`));
  const gathered = (most: number): Ids => {
    const list = new GatheredIds(most);
    for (const id of ids) list.put(id);
    return list.finish();
  };

  it('are the same list whether they are texts or bytes', () => {
    const [texts, bytes] = [gathered(50), gathered(49)];
    expect([Array.isArray(texts), bytes instanceof DigestList]).toEqual([true, true]);
    expect([...bytes]).toEqual(texts);
    expect([...sortedIds(bytes)]).toEqual(sortedIds(texts));
    for (const id of [...ids, sha256Hex('none')]) expect(amongIds(bytes).has(id)).toBe(amongIds(texts).has(id));
    expect([...keptIds(bytes, (id) => id < '8')]).toEqual(keptIds(texts, (id) => id < '8'));
    expect(rootOf(bytes)).toBe(rootOf(texts));
    expect([...(atPlaces([[2, 9], [11, 40]], bytes) ?? [])]).toEqual(atPlaces([[2, 9], [11, 40]], texts)); // prettier-ignore
  });

  it('are counted alike by a review, however a decision holds them', () => {
    const operations = ids.map((id) => ({ id, changes: [], because: [] }) as unknown as Operation);
    const votes = (named: Ids, more: Ids): Vote[] =>
      [
        { kind: 'approve' as const, approver: 'ada', operations: named },
        { kind: 'approve' as const, approver: 'bo', operations: more },
        { kind: 'reject' as const, approver: 'cy', operations: keptIds(named, (id) => id > 'e') },
      ].map((one) => ({
        voice: one.approver,
        decision: { ...one, partial: true, conflicts: [], choices: {} } as unknown as OpenedDecision,
      }));
    const counted = (of: Ids): object => {
      const half = new GatheredIds(Array.isArray(of) ? 50 : 0);
      for (const id of of) if (id < '8') half.put(id);
      const found = tally({ operations, conflicts: [] }, votes(of, half.finish()), plainTerms(2));
      return { ...found, approved: [...found.approved], rejected: [...found.rejected], open: [...found.open] };
    };
    const texts = counted(gathered(50));
    expect(counted(gathered(0))).toEqual(texts);
    expect(texts).toMatchObject({ approved: ids.filter((id) => id < '8'), rejected: ids.filter((id) => id > 'e') });
  });
});
