import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../../../core/iam-policy/parse.js';

const allow = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
const document = (statement: object, rest: object = {}): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: statement, ...rest });

describe('parsing a policy document', () => {
  it('reads one statement and a list of one alike, as plain JSON and percent-encoded', () => {
    const plain = parsePolicy(document(allow));
    expect(plain).toMatchObject({
      kind: 'document',
      document: {
        version: '2012-10-17',
        statements: [
          {
            effect: 'Allow',
            action: { kind: 'these', patterns: ['s3:getobject'] },
            resource: { kind: 'these', patterns: ['*'] },
            conditions: [],
          },
        ],
      },
    });
    expect(parsePolicy(document([allow]))).toEqual(plain);
    expect(parsePolicy(encodeURIComponent(document(allow)))).toEqual(plain);
  });

  it('takes a document without a version for one of 2008, as IAM does', () => {
    expect(parsePolicy(JSON.stringify({ Statement: allow }))).toMatchObject({ document: { version: '2008-10-17' } });
  });

  it('writes an account number in full and everybody as one word', () => {
    const trust = (Principal: unknown) =>
      parsePolicy(document({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal }));
    expect(trust({ AWS: '123456789012' })).toEqual(trust({ AWS: ['arn:aws:iam::123456789012:root'] }));
    expect(trust('*')).toEqual(trust({ AWS: '*' }));
    expect(trust('*')).not.toEqual(trust({ Service: '*' }));
  });

  it.each([
    ['an element is given twice', '{"Version":"2012-10-17","Statement":[],"Statement":[]}'],
    ['an element is given twice', document(allow).replace('"Action"', '"\\u0041ction":"*:*","Action"')],
    ['the document is not JSON', document(allow).slice(1)],
    ['the document is not JSON', ''],
    ['the document is not percent-encoded as RFC 3986 says', '%7B%ZZ'],
    ['the document is nested deeper than IAM allows', '['.repeat(100_000)],
    ['the document is longer than any that IAM holds', ' '.repeat(300_000)],
    ['a policy document is an object', '[]'],
    ['Statement is missing', '{}'],
    ['Version is none that IAM knows', document(allow, { Version: '2012-10-18' })],
    ["the document has an element that IAM's grammar does not know", document(allow, { statement: [] })],
    ["a statement has an element that IAM's grammar does not know", document({ ...allow, NotActions: 'x:y' })],
    ['Effect is Allow or Deny', document({ ...allow, Effect: 'allow' })],
    ['a statement has both Action and NotAction', document({ ...allow, NotAction: 's3:*' })],
    ['a statement has neither Action nor NotAction', document({ Effect: 'Allow', Resource: '*' })],
    ['a statement has neither Resource nor Principal', document({ Effect: 'Allow', Action: 's3:*' })],
    ['Action is an empty list', document({ ...allow, Action: [] })],
    ['Resource holds texts only', document({ ...allow, Resource: [1] })],
    ['an action is * or has the form service:name', document({ ...allow, Action: 'GetObject' })],
    [
      'a condition key is given twice under one operator',
      document({ ...allow, Condition: { StringEquals: { 'aws:UserId': 'a', 'AWS:userid': 'b' } } }),
    ],
    [
      'a value of Condition is a text, a number or a boolean',
      document({ ...allow, Condition: { Bool: { 'a:b': {} } } }),
    ],
  ])('says that %s', (reason, text) => {
    expect(parsePolicy(text)).toEqual({ kind: 'fault', reason });
  });

  it('says nothing of the document in a fault', () => {
    const fault = parsePolicy(document({ ...allow, Secret: 'hunter2', Action: 'hunter2' }));
    expect(JSON.stringify(fault)).not.toContain('hunter2');
  });
});
