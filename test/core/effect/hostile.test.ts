/** Documents that are written to hurt: every one ends in an answer, after a counted number of steps. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectInAws, namedPolicy } from '../../../core/effect/aws.js';
import type { Capability } from '../../../core/effect/capability.js';
import { parsePolicy } from '../../../core/iam-policy/parse.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { propertyRuns } from '../../support/property-runs.js';
import { corpusDocuments } from '../iam-policy/corpus/documents.js';

const capabilities: readonly Capability[] = [{ capability: 'anything', aws: { actions: ['*'] } }];
const effectOf = (...statements: readonly JsonObject[]) =>
  effectInAws({ policies: [namedPolicy('P', { Version: '2012-10-17', Statement: statements })] }, capabilities);
const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const unseen = [{ capability: 'anything', reach: 'unseen', through: ['P'], unseen: ['P'] }];

describe('a hostile document', { timeout: 60_000 }, () => {
  it('with exponentially many possibilities is not seen, instead of never answered', () => {
    expect(
      effectOf(...times(12, (at) => ({ Effect: 'Allow', Action: '*', NotResource: `*a${'?'.repeat(20 + at)}` }))),
    ).toEqual(unseen);
    expect(
      effectOf(
        { Effect: 'Allow', Action: '*', Resource: '*' },
        ...times(30, (at) => ({ Effect: 'Deny', Action: '*', NotResource: `*<${at}>*` })),
      ),
    ).toEqual(unseen);
    expect(
      effectOf({ Effect: 'Allow', Action: `s3:${'*a?b'.repeat(5_000)}`, Resource: '*a?b'.repeat(20_000) }),
    ).toEqual(unseen);
  });

  it('that is too large, too deep or not what it seems is refused by the parser', () => {
    const faults = [
      `{"Statement":${'['.repeat(10_000)}`,
      `{"Statement":${'{"Condition":'.repeat(40)}1${'}'.repeat(40)}}`,
      `{"Statement":[],"Id":"${'x'.repeat(300_000)}"}`,
      '{"Statement":[],"Statement":[]}',
      '%7B%22Statement%22%3A%ZZ',
      '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","__proto__":{}}]}',
    ];
    for (const text of faults) expect(parsePolicy(text).kind, text.slice(0, 40)).toBe('fault');
  });

  it('made from a real one by chance is read or refused, and either way has an answer', () => {
    const documents = [...corpusDocuments().values()].filter((json) => JSON.stringify(json).length < 4_000);
    const odd = fc.constantFrom<Json>(
      null,
      '',
      '*',
      '?',
      ':',
      '${',
      '${*',
      [],
      {},
      'a'.repeat(500),
      '*?'.repeat(50),
      ['*', 7],
      true,
    );
    fc.assert(
      fc.property(fc.constantFrom(...documents), fc.nat(), odd, (document, at, value) => {
        let count = 0;
        const changed = (json: Json): Json => {
          count += 1;
          if (count % 23 === at % 23) return value;
          if (Array.isArray(json)) return (json as readonly Json[]).map(changed);
          if (typeof json !== 'object' || json === null) return json;
          return Object.fromEntries(Object.entries(json as JsonObject).map(([key, inner]) => [key, changed(inner)]));
        };
        const policy = namedPolicy('P', changed(document));
        const effects = effectInAws({ policies: [policy] }, capabilities);
        if (policy.document === null) expect(effects).toEqual(unseen);
        else expect(effects.every(({ through }) => through.includes('P'))).toBe(true);
      }),
      propertyRuns(60),
    );
  });
});
