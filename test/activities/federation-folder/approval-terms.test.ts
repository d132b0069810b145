/** `validate` on terms of approval: nothing may be asked for that the approvers of an authority could never give. */
import { describe, expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { changed, smallFederation, written } from './small-federation.js';

const aws = 'authorities/aws.yaml';
const threePeople = `approvers:
  - { id: ana, roles: [security] }
  - { id: ben, roles: [operations] }
  - { id: dee, roles: [director] }
`;

/** One line of terms, so that a fault stands on line 8 and its column can be counted. */
async function faultsOf(approval: string, approvers = threePeople): Promise<readonly string[]> {
  const withTerms = changed(smallFederation, aws, 'approval: { quorum: 1, separationOfDuties: waived }', approval);
  const loaded = await loadFederation(await written(changed(withTerms, aws, 'approvers:\n  - id: ana\n', approvers)));
  if (loaded.kind === 'valid') return [];
  return loaded.faults.map(({ file, line, column, field, message }) => `${file}:${line}:${column} ${field} ${message}`);
}

const rule = (about: string, need: string): string => `approval: { quorums: [{ for: ${about}, need: ${need} }] }`;

describe('terms of approval', () => {
  it.each([
    'approval: { quorum: 1 }',
    rule('{ type: team, kind: delete }', '{ security: 1, any: 2 }'),
    rule('{ field: mail }', '{ security: 1, operations: 1, director: 1 }'),
    'approval: { quorum: 2, escalations: [{ after: 2d, to: director, may: decide }], reminders: [50%, 3d] }',
    'approval: { onDeadline: reject, webhookFrom: PAGER_URL, delegationMax: 30d }',
  ])('that can be met are valid: %s', async (approval) => {
    expect(await faultsOf(approval)).toEqual([]);
  });

  it.each<readonly [string, string, string, RegExp]>([
    [
      rule('{ kind: delete }', '{ securty: 1 }'),
      'securty',
      'approval.quorums[0].need.securty',
      /no approver has the role.*did you mean "security"/,
    ],
    [
      rule('{ kind: delete }', '{ security: 2 }'),
      '2 }',
      'approval.quorums[0].need.security',
      /needs 2 people with the role security but 1 has it/,
    ],
    [rule('{ kind: delete }', '{ any: 4 }'), '4 }', 'approval.quorums[0].need.any', /needs 4 people but there are 3/],
    [rule('{ kind: delete }', '{}'), '{} }', 'approval.quorums[0].need', /asks for nobody/],
    [rule('{ type: tem }', '{ any: 2 }'), 'tem }', 'approval.quorums[0].for.type', /no type "tem".*team/],
    [rule('{ type: team, field: mail }', '{ any: 2 }'), 'mail', 'approval.quorums[0].for.field', /has no field "mail"/],
    [rule('{ field: handel }', '{ any: 2 }'), 'handel', 'approval.quorums[0].for.field', /no type has a field.*handle/],
    ['approval: { reminders: [8d] }', '8d', 'approval.reminders[0]', /after the deadline \(7d\)/],
    ['approval: { reminders: [0%] }', '0%', 'approval.reminders[0]', /50%/],
    [
      'approval: { escalations: [{ after: 8d, to: director }] }',
      '8d',
      'approval.escalations[0].after',
      /after the deadline/,
    ],
    [
      'approval: { escalations: [{ after: 1d, to: boss }] }',
      'boss',
      'approval.escalations[0].to',
      /no approver has the role "boss"/,
    ],
    [
      'approval: { webhookFrom: "https://x.example/t" }',
      '"https',
      'approval.webhookFrom',
      /name an environment variable/,
    ],
    ['approval: { onDeadline: approve }', 'approve }', 'approval.onDeadline', /expire/],
    [
      'approval: { quorum: 3, escalations: [{ after: 1d, to: director, may: decide }] }',
      '3,',
      'approval.quorum',
      /all the roles of dee count only once they are escalated to/,
    ],
  ])(
    'that nobody could meet, or that mean nothing, are refused where they stand: %s',
    async (approval, at, field, message) => {
      const faults = await faultsOf(approval);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(
        new RegExp(`^${aws}:8:${approval.indexOf(at) + 1} ${field.replace(/[[\].]/g, '\\$&')} `),
      );
      expect(faults[0]).toMatch(message);
    },
  );

  it('are counted together: one person fills one role', async () => {
    const both = 'approvers:\n  - { id: ana, roles: [security, operations] }\n  - { id: ben }\n';
    const rules =
      'approval: { quorums: [{ for: { kind: delete }, need: { security: 1 } }, { for: { type: team }, need: { operations: 1 } }] }';
    const faults = await faultsOf(rules, both);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/approval\.quorums\[1\]\.need a delete of team could never be approved/);
  });

  it('need a second person where nobody may approve alone what follows from their own word, or say that this is waived', async () => {
    const alone = 'approvers:\n  - id: ana\n';
    expect(await faultsOf('approval: { quorum: 1, separationOfDuties: waived }', alone)).toEqual([]);
    const faults = await faultsOf('approval: { quorum: 1 }', alone);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/approval\.separationOfDuties ana is the only approver/);
  });

  it('name no role that means everybody', async () => {
    const faults = await faultsOf(
      'approval: { quorum: 1 }',
      'approvers:\n  - { id: ana, roles: [any] }\n  - id: ben\n',
    );
    expect(faults.join()).toMatch(/authorities\/aws\.yaml:10:\d+ approvers\[0\]\.roles\[0\] is no role/);
  });
});
