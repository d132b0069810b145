/** What IAM policies come to, as capabilities. */
import { describe, expect, it } from 'vitest';
import { effectInAws, namedPolicy, type NamedPolicy } from '../../../core/effect/aws.js';
import type { Capability } from '../../../core/effect/capability.js';
import type { Json } from '../../../core/json.js';

const readObjects: Capability = {
  capability: 'read objects',
  aws: { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::*/*'] },
};
const manageKeys: Capability = {
  capability: 'manage keys',
  aws: { actions: ['kms:CreateKey', 'kms:ScheduleKeyDeletion'], every: true },
};
const anyStorage: Capability = { capability: 'touch storage', aws: { actions: ['s3:*'] } };
const everything: Capability = { capability: 'everything', aws: { actions: ['*'], every: true } };
const all = [readObjects, manageKeys, anyStorage, everything];

type Written = Readonly<Record<string, Json>>;

function policy(name: string, ...statements: readonly Written[]): NamedPolicy {
  const found = namedPolicy(name, {
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', Resource: '*', ...statement })),
  });
  if (found.document === null) throw new Error('the policy of a test is no policy');
  return found;
}

const unread = (name: string): NamedPolicy => ({ name, document: null });
const reaches = (...given: Parameters<typeof effectInAws>) =>
  Object.fromEntries(effectInAws(...given).map(({ capability, reach }) => [capability, reach]));

describe('the effect of policies', () => {
  it('is everything for an administrator', () => {
    expect(reaches({ policies: [policy('Admin', { Action: '*' })] }, all)).toEqual({
      'read objects': 'full',
      'manage keys': 'full',
      'touch storage': 'full',
      everything: 'full',
    });
  });

  it('regards actions without case, and resources with it', () => {
    const [capability] = [{ capability: 'c', aws: { actions: ['S3:getobject'], resources: ['arn:aws:s3:::A/*'] } }];
    expect(
      reaches({ policies: [policy('P', { Action: 's3:GETOBJECT', Resource: 'arn:aws:s3:::A/*' })] }, [capability]),
    ).toEqual({ c: 'full' });
    expect(
      reaches({ policies: [policy('P', { Action: 's3:GetObject', Resource: 'arn:aws:s3:::a/*' })] }, [capability]),
    ).toEqual({});
  });

  it('needs every action where the capability says so, from whichever policies', () => {
    const create = policy('Create', { Action: 'kms:Create*' });
    const remove = policy('Delete', { Action: 'kms:ScheduleKeyDeletion' });
    expect(reaches({ policies: [create] }, [manageKeys])).toEqual({});
    expect(effectInAws({ policies: [remove, create] }, [manageKeys])).toEqual([
      { capability: 'manage keys', reach: 'full', through: ['Create', 'Delete'] },
    ]);
  });

  it('is partial where resources are narrowed, and full where parts make the whole', () => {
    const some = policy('Some', { Action: 's3:GetObject', Resource: 'arn:aws:s3:::reports/*' });
    const rest = namedPolicy('Rest', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 's3:GetObject', NotResource: 'arn:aws:s3:::reports/*' },
    });
    expect(reaches({ policies: [some] }, [readObjects])).toEqual({ 'read objects': 'partial' });
    expect(effectInAws({ policies: [some, rest] }, [readObjects])).toEqual([
      { capability: 'read objects', reach: 'full', through: ['Rest', 'Some'] },
    ]);
  });

  it('lets a Deny win, whichever policy holds it, and says who narrows', () => {
    const read = policy('Read', { Action: 's3:Get*' });
    const secret = policy('NoSecrets', { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::secret/*' });
    const never = policy('Never', { Effect: 'Deny', Action: '*' });
    expect(effectInAws({ policies: [read], denies: [secret] }, [readObjects])).toEqual([
      { capability: 'read objects', reach: 'partial', through: ['Read'], narrowedBy: ['NoSecrets'] },
    ]);
    expect(effectInAws({ policies: [read, never] }, all)).toEqual([]);
  });

  it('grants nothing through policies of which only the Deny counts', () => {
    expect(effectInAws({ policies: [], denies: [policy('Admin', { Action: '*' })] }, all)).toEqual([]);
  });

  it('is conditional under conditions, of an Allow and of a Deny', () => {
    const condition = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
    expect(reaches({ policies: [policy('P', { Action: 's3:*', Condition: condition })] }, [readObjects])).toEqual({
      'read objects': 'conditional',
    });
    expect(
      effectInAws(
        {
          policies: [
            policy('P', { Action: 's3:*' }),
            policy('Mfa', { Effect: 'Deny', Action: '*', Condition: condition }),
          ],
        },
        [readObjects],
      ),
    ).toEqual([{ capability: 'read objects', reach: 'conditional', through: ['P'], narrowedBy: ['Mfa'] }]);
  });

  it('is conditional where a policy variable decides', () => {
    const home = policy('Home', { Action: 's3:*', Resource: 'arn:aws:s3:::home/${aws:username}/*' });
    expect(reaches({ policies: [home] }, [readObjects])).toEqual({ 'read objects': 'conditional' });
  });

  it('stays within the boundary, and names it', () => {
    const power = policy('Power', { Action: '*' });
    const boundary = policy('Ceiling', { Action: ['s3:*'], Resource: 'arn:aws:s3:::reports/*' });
    expect(effectInAws({ policies: [power], boundary }, all)).toEqual([
      { capability: 'read objects', reach: 'partial', through: ['Power'], narrowedBy: ['Ceiling'] },
      { capability: 'touch storage', reach: 'partial', through: ['Power'], narrowedBy: ['Ceiling'] },
    ]);
    expect(effectInAws({ policies: [], boundary: policy('Ceiling', { Action: '*' }) }, all)).toEqual([]);
  });

  it('says that it was not seen, and never nothing, where a document cannot be read', () => {
    expect(effectInAws({ policies: [unread('Inline')] }, [readObjects])).toEqual([
      { capability: 'read objects', reach: 'unseen', through: ['Inline'], unseen: ['Inline'] },
    ]);
    const read = policy('Read', { Action: 's3:*' });
    expect(effectInAws({ policies: [read], denies: [unread('Inline')] }, [readObjects])).toEqual([
      { capability: 'read objects', reach: 'conditional', through: ['Read'], unseen: ['Inline'] },
    ]);
    expect(effectInAws({ policies: [read], boundary: unread('Ceiling') }, [readObjects])).toEqual([
      {
        capability: 'read objects',
        reach: 'conditional',
        through: ['Read'],
        narrowedBy: ['Ceiling'],
        unseen: ['Ceiling'],
      },
    ]);
  });

  it('reads a document with principals, which is none of a principal, as not read', () => {
    const strange = policy('Trust', { Action: 's3:*', Principal: '*' });
    expect(reaches({ policies: [strange] }, [readObjects])).toEqual({ 'read objects': 'unseen' });
  });

  it('takes NotAction for everything else', () => {
    const allBut = namedPolicy('AllBut', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', NotAction: ['iam:*', 'organizations:*'], Resource: '*' },
    });
    expect(reaches({ policies: [allBut] }, all)).toEqual({
      'read objects': 'full',
      'manage keys': 'full',
      'touch storage': 'full',
    });
  });
});
