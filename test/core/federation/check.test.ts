/** The small pure parts under the checks: names that are near, cron texts, templates, paths. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cronFault } from '../../../core/federation/cron.js';
import { fieldName } from '../../../core/federation/fault.js';
import { fileKindOf, mapNameOf } from '../../../core/federation/files.js';
import { editDistance, nearest } from '../../../core/federation/nearest.js';
import { schemaFaults } from '../../../core/federation/schema-faults.js';
import { Authority } from '../../../core/federation/authority.js';
import { Dataset } from '../../../core/federation/dataset.js';
import { FederationFile } from '../../../core/federation/federation.js';
import { TypeMap } from '../../../core/federation/map.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { secretFaults } from '../../../core/federation/secret-text.js';
import { fillTemplate, parseTemplate } from '../../../core/federation/template.js';

test.each([
  ['', '', 0],
  ['kitten', 'sitting', 3],
  ['mail', 'mial', 1],
  ['abc', '', 3],
  ['members', 'memebrs', 1],
])('the distance of %j and %j is %i', (left, right, distance) => {
  expect(editDistance(left, right)).toBe(distance);
});

test('distance is the same both ways, and zero only for the same text', () => {
  const text = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(text, text, (left, right) => {
      expect(editDistance(left, right)).toBe(editDistance(right, left));
      expect(editDistance(left, right) === 0).toBe(left === right);
      expect(editDistance(left, right)).toBeLessThanOrEqual(Math.max(left.length, right.length));
    }),
  );
});

test('a name is suggested where a third of the letters or less differ, and never one that is far', () => {
  expect(nearest('quorm', ['quorum', 'deadline'])).toBe('quorum');
  expect(nearest('ENDPOINT', ['endpoint'])).toBe('endpoint');
  expect(nearest('zebra', ['quorum', 'deadline'])).toBeUndefined();
  expect(nearest('x'.repeat(100_000), ['quorum'])).toBeUndefined();
});

test.each(['* * * * *', '*/5 0-6 1,15 * mon-fri', '0 6 1 jan,JUL 0', '59 23 31 12 7', ' 0  6 * * 1-5/2 '])(
  'the cron text %j is fine',
  (cron) => {
    expect(cronFault(cron)).toBeUndefined();
  },
);

test.each([
  ['', 'five fields'],
  ['* * * *', 'five fields'],
  ['60 * * * *', 'minute'],
  ['* 24 * * *', 'hour'],
  ['* * 0 * *', 'day of month'],
  ['* * * 13 *', 'month'],
  ['* * * foo *', 'month'],
  ['* * * * 8', 'day of week'],
  ['30-10 * * * *', 'backwards'],
  ['*/0 * * * *', 'step'],
  ['1-2-3 * * * *', 'minute'],
  ['1,, * * * *', 'minute'],
  ['@daily', 'five fields'],
])('the cron text %j is refused because of the %s', (cron, reason) => {
  expect(cronFault(cron)).toContain(reason);
});

test('a template is filled with text fields and local parts', () => {
  const fields = { mail: 'ada@example.org', handle: 'ops' };
  expect(fillTemplate('{mail}', fields)).toEqual({ kind: 'filled', text: 'ada@example.org' });
  expect(fillTemplate('u-{mail:localPart}.{handle}', fields)).toEqual({ kind: 'filled', text: 'u-ada.ops' });
  expect(fillTemplate('{handle:localPart}', fields)).toEqual({ kind: 'filled', text: 'ops' });
  expect(fillTemplate('fixed', {})).toEqual({ kind: 'filled', text: 'fixed' });
});

test('a slug is a name that every cloud takes, and two values have two', () => {
  const slugOf = (subject: string) => fillTemplate('{subject:slug}', { subject });
  expect(slugOf('repo:example/shop:environment:production')).toEqual({
    kind: 'filled',
    text: expect.stringMatching(/^repo-example-shop-environment-production-[0-9a-f]{8}$/) as string,
  });
  expect(slugOf('a:b')).not.toEqual(slugOf('a/b'));
  expect(slugOf('::')).toEqual({ kind: 'filled', text: expect.stringMatching(/^[0-9a-f]{8}$/) as string });
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }), (subject) => {
      const filled = slugOf(subject);
      if (filled.kind !== 'filled') throw new Error('a text has a slug');
      // IAM role names hold 64 characters, and maps put a prefix before.
      expect(filled.text).toMatch(/^([a-z0-9]+(-[a-z0-9]+)*)$/);
      expect(filled.text.length).toBeLessThanOrEqual(49);
    }),
  );
});

test.each([[{}], [{ mail: null }], [{ mail: '' }], [{ mail: 7 }], [{ mail: '@example.org' }]])(
  'a template has nothing to take from %j',
  (fields) => {
    expect(fillTemplate('{mail:localPart}', fields)).toEqual({ kind: 'missing', field: 'mail' });
  },
);

test.each(['{', '}', '{}', '{mail', 'a}b', '{mail:domain}', '{mail:localPart:x}', '{Mail}', '{{mail}}'])(
  'the template %j is malformed',
  (template) => {
    expect(parseTemplate(template).kind).toBe('malformed');
  },
);

test('what a template puts in is never read as a template', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (value) => {
      expect(fillTemplate('<{mail}>', { mail: value })).toEqual({ kind: 'filled', text: `<${value}>` });
    }),
  );
});

test('paths are written as people write them', () => {
  expect(fieldName(['correlation', 'person', 0, 'match', 1])).toBe('correlation.person[0].match[1]');
  expect(fieldName([])).toBe('');
});

test.each([
  ['federation.yaml', 'federation'],
  ['authorities/aws.yaml', 'authority'],
  ['maps/aws.person.yaml', 'map'],
  ['authorities/aws.yml', null],
  ['authorities/old/aws.yaml', null],
  ['keys/aws.yaml', null],
  ['aws.yaml', null],
])('%s is a file of the kind %s', (file, kind) => {
  expect(fileKindOf(file)).toBe(kind);
});

test('a map file is named after the authority, which holds no dot, and the type', () => {
  expect(mapNameOf('maps/aws-1.person.yaml')).toEqual({ authority: 'aws-1', type: 'person' });
  expect(mapNameOf('maps/aws.yaml')).toEqual({ authority: 'aws', type: '' });
});

test('no schema fault and no secret fault ever shows a value of the file', () => {
  const marker = 'hunter2secretvalue';
  const value = fc.oneof(
    fc.constant(marker),
    fc.constant([marker]),
    fc.constant({ kind: marker }),
    fc.constant(null),
    fc.integer(),
  );
  const name = fc.constantFrom(
    'authority',
    'mesh',
    'kind',
    'surface',
    'approvers',
    'members',
    'types',
    'fields',
    'type',
    'native',
    'create',
    'schedule',
    'correlation',
    'federation',
    'key',
    'through',
    'constraints',
  );
  const nested = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      value,
      fc.dictionary(name, tie('tree'), { maxKeys: 6 }),
      fc.array(tie('tree'), { maxLength: 3 }),
    ),
  })).tree;
  fc.assert(
    fc.property(fc.constantFrom(Authority, Dataset, FederationFile, TypeMap, TaxonomyType), nested, (schema, root) => {
      for (const fault of [...schemaFaults('f.yaml', schema, root), ...secretFaults('f.yaml', root)])
        expect(fault.message).not.toContain(marker);
    }),
    { numRuns: 200 },
  );
});

test('a value that a schema refuses has at least one fault, whatever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      expect(schemaFaults('f.yaml', Dataset, value).length).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
});
