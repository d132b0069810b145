/** Each way in which it can be doubtful who is who, with its values: a case for a person, and never a new record. */
import { describe, expect, it } from 'vitest';
import { correlate, newKey, type Correlation, type CorrelateInput, type LinkStatement } from '../../core/correlate.js';
import type { Fields } from '../../core/record.js';

type Entry = CorrelateInput['records'][number];
const rules = [
  { match: ['employeeNumber'], confidence: 99 },
  { match: ['email'], confidence: 80 },
];

const ana: Fields = { employeeNumber: 'E-1001', email: 'ana.ruiz@example.org', name: 'Ana Ruiz' };
const service: Fields = { employeeNumber: null, email: null, name: 'svc-backup' };

const alone = (authority: string, id: string, fields: Fields): Entry => ({
  key: `~${id}`,
  members: { [authority]: fields },
});
const run = (records: readonly Entry[], more: Partial<CorrelateInput> = {}): Correlation =>
  correlate({ type: 'person', rules, statements: [], records, ...more });
const says = (kind: LinkStatement['kind'], authority: string, record: string, to: string): LinkStatement => ({
  kind,
  authority,
  type: 'person',
  record,
  to,
});
const heldKeys = ({ held }: Correlation): readonly string[] => held.map(({ key }) => key);

describe('a rule', () => {
  it('carries its confidence into its cases, and decides by its order alone', () => {
    const found = run([
      alone('aws', 'a', { ...ana, employeeNumber: null }),
      alone('entra', 'b', { ...ana, employeeNumber: null }),
      alone('entra', 'c', { ...ana, employeeNumber: null, name: 'Ana Maria Ruiz' }),
    ]);
    expect(found.assignments).toEqual([]);
    expect(found.cases).toMatchObject([{ authority: 'aws', rule: ['email'], confidence: 80, candidates: [{}, {}] }]);
    expect(found.cases[0]?.doubt).toBeUndefined();
    const less = [
      { match: ['employeeNumber'], confidence: 10 },
      { match: ['email'], confidence: 90 },
    ];
    const records = [
      alone('aws', 'a', ana),
      alone('entra', 'b', { ...ana, email: 'a.ruiz@example.org' }),
      alone('entra', 'c', { ...ana, employeeNumber: 'E-1002' }),
    ];
    const keyOf = new Map(run(records, { rules: less }).assignments.map(({ from, key }) => [from, key]));
    expect(keyOf.get('~a')).toBe(keyOf.get('~b'));
    expect(keyOf.get('~c')).not.toBe(keyOf.get('~a'));
  });

  it('that only proposes joins nothing by itself, also where there is one candidate, until a person links', () => {
    const proposing = [{ match: ['email'], propose: true as const, confidence: 60 }];
    const records = [alone('aws', 'a', ana), alone('entra', 'b', ana)];
    const found = run(records, { rules: proposing });
    expect(found.assignments).toEqual([]);
    expect(found.cases).toMatchObject([
      {
        doubt: 'proposed',
        confidence: 60,
        authority: 'aws',
        record: '~a',
        candidates: [{ authority: 'entra', key: '~b' }],
      },
    ]);
    expect(heldKeys(found)).toEqual(['~a', '~b']);
    const linked = run(records, { rules: proposing, statements: [says('link', 'aws', '~a', '~b')] });
    expect(linked.cases).toEqual([]);
    expect(new Set(linked.assignments.map(({ key }) => key))).toEqual(new Set([newKey('person', ['~a', '~b'])]));
    const apart = run(records, { rules: proposing, statements: [says('apart', 'aws', '~a', '~b')] });
    expect(apart.cases).toEqual([]);
    expect(new Set(apart.assignments.map(({ key }) => key)).size).toBe(2);
  });

  it('that proposes asks each unlinked record about the agreed one, and a surer rule before it still joins', () => {
    const mixed = [{ match: ['employeeNumber'] }, { match: ['email'], propose: true as const }];
    const records = [
      { key: 'k1', members: { keystone: ana } },
      alone('aws', 'a', { ...ana, employeeNumber: null }),
      alone('entra', 'b', ana),
    ];
    const found = run(records, { rules: mixed });
    expect(found.cases).toMatchObject([
      { authority: 'aws', doubt: 'proposed', candidates: [{ key: 'k1' }, { key: '~b' }] },
    ]);
  });
});

describe('two people with one address', () => {
  it('are told from each other by a person only', () => {
    const shared = { employeeNumber: null, email: 'office@example.org' };
    const records = [
      alone('aws', 'a', { ...shared, name: 'Bo Li' }),
      alone('entra', 'b', { ...shared, name: 'Bo Li' }),
      alone('entra', 'c', { ...shared, name: 'Cy Dahl' }),
    ];
    const found = run(records);
    expect([found.assignments, heldKeys(found)]).toEqual([[], ['~a', '~b', '~c']]);
    const told = run(records, {
      statements: [
        says('link', 'aws', '~a', '~b'),
        says('apart', 'entra', '~c', '~a'),
        says('apart', 'entra', '~c', '~b'),
      ],
    });
    expect(told.cases).toEqual([]);
    expect(told.assignments.map(({ from, key }) => [from, key === newKey('person', ['~a', '~b'])])).toEqual([
      ['~a', true],
      ['~b', true],
      ['~c', false],
    ]);
  });
});

describe('a native object that is gone', () => {
  const agreed: Entry = { key: 'k1', members: { aws: ana, entra: undefined }, lost: ['entra'] };

  it('and came back under its own native id has its key, so there is nothing to join', () => {
    const found = run([{ key: 'k1', members: { aws: ana, entra: ana } }]);
    expect(found).toEqual({ assignments: [], cases: [], held: [] });
  });

  it('does not give its record to another native object with its name or address: a person decides', () => {
    const found = run([agreed, alone('entra', 'new', ana)]);
    expect(found.assignments).toEqual([]);
    expect(found.cases).toMatchObject([
      { authority: 'entra', record: '~new', doubt: 'replaced', candidates: [{ authority: 'aws', key: 'k1' }] },
    ]);
    expect(heldKeys(found)).toEqual(['k1', '~new']);
    const linked = run([agreed, alone('entra', 'new', ana)], { statements: [says('link', 'entra', '~new', 'k1')] });
    expect([linked.cases, linked.assignments.map(({ key }) => key)]).toEqual([[], ['k1']]);
    const apart = run([agreed, alone('entra', 'new', ana)], { statements: [says('apart', 'entra', '~new', 'k1')] });
    expect([apart.cases, apart.assignments.map(({ key }) => key)]).toEqual([[], [newKey('person', ['~new'])]]);
  });

  it('leaves the records of other members to their rules', () => {
    const found = run([agreed, alone('keystone', 'k', ana)]);
    expect([found.cases, found.assignments.map(({ key }) => key)]).toEqual([[], ['k1']]);
  });
});

describe('an account without an owner', () => {
  const records = [alone('aws', 'svc', service), alone('aws', 'a', ana)];

  it('is a new record where the dataset says nothing, and a case where it asks', () => {
    expect(run(records).assignments.map(({ from }) => from)).toEqual(['~a', '~svc']);
    const found = run(records, { asksAboutUnmatchable: true });
    expect(found.assignments.map(({ from }) => from)).toEqual(['~a']);
    expect(found.cases).toMatchObject([{ record: '~svc', doubt: 'unmatchable', rule: [], candidates: [] }]);
    expect(heldKeys(found)).toEqual(['~svc']);
  });

  it('becomes a record of its own only when its own authority says so', () => {
    const own = run(records, { asksAboutUnmatchable: true, statements: [says('apart', 'aws', '~svc', '~svc')] });
    expect([own.cases, own.assignments.map(({ from }) => from)]).toEqual([[], ['~a', '~svc']]);
    const foreign = run(records, { asksAboutUnmatchable: true, statements: [says('apart', 'entra', '~svc', '~svc')] });
    expect(foreign.cases).toHaveLength(1);
  });

  it('that is ignored gets no key, is nobody else either, and stays so for that native object only', () => {
    const ignored = [{ authority: 'aws', record: '~svc' }];
    const twin = alone('entra', 'twin', { ...service, email: 'svc@example.org' });
    const shown = [alone('aws', 'svc', { ...service, email: 'svc@example.org' }), twin];
    expect(run(shown).assignments).toHaveLength(2);
    const found = run(shown, { ignored });
    expect([found.cases, found.held]).toEqual([[], []]);
    expect(found.assignments).toEqual([
      { authority: 'entra', type: 'person', from: '~twin', key: newKey('person', ['~twin']) },
    ]);
    // Under another native id it is another one.
    const renewed = [alone('aws', 'svc2', { ...service, email: 'svc@example.org' }), twin];
    expect(run(renewed, { ignored }).assignments).toHaveLength(2);
    // Nobody speaks for another's record.
    expect(run(shown, { ignored: [{ authority: 'entra', record: '~svc' }] }).assignments).toHaveLength(2);
  });
});
