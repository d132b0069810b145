/** Writing what the gate let through: what a crash, an unreadable cloud or a second try leave behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRunState } from '../../../activities/authority/live-run.js';
import { recordDecision } from '../../../activities/authority/review.js';
import { getMessage } from '../../../activities/exchange.js';
import { ReceiptsBody, ReceiptsStatement, receiptsType, type Ref } from '../../../core/messages.js';
import type { Receipt } from '../../../core/receipt.js';
import { awsTag, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Ready } from './gate-world.js';

const changed = [1, 3, 4];
const approved = { aws: [{ approver: 'ada', choose: 0 }], sov: [{ approver: 'ada', choose: 0 }] };

let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
let prepared: { readonly world: GateWorld; readonly ready: Ready };

/** Three people whose department sov has changed: three operations for AWS. */
beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  agreed = await GateWorld.agreed(ground, 8);
  for (const number of changed) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
  const world = agreed.copy();
  prepared = { world, ready: await world.ready(approved) };
});
afterAll(() => ground?.stop());

function readyWorld(): { readonly world: GateWorld; readonly ready: Ready } {
  ground.sandbox.aws.server.reset();
  ground.sandbox.keystone.server.reset();
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  forgetCalls(ground.sandbox);
  return { world: prepared.world.copy(), ready: prepared.ready };
}

async function receiptsOf(world: GateWorld, ref: Ref | null): Promise<readonly Receipt['outcome'][]> {
  if (!ref) return [];
  const { payload } = await getMessage(world.exchange, ref, {
    typ: receiptsType,
    schema: ReceiptsStatement,
    keys: [ground.keys.aws],
  });
  const body = world.exchange.objects.get(`aws/documents/${payload.body}`);
  return ReceiptsBody.parse(JSON.parse(new TextDecoder().decode(body))).receipts.map(({ outcome }) => outcome);
}

const departments = (): readonly (string | undefined)[] =>
  changed.map((number) => awsTag(ground.sandbox, number, 'department'));

describe('a commit', () => {
  it('that dies between two operations goes on where it stopped, and every operation has one effect', async () => {
    const { world, ready } = readyWorld();
    let writes = 0;
    world.change('aws', {
      checkpoint: (point) => {
        if (point === 'afterIntent' && (writes += 1) === 2) return Promise.reject(new Error('the process has died'));
        return Promise.resolve();
      },
    });
    await expect(world.apply('aws', ready.commit)).rejects.toThrow('the process has died');
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1 });
    world.change('aws', { checkpoint: () => Promise.resolve() });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 3 } });
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 3 });
    expect(departments()).toEqual(['Archive', 'Archive', 'Archive']);
  });

  it('that is asked for again writes nothing again and gives the same receipts', async () => {
    const { world, ready } = readyWorld();
    const first = await world.apply('aws', ready.commit);
    const second = await world.apply('aws', ready.commit);
    expect(await receiptsOf(world, second.receipts)).toEqual(await receiptsOf(world, first.receipts));
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 3 });
  });

  it('stops where the cloud can no longer be read, with receipts for what is done and the base given back', async () => {
    const { world, ready } = readyWorld();
    const { connector } = world.contexts.aws;
    let reads = 0;
    world.change('aws', {
      connector: {
        ...connector,
        readOne: (type, id) => {
          // Of the first operation the reads before and after the write; from the second on the cloud refuses.
          if ((reads += 1) > 2) ground.sandbox.aws.server.faults.add({ kind: 'forbidden', count: 'always' });
          return connector.readOne(type, id);
        },
      },
    });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: false, code: 'forbidden', counts: { applied: 1 } });
    expect(await receiptsOf(world, result.receipts)).toEqual(['applied']);
    expect((await readRunState(world.contexts.aws, dataset)).state.live?.reservedFor).toBeNull();
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1 });
  });

  it('gives a receipt of an unknown effect where the cloud took the write and then shows nothing', async () => {
    const { world, ready } = readyWorld();
    const { connector } = world.contexts.aws;
    let written = false;
    world.change('aws', {
      connector: {
        ...connector,
        write: async (write, announce) => {
          const answer = await connector.write(write, announce);
          written = true;
          ground.sandbox.aws.server.faults.add({ kind: 'forbidden', count: 'always' });
          return answer;
        },
      },
    });
    const result = await world.apply('aws', ready.commit);
    expect(written).toBe(true);
    expect(result).toMatchObject({ kind: 'done', complete: false, counts: { unknown: 1, applied: 0 } });
    expect(await receiptsOf(world, result.receipts)).toEqual(['unknown']);
    expect(departments().filter((department) => department === 'Archive')).toHaveLength(1);
  }, 30_000);

  it('leaves an object alone that somebody changed since it was read', async () => {
    const { world, ready } = readyWorld();
    const { state } = ground.sandbox.aws.server;
    const user = state.users.named('quillan.vexworth3@example.org');
    if (!user) throw new Error('the account is gone');
    state.setTag(user, 'department', 'Somewhere else');
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 2, conflict: 1 } });
    expect(departments()).toEqual(['Archive', 'Somewhere else', 'Archive']);
  });

  it('counts a change that somebody made alike as already applied, without writing it', async () => {
    const { world, ready } = readyWorld();
    const { state } = ground.sandbox.aws.server;
    const user = state.users.named('quillan.vexworth3@example.org');
    if (!user) throw new Error('the account is gone');
    state.setTag(user, 'department', 'Archive');
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 2, alreadyApplied: 1 } });
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 2 });
  });

  it('writes nothing more once it is cancelled, and reports what it did', async () => {
    const { world, ready } = readyWorld();
    const { applyPermit } = await import('../../../activities/authority/commit.js');
    const controller = new AbortController();
    world.change('aws', {
      checkpoint: (point) => {
        if (point === 'beforeReceipt') controller.abort();
        return Promise.resolve();
      },
    });
    const result = await applyPermit(world.contexts.aws, ready.commit, controller.signal);
    expect(result).toMatchObject({ kind: 'done', complete: false, counts: { applied: 1 } });
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1 });
  });
});

describe('a decision', () => {
  it('is counted once: sent again it changes nothing, and another one under its one-time id is refused', async () => {
    const { world, ready } = readyWorld();
    const { planDigest: plan } = ready.plan;
    const change = { id: 'A'.repeat(22) };
    const sign = (reason: string): Promise<string> =>
      signDecision(ground.folder, ready.sheets.aws, { approver: 'bob', change: { ...change, reason } });
    const jws = await sign('first');
    const take = (given: string): ReturnType<typeof recordDecision> =>
      recordDecision(world.contexts.aws, { dataset, plan, envelope: { plan, jws: given } });
    const before = await take(jws);
    expect(await take(jws)).toEqual(before);
    await expect(take(await sign('second'))).rejects.toMatchObject({ code: 'decisionRepeated' });
  });

  it('that names an operation of another authority is refused as unknown', async () => {
    const { world, ready } = readyWorld();
    const { planDigest: plan } = ready.plan;
    const change = { operations: ['a'.repeat(64)] };
    const jws = await signDecision(ground.folder, ready.sheets.aws, { approver: 'bob', change });
    await expect(recordDecision(world.contexts.aws, { dataset, plan, envelope: { plan, jws } })).rejects.toMatchObject({
      code: 'decisionUnknownOperation',
    });
  });
});
