import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hlcOf } from '../../../core/clock/hlc.js';
import { latestObserved, type SeenChange } from '../../../core/clock/seen-interval.js';

const change = (member: string, afterMs: number, untilMs: number): SeenChange => ({
  member,
  seen: { after: hlcOf({ ms: afterMs, counter: 0 }), until: hlcOf({ ms: untilMs, counter: 0 }) },
});

describe('the latest observed change', () => {
  test('is the one whose interval begins when all others are over', () => {
    expect(latestObserved([change('aa', 10, 20), change('bb', 20, 30), change('cc', 1, 9)])).toBe('bb');
  });
  test('is nobody’s where intervals overlap', () => {
    expect(latestObserved([change('aa', 10, 21), change('bb', 20, 30)])).toBeNull();
    expect(latestObserved([change('aa', 10, 40), change('bb', 20, 30)])).toBeNull();
    expect(latestObserved([change('aa', 10, 20), change('bb', 10, 20)])).toBeNull();
  });
  test('is nobody’s where nobody saw the state before it, and of none', () => {
    expect(latestObserved([change('aa', 0, 20)])).toBeNull();
    expect(latestObserved([])).toBeNull();
  });
  test('is nobody’s beside an interval that ends before it begins', () => {
    expect(latestObserved([change('aa', 10, 20), change('bb', 30, 5)])).toBeNull();
    expect(latestObserved([change('aa', 60, 70), change('bb', 100, 50)])).toBeNull();
  });

  test('lies wholly after every other one, and does not depend on the order of members', () => {
    const changes = fc.uniqueArray(
      fc.tuple(fc.constantFrom('aa', 'bb', 'cc'), fc.nat(12), fc.nat(12)).map(([member, a, b]) => change(member, a, b)),
      { selector: ({ member }) => member },
    );
    fc.assert(
      fc.property(changes, (given) => {
        const latest = latestObserved(given);
        expect(latestObserved([...given].reverse())).toBe(latest);
        const own = given.find(({ member }) => member === latest);
        if (own) for (const other of given) if (other !== own) expect(own.seen.after >= other.seen.until).toBe(true);
      }),
    );
  });
});
