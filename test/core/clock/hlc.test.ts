import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  aheadMs,
  compareHlc,
  counterMax,
  firstHlc,
  greatestHlc,
  Hlc,
  hlcOf,
  hlcParts,
  isTrustedHlc,
  msMax,
  receiveHlc,
  tickHlc,
} from '../../../core/clock/hlc.js';
import { isAfterAtSame, type ClockReset } from '../../../core/clock/reset.js';

const parts = fc.record({
  ms: fc.oneof(
    fc.integer({ min: 0, max: 5 }),
    fc.maxSafeNat().map((ms) => ms % msMax),
  ),
  counter: fc.oneof(fc.constantFrom(0, 1, counterMax - 1, counterMax), fc.nat(counterMax)),
});
const stamp = parts.map(hlcOf);

describe('the wire form', () => {
  test('is 48 bits of milliseconds and 16 bits of counter in 16 lower-case hexadecimal characters', () => {
    expect(hlcOf({ ms: 0x0198_abcd_ef01, counter: 0x00ff })).toBe('0198abcdef0100ff');
    expect(hlcOf({ ms: 0, counter: 0 })).toBe(firstHlc);
    expect(hlcOf({ ms: msMax, counter: counterMax })).toBe('f'.repeat(16));
    expect(hlcParts('0198abcdef0100ff')).toEqual({ ms: 0x0198_abcd_ef01, counter: 0xff });
  });

  test('is read back as it was written, and sorts as text like the numbers in it', () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        expect(hlcParts(hlcOf(left))).toEqual(left);
        const numbers = left.ms - right.ms || left.counter - right.counter;
        expect(Math.sign(compareHlc(hlcOf(left), hlcOf(right)))).toBe(Math.sign(numbers));
      }),
    );
  });

  test.each([
    '',
    '0198abcdef0100f',
    '0198abcdef0100fff',
    '0198ABCDEF0100FF',
    '0198abcdef0100fg',
    ' 198abcdef0100ff',
    25,
  ])('refuses %j', (text) => {
    expect(Hlc.safeParse(text).success).toBe(false);
  });

  test.each([
    { ms: -1, counter: 0 },
    { ms: 0.5, counter: 0 },
    { ms: msMax + 1, counter: 0 },
    { ms: Number.NaN, counter: 0 },
    { ms: 0, counter: -1 },
    { ms: 0, counter: counterMax + 1 },
  ])('has no room for %j', (faulty) => {
    expect(() => hlcOf(faulty)).toThrow(RangeError);
  });
});

describe('a tick', () => {
  test('takes the physical time where that is ahead, and counts where it is not', () => {
    const last = hlcOf({ ms: 1000, counter: 7 });
    expect(hlcParts(tickHlc(last, 1001))).toEqual({ ms: 1001, counter: 0 });
    expect(hlcParts(tickHlc(last, 1000))).toEqual({ ms: 1000, counter: 8 });
    expect(hlcParts(tickHlc(last, 400))).toEqual({ ms: 1000, counter: 8 });
  });

  test('goes on with the next millisecond where the counter is used up', () => {
    expect(hlcParts(tickHlc(hlcOf({ ms: 1000, counter: counterMax }), 900))).toEqual({ ms: 1001, counter: 0 });
    expect(() => tickHlc(hlcOf({ ms: msMax, counter: counterMax }), 900)).toThrow(RangeError);
  });

  test('of a machine that believes in a time before the epoch still goes on', () => {
    expect(hlcParts(tickHlc(firstHlc, -86_400_000))).toEqual({ ms: 0, counter: 1 });
  });
});

describe('whatever happens', () => {
  test('a stamp is above the last one, above what was received, and no further ahead than one of them or the machine', () => {
    fc.assert(
      fc.property(stamp, stamp, fc.nat(10), (last, remote, physicalMs) => {
        fc.pre(hlcParts(last).ms < msMax && hlcParts(remote).ms < msMax);
        const next = receiveHlc(last, remote, physicalMs);
        expect(compareHlc(next, last)).toBe(1);
        expect(compareHlc(next, remote)).toBe(1);
        expect(compareHlc(tickHlc(last, physicalMs), last)).toBe(1);
        const furthest = Math.max(hlcParts(last).ms, hlcParts(remote).ms, physicalMs);
        expect(hlcParts(next).ms).toBeLessThanOrEqual(furthest + 1);
      }),
    );
  });

  // Figure 5 of the paper: l takes the greatest of both and the machine, c counts where l stands still.
  test('taking notice follows the paper', () => {
    fc.assert(
      fc.property(stamp, stamp, fc.nat(10), (last, remote, physicalMs) => {
        const [own, told] = [hlcParts(last), hlcParts(remote)];
        fc.pre(own.ms < msMax && told.ms < msMax && own.counter < counterMax && told.counter < counterMax);
        const ms = Math.max(own.ms, told.ms, physicalMs);
        const counter =
          ms === own.ms && ms === told.ms
            ? Math.max(own.counter, told.counter) + 1
            : ms === own.ms
              ? own.counter + 1
              : ms === told.ms
                ? told.counter + 1
                : 0;
        expect(hlcParts(receiveHlc(last, remote, physicalMs))).toEqual({ ms, counter });
      }),
    );
  });
});

describe('the bound', () => {
  test('is still trusted, and not a millisecond more', () => {
    const hlc = hlcOf({ ms: 61_000, counter: counterMax });
    expect(isTrustedHlc(hlc, 1_000, 60_000)).toBe(true);
    expect(isTrustedHlc(hlc, 999, 60_000)).toBe(false);
    expect(aheadMs(hlc, 999)).toBe(60_001);
    expect(aheadMs(hlc, 62_000)).toBe(-1_000);
  });
});

test('the greatest of stamps does not depend on their order, and of none it is the first', () => {
  expect(greatestHlc([])).toBe(firstHlc);
  expect(greatestHlc(['0000000000010000', '0000000000020000', '000000000001ffff'])).toBe('0000000000020000');
});

describe('at one authority a later event', () => {
  const reset: ClockReset = {
    authority: 'aws',
    number: 1,
    abandoned: '0000000000500000',
    restart: '0000000000200000',
    reason: 'the machine was an hour ahead',
    issuedAtMs: 0,
    previous: null,
  };
  test('has a higher stamp', () => {
    expect(isAfterAtSame('0000000000300000', '0000000000300001', [])).toBe(true);
    expect(isAfterAtSame('0000000000300000', '0000000000300000', [])).toBe(false);
    expect(isAfterAtSame('0000000000300001', '0000000000300000', [])).toBe(false);
  });
  test('has a lower one only across a reset that names both', () => {
    expect(isAfterAtSame('0000000000400000', '0000000000200001', [reset])).toBe(true);
    expect(isAfterAtSame('0000000000500001', '0000000000200001', [reset])).toBe(false);
    expect(isAfterAtSame('0000000000400000', '0000000000200000', [reset])).toBe(false);
  });
});
