/** Laws of effects in AWS, by chance. CONCORDAT_POLICY_CASES sets the number of cases. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectInAws, namedPolicy, type AwsPolicies, type NamedPolicy } from '../../../core/effect/aws.js';
import type { Capability } from '../../../core/effect/capability.js';
import { combineEffects, reachRank, sameEffect, type Effect } from '../../../core/effect/effect.js';
import { canonicalPolicy } from '../../../core/iam-policy/canonical.js';
import type { Json, JsonObject } from '../../../core/json.js';

const runs = { numRuns: Number(process.env['CONCORDAT_POLICY_CASES'] ?? 40) };
const patient = { timeout: 1_200_000 };

const actions = [
  's3:GetObject',
  's3:PutObject',
  's3:*',
  's3:Get*',
  's3:?etObject',
  '*',
  'iam:PassRole',
  'iam:*',
  'S3:get*',
  '*:*Object',
  's3:*Obj*',
];
const resources = [
  '*',
  'arn:aws:s3:::a/*',
  'arn:aws:s3:::A/x',
  'arn:aws:s3:::*/x',
  'arn:aws:s3:::a/${aws:username}',
  'arn:aws:iam::*:role/r?',
  'arn:aws:s3',
  'arn:*:s3:::a*',
  'arn:aws:s3:::?/?',
];

const some = (texts: readonly string[]) => fc.uniqueArray(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 });
const statement = (effects: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      effect: fc.constantFrom(...effects),
      action: some(actions),
      notAction: fc.integer({ max: 4, min: 0 }),
      resource: some(resources),
      notResource: fc.integer({ max: 4, min: 0 }),
      conditional: fc.integer({ max: 4, min: 0 }),
    })
    .map(({ effect, action, notAction, resource, notResource, conditional }) => ({
      Effect: effect,
      [notAction === 0 ? 'NotAction' : 'Action']: action,
      [notResource === 0 ? 'NotResource' : 'Resource']: resource,
      ...(conditional === 0 ? { Condition: { Bool: { 'aws:SecureTransport': 'true' } } } : {}),
    }));

const documentOf = (...effects: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc
    .record({
      Version: fc.constantFrom('2012-10-17', '2012-10-17', '2008-10-17'),
      Statement: fc.array(statement(effects), { minLength: 1, maxLength: 3 }),
    })
    .map((document) => document);
const anyDocument = documentOf('Allow', 'Allow', 'Deny');

function named(name: string, json: Json): NamedPolicy {
  const policy = namedPolicy(name, json);
  if (policy.document === null) throw new Error('a document of a test is none');
  return policy;
}
const policies = (effects: readonly string[]): fc.Arbitrary<readonly NamedPolicy[]> =>
  fc.array(documentOf(...effects), { maxLength: 2 }).map((all) => all.map((json, at) => named(`P${at}`, json)));

const principal: fc.Arbitrary<AwsPolicies> = fc.record({
  policies: policies(['Allow', 'Allow', 'Deny']),
  denies: policies(['Allow', 'Deny', 'Deny']),
  boundary: fc.option(
    anyDocument.map((json) => named('Ceiling', json)),
    { nil: null, freq: 2 },
  ),
});

const allCapabilities: readonly Capability[] = [
  { capability: 'everything', aws: { actions: ['*'], every: true } },
  { capability: 'pass roles', aws: { actions: ['iam:PassRole'], resources: ['arn:aws:iam::*:role/*'] } },
  {
    capability: 'read and write',
    aws: { actions: ['s3:GetObject', 's3:PutObject'], resources: ['arn:aws:s3:::*'], every: true },
  },
  { capability: 'read in a', aws: { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::a/*'] } },
  { capability: 'read objects', aws: { actions: ['s3:Get*'] } },
  { capability: 'touch', aws: { actions: ['*'], resources: ['arn:aws:s3:::a/*', 'arn:aws:iam::1:role/r1'] } },
];

function expectNoMore(less: readonly Effect[], more: readonly Effect[]): void {
  const reaches = new Map(more.map(({ capability, reach }) => [capability, reach]));
  for (const { capability, reach } of less)
    expect(reachRank(reach), capability).toBeLessThanOrEqual(reachRank(reaches.get(capability)));
}

/** Two of them a case: it is the number of policies that finds faults. */
const someCapabilities = fc.subarray([...allCapabilities], { minLength: 2, maxLength: 2 });

describe('the effect of policies', patient, () => {
  it('is the one of their canonical form', () => {
    fc.assert(
      fc.property(someCapabilities, principal, (capabilities, given) => {
        const canonical = (policy: NamedPolicy): NamedPolicy =>
          policy.document === null ? policy : named(policy.name, canonicalPolicy(policy.document));
        const other: AwsPolicies = {
          policies: given.policies.map(canonical),
          denies: (given.denies ?? []).map(canonical),
          boundary: given.boundary ? canonical(given.boundary) : null,
        };
        expect(effectInAws(other, capabilities)).toEqual(effectInAws(given, capabilities));
      }),
      runs,
    );
  });

  it('depends on no order', () => {
    fc.assert(
      fc.property(someCapabilities, principal, (capabilities, given) => {
        const turned = (policy: NamedPolicy): NamedPolicy => ({
          name: policy.name,
          document: policy.document && { ...policy.document, statements: policy.document.statements.toReversed() },
        });
        const other: AwsPolicies = {
          policies: given.policies.map(turned).toReversed(),
          denies: (given.denies ?? []).map(turned).toReversed(),
          boundary: given.boundary ? turned(given.boundary) : null,
        };
        expect(effectInAws(other, capabilities.toReversed())).toEqual(effectInAws(given, capabilities));
      }),
      runs,
    );
  });

  it('loses nothing by one more Allow', () => {
    fc.assert(
      fc.property(someCapabilities, principal, documentOf('Allow'), (capabilities, given, json) => {
        const more = { ...given, policies: [...given.policies, named('More', json)] };
        expectNoMore(effectInAws(given, capabilities), effectInAws(more, capabilities));
      }),
      runs,
    );
  });

  it('gains nothing by one more Deny, in whatever policy', () => {
    fc.assert(
      fc.property(
        someCapabilities,
        principal,
        documentOf('Deny'),
        fc.boolean(),
        (capabilities, given, json, beside) => {
          const deny = named('Deny', json);
          const more = beside
            ? { ...given, denies: [...(given.denies ?? []), deny] }
            : { ...given, policies: [...given.policies, deny] };
          expectNoMore(effectInAws(more, capabilities), effectInAws(given, capabilities));
        },
      ),
      runs,
    );
  });

  it('is not widened by a boundary, and nothing is through it', () => {
    fc.assert(
      fc.property(someCapabilities, principal, anyDocument, (capabilities, given, json) => {
        const free = effectInAws({ ...given, boundary: null }, capabilities);
        const bounded = effectInAws({ ...given, boundary: named('Ceiling', json) }, capabilities);
        expectNoMore(bounded, free);
        for (const { through } of bounded) expect(through).not.toContain('Ceiling');
        expect(effectInAws({ ...given, policies: [], boundary: named('Ceiling', json) }, capabilities)).toEqual([]);
      }),
      runs,
    );
  });

  it('of two principals in one is at least what both have, where nothing is denied', () => {
    fc.assert(
      fc.property(someCapabilities, policies(['Allow']), policies(['Allow']), (capabilities, one, other) => {
        const apart = combineEffects(
          effectInAws({ policies: one }, capabilities),
          effectInAws({ policies: other }, capabilities),
        );
        expectNoMore(apart, effectInAws({ policies: [...one, ...other] }, capabilities));
      }),
      runs,
    );
  });

  it('is the same from one policy or from each of its statements as a policy', () => {
    fc.assert(
      fc.property(someCapabilities, anyDocument, (capabilities, json) => {
        const whole = named('P', json);
        const parts = (whole.document?.statements ?? []).map((each, at): NamedPolicy => ({
          name: `P${at}`,
          document: whole.document && { ...whole.document, statements: [each] },
        }));
        expect(
          sameEffect(effectInAws({ policies: [whole] }, capabilities), effectInAws({ policies: parts }, capabilities)),
        ).toBe(true);
      }),
      runs,
    );
  });

  it('takes no capability away where a document is not read, and is full nowhere then', () => {
    fc.assert(
      fc.property(someCapabilities, principal, fc.boolean(), (capabilities, given, beside) => {
        const unread: NamedPolicy = { name: 'Unread', document: null };
        const before = effectInAws(given, capabilities);
        const after = effectInAws(
          beside
            ? { ...given, denies: [...(given.denies ?? []), unread] }
            : { ...given, policies: [...given.policies, unread] },
          capabilities,
        );
        expect(after.map(({ capability }) => capability)).toEqual(
          expect.arrayContaining(before.map(({ capability }) => capability)),
        );
        for (const effect of after) {
          expect(['conditional', 'unseen']).toContain(effect.reach);
          expect(effect.unseen).toContain('Unread');
        }
      }),
      runs,
    );
  });
});

describe('one action on one resource', patient, () => {
  const askedActions = ['s3:GetObject', 's3:PutObject', 's3:GetObjectAcl', 'iam:PassRole', 'ec2:RunInstances'];
  const askedResources = [
    'arn:aws:s3:::a/x',
    'arn:aws:s3:::A/x',
    'arn:aws:s3:::ab',
    'arn:aws:iam::1:role/r1',
    'arn:aws:iam::1:role/rr1',
    'arn:aws:s3:::a/b/x',
    'arn:aws:sqs:::q',
  ];
  const asked: readonly Capability[] = askedActions.flatMap((action) =>
    askedResources.map((resource) => ({
      capability: `${action} ${resource}`,
      aws: { actions: [action], resources: [resource] },
    })),
  );

  type Answer = 'no' | 'maybe' | 'yes';
  const glob = (pattern: string, flags: string) =>
    new RegExp(
      `^${pattern
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replaceAll('*', '.*')
        .replaceAll('?', '.')}$`,
      flags,
    );

  /** Written from IAM's page on evaluation, over regular expressions. */
  function applies(json: JsonObject, isNew: boolean, action: string, resource: string): Answer {
    const list = (key: string) => json[key] as readonly string[] | undefined;
    const hasAction = (patterns: readonly string[]) => patterns.some((each) => glob(each, 'i').test(action));
    if (!(list('Action') ? hasAction(list('Action') ?? []) : !hasAction(list('NotAction') ?? []))) return 'no';
    const matched = (patterns: readonly string[]): Answer => {
      const answers = patterns.map((each): Answer => {
        const open = isNew && each.includes('${');
        const whole = each === 'arn:aws:s3' ? 'arn:aws:s3:*:*:*' : each;
        const pattern = open ? whole.replace('${aws:username}', '*') : whole;
        return glob(pattern, '').test(resource) ? (open ? 'maybe' : 'yes') : 'no';
      });
      return answers.includes('yes') ? 'yes' : answers.includes('maybe') ? 'maybe' : 'no';
    };
    const not = { yes: 'no', maybe: 'maybe', no: 'yes' } as const;
    const answer = list('Resource') ? matched(list('Resource') ?? []) : not[matched(list('NotResource') ?? [])];
    return answer === 'yes' && json['Condition'] !== undefined ? 'maybe' : answer;
  }

  it('is answered as by a second evaluator that shares nothing with the first', () => {
    fc.assert(
      fc.property(fc.array(anyDocument, { maxLength: 3 }), fc.option(anyDocument), (documents, ceiling) => {
        const effects = effectInAws(
          {
            policies: documents.map((json, at) => named(`P${at}`, json)),
            boundary: ceiling === null ? null : named('Ceiling', ceiling),
          },
          asked,
        );
        const found = new Map(effects.map(({ capability, reach }) => [capability, reach]));
        for (const action of askedActions)
          for (const resource of askedResources) {
            const answersOf = (from: readonly JsonObject[], effect: string): readonly Answer[] =>
              from.flatMap((json) =>
                (json['Statement'] as readonly JsonObject[])
                  .filter((each) => each['Effect'] === effect)
                  .map((each) => applies(each, json['Version'] === '2012-10-17', action, resource)),
              );
            const best = (answers: readonly Answer[]): Answer =>
              answers.includes('yes') ? 'yes' : answers.includes('maybe') ? 'maybe' : 'no';
            const denied = best(answersOf([...documents, ...(ceiling === null ? [] : [ceiling])], 'Deny'));
            const granted = best(answersOf(documents, 'Allow'));
            const within = ceiling === null ? 'yes' : best(answersOf([ceiling], 'Allow'));
            const expected =
              denied === 'yes' || granted === 'no' || within === 'no'
                ? undefined
                : denied === 'no' && granted === 'yes' && within === 'yes'
                  ? 'full'
                  : 'conditional';
            expect(found.get(`${action} ${resource}`), `${action} ${resource}`).toBe(expected);
          }
      }),
      runs,
    );
  });
});
