/** What roles in Keystone leave, with all that follows from them. */
import { describe, expect, it } from 'vitest';
import type { Capability } from '../../../core/effect/capability.js';
import { effectInKeystone, isProjectBelow, rolesInForce } from '../../../core/effect/keystone.js';

const roles = new Map([
  ['a', { name: 'admin', implies: ['m'] }],
  ['m', { name: 'member', implies: ['r'] }],
  ['r', { name: 'reader', implies: [] }],
  ['d', { name: 'chief', isOfDomain: true, implies: ['m'] }],
  ['one', { name: 'one', implies: ['other'] }],
  ['other', { name: 'other', implies: ['one', 'gone'] }],
]);

describe('roles in force', () => {
  it.each([
    ['a role and all that follows from it, however far', 'a', ['admin', 'member', 'reader']],
    ['of a role of one domain only what it implies', 'd', ['member', 'reader']],
    ['roles in a circle, and none that was not read', 'one', ['one', 'other']],
    ['nothing of a role that was not read', 'x', []],
  ])('are %s', (_, role, names) => {
    expect(rolesInForce(role, roles)).toEqual(names);
  });
});

const capabilities: readonly Capability[] = [
  { capability: 'read objects', keystone: { roles: ['reader', 'auditor'] } },
  { capability: 'manage keys', keystone: { roles: ['key-manager'] } },
  { capability: 'see invoices', aws: { actions: ['aws-portal:*'] } },
];

describe('the effect of an assignment', () => {
  const fact = (through: string, inherited?: boolean) => ({
    roles: ['member', 'reader'],
    through,
    ...(inherited === undefined ? {} : { inherited }),
  });

  it('is what any of its roles is named for, and nothing that says nothing of Keystone', () => {
    expect(effectInKeystone([fact('member')], capabilities)).toEqual([
      { capability: 'read objects', reach: 'full', through: ['member'] },
    ]);
  });

  it('is partial where it is inherited, and whole where another one is not', () => {
    expect(effectInKeystone([fact('member', true)], capabilities)[0]?.reach).toBe('partial');
    expect(effectInKeystone([fact('member', true), fact('reader', false)], capabilities)[0]?.reach).toBe('full');
  });
});

it('a project is below its parents and its domain, in no circle and not below itself', () => {
  const parents = new Map([
    ['top', 'd'],
    ['below', 'top'],
    ['one', 'other'],
    ['other', 'one'],
  ]);
  expect(isProjectBelow('below', 'd', parents)).toBe(true);
  expect(isProjectBelow('below', 'below', parents)).toBe(false);
  expect(isProjectBelow('top', 'below', parents)).toBe(false);
  expect(isProjectBelow('one', 'd', parents)).toBe(false);
});
