/** What manifests forbid of one operation, and that another constraint never lets more through. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constraintRefusal, type ConstraintInput } from '../../core/constraints.js';
import { digestOf } from '../../core/digest.js';
import { Constraints } from '../../core/federation/constraints.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import { makeOperation, type Change } from '../../core/operation.js';
import type { Fields } from '../../core/record.js';
import { propertyRuns } from '../support/property-runs.js';

const person = TaxonomyType.parse({
  type: 'person',
  fields: { mail: { kind: 'text' }, department: { kind: 'text' } },
});
const role = TaxonomyType.parse({ type: 'role', key: ['name'], fields: { name: { kind: 'text' } } });
const grant = TaxonomyType.parse({
  type: 'grant',
  key: ['principal', 'role', 'scope'],
  fields: {
    principal: { kind: 'reference', of: ['person'] },
    role: { kind: 'reference', of: ['role'] },
    scope: { kind: 'text' },
  },
});
const taxonomy = { person, role, grant };
const roleNamed = (name: string): string => `role/${digestOf({ type: 'role', key: { name } })}`;

interface Case {
  readonly type?: string;
  readonly kind?: 'create' | 'update' | 'delete';
  readonly changes: readonly Change[];
  readonly current?: Fields | null;
  readonly terms?: Readonly<Record<string, object>>;
  readonly members?: Readonly<Record<string, Fields | undefined>>;
  readonly absent?: readonly string[];
}

function inputOf({
  type = 'person',
  kind = 'update',
  changes,
  current = {},
  terms = {},
  members,
  absent = [],
}: Case): ConstraintInput {
  const operation = makeOperation({
    authority: 'aa',
    type,
    key: 'k',
    kind,
    changes,
    rule: 'changedOnOneSide',
    because: ['bb'],
    current: kind === 'create' ? null : current,
  });
  const authorities = Object.fromEntries(
    ['aa', 'bb', 'cc'].map((authority) => [
      authority,
      { authority, constraints: Constraints.parse(terms[authority] ?? {}) },
    ]),
  );
  return { operation, authorities, taxonomy, members: members ?? { aa: current ?? undefined, bb: {} }, absent };
}

const set = (field: string, after: string | null, before: string | null = null): Change => ({
  kind: 'value',
  field,
  before,
  after,
});
const codeOf = (one: Case): string | null => constraintRefusal(inputOf(one))?.code ?? null;

describe('what may be written', () => {
  const aa = { writable: { person: { operations: ['update'], fields: ['mail'] }, grant: {} } };

  it.each([
    [null, { changes: [set('mail', 'a')] }],
    ['notWritable', { changes: [set('department', 'a')] }],
    ['notWritable', { changes: [set('mail', 'a'), set('department', 'b')] }],
    ['notWritable', { changes: [set('mail', 'a')], kind: 'create' }],
    ['notWritable', { changes: [set('mail', null)], kind: 'delete' }],
    ['notWritable', { changes: [set('name', 'a')], type: 'role', kind: 'create' }],
    [null, { changes: [set('scope', 'a')], type: 'grant', kind: 'create' }],
    [null, { changes: [set('scope', null)], type: 'grant', kind: 'delete' }],
  ] as const)('%s', (code, one) => {
    expect(codeOf({ ...one, terms: { aa } })).toBe(code);
  });

  it('is everything where an authority says nothing of it, and another authority speaks for itself alone', () => {
    expect(codeOf({ changes: [set('department', 'a')], terms: { bb: aa } })).toBe(null);
  });
});

describe('a ceiling', () => {
  const aa = {
    ceilings: [{ type: 'grant', where: { scope: 'prod' }, field: 'role', among: ['viewer', 'operator'], reason: 'r' }],
  };
  const grantOf = (name: string, scope: string): Case => ({
    type: 'grant',
    kind: 'create',
    changes: [set('role', roleNamed(name)), set('scope', scope)],
    terms: { aa },
  });

  it('lets nothing above it be written, where it applies, and knows a role by its name', () => {
    expect(codeOf(grantOf('viewer', 'prod'))).toBe(null);
    expect(codeOf(grantOf('admin', 'prod'))).toBe('aboveCeiling');
    expect(codeOf(grantOf('admin', 'test'))).toBe(null);
  });

  it('applies to a record that does not say whether it does', () => {
    expect(codeOf({ ...grantOf('admin', 'prod'), changes: [set('role', roleNamed('admin'))] })).toBe('aboveCeiling');
  });

  it('keeps nobody from taking away what is above it', () => {
    const taken: Case = {
      ...grantOf('admin', 'prod'),
      kind: 'delete',
      changes: [set('role', null, roleNamed('admin'))],
    };
    expect(codeOf(taken)).toBe(null);
  });
});

describe('residency', () => {
  const bb = { residency: { keepWithin: { person: { mail: ['eu'] } } } };
  const going = { changes: [set('mail', 'a')], members: { aa: {}, bb: { mail: 'a' } } };

  it('keeps a value out of a mesh of another region, and of one that names none', () => {
    expect(codeOf({ ...going, terms: { bb, aa: { residency: { region: 'eu' } } } })).toBe(null);
    expect(codeOf({ ...going, terms: { bb, aa: { residency: { region: 'us' } } } })).toBe('residencyRefused');
    expect(codeOf({ ...going, terms: { bb } })).toBe('residencyRefused');
  });

  it('says nothing of records that its authority does not hold, of other fields, and of emptying one', () => {
    expect(codeOf({ ...going, members: { aa: {}, bb: undefined, cc: {} }, terms: { bb } })).toBe(null);
    expect(codeOf({ changes: [set('department', 'a')], terms: { bb } })).toBe(null);
    expect(codeOf({ changes: [set('mail', null)], terms: { bb } })).toBe(null);
  });

  it('holds for an absent member too, which may hold the record', () => {
    expect(codeOf({ ...going, members: { aa: {}, bb: {} }, absent: ['cc'], terms: { cc: bb } })).toBe(
      'residencyRefused',
    );
  });
});

const names = fc.constantFrom('mail', 'department');
const texts = fc.constantFrom('a', 'b');
const constraints = fc.record(
  {
    writable: fc.dictionary(
      fc.constantFrom('person', 'grant'),
      fc.record(
        { operations: fc.subarray(['create', 'update', 'delete']), fields: fc.subarray(['mail', 'department']) },
        { requiredKeys: [] },
      ),
    ),
    residency: fc.record(
      {
        region: fc.constantFrom('eu', 'us'),
        keepWithin: fc
          .constant({})
          .chain(() =>
            fc.record(
              { person: fc.dictionary(names, fc.constantFrom(['eu'], ['us'], ['eu', 'us'])) },
              { requiredKeys: [] },
            ),
          ),
      },
      { requiredKeys: [] },
    ),
    ceilings: fc.array(
      fc.record({
        type: fc.constant('person'),
        where: fc.dictionary(names, texts),
        field: names,
        among: fc.constantFrom(['a'], ['b']),
        reason: fc.constant('r'),
      }),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);

it('is only ever made stricter by one more constraint, whosever it is', () => {
  fc.assert(
    fc.property(
      fc.record({ aa: constraints, bb: constraints }),
      fc.constantFrom('create', 'update', 'delete'),
      fc.uniqueArray(fc.tuple(names, texts), { minLength: 1, maxLength: 2, selector: ([name]) => name }),
      fc.constantFrom('aa', 'bb'),
      fc.constantFrom('ceilings', 'writable', 'residency'),
      constraints,
      (terms, kind, changes, who, part, more) => {
        const base: Case = {
          kind,
          changes: changes.map(([field, after]) => set(field, kind === 'delete' ? null : after)),
          terms,
        };
        if (codeOf(base) === null) return;
        const own: Record<string, unknown> = { ...terms[who] };
        if (part === 'ceilings') own['ceilings'] = [...(terms[who].ceilings ?? []), ...(more.ceilings ?? [])];
        if (part === 'writable') own['writable'] = terms[who].writable ?? more.writable;
        if (part === 'residency') {
          const kept = terms[who].residency?.keepWithin?.person ?? {};
          own['residency'] = {
            ...terms[who].residency,
            keepWithin: { person: { ...more.residency?.keepWithin?.person, ...kept } },
          };
        }
        expect(codeOf({ ...base, terms: { ...terms, [who]: own } })).not.toBe(null);
      },
    ),
    propertyRuns(Number(process.env['CONCORDAT_CONSTRAINT_CASES'] ?? 500)),
  );
});
