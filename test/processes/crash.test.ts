/**
 * kill -9 while a cloud is being written. Each round leaves one change due in each cloud and lets the worker of each
 * authority die at another point of its commit; then the workers are started again. Whatever the point: one effect, one
 * receipt, and the run ends in agreement.
 *
 * CONCORDAT_FULL_SWEEP=1 runs every point on every cloud; by default each point is died at once or twice, and
 * test/activities/authority/sweep.test.ts covers the rest without processes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ReceiptsBody } from '../../core/messages.js';
import { operationsOf } from '../../core/permit.js';
import type { SandboxServer } from '../../sandbox/http/server.js';
import type { RunResult } from '../../workflows/messages.js';
import {
  addToAws,
  addToEntra,
  addToKeystone,
  awsTag,
  awsUser,
  entraUser,
  keystoneUser,
  seededPerson,
  seedEqual,
} from '../support/equal-clouds.js';
import { startFederation, type LocalFederation } from '../support/local-federation.js';

const members = ['aws', 'azure', 'sov'] as const;
type Member = (typeof members)[number];
const points = ['afterIntent', 'beforeCall', 'afterWrite', 'afterLink', 'beforeReceipt'] as const;
type Point = (typeof points)[number];
type Kind = 'create' | 'update' | 'delete';

interface Death {
  readonly point: Point;
  readonly kind: Kind;
}
type Round = Readonly<Record<Member, Death>>;

/** A link is kept after every write, but only a creation makes one. */
const kindsOf = (point: Point): readonly Kind[] =>
  point === 'afterLink' ? ['create'] : ['create', 'update', 'delete'];

function rounds(): readonly Round[] {
  if (process.env['CONCORDAT_FULL_SWEEP'] === '1')
    return points.flatMap((point) =>
      kindsOf(point).map((kind): Round => ({ aws: { point, kind }, azure: { point, kind }, sov: { point, kind } })),
    );
  return [
    {
      aws: { point: 'afterWrite', kind: 'create' },
      azure: { point: 'beforeReceipt', kind: 'update' },
      sov: { point: 'beforeCall', kind: 'delete' },
    },
    {
      aws: { point: 'afterIntent', kind: 'update' },
      azure: { point: 'afterWrite', kind: 'create' },
      sov: { point: 'afterLink', kind: 'create' },
    },
  ];
}

/** The call that has the effect, by the cloud's own name. */
const calls: Readonly<Record<Member, Readonly<Record<Kind, string>>>> = {
  aws: { create: 'iam:CreateUser', update: 'iam:TagUser', delete: 'iam:DeleteUser' },
  azure: { create: 'POST /users', update: 'PATCH /users/{id}', delete: 'DELETE /users/{id}' },
  sov: { create: 'POST /v3/users', update: 'PATCH /v3/users/{id}', delete: 'DELETE /v3/users/{id}' },
};

let local: LocalFederation;
const serverOf = (member: Member): SandboxServer =>
  ({ aws: local.sandbox.aws, azure: local.sandbox.entra, sov: local.sandbox.keystone })[member].server;

const add = (member: Member, number: number): void => {
  const person = seededPerson(number);
  if (member === 'aws') addToAws(local.sandbox, person);
  else if (member === 'azure') addToEntra(local.sandbox, person);
  else addToKeystone(local.sandbox, person);
};
const setDepartment = (member: Member, number: number, department: string): void => {
  const { sandbox } = local;
  if (member === 'aws') sandbox.aws.server.state.setTag(awsUser(sandbox, number), 'department', department);
  else if (member === 'azure') sandbox.entra.server.state.change(entraUser(sandbox, number), { department });
  else keystoneUser(sandbox, number).extra['department'] = department;
};
const remove = (member: Member, number: number): void => {
  const { sandbox } = local;
  if (member === 'aws') sandbox.aws.server.state.removeUser(awsUser(sandbox, number));
  else if (member === 'azure') sandbox.entra.server.state.remove(entraUser(sandbox, number));
  else sandbox.keystone.server.state.removeUser(keystoneUser(sandbox, number));
};
const departmentAt = (member: Member, number: number): unknown =>
  member === 'aws'
    ? awsTag(local.sandbox, number, 'department')
    : member === 'azure'
      ? entraUser(local.sandbox, number).properties['department']
      : keystoneUser(local.sandbox, number).extra['department'];

/** All the other clouds do it, so that exactly one operation is due in this one. */
function changeElsewhere(member: Member, kind: Kind, number: number): void {
  for (const other of members.filter((one) => one !== member)) {
    if (kind === 'create') add(other, number);
    else if (kind === 'update') setDepartment(other, number, `Moved ${number}`);
    else remove(other, number);
  }
}

function expectOneEffect(member: Member, kind: Kind, number: number): void {
  // Finding the person throws where there are none or two.
  if (kind === 'delete') expect(() => departmentAt(member, number)).toThrow('there are 0');
  else
    expect(departmentAt(member, number)).toBe(kind === 'create' ? seededPerson(number).department : `Moved ${number}`);
  expect(serverOf(member).calls()[calls[member][kind]]).toBe(1);
}

async function receiptsOf(result: RunResult): Promise<readonly string[]> {
  const lines: string[] = [];
  const operations = operationsOf(await local.plan(result.plan.plan));
  for (const ref of result.receipts) {
    const jws = new TextDecoder().decode((await local.exchange.get(ref.ref)) ?? undefined);
    const payload = JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()) as {
      authority: string;
      body: string;
    };
    const body = await local.exchange.get(`${payload.authority}/documents/${payload.body}`);
    for (const { operation, outcome } of ReceiptsBody.parse(JSON.parse(new TextDecoder().decode(body ?? undefined)))
      .receipts)
      lines.push(`${payload.authority} ${operations.get(operation)?.kind ?? '?'} ${outcome}`);
  }
  return lines.sort();
}

const [firstRound] = rounds();
const killAt = (round: Round, id: Member): Readonly<Record<string, string>> => ({
  CONCORDAT_TEST_KILL_AT: round[id].point,
});

describe('a worker killed in the middle of a commit', () => {
  beforeAll(async () => {
    local = await startFederation({
      // The first run writes nothing, so nobody dies in it.
      environmentOf: Object.fromEntries(members.map((id) => [id, firstRound ? killAt(firstRound, id) : {}])),
      edit: (_file, text) =>
        text
          .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
          .replace('waitInRun: 1h', 'waitInRun: 3m'),
    });
    seedEqual(local.sandbox, 12);
    expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  });
  afterAll(() => local?.stop());

  // The first three are the team, whose membership would be a second operation.
  let used = 3;
  it.each(
    rounds().map(
      (round) => [members.map((id) => `${id} ${round[id].kind} ${round[id].point}`).join(', '), round] as const,
    ),
  )(
    'leaves one effect and one receipt: %s',
    async (_name, round) => {
      const numbers = { aws: used, azure: used + 1, sov: used + 2 };
      used += 3;
      for (const id of members) {
        const number = round[id].kind === 'create' ? 100 + numbers[id] : numbers[id];
        numbers[id] = number;
        changeElsewhere(id, round[id].kind, number);
      }
      if (round !== firstRound)
        await Promise.all(
          members.map(async (id) => {
            await local.endWorker(id, 'SIGKILL');
            await local.startWorker(id, killAt(round, id));
          }),
        );
      for (const id of members) serverOf(id).forgetCalls();
      const handle = await local.start();
      const plan = await local.planOf(handle);
      expect(plan.operationsBy).toEqual({ aws: 1, azure: 1, sov: 1 });
      await Promise.all(members.map((id) => local.decide(id, plan.planDigest)));
      const codes = await Promise.all(members.map((id) => local.worker(id).exited));
      expect(codes).toEqual([137, 137, 137]);
      await Promise.all(members.map((id) => local.startWorker(id, { CONCORDAT_TEST_KILL_AT: '' })));
      const result = (await handle.result()) as RunResult;
      expect(result).toMatchObject({ outcome: 'agreed', left: 0 });
      expect(await receiptsOf(result)).toEqual(members.map((id) => `${id} ${round[id].kind} applied`));
      for (const id of members) expectOneEffect(id, round[id].kind, numbers[id]);
      expect(await local.run()).toMatchObject({ outcome: 'agreed', plan: { divergences: 0, operations: 0 } });
    },
    150_000,
  );
});
