import { describe, expect, it } from 'vitest';
import { Authority, Mesh } from '../../../core/federation/authority.js';
import { checkPolicySets } from '../../../core/federation/check-policy-sets.js';

const [power, view, audit, bill] = ['PowerUserAccess', 'ViewOnlyAccess', 'SecurityAudit', 'job-function/Billing'].map(
  (name) => `arn:aws:iam::aws:policy/${name}`,
) as [string, string, string, string];

function faults(policySets: Record<string, string[]>): string[] {
  const value = Authority.parse({
    authority: 'aws',
    mesh: { kind: 'aws-iam', account: '123456789012', policySets },
    surface: {},
    approvers: [{ id: 'ada' }],
  });
  return checkPolicySets({ file: 'authorities/aws.yaml', value } as never).map(
    ({ path, message }) => `${path.slice(2).join('.')}: ${message}`,
  );
}

describe('the policy sets of an AWS mesh', () => {
  it('may overlap and stand within one another where each can be told apart', () => {
    expect(
      faults({ operator: [power, bill], viewer: [view], auditor: [view, audit], billing: [power, `${bill}2`] }),
    ).toEqual([]);
  });

  it('are refused where two are equal, whatever their order', () => {
    expect(faults({ one: [power, view], two: [view, power] })).toEqual([
      'two: holds the same policies as "one"; give them one name',
    ]);
  });

  it('are refused where one is the union of others, or covered by them', () => {
    expect(faults({ one: [power], two: [view], both: [power, view] })).toEqual([
      expect.stringMatching(/^both: .*\(one, two\)/),
    ]);
    expect(faults({ one: [power, audit], two: [view, bill], cross: [power, view] })).toEqual([
      expect.stringMatching(/^cross: has every policy in another set/),
    ]);
  });

  it('are refused where a policy stands twice or belongs to another account', () => {
    expect(faults({ one: [power, power] })).toEqual(['one.1: stands in this set already; name each policy once']);
    expect(faults({ one: ['arn:aws:iam::999999999999:policy/x'] })).toEqual([
      expect.stringMatching(/^one\.0: belongs to account 999999999999/),
    ]);
  });

  it.each([
    ['a name that could be an ARN', { 'arn:aws': [power] }],
    ['no policies', { one: [] }],
    ['a policy by its name', { one: ['PowerUserAccess'] }],
    ['a role', { one: ['arn:aws:iam::123456789012:role/x'] }],
  ])('are no policy sets with %s', (_, policySets) => {
    expect(Mesh.safeParse({ kind: 'aws-iam', policySets }).success).toBe(false);
  });
});
