/** Documents that mean the same have one canonical form: written in every way that IAM allows, held to it by chance. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalPolicy, policyDigest, samePolicy } from '../../../core/iam-policy/canonical.js';
import type { PolicyDocument } from '../../../core/iam-policy/document.js';
import { parsePolicy } from '../../../core/iam-policy/parse.js';
import type { JsonObject } from '../../../core/json.js';

const runs = Number(process.env['CONCORDAT_POLICY_CASES'] ?? 40);

function parsed(json: object): PolicyDocument {
  const answer = parsePolicy(JSON.stringify(json));
  if (answer.kind === 'fault') throw new Error(answer.reason);
  return answer.document;
}

interface Plain {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly actionsBut: boolean;
  readonly resources: readonly string[];
  readonly resourcesBut: boolean;
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

const some = (...texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 });
const plain: fc.Arbitrary<Plain> = fc.record({
  effect: fc.constantFrom('Allow', 'Deny'),
  actions: some('s3:GetObject', 's3:*', 'iam:PassRole', 'ec2:Describe*', 'sts:AssumeRole'),
  actionsBut: fc.boolean(),
  resources: some('*', 'arn:aws:s3:::a/*', 'arn:aws:s3:::A/*', 'arn:aws:s3:::${aws:username}/*'),
  resourcesBut: fc.boolean(),
  conditions: fc.dictionary(
    fc.constantFrom('StringEquals', 'StringNotEquals', 'ForAnyValue:StringLike'),
    fc.dictionary(fc.constantFrom('aws:PrincipalTag/Team', 's3:prefix'), some('a', 'b', 'c'), { minKeys: 1 }),
    { maxKeys: 2 },
  ),
});

/** One statement written in one of the ways that mean it: chance orders, repeats, splits, changes case, adds a Sid. */
function written(statement: Plain, chance: () => number): object[] {
  const shuffled = <T>(values: readonly T[]): T[] =>
    values
      .map((value) => ({ value, at: chance() }))
      .sort((left, right) => left.at - right.at)
      .map(({ value }) => value);
  const listed = (values: readonly string[]): string | string[] => {
    const list = shuffled(chance() < 0.3 ? [...values, ...values.slice(0, 1)] : values);
    return list.length === 1 && chance() < 0.5 ? (list[0] ?? '') : list;
  };
  const cased = (text: string): string => {
    const turn = chance();
    return turn < 0.3 ? text.toUpperCase() : turn < 0.6 ? text.toLowerCase() : text;
  };
  const split = (values: readonly string[], but: boolean): (readonly string[])[] =>
    but || values.length === 1 || chance() < 0.5 ? [values] : [values.slice(0, 1), values.slice(1)];
  const conditions = shuffled(Object.entries(statement.conditions)).map(([operator, keys]) => [
    operator,
    Object.fromEntries(shuffled(Object.entries(keys)).map(([key, values]) => [cased(key), listed(values)])),
  ]);
  return split(statement.actions, statement.actionsBut).flatMap((actions) =>
    split(statement.resources, statement.resourcesBut).map((resources) =>
      Object.fromEntries(
        shuffled<[string, unknown]>([
          ['Effect', statement.effect],
          [statement.actionsBut ? 'NotAction' : 'Action', listed(actions.map(cased))],
          [statement.resourcesBut ? 'NotResource' : 'Resource', listed(resources)],
          ...(conditions.length === 0 ? [] : [['Condition', Object.fromEntries(conditions)] as [string, unknown]]),
          ...(chance() < 0.4 ? [['Sid', `Sid${chance()}`] as [string, unknown]] : []),
        ]),
      ),
    ),
  );
}

function documentOf(statements: readonly Plain[], chance: () => number): object {
  const list = [...statements, ...(chance() < 0.3 ? statements.slice(0, 1) : [])]
    .map((statement) => ({ statement, at: chance() }))
    .sort((left, right) => left.at - right.at)
    .flatMap(({ statement }) => written(statement, chance));
  const single = list.length === 1 && chance() < 0.5;
  return { Statement: single ? list[0] : list, Version: '2012-10-17', ...(chance() < 0.3 ? { Id: 'any' } : {}) };
}

/** A small generator, so that a case is its seed. */
function chanceFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

const seed = fc.integer({ min: 1 });
const statements = fc.array(plain, { minLength: 1, maxLength: 4 });

describe('the canonical form of a policy', { timeout: 600_000 }, () => {
  it('is one for all ways to write the same statements', () => {
    fc.assert(
      fc.property(statements, seed, seed, (list, one, other) => {
        const [left, right] = [documentOf(list, chanceFrom(one)), documentOf(list, chanceFrom(other))];
        expect(canonicalPolicy(parsed(left))).toEqual(canonicalPolicy(parsed(right)));
      }),
      { numRuns: runs },
    );
  });

  it('is a document of the same form again', () => {
    fc.assert(
      fc.property(statements, seed, (list, one) => {
        const canonical = canonicalPolicy(parsed(documentOf(list, chanceFrom(one))));
        expect(canonicalPolicy(parsed(canonical))).toEqual(canonical);
      }),
      { numRuns: runs },
    );
  });

  it('keeps exactly the combinations of effect, action, resource and condition that are written', () => {
    const atoms = (document: PolicyDocument): string[] =>
      document.statements.flatMap(({ effect, action, resource, conditions }) => {
        const each = (kind: string, values: readonly string[]) =>
          kind === 'but' ? [`not ${[...new Set(values)].sort().join()}`] : values;
        const rest = conditions
          .map(({ operator, key, values }) => `${operator} ${key} ${[...new Set(values)].sort().join()}`)
          .sort()
          .join(';');
        return each(action.kind, action.patterns).flatMap((what) =>
          each(resource?.kind ?? '', resource?.patterns ?? []).map((where) => `${effect} ${what} ${where} ${rest}`),
        );
      });
    fc.assert(
      fc.property(statements, seed, (list, one) => {
        const document = parsed(documentOf(list, chanceFrom(one)));
        expect(new Set(atoms(parsed(canonicalPolicy(document))))).toEqual(new Set(atoms(document)));
      }),
      { numRuns: runs },
    );
  });

  const base = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::a' };
  const of = (statement: object, Version = '2012-10-17'): PolicyDocument => parsed({ Version, Statement: statement });
  it.each<[string, object, object]>([
    ['the effect', base, { ...base, Effect: 'Deny' }],
    ['an action', base, { ...base, Action: 's3:GetObjectAcl' }],
    ['the case of a resource', base, { ...base, Resource: 'arn:aws:s3:::A' }],
    ['what is excepted', base, { Effect: 'Allow', NotAction: 's3:GetObject', Resource: base.Resource }],
    ['a condition', base, { ...base, Condition: { Bool: { 'aws:SecureTransport': 'true' } } }],
    [
      'which action goes with which resource',
      [base, { ...base, Action: 's3:PutObject', Resource: 'arn:aws:s3:::b' }],
      { ...base, Action: ['s3:GetObject', 's3:PutObject'], Resource: ['arn:aws:s3:::a', 'arn:aws:s3:::b'] },
    ],
  ])('tells documents apart by %s', (_, left, right) => {
    expect(samePolicy(of(left), of(right))).toBe(false);
    expect(policyDigest(of(left))).not.toBe(policyDigest(of(right)));
  });

  it('tells the versions apart where a variable is read differently, and only there', () => {
    const variable = { ...base, Resource: 'arn:aws:s3:::${aws:username}' };
    expect(samePolicy(of(base), of(base, '2008-10-17'))).toBe(true);
    expect(samePolicy(of(variable), of(variable, '2008-10-17'))).toBe(false);
  });

  it('reads true, "true" and "True" alike, and runs of wildcards', () => {
    const secure = (value: unknown) => of({ ...base, Condition: { Bool: { 'aws:SecureTransport': value } } });
    expect(samePolicy(secure(true), secure(['True']))).toBe(true);
    expect(samePolicy(of({ ...base, Action: '*:*' }), of({ ...base, Action: '**' }))).toBe(true);
    expect(samePolicy(of({ ...base, Resource: 'a*?' }), of({ ...base, Resource: 'a?**' }))).toBe(true);
    expect(samePolicy(of({ ...base, Resource: 'a?*' }), of({ ...base, Resource: 'a*' }))).toBe(false);
  });

  it('puts together again what it took apart', () => {
    const spread = { ...base, Action: ['s3:B', 's3:A'], Resource: ['b', 'a'] };
    expect(canonicalPolicy(of([spread, { ...base, Action: 's3:A', Resource: 'a' }]))).toEqual({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['s3:a', 's3:b'], Resource: ['a', 'b'] }],
    });
  });

  it('stays small and quick where a document multiplies', () => {
    const many = (prefix: string): string[] => Array.from({ length: 3000 }, (_, at) => `${prefix}:${at}`);
    const wide = { ...base, Action: many('s3'), Resource: many('r') };
    const canonical: JsonObject = canonicalPolicy(of(wide));
    expect(canonical['Statement']).toHaveLength(1);
    expect(canonical).toEqual(
      canonicalPolicy(of({ ...wide, Action: wide.Action.toReversed(), Resource: wide.Resource.toReversed() })),
    );
  });
});
