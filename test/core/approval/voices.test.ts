/** Counting people: each once, for one role, whoever signs for whom. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Electorate } from '../../../core/approval/electorate.js';
import type { Requirement } from '../../../core/approval/requirement.js';
import { shortfall, type Voice } from '../../../core/approval/voices.js';

const electorate: Electorate = {
  rolesOf: { ada: ['security'], bo: ['security', 'operations'], cy: [], dee: ['director'] },
  reserve: new Set(),
  standIns: new Set(),
};
const own = (...ids: readonly string[]): Voice[] => ids.map((id) => ({ signer: id, of: id }));
const lent = (signer: string, of: string): Voice => ({ signer, of });
const needs = (people: number, roles: Requirement['roles'] = {}, authors: readonly string[] = []): Requirement => ({
  people: Math.max(
    people,
    Object.values(roles).reduce((sum, count) => sum + count, 0),
  ),
  roles,
  authors,
});

describe('what is still missing', () => {
  const table: readonly (readonly [
    string,
    Requirement,
    readonly Voice[],
    number,
    Requirement['roles']?,
    Partial<Electorate>?,
  ])[] = [
    ['nobody spoke', needs(1), [], 1],
    ['one of one', needs(1), own('cy'), 0],
    ['one person twice for two', needs(2), own('cy', 'cy'), 1],
    ['two people for two', needs(2), own('cy', 'ada'), 0],
    ['people without the role', needs(2, { security: 1 }), own('cy', 'dee'), 1, { security: 1 }],
    ['the role and one more', needs(2, { security: 1 }), own('cy', 'ada'), 0],
    ['the role alone where two people are needed', needs(2, { security: 1 }), own('ada'), 1, {}],
    ['one person with two roles for two roles', needs(1, { security: 1, operations: 1 }), own('bo'), 1],
    [
      'two people who can be told apart by role only one way',
      needs(1, { security: 1, operations: 1 }),
      own('bo', 'ada'),
      0,
    ],
    ['the same, spoken in the other order', needs(1, { security: 1, operations: 1 }), own('ada', 'bo'), 0],
    ['somebody who is no approver', needs(1), own('eve'), 1],
    ['a lent voice', needs(1), [lent('cy', 'ada')], 0],
    ['a lent voice brings the role of its owner', needs(1, { security: 1 }), [lent('cy', 'ada')], 0],
    [
      'a delegate brings no role of their own to another voice',
      needs(1, { security: 1 }),
      [lent('ada', 'cy')],
      1,
      { security: 1 },
    ],
    ['a delegate with their own voice and another', needs(2), [...own('cy'), lent('cy', 'ada')], 1],
    ['a delegate with two lent voices', needs(2), [lent('cy', 'ada'), lent('cy', 'bo')], 1],
    ['two delegates with one voice', needs(2), [lent('cy', 'ada'), lent('bo', 'ada')], 1],
    ['an owner who spoke, and their delegate with it', needs(2), [...own('ada'), lent('cy', 'ada')], 1],
    ['an owner who spoke, and their delegate with both voices', needs(2), [...own('ada', 'cy'), lent('cy', 'ada')], 0],
    ['an author alone', needs(1, {}, ['ada']), own('ada'), 1],
    ['an author and somebody else', needs(2, {}, ['ada']), own('ada', 'cy'), 0],
    ['somebody else alone', needs(1, {}, ['ada']), own('cy'), 0],
    ['an author through a delegate', needs(1, {}, ['ada']), [lent('cy', 'ada')], 1],
    ['an author for somebody else', needs(1, {}, ['ada']), [lent('ada', 'cy')], 1],
    ['two authors for two', needs(2, {}, ['ada', 'cy']), own('ada', 'cy'), 1],
    ['a reserve', needs(1), own('dee'), 1, {}, { reserve: new Set(['dee']) }],
    ['who stands in for a role', needs(1, { security: 1 }), own('dee'), 0, {}, { standIns: new Set(['director']) }],
  ];

  for (const [what, requirement, voices, people, roles = {}, change = {}] of table)
    it(`where ${what}`, () => {
      const found = shortfall(requirement, voices, { ...electorate, ...change });
      expect(found.people).toBe(people);
      if (Object.keys(roles).length > 0) expect(found.roles).toEqual(roles);
    });

  it('says that it was an author alone who spoke', () => {
    expect(shortfall(needs(1, {}, ['ada']), own('ada'), electorate)).toMatchObject({ people: 1, needsOther: true });
    expect(shortfall(needs(1, {}, ['ada']), own('cy'), electorate)).toMatchObject({ people: 0, needsOther: false });
  });
});

describe('any voices and any requirement', () => {
  const ids = ['ada', 'bo', 'cy', 'dee'];
  const voices = fc.array(fc.record({ signer: fc.constantFrom(...ids), of: fc.constantFrom(...ids) }), {
    maxLength: 8,
  });
  const requirements = fc
    .record({
      people: fc.integer({ min: 1, max: 4 }),
      security: fc.integer({ min: 0, max: 2 }),
      operations: fc.integer({ min: 0, max: 2 }),
      authors: fc.subarray(ids),
    })
    .map(({ people, security, operations, authors }) =>
      needs(people, { ...(security > 0 ? { security } : {}), ...(operations > 0 ? { operations } : {}) }, authors),
    );

  /** Tries every way to give each slot its own voice with its own signer: slow, and plainly right. */
  function fillable(
    slots: readonly (string | null)[],
    all: readonly Voice[],
    usedVoices: ReadonlySet<string>,
    usedSigners: ReadonlySet<string>,
  ): number {
    const [role, ...rest] = slots;
    if (role === undefined) return 0;
    let most = fillable(rest, all, usedVoices, usedSigners);
    for (const { signer, of } of all) {
      if (usedVoices.has(of) || usedSigners.has(signer)) continue;
      if (role !== null && !electorate.rolesOf[of]?.includes(role)) continue;
      most = Math.max(most, 1 + fillable(rest, all, new Set([...usedVoices, of]), new Set([...usedSigners, signer])));
    }
    return most;
  }

  it('agree with trying every way to count', () => {
    fc.assert(
      fc.property(requirements, voices, (requirement, spoken) => {
        const named = Object.entries(requirement.roles).flatMap(([role, count]) =>
          Array.from({ length: count }, () => role),
        );
        const slots = [...named, ...Array.from({ length: requirement.people - named.length }, () => null)];
        const lacking = slots.length - fillable(slots, spoken, new Set(), new Set());
        const independent = spoken.some(
          ({ signer, of }) => !requirement.authors.includes(signer) && !requirement.authors.includes(of),
        );
        const needsOther = requirement.authors.length > 0 && !independent;
        expect(shortfall(requirement, spoken, electorate).people).toBe(Math.max(lacking, needsOther ? 1 : 0));
      }),
      { numRuns: 300 },
    );
  });

  it('do not depend on order or repetition, and more voices never count for less', () => {
    fc.assert(
      fc.property(requirements, voices, voices, (requirement, spoken, more) => {
        const found = shortfall(requirement, spoken, electorate);
        expect(shortfall(requirement, [...spoken].reverse().concat(spoken), electorate)).toEqual(found);
        expect(shortfall(requirement, [...spoken, ...more], electorate).people).toBeLessThanOrEqual(found.people);
      }),
      { numRuns: 300 },
    );
  });
});
