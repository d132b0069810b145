/** Narrowing at once, widening after everybody's word: which terms count, and how the difference is told. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../../core/digest.js';
import { Terms } from '../../../core/federation/terms.js';
import { termsDifferences } from '../../../core/manifest/difference.js';
import { termsInForce, wider, type PeerAcceptance } from '../../../core/manifest/in-force.js';
import { differenceWords } from '../../../core/manifest/words.js';

const key = (letter: string) => ({ kty: 'OKP', crv: 'Ed25519', x: letter.repeat(43) }) as const;

function terms(change: Readonly<Record<string, unknown>> = {}): Terms {
  return Terms.parse({
    authority: 'azure',
    mesh: { kind: 'entra' },
    surface: { person: ['mail', 'name'], team: ['description', 'handle'] },
    constraints: {
      brakes: { person: { percentMax: 20, deletionsMax: 5 } },
      freezeWindows: [{ from: '2026-12-20T00:00:00Z', to: '2027-01-02T00:00:00Z', reason: 'year end' }],
      protected: [{ type: 'team', where: { handle: 'break-glass' }, reason: 'emergency' }],
      freshness: '2h',
    },
    approval: { quorum: 2, quorumWhenBraked: 3, deadline: '7d' },
    approvers: [
      { id: 'ana', key: key('a') },
      { id: 'ben', key: key('b') },
      { id: 'cem', key: key('c') },
    ],
    ...change,
  });
}

const base = terms();
const constraints = base.constraints;

const changes: readonly (readonly [string, 'narrower' | 'wider' | 'neither', Terms])[] = [
  [
    'azure no longer exposes team.description',
    'narrower',
    terms({ surface: { person: ['mail', 'name'], team: ['handle'] } }),
  ],
  [
    'azure now exposes person.phone',
    'wider',
    terms({ surface: { person: ['mail', 'name', 'phone'], team: ['description', 'handle'] } }),
  ],
  [
    'azure exposes person.mail only as a digest',
    'narrower',
    terms({ surface: { person: { fields: { mail: 'digest', name: 'clear' } }, team: ['description', 'handle'] } }),
  ],
  [
    'azure exposes only the person records where active is true',
    'narrower',
    terms({
      surface: {
        person: { fields: { mail: 'clear', name: 'clear' }, where: [{ field: 'active', equals: true }] },
        team: ['description', 'handle'],
      },
    }),
  ],
  [
    'azure brakes at 2 deletions of person in one plan instead of 5',
    'narrower',
    terms({ constraints: { ...constraints, brakes: { person: { percentMax: 20, deletionsMax: 2 } } } }),
  ],
  [
    'azure no longer brakes at 5 deletions of person in one plan',
    'wider',
    terms({ constraints: { ...constraints, brakes: { person: { percentMax: 20 } } } }),
  ],
  [
    'azure brakes at 7 operations of team in one plan',
    'narrower',
    terms({ constraints: { ...constraints, brakes: { ...constraints.brakes, team: { operationsMax: 7 } } } }),
  ],
  [
    'azure no longer freezes from 2026-12-20T00:00:00Z to 2027-01-02T00:00:00Z (year end)',
    'wider',
    terms({ constraints: { ...constraints, freezeWindows: [] } }),
  ],
  [
    'azure no longer protects records of team where {"handle":"break-glass"} (emergency)',
    'wider',
    terms({ constraints: { ...constraints, protected: [] } }),
  ],
  [
    'azure lets a run write for 1 h after its start instead of 2 h',
    'narrower',
    terms({ constraints: { ...constraints, freshness: '60m' } }),
  ],
  [
    'azure lets a run write for 3 h after its start instead of 2 h',
    'wider',
    terms({ constraints: { ...constraints, freshness: '3h' } }),
  ],
  ['azure raises its quorum from 2 to 3', 'narrower', terms({ approval: { ...base.approval, quorum: 3 } })],
  ['azure lowers its quorum from 2 to 1', 'wider', terms({ approval: { ...base.approval, quorum: 1 } })],
  [
    'azure no longer states its quorum after a brake tripped (3)',
    'wider',
    terms({ approval: { quorum: 2, deadline: '7d' } }),
  ],
  [
    'azure asks for more: {"security":1} for {"kind":"delete"}',
    'narrower',
    terms({ approval: { ...base.approval, quorums: [{ for: { kind: 'delete' }, need: { security: 1 } }] } }),
  ],
  [
    'azure no longer separates who links from who approves',
    'wider',
    terms({ approval: { ...base.approval, separationOfDuties: 'waived' } }),
  ],
  [
    'azure lets an approver lend their voice for 10 d instead of 90 d',
    'narrower',
    terms({ approval: { ...base.approval, delegationMax: '10d' } }),
  ],
  [
    'ben of azure has the role security',
    'wider',
    terms({ approvers: base.approvers.map((one) => (one.id === 'ben' ? { ...one, roles: ['security'] } : one)) }),
  ],
  [
    'azure gives its approvers 1 d instead of 7 d',
    'neither',
    terms({ approval: { ...base.approval, deadline: '1d' } }),
  ],
  ['azure no longer lists cem as an approver', 'narrower', terms({ approvers: base.approvers.slice(0, 2) })],
  ['azure lists dee as an approver', 'wider', terms({ approvers: [...base.approvers, { id: 'dee' }] })],
  [
    'ben of azure has another key',
    'neither',
    terms({ approvers: base.approvers.map((one) => (one.id === 'ben' ? { id: 'ben', key: key('B') } : one)) }),
  ],
  ['azure keeps its lineage for 10 d instead of 3650 d', 'wider', terms({ lineage: { keepFor: '10d' } })],
  ['azure no longer cosigns the logs of its peers', 'wider', terms({ lineage: { cosign: false } })],
  ['azure governs a mesh of the kind keystone instead of entra', 'wider', terms({ mesh: { kind: 'keystone' } })],
  ['azure describes itself in other words', 'neither', terms({ description: 'the tenant' })],
];

describe('a difference', () => {
  test.each(changes)('is told as: %s (%s)', (words, direction, changed) => {
    const [difference, ...others] = termsDifferences(base, changed);
    expect(others).toEqual([]);
    expect(difference && differenceWords('azure', difference)).toBe(words);
    expect(difference?.direction).toBe(direction);
  });

  test('is none where lists are only in another order', () => {
    const turned = terms({
      surface: { team: ['handle', 'description'], person: ['name', 'mail'] },
      approvers: base.approvers.toReversed(),
    });
    expect(termsDifferences(base, turned)).toEqual([]);
  });

  test('of a section that this version does not know is wider', () => {
    const unknown = { ...base, secondment: { of: 'approvers' } } as Terms;
    expect(termsDifferences(base, unknown).map(({ direction }) => direction)).toEqual(['wider']);
    expect(termsDifferences(unknown, base).map(({ direction }) => direction)).toEqual(['wider']);
  });
});

const accepted = (peer: string, of: Terms, atMs: number): PeerAcceptance => ({
  peer,
  terms: of,
  manifestIssuedAtMs: atMs,
});

describe('the terms in force', () => {
  test.each(changes)('after "%s" (%s): narrower at once, wider only after every peer', (_, direction, changed) => {
    const waiting = termsInForce(changed, [accepted('aws', base, 1), accepted('sov', changed, 2)]);
    expect(waiting.waitsFor).toEqual(direction === 'wider' ? ['aws'] : []);
    expect(termsDifferences(direction === 'wider' ? base : changed, waiting.terms)).toEqual([]);
    const all = termsInForce(changed, [accepted('aws', changed, 2), accepted('sov', changed, 2)]);
    expect(all).toEqual({ terms: changed, waitsFor: [] });
  });

  test('take the narrower part of a manifest that also widens', () => {
    const mixed = terms({ surface: { person: ['mail', 'name', 'phone'], team: ['handle'] } });
    const { terms: inForce } = termsInForce(mixed, [accepted('aws', base, 1), accepted('sov', base, 1)]);
    expect(inForce.surface).toEqual({
      person: { fields: { mail: 'clear', name: 'clear' }, where: [] },
      team: { fields: { handle: 'clear' }, where: [] },
    });
  });

  test('give a new approver no word through the key alone', () => {
    const more = terms({ approvers: [...base.approvers, { id: 'eve', key: key('e') }] });
    const { terms: inForce } = termsInForce(more, [accepted('aws', base, 1)]);
    expect(inForce.approvers.map(({ id }) => id)).toEqual(['ana', 'ben', 'cem']);
  });

  const anyTerms = fc
    .record({
      person: fc.subarray(['mail', 'name', 'phone', 'active']),
      team: fc.option(fc.subarray(['handle', 'description']), { nil: undefined }),
      deletionsMax: fc.option(fc.nat(9), { nil: undefined }),
      quorum: fc.integer({ min: 1, max: 4 }),
      freshness: fc.constantFrom('1h', '2h', '3h'),
      approvers: fc.subarray(['ana', 'ben', 'cem', 'dee'], { minLength: 1 }),
      kind: fc.constantFrom('entra', 'keystone'),
    })
    .map((wish) =>
      terms({
        mesh: { kind: wish.kind },
        surface: { person: wish.person, ...(wish.team ? { team: wish.team } : {}) },
        constraints: {
          ...constraints,
          freshness: wish.freshness,
          brakes: wish.deletionsMax === undefined ? {} : { person: { deletionsMax: wish.deletionsMax } },
        },
        approval: { ...base.approval, quorum: wish.quorum },
        approvers: wish.approvers.map((id) => ({ id, key: key(id.slice(0, 1)) })),
      }),
    );

  test('are never wider than what any peer accepted, whatever is published, in any order of peers', () => {
    fc.assert(
      fc.property(anyTerms, fc.array(anyTerms, { minLength: 1, maxLength: 3 }), (published, words) => {
        const acceptances = words.map((of, at) => accepted(`peer-${at}`, of, at + 1));
        const { terms: inForce, waitsFor } = termsInForce(published, acceptances);
        for (const one of acceptances) {
          const tooWide = wider(one.terms, inForce).filter(({ path }) => path[0]?.name !== 'mesh');
          expect(tooWide).toEqual([]);
        }
        expect(wider(published, inForce).filter(({ path }) => path[0]?.name !== 'mesh')).toEqual([]);
        expect(termsInForce(published, acceptances.toReversed())).toEqual({ terms: inForce, waitsFor });
        if (waitsFor.length === 0) expect(canonicalJson(inForce)).toBe(canonicalJson(published));
      }),
      { numRuns: 100 },
    );
  });
});
