/** Vectors held against what they stand for: the set of observations that a state knows of. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  emptyVector,
  joinVectors,
  knowsAll,
  latestOf,
  observe,
  orderOf,
  VersionVector,
} from '../../../core/clock/version-vector.js';
import { fullRuns } from '../../support/property-runs.js';

const members = ['aa', 'bb', 'cc', 'dd'];
const vector = fc.dictionary(fc.constantFrom(...members), fc.integer({ min: 1, max: 3 }));

describe('a join', () => {
  test('knows what any of its parts knows, in any order and however often', () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, c) => {
        const joined = joinVectors([a, b, c]);
        expect([a, b, c].every((part) => knowsAll(joined, part))).toBe(true);
        expect(joinVectors([c, b, a, a])).toEqual(joined);
        expect(joinVectors([joinVectors([a, b]), c])).toEqual(joined);
        expect(JSON.stringify(joinVectors([b, c, a]))).toBe(JSON.stringify(joined));
      }),
    );
  });
});

describe('two vectors', () => {
  test('are ordered one way at most, and seen from the other side the other way', () => {
    const turned = { equal: 'equal', earlier: 'later', later: 'earlier', concurrent: 'concurrent' } as const;
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        expect(orderOf(b, a)).toBe(turned[orderOf(a, b)]);
      }),
    );
  });

  test('of a value and of the one that was made in knowledge of it are earlier and later', () => {
    const first = observe(emptyVector, { member: 'aa', number: 1 });
    const second = observe(first, { member: 'bb', number: 1 });
    expect(orderOf(second, first)).toBe('later');
    expect(orderOf(observe(emptyVector, { member: 'bb', number: 1 }), first)).toBe('concurrent');
    expect(orderOf(first, emptyVector)).toBe('later');
    expect(orderOf(first, first)).toBe('equal');
  });
});

test('a dot that is not above the last one is refused', () => {
  expect(() => observe({ aa: 3 }, { member: 'aa', number: 3 })).toThrow(RangeError);
});

test('the latest of several is the one that knows all others, whatever their order; of equals and of concurrent ones there is none', () => {
  expect(latestOf([{ aa: 1 }, { aa: 2, bb: 1 }, { bb: 1 }])).toBe(1);
  expect(latestOf([{ aa: 2, bb: 1 }, { aa: 1 }, { bb: 1 }])).toBe(0);
  expect(latestOf([{ aa: 1 }, { bb: 1 }])).toBe(-1);
  expect(latestOf([{ aa: 1 }, { aa: 1 }])).toBe(-1);
  expect(latestOf([])).toBe(-1);
});

test.each([{ aa: 0 }, { aa: -1 }, { aa: 1.5 }, { 'AA!': 1 }])('%j is no vector', (faulty) => {
  expect(VersionVector.safeParse(faulty).success).toBe(false);
});

/**
 * Members observe, carry and converge at random. Beside each vector runs the plain set of all dots that the state knows
 * of, its causal past. Vectors must tell exactly what the sets tell.
 */
interface Register {
  readonly vector: VersionVector;
  readonly past: ReadonlySet<string>;
  readonly count: number;
}

type Step = { readonly kind: 'observe' | 'apply' | 'converge'; readonly at: number; readonly from: number };

function play(
  size: number,
  steps: readonly Step[],
  joins: (parts: readonly VersionVector[]) => VersionVector,
): Register[] {
  const registers: Register[] = Array.from({ length: size }, () => ({ vector: {}, past: new Set<string>(), count: 0 }));
  for (const { kind, at, from } of steps) {
    const [own, other] = [registers[at % size] as Register, registers[from % size] as Register];
    const member = members[at % size] as string;
    if (kind === 'observe') {
      const number = own.count + 1;
      registers[at % size] = {
        vector: observe(own.vector, { member, number }),
        past: new Set([...own.past, `${member} ${number}`]),
        count: number,
      };
    } else {
      const joined = { vector: joins([own.vector, other.vector]), past: new Set([...own.past, ...other.past]) };
      registers[at % size] = { ...joined, count: own.count };
      if (kind === 'converge')
        registers[from % size] = { ...joined, count: (registers[from % size] as Register).count };
    }
  }
  return registers;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('observe', 'observe', 'apply', 'converge'),
  at: fc.nat(3),
  from: fc.nat(3),
});

function agreesWithPasts(registers: readonly Register[]): boolean {
  return registers.every((left) =>
    registers.every((right) => {
      const knows = [...right.past].every((dot) => left.past.has(dot));
      return knowsAll(left.vector, right.vector) === knows;
    }),
  );
}

describe('after any 40 observations, applied operations and agreements', () => {
  test('vectors tell earlier, later and concurrent exactly as the causal pasts do', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), fc.array(step, { maxLength: 40 }), (size, steps) => {
        expect(agreesWithPasts(play(size, steps, joinVectors))).toBe(true);
      }),
      fullRuns(3_000),
    );
  });

  test('a join that keeps one side only is found out', () => {
    const keepsOwn = ([own]: readonly VersionVector[]): VersionVector => own ?? {};
    const check = fc.check(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => agreesWithPasts(play(3, steps, keepsOwn))),
    );
    expect(check.failed).toBe(true);
  });
});
