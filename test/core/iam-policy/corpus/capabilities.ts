/** Capabilities that the corpus is asked for. */
import type { Capability } from '../../../../core/effect/capability.js';

const aws = (
  capability: string,
  actions: readonly string[],
  resources?: readonly string[],
  every?: boolean,
): Capability => ({
  capability,
  aws: {
    actions: [...actions],
    ...(resources === undefined ? {} : { resources: [...resources] }),
    ...(every === undefined ? {} : { every }),
  },
});

export const corpusCapabilities: readonly Capability[] = [
  aws('administer everything', ['*'], undefined, true),
  aws('assume roles', ['sts:AssumeRole'], ['arn:aws:iam::*:role/*']),
  aws('change identities', ['iam:Create*', 'iam:Put*Policy', 'iam:Attach*Policy', 'iam:UpdateAssumeRolePolicy']),
  aws('decrypt with keys', ['kms:Decrypt'], ['arn:aws:kms:*:*:key/*']),
  aws('manage keys', ['kms:CreateKey', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion'], undefined, true),
  aws('pass roles', ['iam:PassRole'], ['arn:aws:iam::*:role/*']),
  aws('read items', ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:Scan'], ['arn:aws:dynamodb:*:*:table/*']),
  aws('read logs', ['logs:GetLogEvents', 'logs:FilterLogEvents'], undefined, true),
  aws('read objects', ['s3:GetObject'], ['arn:aws:s3:::*/*']),
  aws('read secrets', ['secretsmanager:GetSecretValue'], ['arn:aws:secretsmanager:*:*:secret:*']),
  aws('run instances', ['ec2:RunInstances']),
  aws('see instances', ['ec2:DescribeInstances']),
  aws('touch identities', ['iam:*']),
  aws('write objects', ['s3:PutObject', 's3:DeleteObject'], ['arn:aws:s3:::*/*'], true),
];
