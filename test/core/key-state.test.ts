/** When a signature counts, as one table: what is known of the key against what is known of the time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { signatureStands, signingState, type KeyState } from '../../core/key-state.js';

const hour = 3_600_000;
const noon = 1_800_000_000_000;

function state(change: Partial<KeyState> = {}): KeyState {
  return {
    authority: 'azure',
    use: 'messages',
    kid: 'k'.repeat(43),
    key: { kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) },
    notBeforeMs: null,
    expiresMs: null,
    revoked: null,
    ...change,
  };
}

const compromised = state({ revoked: { atMs: noon, reason: 'compromised' } });
const superseded = state({ revoked: { atMs: noon, reason: 'superseded' } });

const cases: readonly (readonly [string, KeyState, number | null, number | null, boolean])[] = [
  ['a key without limits', state(), noon, null, true],
  ['a key without limits, for a message without a time', state(), null, null, true],
  ['a key with an end, for a message without a time', state({ expiresMs: noon }), null, null, false],
  ['a key that will sign later', state({ notBeforeMs: noon }), noon - 1, null, false],
  ['a key on its first millisecond', state({ notBeforeMs: noon }), noon, null, true],
  ['a key on its last millisecond', state({ expiresMs: noon }), noon - 1, null, true],
  ['a key that has run out', state({ expiresMs: noon }), noon, null, false],
  ['a replaced key, before', superseded, noon - 1, null, true],
  ['a replaced key, after', superseded, noon, null, false],
  ['a compromised key, dated back by a thief', compromised, noon - 10 * hour, null, false],
  ['a compromised key, cosigned before', compromised, noon - hour, noon - 1, true],
  ['a compromised key, cosigned at that moment', compromised, noon - hour, noon, true],
  ['a compromised key, cosigned only later', compromised, noon - hour, noon + 1, false],
  ['no reason given', state({ revoked: { atMs: noon, reason: 'unspecified' } }), noon - hour, null, false],
  ['a cosigned message without a time, after the end', state({ expiresMs: noon }), null, noon + hour, false],
];

test.each(cases)('%s', (_, key, issuedAtMs, cosignedBeforeMs, stands) => {
  expect(signatureStands(key, { issuedAtMs, cosignedBeforeMs }).stands).toBe(stands);
});

test('no issue time that a thief can write makes a compromised key count', () => {
  fc.assert(
    fc.property(
      fc.option(fc.integer(), { nil: null }),
      fc.integer({ min: noon + 1, max: 2 * noon }),
      (issuedAtMs, seenMs) => {
        expect(signatureStands(compromised, { issuedAtMs, cosignedBeforeMs: null }).stands).toBe(false);
        expect(signatureStands(compromised, { issuedAtMs, cosignedBeforeMs: seenMs }).stands).toBe(false);
      },
    ),
  );
});

test('the key that was published last signs, once its time has come and not before', () => {
  const first = state({ kid: 'first', expiresMs: noon + hour });
  const next = state({ kid: 'next', notBeforeMs: noon });
  expect(signingState([next, first], noon - 1)?.kid).toBe('first');
  expect(signingState([first, next], noon)?.kid).toBe('next');
  expect(signingState([first], noon + hour)).toBeUndefined();
  expect(signingState([{ ...first, revoked: { atMs: noon + hour, reason: 'compromised' } }], noon)).toBeUndefined();
});
