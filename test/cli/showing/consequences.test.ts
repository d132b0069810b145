/** What a cloud does beyond a write, as people read it before they approve: under its operation, and counted for the run. */
import pc from 'picocolors';
import { expect, test } from 'vitest';
import { planDocument } from '../../../cli/reading/plan-document.js';
import { planView } from '../../../cli/reading/plan-view.js';
import { consequencesOnSheet } from '../../../cli/reading/run-report.js';
import { planLines } from '../../../cli/showing/plan-text.js';
import { consequenceText } from '../../../cli/showing/report-text.js';
import type { ReviewSheet } from '../../../activities/authority/review-sheet.js';
import { digestOf } from '../../../core/digest.js';
import { makeOperation } from '../../../core/operation.js';
import type { Plan } from '../../../core/plan.js';

const plan = digestOf('a plan');
const paint = pc.createColors(false);
const deletion = (authority: string) =>
  makeOperation({
    authority,
    type: 'team',
    key: digestOf('a team'),
    kind: 'delete',
    changes: [],
    rule: 'deletedOnOneSide',
    because: ['aws'],
    current: { handle: 'ops' },
  });
const own = deletion('sov');
const peers = deletion('azure');
const sheet = {
  federation: 'example',
  authority: 'sov',
  dataset: 'access',
  plan,
  quorum: 1,
  braked: [],
  frozen: null,
  deadlineAtMs: 0,
  operations: [
    {
      operation: own,
      label: 'ops',
      calls: [{ call: 'DELETE /v3/groups/{id}', target: 'g1', arguments: {} }],
      consequences: ['takes its role assignments along', 'ends\u001b[2J tokens'],
      refused: null,
    },
  ],
  conflicts: [],
  cases: [],
  documents: [],
  labels: {},
  clear: {},
} satisfies ReviewSheet;

const view = async () =>
  planView({
    plan: {
      operations: [own, peers],
      conflicts: [],
      divergences: [],
      cases: [],
      incomplete: [],
      opaque: [],
      absent: [],
    } as unknown as Plan,
    digest: plan,
    records: { name: () => Promise.resolve('ops') } as never,
    sheets: { sov: { kind: 'sheet', sheet }, azure: { kind: 'unreadable' } },
    elementTypes: () => undefined,
  });

test('a plan says under each operation what its cloud does beyond it, and says nothing for whose sheet is not here', async () => {
  const lines = planLines(await view(), { paint, elementTypes: () => undefined, operationsMax: 9 });
  const at = lines.findIndex((line) => line.includes('consequence takes its role assignments along'));
  expect(lines[at - 1]).toContain('because');
  expect(lines.filter((line) => line.includes('consequence '))).toHaveLength(2);
  // What a connector says passes as any text of others: it moves no cursor.
  expect(lines.join()).not.toContain('\u001b');
});

test('the same stands in what --json prints', async () => {
  const { operations } = planDocument('access', null, await view()) as {
    operations: { authority: string; consequences: readonly string[] }[];
  };
  expect(operations.map(({ authority, consequences }) => [authority, consequences.length])).toEqual([
    ['sov', 2],
    ['azure', 0],
  ]);
});

test('a run counts each consequence once with the operations that it is told of, the most frequent first', () => {
  const [operation] = sheet.operations;
  if (!operation) throw new Error('no operation');
  const told = consequencesOnSheet({
    authority: 'sov',
    operations: [
      { ...operation, consequences: ['b', 'c'] },
      { ...operation, consequences: ['c', 'a'] },
    ],
  });
  expect(told.map(({ consequence, operations }) => [consequence, operations])).toEqual([
    ['c', 2],
    ['a', 1],
    ['b', 1],
  ]);
  expect(consequenceText(told[0] ?? (undefined as never))).toBe('  sov  2 operations: c');
});
