/** Effects as records hold them, and where they differ. */
import { expect, it } from 'vitest';
import { makeEffect } from '../../core/effect/effect.js';
import { areSameEffect, effectDivergence, effectLabels, readLabel } from '../../core/effect-labels.js';

const everything = (): boolean => true;

it('a capability without limits is its name, and every limit stands behind it', () => {
  expect(
    effectLabels([
      makeEffect('manage keys', 'conditional', ['p'], [], ['q']),
      makeEffect('read objects', 'full', ['p']),
      makeEffect('list keys', 'partial', ['p']),
      makeEffect('end keys', 'unseen', ['p'], [], ['p']),
    ]),
  ).toEqual(['end keys (not seen)', 'list keys (partial)', 'manage keys (conditional, not all seen)', 'read objects']);
});

it.each(['full', 'partial', 'conditional', 'unseen'] as const)('%s is read as it was written', (reach) => {
  for (const unseen of [[], ['q']]) {
    const [label = ''] = effectLabels([makeEffect('manage keys', reach, ['p'], [], unseen)]);
    const isAllSeen = reach === 'unseen' ? false : unseen.length === 0;
    expect(readLabel(label)).toEqual({ capability: 'manage keys', reach, isAllSeen });
  }
});

it.each(['manage keys (whatever)', 'manage keys (conditional, partial)', 'manage keys ()'])(
  'words of a peer that mean nothing here are not seen, and no right: %s',
  (label) => {
    expect(readLabel(label)).toEqual({ capability: 'manage keys', reach: 'unseen', isAllSeen: false });
  },
);

it('a capability that one member leaves and another does not is a divergence, with what each leaves of it', () => {
  expect(effectDivergence({ aws: ['manage keys', 'read objects'], sov: ['read objects'] }, everything)).toEqual({
    at: ['aws', 'sov'],
    leaves: { aws: ['manage keys'], sov: [] },
  });
});

it('conditional and whole are not the same', () => {
  expect(effectDivergence({ aws: ['manage keys (conditional)'], sov: ['manage keys'] }, everything)).toMatchObject({
    leaves: { aws: ['manage keys (conditional)'], sov: ['manage keys'] },
  });
});

it('what was not seen differs from nothing', () => {
  expect(effectDivergence({ aws: ['manage keys (not seen)'], sov: [] }, everything)).toBeNull();
  expect(effectDivergence({ aws: undefined, sov: ['manage keys'] }, everything)).toBeNull();
});

it('a member is not asked about a capability that its cloud cannot express', () => {
  const canSay = (member: string, capability: string): boolean => member === 'aws' || capability === 'read objects';
  expect(effectDivergence({ aws: ['manage keys', 'read objects'], sov: ['read objects'] }, canSay)).toBeNull();
  expect(effectDivergence({ aws: ['manage keys', 'read objects'], sov: [] }, canSay)).toEqual({
    at: ['aws', 'sov'],
    leaves: { aws: ['read objects'], sov: [] },
  });
});

it('only effects that were seen whole, and are something, are the same', () => {
  expect(areSameEffect(['a', 'b (partial)'], ['a', 'b (partial)'])).toBe(true);
  expect(areSameEffect(['a'], ['a (partial)'])).toBe(false);
  expect(areSameEffect(['a'], ['a', 'b'])).toBe(false);
  expect(areSameEffect(['a (not seen)'], ['a (not seen)'])).toBe(false);
  expect(areSameEffect(['a (partial, not all seen)'], ['a (partial, not all seen)'])).toBe(false);
  expect(areSameEffect([], [])).toBe(false);
  expect(areSameEffect(undefined, undefined)).toBe(false);
});
