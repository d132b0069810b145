/**
 * People who answer for one another, or not at all: an inbox, a lent voice, reminders to an address that is down at first,
 * a role that is called in, a conflict left as it is, and a deadline that turns down. One federation for the file.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reviewWorkflowId } from '../../core/names.js';
import type { ReviewResult } from '../../workflows/contract.js';
import type { RunResult } from '../../workflows/messages.js';
import { run as runCommandLine, type Said } from '../cli/run.js';
import { awsTag, awsUser, keystoneUser, seededPerson, seedEqual } from '../support/equal-clouds.js';
import { dataset, eventually, startFederation, type LocalFederation } from '../support/local-federation.js';
import { temporalAddress } from '../support/temporal.js';

let local: LocalFederation;
let hook: Server;
let address = '';
const posted: string[] = [];
let failuresLeft = 2;

const departmentAtAws = (number: number): unknown => awsTag(local.sandbox, number, 'department');
const changeAtSov = (number: number, department: string): void => {
  keystoneUser(local.sandbox, number).extra['department'] = department;
};

async function concordat(...argv: readonly string[]): Promise<Said> {
  return runCommandLine([...argv, '--federation', local.folder], {
    environment: { TEMPORAL_ADDRESS: address },
    workingFolder: local.folder,
  });
}
async function json<Document>(...argv: readonly string[]): Promise<Document> {
  const { stdout, stderr } = await concordat(...argv, '--json');
  expect(stdout, stderr).not.toBe('');
  return JSON.parse(stdout) as Document;
}
async function reviewOf(authority: string, plan: string): Promise<ReviewResult> {
  return (await local.client(authority).workflow.getHandle(reviewWorkflowId(dataset, plan)).result()) as ReviewResult;
}

beforeAll(async () => {
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      failuresLeft -= 1;
      if (failuresLeft < 0) posted.push(body);
      response.writeHead(failuresLeft < 0 ? 204 : 500).end();
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/pager?token=not-for-logs`;
  address = await temporalAddress();
  local = await startFederation({
    members: ['aws', 'sov'],
    approvers: ['you', 'two', 'boss'],
    environmentOf: { aws: { PAGER_URL: url } },
    edit: (file, text) => {
      const calm = text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace('waitInRun: 1h', 'waitInRun: 5s');
      if (file === 'authorities/aws.yaml')
        return calm
          .replace('- id: two', '- id: two\n    roles: [security]')
          .replace('- id: boss', '- id: boss\n    roles: [director]')
          .replace(
            '  deadline: 7d',
            '  deadline: 10m\n  quorums: [{ for: { field: department }, need: { security: 1 } }]\n  reminders: [1s]\n  escalations: [{ after: 20s, to: director, may: decide }]\n  webhookFrom: PAGER_URL',
          );
      return file === 'authorities/sov.yaml'
        ? calm.replace('deadline: 7d', 'deadline: 6s').replace('onDeadline: expire', 'onDeadline: reject')
        : calm;
    },
  });
  seedEqual(local.sandbox, 6);
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
}, 240_000);
afterAll(async () => {
  hook?.close();
  await local?.stop();
});
beforeEach(() => local.idle());

interface InboxDocument {
  readonly reviews: readonly {
    readonly authority: string;
    readonly plan: string;
    readonly open: number;
    readonly missing: number;
    readonly missingRoles: Readonly<Record<string, number>>;
    readonly hasSpoken: boolean;
    readonly next: string;
  }[];
}

describe('a question that nobody with the declared role answers', () => {
  let plan = '';

  it('waits in the inbox with what is missing and what to type, and a person without the role is not enough', async () => {
    expect((await concordat('inbox', '--as', 'you')).stdout).toContain('nothing waits for you');
    expect((await concordat('inbox', '--as', 'you')).code).toBe(0);
    changeAtSov(0, 'Archive');
    plan = (await local.run({ noWait: true }, false)).plan.planDigest;
    const asked = await eventually('the inbox', async () => {
      const { reviews } = await json<InboxDocument>('inbox', '--as', 'you');
      return reviews.some(({ open }) => open > 0) && reviews;
    });
    expect(asked).toMatchObject([
      { authority: 'aws', plan, open: 1, missing: 1, missingRoles: { security: 1 }, hasSpoken: false },
    ]);
    const shown = await concordat('inbox', '--as', 'you');
    expect(shown.code).toBe(2);
    expect(shown.stdout).toContain(`concordat approve ${plan.slice(0, 12)} --as you --authority aws`);
    expect(shown.stdout).toContain('1 with the role security');
    await local.decide('aws', plan, { approver: 'you' });
    expect(await local.status('aws', plan)).toMatchObject({ approved: 0, open: 1, missingRoles: { security: 1 } });
    const after = await concordat('inbox', '--as', 'you');
    expect([after.code, after.stdout]).toEqual([0, expect.stringContaining('you have answered')]);
  });

  it('is posted to the declared address once that answers, without a value of a record', async () => {
    await eventually('the reminder', () => Promise.resolve(posted.length > 0));
    expect(JSON.parse(posted[0] ?? '')).toMatchObject({
      notice: 'concordat.reminder',
      authority: 'aws',
      dataset,
      plan,
      open: 1,
      missingRoles: { security: 1 },
    });
    await eventually('the status', async () => (await local.status('aws', plan)).reminded > 0);
    const { displayName, email } = { displayName: seededPerson(0).displayName, email: 'example.org' };
    for (const text of [...posted, await local.logs()]) {
      expect(text).not.toContain(displayName);
      expect(text).not.toContain('not-for-logs');
      expect(text).not.toContain('Archive');
    }
    expect(posted.join()).not.toContain(email);
  });

  it('is answered with a voice that was lent, which brings its role', async () => {
    const given = await json<{ delegations: { id: string; authority: string }[] }>(
      'delegate',
      '--as',
      'two',
      '--to',
      'you',
      '--until',
      '1h',
      '--authority',
      'aws',
      '--kinds',
      'update',
    );
    expect(given.delegations).toMatchObject([{ authority: 'aws', from: 'two', to: 'you', state: 'holds' }]);
    expect((await concordat('delegations')).stdout).toContain('aws: two -> you until');
    const approved = await concordat('approve', plan, '--as', 'you', '--for', 'two', '--authority', 'aws', '--yes');
    expect([approved.code, approved.stderr]).toEqual([0, '']);
    await eventually('the change', () => Promise.resolve(departmentAtAws(0) === 'Archive'));
  });

  it('is not answered with a voice that was taken back', async () => {
    const { delegations } = await json<{ delegations: { id: string }[] }>('delegations', '--authority', 'aws');
    const ended = await concordat('delegations', '--end', delegations[0]?.id.slice(0, 8) ?? '', '--as', 'two');
    expect(ended.stdout).toContain('ended early');
    changeAtSov(1, 'Harbour');
    plan = (await local.run({ noWait: true }, false)).plan.planDigest;
    await local.sheet('aws', plan);
    const refused = await concordat('approve', plan, '--as', 'you', '--for', 'two', '--authority', 'aws', '--yes');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('no delegation from two to you')]);
    const wish = { approver: 'you', change: { delegation: delegations[0]?.id ?? '' } };
    await expect(local.decide('aws', plan, wish)).rejects.toMatchObject({ cause: { type: 'delegationInvalid' } });
  });

  it('is decided by the role that is called in, also where its holder had spoken before', async () => {
    changeAtSov(1, 'Quarry');
    plan = (await local.run({ noWait: true }, false)).plan.planDigest;
    await local.decide('aws', plan, { approver: 'boss' });
    expect(await local.status('aws', plan)).toMatchObject({ approved: 0, open: 1, escalatedTo: [] });
    expect(await reviewOf('aws', plan)).toMatchObject({ outcome: 'approved', approved: 1 });
    await eventually('the change', () => Promise.resolve(departmentAtAws(1) === 'Quarry'));
  });
});

describe('a conflict that both sides leave as it is', () => {
  it('is shown as accepted in the next run, and asked again when a value moves', async () => {
    keystoneUser(local.sandbox, 2).extra['email'] = 'two.sov@example.org';
    local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 2), 'email', 'two.aws@example.org');
    const handle = await local.start();
    const { planDigest } = await local.planOf(handle);
    for (const authority of ['aws', 'sov']) await local.sheet(authority, planDigest);
    const left = await concordat(
      'reject',
      planDigest,
      '--as',
      'you',
      '--conflict',
      '1',
      '--reason',
      'both addresses are hers',
      '--yes',
    );
    expect([left.code, left.stderr]).toEqual([0, '']);
    const result = (await handle.result()) as RunResult;
    expect(result.reviews).toMatchObject([
      { authority: 'aws', left: 1 },
      { authority: 'sov', left: 1 },
    ]);
    await local.idle();
    const next = await local.run({}, false);
    expect(next).toMatchObject({ outcome: 'agreed', left: 0, plan: { conflicts: 0, accepted: 1 } });
    expect((await concordat('plan', next.plan.planDigest)).stdout).toContain('both addresses are hers');
    keystoneUser(local.sandbox, 2).extra['email'] = 'again.sov@example.org';
    const planned = await local.start({ planOnly: true });
    expect(await planned.result()).toMatchObject({ plan: { conflicts: 1, accepted: 0 } });
    keystoneUser(local.sandbox, 2).extra['email'] = 'two.aws@example.org';
    expect(await local.run()).toMatchObject({ left: 0 });
  });
});

describe('a deadline whose declared outcome is to reject', () => {
  it('turns down what is open, and it is not asked again', async () => {
    local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 3), 'displayName', 'Quillan Other');
    const { plan } = await local.run({ noWait: true }, false);
    expect(plan.affected).toEqual(['sov']);
    expect(await reviewOf('sov', plan.planDigest)).toMatchObject({
      outcome: 'rejected',
      code: 'deadlinePassed',
      rejected: 1,
    });
    await local.idle();
    const next = await local.run({}, false);
    expect(next).toMatchObject({ left: 0, plan: { operations: 0, accepted: 1 } });
    expect(keystoneUser(local.sandbox, 3).extra['display_name']).not.toBe('Quillan Other');
  });
});
