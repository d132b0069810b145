/** Which people a change needs, who counts by when, and who authored what. */
import { describe, expect, it } from 'vitest';
import { Authorship } from '../../../core/approval/authors.js';
import { covers, type Delegation } from '../../../core/approval/delegation.js';
import { electorateOf } from '../../../core/approval/electorate.js';
import { requirementOf, requirementWords } from '../../../core/approval/requirement.js';
import { Approval, publishedApproval } from '../../../core/approval/terms.js';
import { newKey, type StandingLink } from '../../../core/correlate.js';
import { makeOperation, type Operation, type OperationDraft } from '../../../core/operation.js';

const hours = 3_600_000;
const approvers = [
  { id: 'ada', roles: ['security'] },
  { id: 'bo', roles: [] },
  { id: 'dee', roles: ['director'] },
];

describe('a requirement', () => {
  const approval = Approval.parse({
    quorum: 1,
    quorums: [
      { for: { type: 'team', kind: 'delete' }, need: { security: 1, any: 2 } },
      { for: { kind: 'delete' }, need: { operations: 1 } },
      { for: { type: 'person', field: 'active' }, need: { security: 2 } },
    ],
  });
  const of = (...subjects: Parameters<typeof requirementOf>[1]): unknown => {
    const { roles, people } = requirementOf({ approval, approvers }, subjects, 1);
    return { ...roles, people };
  };

  it('is the plain quorum where no rule fits', () => {
    expect(of({ type: 'person', kind: 'update', fields: ['mail'] })).toEqual({ people: 1 });
    expect(of()).toEqual({ people: 1 });
  });

  it('takes of all rules that fit the largest number for each role', () => {
    expect(of({ type: 'person', kind: 'delete', fields: [] })).toEqual({ operations: 1, people: 1 });
    expect(of({ type: 'team', kind: 'delete', fields: [] })).toEqual({ security: 1, operations: 1, people: 2 });
    expect(of({ type: 'person', kind: 'update', fields: ['mail', 'active'] })).toEqual({ security: 2, people: 2 });
  });

  it('of several changes that one word settles is that of the strictest', () => {
    expect(
      of({ type: 'person', kind: 'update', fields: ['mail'] }, { type: 'person', kind: 'delete', fields: [] }),
    ).toEqual({ operations: 1, people: 1 });
  });

  it('never asks for less than the quorum', () => {
    const { people } = requirementOf({ approval, approvers }, [{ type: 'team', kind: 'delete', fields: [] }], 3);
    expect(people).toBe(3);
  });

  it('names no authors where the authority waived the separation of duties', () => {
    const waived = Approval.parse({ separationOfDuties: 'waived' });
    expect(requirementOf({ approval, approvers }, [], 1, ['bo', 'ada', 'bo']).authors).toEqual(['ada', 'bo']);
    expect(requirementOf({ approval: waived, approvers }, [], 1, ['ada']).authors).toEqual([]);
  });

  it('is told in words', () => {
    expect(requirementWords({ people: 2, roles: { security: 1 }, authors: ['ada'] })).toBe(
      '2 people, among them 1 with the role security, not ada alone, who signed what is behind it',
    );
  });
});

describe('an electorate', () => {
  const approval = Approval.parse({
    escalations: [
      { after: '2h', to: 'director', may: 'decide' },
      { after: '1h', to: 'security', may: 'hear' },
    ],
  });

  it('keeps a reserve that has no other role until its time has come, and then lets it stand in', () => {
    const before = electorateOf({ approval, approvers }, 2 * hours - 1);
    expect([[...before.reserve], [...before.standIns]]).toEqual([['dee'], []]);
    const after = electorateOf({ approval, approvers }, 2 * hours);
    expect([[...after.reserve], [...after.standIns]]).toEqual([[], ['director']]);
  });

  it('leaves those who only hear of it as they are', () => {
    expect(electorateOf({ approval, approvers }, 0).reserve.has('ada')).toBe(false);
    expect(electorateOf({ approval, approvers }, 90 * 60_000).standIns.size).toBe(0);
  });
});

describe('what peers are told of the terms', () => {
  it('leaves out the name of the variable that holds an address', () => {
    expect(publishedApproval(Approval.parse({ webhookFrom: 'PAGER_URL' }))).not.toHaveProperty('webhookFrom');
  });
});

describe('a delegation', () => {
  const operation = (kind: Operation['kind']): Operation =>
    makeOperation({
      authority: 'aws',
      type: 'person',
      key: 'p',
      kind,
      changes: [],
      rule: 'chosen',
      because: [],
      current: {},
    });
  const lent = (kinds: Delegation['kinds']): Delegation => ({ kinds }) as Delegation;

  it('covers the kinds that it names, all of a choice or nothing of it', () => {
    expect(covers(lent(null), [operation('delete')])).toBe(true);
    expect(covers(lent(['update']), [operation('update')])).toBe(true);
    expect(covers(lent(['update']), [operation('update'), operation('create')])).toBe(false);
  });
});

describe('the author of an operation', () => {
  const key = (x: string) => ({ kty: 'OKP', crv: 'Ed25519', x }) as const;
  const authorities = {
    aws: {
      approvers: [
        { id: 'ada', key: key('A') },
        { id: 'bo', key: key('B') },
      ],
    },
    sov: {
      approvers: [
        { id: 'ada.l', key: key('A') },
        { id: 'cy', key: key('C') },
      ],
    },
    azure: { approvers: [{ id: 'bo', key: key('D') }] },
  };
  const federated = 'f'.repeat(64);
  const link = (change: Partial<StandingLink> = {}): StandingLink => ({
    kind: 'link',
    authority: 'aws',
    type: 'person',
    record: '~r',
    to: federated,
    approver: 'ada',
    key: null,
    ...change,
  });
  const operation = (change: Partial<OperationDraft> = {}): Operation =>
    makeOperation({
      authority: 'sov',
      type: 'person',
      key: federated,
      kind: 'update',
      changes: [{ kind: 'value', field: 'mail', before: 'a', after: 'b' }],
      rule: 'changedOnOneSide',
      because: ['aws'],
      current: { mail: 'a' },
      ...change,
    });
  const authors = (
    statement: StandingLink,
    one: Operation,
    assignments: ConstructorParameters<typeof Authorship>[2] = [],
  ): readonly string[] => new Authorship(authorities, [statement], assignments).of(one, one.authority);

  it('is who signed the link behind it, under the name that each authority knows the key by', () => {
    expect(authors(link(), operation())).toEqual(['ada.l']);
    expect(authors(link(), operation({ authority: 'aws', because: ['sov'] }))).toEqual(['ada']);
    expect(authors(link({ approver: 'bo' }), operation({ authority: 'azure' }))).toEqual([]);
  });

  it('is nobody where the change was observed between meshes that the link does not join', () => {
    expect(authors(link(), operation({ because: ['azure'] }))).toEqual([]);
    expect(authors(link(), operation({ key: 'e'.repeat(64) }))).toEqual([]);
    expect(authors(link({ type: 'team' }), operation())).toEqual([]);
  });

  it('stands behind a record that was told apart, by the key that it got', () => {
    const apart = link({ kind: 'apart' });
    expect(authors(apart, operation({ key: newKey('person', ['~r']), kind: 'create', current: null }))).toEqual([
      'ada.l',
    ]);
    expect(authors(link({ to: '~s' }), operation({ key: newKey('person', ['~s']), because: ['azure'] }))).toEqual([
      'ada.l',
    ]);
  });

  it('is known by what the correlation of the run gave the record, and later by what its authority says', () => {
    const joined = 'c'.repeat(64);
    const one = operation({ key: joined });
    expect(authors(link({ to: '~s' }), one)).toEqual([]);
    expect(authors(link({ to: '~s' }), one, [{ authority: 'aws', type: 'person', from: '~r', key: joined }])).toEqual([
      'ada.l',
    ]);
    expect(authors(link({ to: '~s', key: joined }), one)).toEqual(['ada.l']);
  });

  it('does not walk into the teams of the person that an account was linked to', () => {
    const team = operation({
      authority: 'aws',
      type: 'team',
      key: 't'.repeat(64),
      because: ['sov'],
      changes: [{ kind: 'set', field: 'members', add: [federated], remove: [] }],
    });
    expect(authors(link(), team)).toEqual(['ada']);
  });
});
