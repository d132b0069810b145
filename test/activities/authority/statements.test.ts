/** What people say beside decisions, at the authority that keeps it; and writes whose effect nobody knows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currentStanding } from '../../../activities/authority/standing.js';
import { recordStatement } from '../../../activities/authority/standing-statement.js';
import { listUnsettled, unsettledOf } from '../../../activities/authority/unsettled.js';
import { getMessage } from '../../../activities/exchange.js';
import { loadLinks } from '../../../activities/links.js';
import { approverKeyFile, readKeyFile } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import type { ObjectStore } from '../../../activities/store.js';
import { SnapshotStatement, snapshotType } from '../../../core/messages.js';
import {
  standingStatementType,
  type SignedStatement,
  type StandingStatement,
} from '../../../core/standing-statement.js';
import type { UnsettledWrite } from '../../../core/unsettled.js';
import { addToAws, addToKeystone, awsTag, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Ready } from './gate-world.js';

const person = 3;
const far = Date.now() + 90 * 86_400_000;

let ground: Ground;
let clouds: { readonly aws: string; readonly sov: string };
let prepared: { readonly world: GateWorld; readonly ready: Ready };

/** One person whose department sov has changed: one operation for AWS. */
beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  const agreed = await GateWorld.agreed(ground, 8);
  keystoneUser(ground.sandbox, person).extra['department'] = 'Archive';
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
  const world = agreed.copy();
  prepared = { world, ready: await world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [] }) };
}, 120_000);
afterAll(() => ground?.stop());

function readyWorld(): { readonly world: GateWorld; readonly ready: Ready } {
  ground.sandbox.aws.server.reset();
  ground.sandbox.keystone.server.reset();
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  forgetCalls(ground.sandbox);
  return { world: prepared.world.copy(), ready: prepared.ready };
}

async function say(
  world: GateWorld,
  statement: StandingStatement,
  change: Partial<SignedStatement> & { readonly by?: string; readonly typ?: string } = {},
): ReturnType<typeof recordStatement> {
  const { by = 'ada', typ = standingStatementType, ...signed } = change;
  const key = await readKeyFile(approverKeyFile(ground.folder, by));
  if (!key) throw new Error(`no key of ${by}`);
  const body: SignedStatement = {
    federation: world.contexts.aws.federation.file.federation,
    dataset,
    approver: by,
    statement,
    issuedAtMs: Date.now(),
    ...signed,
  };
  return recordStatement(world.contexts.aws, { dataset, jws: await signCompact(body, { typ, key }) });
}

const acceptance = (change: object = {}): StandingStatement => ({
  kind: 'accept',
  authority: 'aws',
  type: 'person',
  key: 'k1',
  field: 'department',
  values: {},
  owner: 'HR Berlin',
  reason: 'on purpose',
  untilMs: far,
  ...change,
});
const ignore: StandingStatement = {
  kind: 'ignore',
  authority: 'aws',
  type: 'person',
  record: `~${'7'.repeat(64)}`,
  reason: 'a service account',
};

describe('a signed acceptance', () => {
  it('stands until it is withdrawn, and the same words brought again do not bring it back', async () => {
    const { world } = readyWorld();
    const issuedAtMs = Date.now();
    const { id } = await say(world, acceptance(), { issuedAtMs });
    const standing = await currentStanding(world.contexts.aws, dataset);
    expect(standing.acceptances).toMatchObject([{ id, approver: 'ada', owner: 'HR Berlin', field: 'department' }]);
    await say(world, { kind: 'withdraw', authority: 'aws', statement: id });
    expect((await currentStanding(world.contexts.aws, dataset)).acceptances).toBeUndefined();
    await expect(say(world, acceptance(), { issuedAtMs })).rejects.toMatchObject({ code: 'statementEnded' });
    await say(world, acceptance(), { issuedAtMs: issuedAtMs + 1 });
    expect((await currentStanding(world.contexts.aws, dataset)).acceptances).toHaveLength(1);
  });

  it('is no longer published once its end has come', async () => {
    const { world } = readyWorld();
    await say(world, acceptance());
    world.change('aws', { now: () => far + 1 });
    expect((await currentStanding(world.contexts.aws, dataset)).acceptances).toBeUndefined();
  });

  it.each([
    ['that has ended', acceptance({ untilMs: 1 }), {}, 'statementEnded'],
    ['for another authority', acceptance({ authority: 'sov' }), {}, 'decisionForOtherPlan'],
    ['for another dataset', acceptance(), { dataset: 'other' }, 'decisionForOtherPlan'],
    ['for another federation', acceptance(), { federation: 'other' }, 'decisionForOtherPlan'],
    ['about a field that is none', acceptance({ field: 'shoeSize' }), {}, 'decisionMalformed'],
    ['about a type that is none', acceptance({ type: 'car' }), {}, 'decisionMalformed'],
    ['without an owner', acceptance({ owner: '' }), {}, 'decisionMalformed'],
    ['with more than it should say', acceptance({ more: true }), {}, 'decisionMalformed'],
    ['dated in the future', acceptance(), { issuedAtMs: Date.now() + 3_600_000 }, 'decisionMalformed'],
    ['in the name of somebody else', acceptance(), { approver: 'bob' }, 'inputNotAuthentic'],
    ['in the name of nobody', acceptance(), { approver: 'nobody' }, 'notAnApprover'],
    ['under the type of a decision', acceptance(), { typ: 'concordat-decision+jws' }, 'inputNotAuthentic'],
  ])('%s is refused, and nothing is kept', async (_what, statement, change, code) => {
    const { world } = readyWorld();
    await expect(say(world, statement, change)).rejects.toMatchObject({ code });
    expect((await currentStanding(world.contexts.aws, dataset)).acceptances).toBeUndefined();
  });

  it('and an ignored record leave the standing as it was before there were any, once they are gone', async () => {
    const { world } = readyWorld();
    const before = await currentStanding(world.contexts.aws, dataset);
    const { id } = await say(world, ignore);
    expect((await currentStanding(world.contexts.aws, dataset)).ignored).toMatchObject([{ id, approver: 'ada' }]);
    await say(world, { kind: 'withdraw', authority: 'aws', statement: id });
    expect(await currentStanding(world.contexts.aws, dataset)).toEqual(before);
    await expect(say(world, { kind: 'withdraw', authority: 'aws', statement: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'notFound',
    });
  });
});

/** The cloud takes the call, or not, and gives no answer that could be classified. */
async function doubtful(world: GateWorld, ready: Ready, isTaken: boolean): Promise<UnsettledWrite> {
  const { connector } = world.contexts.aws;
  world.change('aws', {
    connector: {
      ...connector,
      write: async (write, announce) => {
        if (isTaken) await connector.write(write, announce);
        return { kind: 'unknown', code: 'effectUnknown', detail: 'no reply' };
      },
    },
  });
  const result = await world.apply('aws', ready.commit);
  expect(result).toMatchObject({ kind: 'done', complete: false, counts: { unknown: 1 } });
  world.change('aws', { connector });
  const [open] = await listUnsettled(world.contexts.aws, dataset);
  if (!open) throw new Error('nothing is unsettled');
  return open;
}

const settles = (open: UnsettledWrite, verdict: 'applied' | 'notApplied' | 'look'): StandingStatement => ({
  kind: 'settle',
  authority: 'aws',
  operation: open.operation,
  permit: open.permit,
  verdict,
  reason: 'the ticket says so',
});

describe('a write whose effect nobody knows', () => {
  it('is kept with its record and no value, and stands for that record alone', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, false);
    expect(open).toMatchObject({
      type: 'person',
      kind: 'update',
      fields: ['department'],
      code: 'effectUnknown',
      settled: null,
    });
    const kept = [...world.stores.aws.objects].filter(([name]) => name.startsWith('unsettled/'));
    expect(kept).toHaveLength(1);
    expect(new TextDecoder().decode(kept[0]?.[1])).not.toContain('Archive');
    expect(await unsettledOf(world.contexts.aws, dataset, open)).toMatchObject({ operation: open.operation });
    expect(await unsettledOf(world.contexts.aws, dataset, { ...open, key: 'another' })).toBeNull();
  });

  it('is settled by the next read where that shows the effect, and its snapshot says so', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, true);
    const { inputs } = await world.planned();
    const [ref] = inputs.snapshots.filter((one) => one.ref.startsWith('aws/'));
    if (!ref) throw new Error('no snapshot');
    const { payload } = await getMessage(world.exchange, ref, {
      typ: snapshotType,
      schema: SnapshotStatement,
      keys: [ground.keys.aws],
    });
    expect(payload.unsettled).toMatchObject([
      { operation: open.operation, settled: { verdict: 'applied', by: 'read', run: inputs.run } },
    ]);
    expect(await listUnsettled(world.contexts.aws, dataset)).toEqual([]);
  });

  it('is not settled by a read that shows no effect: the call may be under way, so its people are not asked to repeat it', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, false);
    forgetCalls(ground.sandbox);
    const again = await world.ready({ aws: [], sov: [] });
    expect(await listUnsettled(world.contexts.aws, dataset)).toMatchObject([{ operation: open.operation }]);
    const result = await world.apply('aws', again.commit);
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 0 } });
    expect(writeCalls(ground.sandbox)).toEqual({});
    expect(awsTag(ground.sandbox, person, 'department')).not.toBe('Archive');
  });

  it('may be written again, under the approval that it has, once a person said that it was not applied', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, false);
    const { settled } = await say(world, settles(open, 'notApplied'));
    expect(settled?.settled).toMatchObject({ verdict: 'notApplied', by: 'person', approver: 'ada' });
    const again = await world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [] });
    expect(await world.apply('aws', again.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
    expect(awsTag(ground.sandbox, person, 'department')).toBe('Archive');
  });

  it('uses up its approval once it is known to have been applied, and the first word stands', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, true);
    const spent = (): number => [...world.stores.aws.objects.keys()].filter((name) => name.startsWith('spent/')).length;
    const before = spent();
    await say(world, settles(open, 'applied'));
    expect(spent()).toBe(before + 1);
    await expect(say(world, settles(open, 'notApplied'))).rejects.toMatchObject({ code: 'notFound' });
  });

  it.each([
    [true, 'applied'],
    [false, 'notApplied'],
  ] as const)('is told by a look at the object (effect there: %s)', async (isTaken, verdict) => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, isTaken);
    const { settled } = await say(world, settles(open, 'look'));
    expect(settled?.settled).toMatchObject({ verdict, by: 'read', approver: 'ada', run: null });
  });

  it('is not told by a look at an object that somebody else changed meanwhile', async () => {
    const { world, ready } = readyWorld();
    const open = await doubtful(world, ready, false);
    const { state } = ground.sandbox.aws.server;
    const user = state.users.named(`quillan.vexworth${person}@example.org`);
    if (!user) throw new Error('the account is gone');
    state.setTag(user, 'department', 'Somewhere else');
    await expect(say(world, settles(open, 'look'))).rejects.toMatchObject({ code: 'effectUntold' });
    expect(await listUnsettled(world.contexts.aws, dataset)).toHaveLength(1);
  });

  it('is asked about also where the process died between keeping it and its receipt', async () => {
    const { world, ready } = readyWorld();
    const { connector } = world.contexts.aws;
    const { privateStore } = world.contexts.aws;
    let dies = true;
    world.change('aws', {
      connector: { ...connector, write: async () => ({ kind: 'unknown', code: 'effectUnknown', detail: 'no reply' }) },
      privateStore: withPut(privateStore, async (name, bytes) => {
        if (dies && name.startsWith('journal/') && name.endsWith('/receipt')) throw new Error('the process has died');
        return privateStore.putIfAbsent(name, bytes);
      }),
    });
    await expect(world.apply('aws', ready.commit)).rejects.toThrow('the process has died');
    expect(await listUnsettled(world.contexts.aws, dataset)).toHaveLength(1);
    dies = false;
    world.change('aws', { connector });
    // The same attempt goes on and does not send the call a second time.
    forgetCalls(ground.sandbox);
    expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { unknown: 1, applied: 0 } });
    expect(writeCalls(ground.sandbox)).toEqual({});
    expect(await listUnsettled(world.contexts.aws, dataset)).toHaveLength(1);
  });
});

describe('a creation whose effect nobody knows', () => {
  async function doubtfulCreation(
    isTaken: boolean,
  ): Promise<{ readonly world: GateWorld; readonly open: UnsettledWrite }> {
    const { world } = readyWorld();
    keystoneUser(ground.sandbox, person).extra['department'] = seededPerson(person).department;
    addToKeystone(ground.sandbox, seededPerson(40));
    const ready = await world.ready({ aws: [{ approver: 'ada' }], sov: [] });
    const open = await doubtful(world, ready, isTaken);
    expect(open.kind).toBe('create');
    return { world, open };
  }

  it('is settled by a read that shows what it made, under whatever key that has by now', async () => {
    const { world, open } = await doubtfulCreation(true);
    await world.planned();
    expect(await listUnsettled(world.contexts.aws, dataset)).toEqual([]);
    const links = await loadLinks(world.stores.aws, dataset, world.contexts.aws.linkKey);
    // No receipt was given, so no link leads from the key of the plan to what was made.
    expect(await links.linkedTo('person', new Set([open.key]))).toEqual([]);
  });

  it('stays open where a read shows only others, or one that holds other values', async () => {
    const { world, open } = await doubtfulCreation(false);
    addToAws(ground.sandbox, { ...seededPerson(40), department: 'Elsewhere' });
    await world.planned();
    expect(await listUnsettled(world.contexts.aws, dataset)).toMatchObject([{ operation: open.operation }]);
  });
});

function withPut(store: ObjectStore, putIfAbsent: ObjectStore['putIfAbsent']): ObjectStore {
  return new Proxy(store, {
    get: (own, name) => {
      if (name === 'putIfAbsent') return putIfAbsent;
      const value: unknown = Reflect.get(own, name);
      return typeof value === 'function' ? (value.bind(own) as unknown) : value;
    },
  });
}
