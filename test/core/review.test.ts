/** Counting decisions: one no, a quorum of different people for a yes, and nobody counted twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenedDecision } from '../../core/decision.js';
import { makeOperation, type Operation } from '../../core/operation.js';
import type { Conflict } from '../../core/plan.js';
import { reviewScope, tally, type ReviewScope } from '../../core/review.js';
import { decisionOf, planOf } from './support/round.js';
import { ownVotes, plainTerms } from './support/terms.js';
import { plots, worldOf } from './support/worlds.js';

function operation(key: string): Operation {
  return makeOperation({
    authority: 'aa',
    type: 'person',
    key,
    kind: 'update',
    rule: 'changedOnOneSide',
    because: ['bb'],
    current: { name: 'a' },
    changes: [{ kind: 'value', field: 'name', before: 'a', after: 'b' }],
  });
}

const one = operation('p1');
const two = operation('p2');
const conflict: Conflict = {
  id: 'c'.repeat(64),
  type: 'person',
  key: 'p3',
  field: 'name',
  candidates: ['x', 'y'].map((value, at) => ({
    digest: String(at).repeat(64),
    kind: 'value',
    value,
    heldBy: ['bb'],
    operations: [operation(`p3${value}`)],
  })),
};
const [x = '', y = ''] = conflict.candidates.map(({ digest }) => digest);
const scope: ReviewScope = { operations: [one, two], conflicts: [] };
const disputed: ReviewScope = { operations: [one], conflicts: [conflict] };

const says = (
  approver: string,
  kind: OpenedDecision['kind'],
  operations: readonly Operation[],
  rest: Partial<OpenedDecision> = {},
): OpenedDecision => decisionOf({ approver, kind, operations: operations.map(({ id }) => id), partial: true, ...rest });
const yes = (approver: string, operations: readonly Operation[], rest: Partial<OpenedDecision> = {}): OpenedDecision =>
  says(approver, 'approve', operations, rest);
const no = (approver: string, operations: readonly Operation[], rest: Partial<OpenedDecision> = {}): OpenedDecision =>
  says(approver, 'reject', operations, rest);
const chooses = (approver: string, candidate: string): OpenedDecision =>
  yes(approver, [], { choices: { [conflict.id]: candidate } });

interface Expected {
  readonly approved: readonly Operation[];
  readonly rejected?: readonly Operation[];
  readonly choice?: string;
  readonly open: number;
  readonly missing: number;
}

describe('a tally', () => {
  const table: readonly [string, ReviewScope, number, readonly OpenedDecision[], Expected][] = [
    ['nothing said', scope, 1, [], { approved: [], open: 2, missing: 1 }],
    ['nothing asked', { operations: [], conflicts: [] }, 1, [], { approved: [], open: 0, missing: 0 }],
    ['all approved', scope, 1, [yes('ada', [one, two])], { approved: [one, two], open: 0, missing: 0 }],
    ['a part approved', scope, 1, [yes('ada', [one])], { approved: [one], open: 1, missing: 1 }],
    ['one of two approvers', scope, 2, [yes('ada', [one, two])], { approved: [], open: 2, missing: 1 }],
    ['two approvers', scope, 2, [yes('ada', [one, two]), yes('bo', [one])], { approved: [one], open: 1, missing: 1 }],
    ['one approver twice', scope, 2, [yes('ada', [one]), yes('ada', [one])], { approved: [], open: 2, missing: 2 }],
    [
      'one no of many',
      scope,
      1,
      [yes('ada', [one]), no('bo', [one])],
      { approved: [], rejected: [one], open: 1, missing: 1 },
    ],
    [
      'a no before a yes',
      scope,
      1,
      [no('bo', [one]), yes('ada', [one, two])],
      { approved: [two], rejected: [one], open: 0, missing: 0 },
    ],
    ['a no under a large quorum', scope, 3, [no('bo', [one])], { approved: [], rejected: [one], open: 1, missing: 3 }],
    [
      'a whole yes to a part',
      scope,
      1,
      [yes('ada', [one], { partial: false })],
      { approved: [one], open: 0, missing: 0 },
    ],
    [
      'a whole no to a part',
      scope,
      2,
      [no('ada', [one], { partial: false })],
      { approved: [], rejected: [one], open: 0, missing: 0 },
    ],
    ['one of two whole', scope, 2, [yes('ada', [one], { partial: false })], { approved: [], open: 2, missing: 1 }],
    [
      'one of two whole over a conflict left alone',
      disputed,
      2,
      [yes('ada', [one], { partial: false })],
      { approved: [], open: 2, missing: 1 },
    ],
    [
      'two whole that name different parts',
      scope,
      2,
      [yes('ada', [one], { partial: false }), yes('bo', [two], { partial: false })],
      { approved: [], open: 0, missing: 0 },
    ],
    ['an operation of another plan', scope, 1, [yes('ada', [operation('p9')])], { approved: [], open: 2, missing: 1 }],
    [
      'a choice',
      disputed,
      1,
      [yes('ada', [one]), chooses('ada', x)],
      { approved: [one], choice: x, open: 0, missing: 0 },
    ],
    [
      'a choice with half its quorum',
      disputed,
      2,
      [yes('ada', [one]), yes('bo', [one]), chooses('ada', x)],
      { approved: [one], open: 1, missing: 1 },
    ],
    ['choices that differ', disputed, 2, [chooses('ada', x), chooses('bo', y)], { approved: [], open: 2, missing: 2 }],
    [
      'two candidates chosen',
      disputed,
      1,
      [chooses('ada', x), chooses('bo', y)],
      { approved: [], open: 2, missing: 1 },
    ],
    [
      'a choice in a rejection',
      disputed,
      1,
      [no('ada', [], { choices: { [conflict.id]: x } })],
      { approved: [], open: 2, missing: 1 },
    ],
    [
      'a conflict left alone',
      disputed,
      1,
      [yes('ada', [one], { partial: false })],
      { approved: [one], open: 0, missing: 0 },
    ],
  ];

  it.each(table)('of %s', (_, asked, quorum, decisions, expected) => {
    const found = tally(asked, ownVotes(decisions), plainTerms(quorum));
    expect(found.approved).toEqual(expected.approved.map(({ id }) => id));
    expect(found.rejected).toEqual((expected.rejected ?? []).map(({ id }) => id));
    expect(found.choices).toEqual(expected.choice === undefined ? {} : { [conflict.id]: expected.choice });
    expect(found.open).toHaveLength(expected.open);
    expect(found.closed).toBe(expected.open === 0);
    expect(found.missing).toBe(expected.missing);
  });

  const decisions = fc.array(
    fc
      .record({
        approver: fc.constantFrom('ada', 'bo', 'cy'),
        kind: fc.constantFrom<OpenedDecision['kind']>('approve', 'approve', 'reject'),
        operations: fc.subarray([one, two]),
        choice: fc.constantFrom(undefined, x, y),
        partial: fc.boolean(),
      })
      .map(({ approver, kind, operations, choice, partial }) =>
        says(approver, kind, operations, { partial, choices: choice === undefined ? {} : { [conflict.id]: choice } }),
      ),
    { maxLength: 6 },
  );
  const both: ReviewScope = { operations: [one, two], conflicts: [conflict] };

  it('counts a repeated decision once and does not depend on order', () => {
    fc.assert(
      fc.property(decisions, fc.integer({ min: 1, max: 3 }), (made, quorum) => {
        const terms = plainTerms(quorum);
        expect(tally(both, ownVotes([...made].reverse().concat(made)), terms)).toEqual(
          tally(both, ownVotes(made), terms),
        );
      }),
    );
  });

  it('needs as many different people as the quorum says for whatever it approves or chooses', () => {
    fc.assert(
      fc.property(decisions, fc.integer({ min: 1, max: 3 }), (made, quorum) => {
        const found = tally(both, ownVotes(made), plainTerms(quorum));
        const people = (of: (decision: OpenedDecision) => boolean): number =>
          new Set(
            made.filter((decision) => decision.kind === 'approve' && of(decision)).map(({ approver }) => approver),
          ).size;
        for (const id of found.approved) {
          expect(people(({ operations }) => operations.some((one) => one === id))).toBeGreaterThanOrEqual(quorum);
          expect(found.rejected).not.toContain(id);
        }
        for (const [id, candidate] of Object.entries(found.choices))
          expect(people(({ choices }) => choices[id] === candidate)).toBeGreaterThanOrEqual(quorum);
        expect(found.closed).toBe(found.open.length === 0);
        if (found.closed) expect(found.missing).toBe(0);
      }),
    );
  });

  it('survives a plan larger than a call may have arguments', () => {
    const many = Array.from({ length: 200_000 }, (_, at) => ({ ...one, id: String(at) }));
    expect(tally({ operations: many, conflicts: [] }, [], plainTerms(2)).missing).toBe(2);
  });
});

describe('the scope of a review', () => {
  it('is every operation of the authority and every conflict that could write to it, and all scopes together the plan', () => {
    fc.assert(
      fc.property(plots, (plot) => {
        const world = worldOf(plot);
        const { plan } = planOf(world);
        const scopes = world.shape.members.map((member) => reviewScope(plan, member));
        expect(scopes.flatMap(({ operations }) => operations.map(({ id }) => id)).sort()).toEqual(
          plan.operations.map(({ id }) => id).sort(),
        );
        for (const [at, { conflicts }] of scopes.entries())
          for (const asked of plan.conflicts)
            expect(conflicts.includes(asked)).toBe(
              asked.candidates.some(({ operations }) =>
                operations.some(({ authority }) => authority === world.shape.members[at]),
              ),
            );
      }),
      { numRuns: 50 },
    );
  });
});
