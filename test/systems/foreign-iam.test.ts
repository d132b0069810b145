/**
 * Effects in AWS beside an evaluator that is not ours, without a difference where both answer: it evaluates conditions
 * against an empty request, ours says `conditional`. For keys it is given the key policy that AWS makes. It is a program of its own under the AGPL, installed into the cache
 * of the tests, asked over a pipe, and no dependency of Concordat.
 */
import { execFile, spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { effectInAws, namedPolicy } from '../../core/effect/aws.js';
import { corpusDocuments } from '../core/iam-policy/corpus/documents.js';
import { systemsFolder } from '../support/systems/systems-folder.js';

const run = promisify(execFile);
const simulator = '@cloud-copilot/iam-simulate@0.1.173';
const program = fileURLToPath(new URL('foreign/iam/simulate.mjs', import.meta.url));
const principal = 'arn:aws:iam::123456789012:user/ann';

async function installed(): Promise<{ readonly module: string } | { readonly reason: string }> {
  const folder = path.join(systemsFolder(), 'iam-simulate-0.1.173');
  const module = path.join(folder, 'node_modules/@cloud-copilot/iam-simulate/dist/esm/index.js');
  try {
    await access(module).catch(() =>
      run(
        'npm',
        ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', simulator],
        {
          timeout: 300_000,
        },
      ),
    );
    return { module };
  } catch (error) {
    return { reason: String(error).split('\n')[0] ?? 'npm' };
  }
}

const found = await installed();
if ('reason' in found)
  process.stderr.write(
    `skipped: ${simulator} is not available (${found.reason}). To get it: npm and a package registry\n`,
  );

interface Question {
  readonly policies: readonly string[];
  readonly boundary: string | null;
  readonly action: string;
  readonly resource: string;
}

/** Actions on resources of the type that the service reference gives them; `*` for those that know no resource. */
const asked: readonly (readonly [string, string])[] = [
  ['s3:GetObject', 'arn:aws:s3:::reports/2026/a.csv'],
  ['s3:GetObject', 'arn:aws:s3:::payroll/all.csv'],
  ['s3:PutObject', 'arn:aws:s3:::reports/2026/a.csv'],
  ['s3:DeleteObject', 'arn:aws:s3:::elsewhere/x'],
  ['s3:ListBucket', 'arn:aws:s3:::reports'],
  ['s3:ListBucket', 'arn:aws:s3:::home-of-all'],
  ['s3:DeleteBucket', 'arn:aws:s3:::payroll'],
  ['s3:PutBucketPolicy', 'arn:aws:s3:::reports'],
  ['iam:GetUser', 'arn:aws:iam::123456789012:user/ann'],
  ['iam:CreateAccessKey', 'arn:aws:iam::123456789012:user/ann'],
  ['iam:CreateUser', 'arn:aws:iam::123456789012:user/new'],
  ['iam:PassRole', 'arn:aws:iam::123456789012:role/service/x'],
  ['iam:AttachRolePolicy', 'arn:aws:iam::123456789012:role/service/x'],
  ['sts:AssumeRole', 'arn:aws:iam::111122223333:role/Auditor'],
  ['sts:AssumeRole', 'arn:aws:iam::444455556666:role/Auditor-eu'],
  ['sts:AssumeRole', 'arn:aws:iam::444455556666:role/Auditorr-eu'],
  ['kms:Decrypt', 'arn:aws:kms:eu-central-1:123456789012:key/1'],
  ['kms:ScheduleKeyDeletion', 'arn:aws:kms:eu-central-1:123456789012:key/1'],
  ['secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:stage/db'],
  ['secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:stage/root-abcdef'],
  ['secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:stage/root-abcdefg'],
  ['dynamodb:GetItem', 'arn:aws:dynamodb:eu-central-1:123456789012:table/Games'],
  ['dynamodb:DeleteTable', 'arn:aws:dynamodb:eu-central-1:123456789012:table/Games'],
  ['sqs:SendMessage', 'arn:aws:sqs:eu-central-1:123456789012:queue'],
  ['sqs:PurgeQueue', 'arn:aws:sqs:eu-central-1:123456789012:queue'],
  ['sns:Publish', 'arn:aws:sns:eu-central-1:123456789012:topic'],
  ['logs:GetLogEvents', 'arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/f:log-stream:s'],
  ['lambda:InvokeFunction', 'arn:aws:lambda:eu-central-1:123456789012:function:f'],
  ['lambda:GetFunction', 'arn:aws:lambda:eu-central-1:123456789012:function:f'],
  ['ec2:StartInstances', 'arn:aws:ec2:eu-central-1:123456789012:instance/i-1'],
  ['ec2:TerminateInstances', 'arn:aws:ec2:eu-central-1:123456789012:instance/i-1'],
  ['rds:DeleteDBInstance', 'arn:aws:rds:eu-central-1:123456789012:db:x'],
  ['route53:ChangeResourceRecordSets', 'arn:aws:route53:::hostedzone/Z1'],
  ['cloudtrail:StopLogging', 'arn:aws:cloudtrail:eu-central-1:123456789012:trail/t'],
];

async function answersTo(module: string, questions: readonly Question[]): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const documents = Object.fromEntries(corpusDocuments());
  child.stdin.end(JSON.stringify({ module, principal, documents, questions }));
  const pieces: Buffer[] = [];
  for await (const piece of child.stdout) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as readonly string[];
}

function ourAnswer({ policies, boundary, action, resource }: Question): 'Allowed' | 'Denied' | 'conditional' {
  const documents = corpusDocumentsOnce;
  const policy = (name: string) => namedPolicy(name, documents.get(name) ?? null);
  const [effect] = effectInAws(
    { policies: policies.map(policy), boundary: boundary === null ? null : policy(boundary) },
    [{ capability: 'asked', aws: { actions: [action], resources: [resource] } }],
  );
  return effect === undefined ? 'Denied' : effect.reach === 'full' ? 'Allowed' : 'conditional';
}

const corpusDocumentsOnce = corpusDocuments();

describe.skipIf('reason' in found)('effects in AWS, beside an evaluator that is not ours', { timeout: 600_000 }, () => {
  it('are the same for ten thousand questions', async () => {
    if ('reason' in found) throw new Error(found.reason);
    const names = [...corpusDocumentsOnce.keys()];
    const boundaries = [
      'documented/boundary-of-three-services',
      'documented/one-bucket-only',
      'aws-managed/PowerUserAccess',
    ];
    const questions = names.flatMap((name, at): readonly Question[] =>
      asked.flatMap(([action, resource], position): readonly Question[] => {
        const second = names[(at * 7 + position) % names.length] ?? name;
        const boundary = boundaries[(at + position) % boundaries.length] ?? null;
        return [
          { policies: [name], boundary: null, action, resource },
          { policies: [name, second], boundary: null, action, resource },
          { policies: [name], boundary, action, resource },
        ];
      }),
    );
    const theirs = await answersTo(found.module, questions);
    expect(theirs.filter((answer) => answer.startsWith('error'))).toEqual([]);
    const counts = { Allowed: 0, Denied: 0, conditional: 0 };
    const different: string[] = [];
    questions.forEach((question, at) => {
      const ours = ourAnswer(question);
      counts[ours] += 1;
      const other = theirs[at] === 'Allowed' ? 'Allowed' : 'Denied';
      // Theirs evaluates conditions against an empty request: it may say either.
      if (ours === 'conditional' || ours === other) return;
      different.push(`${JSON.stringify(question)}: ours ${ours}, theirs ${theirs[at] ?? 'none'}`);
    });
    expect(different).toEqual([]);
    expect(questions.length).toBeGreaterThan(10_000);
    expect(counts.Allowed).toBeGreaterThan(500);
    expect(counts.Denied).toBeGreaterThan(1_000);
    process.stdout.write(`${questions.length} questions: ${JSON.stringify(counts)}\n`);
  });
});
