/** Which seals an authority may take up above the base that it holds. */
import { expect, it } from 'vitest';
import { refuseChain, refuseFirst, type SealLink } from '../../core/seal-chain.js';

const three = ['aa', 'bb', 'cc'];
const held = { sequence: 4, base: '4'.repeat(64), membership: three };
const link = (change: Partial<SealLink> = {}): SealLink => ({
  sequence: 5,
  base: '5'.repeat(64),
  previous: held.base,
  membership: three,
  signers: three,
  makers: three,
  ...change,
});

it('the next base on the one that is held may be taken up, and one that stands on it', () => {
  const next = link({ sequence: 6, base: '6'.repeat(64), previous: '5'.repeat(64) });
  expect(refuseChain(held, [link()])).toBe(null);
  expect(refuseChain(held, [link(), next])).toBe(null);
  expect(refuseChain(held, [])).toBe(null);
});

it.each([
  ['stands on another base than the one that is held', { previous: 'f'.repeat(64) }, 'otherBase'],
  ['stands on none', { previous: null }, 'otherBase'],
  ['leaves one out', { sequence: 6 }, 'gap'],
  ['stands beside it', { sequence: 4 }, 'gap'],
  ['is signed by half of those before and somebody new', { signers: ['aa', 'dd', 'ee'] }, 'membershipNotFollowed'],
  ['was made by others than sign it', { makers: ['aa', 'dd', 'ee'] }, 'membershipNotFollowed'],
] as const)('one that %s is refused', (_what, change, kind) => {
  expect(refuseChain(held, [link(change as Partial<SealLink>)])).toMatchObject({ kind });
});

it('each link is held to the one below it and not to the first', () => {
  const next = { sequence: 6, base: '6'.repeat(64) };
  expect(refuseChain(held, [link(), link({ ...next, previous: held.base })])).toEqual({
    kind: 'otherBase',
    sequence: 6,
  });
  const grown = link({ membership: ['aa', 'bb', 'cc', 'dd', 'ee'] });
  expect(refuseChain(held, [grown, link({ ...next, previous: grown.base, signers: ['aa', 'bb'] })])).toEqual({
    kind: 'membershipNotFollowed',
    sequence: 6,
  });
});

it('who holds none takes up what it signed, or what more than half of the others did', () => {
  const first = { sequence: 1, signers: ['bb', 'cc'] };
  expect(refuseFirst('aa', three, first, false)).toBe(null);
  expect(refuseFirst('aa', three, { ...first, signers: ['bb'] }, false)).toMatchObject({ kind: 'notByTheOthers' });
  expect(refuseFirst('aa', three, { ...first, signers: [] }, true)).toBe(null);
});
