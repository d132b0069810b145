/** A commit whose connector takes many records at once: the same promises as one by one, over crashes at every point. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupsOf } from '../../../activities/authority/apply-group.js';
import { Journal } from '../../../activities/authority/journal.js';
import { countingDecisions } from '../../../activities/authority/decisions.js';
import { getMessage } from '../../../activities/exchange.js';
import type { BatchAnswer, Batches, Connector } from '../../../activities/connectors/connector.js';
import type { NativeObject } from '../../../core/record.js';
import { ReceiptsBody, ReceiptsStatement, receiptsType, type Ref } from '../../../core/messages.js';
import type { Operation } from '../../../core/operation.js';
import type { Receipt } from '../../../core/receipt.js';
import { StepProgress } from '../../../core/step-progress.js';
import { awsTag, awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Ready } from './gate-world.js';

const changed = [1, 3, 4, 6];
const approved = { aws: [{ approver: 'ada', choose: 0 }], sov: [{ approver: 'ada', choose: 0 }] };

let ground: Ground;
let clouds: { readonly aws: string; readonly sov: string };
let prepared: { readonly world: GateWorld; readonly ready: Ready };

/** Four people whose department sov has changed: four operations for AWS. */
beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  const agreed = await GateWorld.agreed(ground, 8);
  for (const number of changed) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
  const world = agreed.copy();
  prepared = { world, ready: await world.ready(approved) };
});
afterAll(() => ground?.stop());

interface Wishes {
  readonly objectsMax?: number;
  /** Of the writes of a batch, in their order. */
  readonly answer?: (at: number, answer: BatchAnswer) => BatchAnswer;
  /** The process ends before the write with this number, counted from one over all batches, once. */
  readonly dies?: number;
  /** Objects whose write is lost before it reaches the cloud. */
  readonly loses?: (at: number) => boolean;
}

/** The batches of a store that tells nothing of what it wrote, made of single calls. */
function batchesOver(connector: Connector, wishes: Wishes = {}): Batches & { readonly sizes: number[] } {
  const sizes: number[] = [];
  let written = 0;
  return {
    sizes,
    objectsMax: wishes.objectsMax ?? 3,
    readMany: async (type, ids) => {
      const found = new Map<string, NativeObject>();
      for (const id of ids) {
        const object = await connector.readOne(type, id);
        if (object) found.set(id, object);
      }
      return found;
    },
    writeMany: async (writes, watch) => {
      sizes.push(writes.length);
      await watch?.announce?.();
      const answers: BatchAnswer[] = [];
      for (const [at, write] of writes.entries()) {
        written += 1;
        if (written === wishes.dies) throw new Error('the process ends here');
        const answer: BatchAnswer = wishes.loses?.(at)
          ? { kind: 'unknown', code: 'effectUnknown', detail: 'lost' }
          : await connector.write(write);
        answers.push(wishes.answer?.(at, answer) ?? answer);
      }
      return answers;
    },
  };
}

function readyWorld(wishes: Wishes = {}) {
  ground.sandbox.aws.server.reset();
  ground.sandbox.keystone.server.reset();
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  forgetCalls(ground.sandbox);
  const world = prepared.world.copy();
  const { connector } = world.contexts.aws;
  const batches = batchesOver(connector, wishes);
  world.change('aws', { connector: { ...connector, batches } });
  return { world, ready: prepared.ready, batches };
}

async function receiptsOf(world: GateWorld, ref: Ref | null): Promise<readonly Receipt[]> {
  if (!ref) return [];
  const { payload } = await getMessage(world.exchange, ref, {
    typ: receiptsType,
    schema: ReceiptsStatement,
    keys: [ground.keys.aws],
  });
  const body = world.exchange.objects.get(`aws/documents/${payload.body}`);
  return ReceiptsBody.parse(JSON.parse(new TextDecoder().decode(body))).receipts as readonly Receipt[];
}

const departments = (): readonly (string | undefined)[] =>
  changed.map((number) => awsTag(ground.sandbox, number, 'department'));
const journalOf = (world: GateWorld): readonly string[] =>
  [...world.stores.aws.objects.keys()].filter((name) => name.startsWith('journal/'));

describe('a commit in bulk', () => {
  it('writes by groups, with one intent and one object of receipts for each, and a receipt for every operation', async () => {
    const { world, ready, batches } = readyWorld();
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 4 } });
    // Of four, three are a group; the fourth stands alone.
    expect(batches.sizes).toEqual([3]);
    expect(departments()).toEqual(changed.map(() => 'Archive'));
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 4 });
    const receipts = await receiptsOf(world, result.receipts);
    expect(new Set(receipts.map(({ operation }) => operation)).size).toBe(4);
    expect(receipts.every(({ left, outcome }) => left !== null && outcome === 'applied')).toBe(true);
    const names = journalOf(world).map((name) => name.replace(/[0-9a-f]{64}/g, '#'));
    expect(names.sort()).toEqual([
      'journal/#/#/intent',
      'journal/#/#/receipt',
      'journal/#/groups/#/intent-#',
      'journal/#/groups/#/receipts',
    ]);
  });

  it.each(['afterIntent', 'beforeCall', 'afterWrite', 'afterLink', 'beforeReceipt'])(
    'that dies at %s goes on from the journal: every operation has one effect and one receipt',
    async (where) => {
      const { world, ready } = readyWorld();
      world.change('aws', {
        checkpoint: (point) =>
          point === where ? Promise.reject(new Error('the process has died')) : Promise.resolve(),
      });
      await expect(world.apply('aws', ready.commit)).rejects.toThrow('the process has died');
      world.change('aws', { checkpoint: () => Promise.resolve() });
      const result = await world.apply('aws', ready.commit);
      expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 4, alreadyApplied: 0 } });
      expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 4 });
      expect(departments()).toEqual(changed.map(() => 'Archive'));
      const again = await world.apply('aws', ready.commit);
      expect(await receiptsOf(world, again.receipts)).toEqual(await receiptsOf(world, result.receipts));
      expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 4 });
    },
  );

  it('that dies in the middle of a batch completes exactly what is missing', async () => {
    const { world, ready } = readyWorld({
      answer: (at, answer) => {
        if (at === 1) throw new Error('the process has died');
        return answer;
      },
    });
    await expect(world.apply('aws', ready.commit)).rejects.toThrow('the process has died');
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 2 });
    const { connector } = world.contexts.aws;
    world.change('aws', { connector: { ...connector, batches: batchesOver(connector) } });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 4 } });
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 4 });
  });

  it('leaves alone what somebody changed since it was read, counts what somebody made alike, and writes the rest', async () => {
    const { world, ready, batches } = readyWorld({ objectsMax: 10 });
    const { state } = ground.sandbox.aws.server;
    state.setTag(awsUser(ground.sandbox, 3), 'department', 'Somewhere else');
    state.setTag(awsUser(ground.sandbox, 4), 'department', 'Archive');
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 2, conflict: 1, alreadyApplied: 1 } });
    expect(batches.sizes).toEqual([2]);
    expect(departments()).toEqual(['Archive', 'Somewhere else', 'Archive', 'Archive']);
  });

  it('gives a conflict where the store refuses the condition of one record, whatever was read before', async () => {
    const conflict = { kind: 'conflict', code: 'expectationFailed', detail: 'not as it was read' } as const;
    const { world, ready } = readyWorld({ answer: (at, answer) => (at === 1 ? conflict : answer) });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 3, conflict: 1 } });
  });

  it('stops where the effect of one is unknown: the others of its batch keep what they are known to be', async () => {
    const { world, ready, batches } = readyWorld({ objectsMax: 2, loses: (at) => at === 1 });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: false, counts: { applied: 1, unknown: 1 } });
    expect(batches.sizes).toEqual([2]);
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1 });
    const open = [...world.stores.aws.objects.keys()].filter((name) => name.startsWith('unsettled/'));
    expect(open).toHaveLength(1);
    // Asked for again it says the same, and writes nothing.
    const again = await world.apply('aws', ready.commit);
    expect(await receiptsOf(world, again.receipts)).toEqual(await receiptsOf(world, result.receipts));
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1 });
  });

  it('leaves what was not sent without a receipt, for another run', async () => {
    const { world, ready } = readyWorld({ answer: (at, answer) => (at === 2 ? { kind: 'notSent' } : answer) });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: false, counts: { applied: 2 } });
    const first = await receiptsOf(world, result.receipts);
    expect(first).toHaveLength(2);
    const { connector } = world.contexts.aws;
    world.change('aws', { connector: { ...connector, batches: batchesOver(connector) } });
    const [second, third] = [await world.apply('aws', ready.commit), await world.apply('aws', ready.commit)];
    expect(second).toMatchObject({ complete: true, counts: { applied: 4 } });
    // The receipts that were kept one by one stand.
    expect(await receiptsOf(world, second.receipts)).toEqual(expect.arrayContaining([...first]));
    expect(await receiptsOf(world, third.receipts)).toEqual(await receiptsOf(world, second.receipts));
  });

  it('believes no answer that shows another state than the plan leaves: it reads again', async () => {
    const { world, ready } = readyWorld();
    const { connector } = world.contexts.aws;
    const plain = batchesOver(connector);
    const batches: Batches = {
      ...plain,
      writeMany: async (writes, watch) => {
        const before = writes.map((write) =>
          write.kind === 'create' ? null : { type: write.type, id: write.id, body: write.before },
        );
        const answers = await plain.writeMany(writes, watch);
        return answers.map((answer, at) => {
          const object = before[at];
          return answer.kind === 'applied' && object ? { ...answer, object } : answer;
        });
      },
    };
    world.change('aws', { connector: { ...connector, batches } });
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ counts: { applied: 4 } });
    const leaves = new Map(ready.sheets.aws.operations.map(({ operation }) => [operation.id, operation.leaves]));
    for (const conflict of ready.sheets.aws.conflicts)
      for (const { operations } of conflict.conflict.candidates)
        for (const { id, leaves: left } of operations) leaves.set(id, left);
    for (const { operation, left } of await receiptsOf(world, result.receipts))
      expect(left).toBe(leaves.get(operation));
  });

  it('uses up the approvals of a whole group: under another permit they count no more, under its own they do', async () => {
    const { world, ready } = readyWorld();
    await world.apply('aws', ready.commit);
    const plan = ready.plan.planDigest;
    const { operations: listed, conflicts } = ready.sheets.aws;
    const scope = {
      operations: listed.map(({ operation }) => operation),
      conflicts: conflicts.map(({ conflict }) => conflict),
    };
    const operations = async (permit: string | null): Promise<number> => {
      const counted = await countingDecisions(world.contexts.aws, dataset, plan, scope, false, permit);
      return new Set(counted.flatMap(({ decision }) => [...decision.operations, ...Object.keys(decision.choices)]))
        .size;
    };
    expect(await operations(null)).toBe(0);
    expect(await operations(ready.commit.permit.sha256)).toBeGreaterThan(0);
  });

  it('tells how far it is', async () => {
    const { world, ready } = readyWorld({ objectsMax: 2, dies: 3 });
    const told: StepProgress[] = [];
    let nowMs = world.contexts.aws.now();
    world.change('aws', {
      now: () => (nowMs += 1),
      // Before it, the gate tells how far its compare is.
      heartbeat: (details) => {
        const progress = StepProgress.safeParse(details);
        if (progress.success) told.push(progress.data);
      },
    });
    await expect(world.apply('aws', ready.commit)).rejects.toThrow('the process ends here');
    expect(told).toMatchObject([
      { kind: 'writing', done: 0, before: 0, of: 4 },
      { kind: 'writing', done: 2, before: 0, of: 4 },
    ]);
    expect(told.every((one) => one.kind === 'writing' && one.atMs > one.begunMs)).toBe(true);
    await world.apply('aws', ready.commit);
    // What stands already counts as done from the beginning, and not for the pace of this attempt.
    expect(told.slice(2)).toMatchObject([
      { done: 2, before: 2, of: 4 },
      { done: 2, before: 2, of: 4 },
    ]);
  });
});

it('receipts of a group stand: what a slower attempt says later is not heard', async () => {
  const { world } = readyWorld();
  const permit = 'ab'.repeat(32);
  const [one, other] = ['11'.repeat(32), '22'.repeat(32)];
  const receipt = (operation: string, outcome: Receipt['outcome']): Receipt => ({
    operation,
    outcome,
    code: null,
    left: null,
    hlc: '0'.repeat(16),
  });
  const fast = await Journal.open(world.contexts.aws, permit);
  const slow = await Journal.open(world.contexts.aws, permit);
  const group = Journal.groupOf([{ id: one }, { id: other }]);
  await fast.keepGroupReceipts(group, [receipt(one, 'applied'), receipt(other, 'conflict')]);
  const heard = await slow.keepGroupReceipts(group, [receipt(one, 'alreadyApplied'), receipt(other, 'applied')]);
  expect(heard.map(({ outcome }) => outcome)).toEqual(['applied', 'conflict']);
  // A third attempt, after another group: it finds each where its group lies, and nothing else.
  const [third, none] = ['33'.repeat(32), '44'.repeat(32)];
  await slow.keepGroupReceipts(Journal.groupOf([{ id: third }]), [receipt(third, 'refused')]);
  const next = await Journal.open(world.contexts.aws, permit);
  expect([one, other, third, none].map((id) => next.hadReceiptBefore(id))).toEqual([true, true, true, false]);
  const found = [];
  for (const id of [third, one, other, none, third]) found.push((await next.readReceiptBefore(id))?.outcome);
  expect(found).toEqual(['refused', 'applied', 'conflict', undefined, 'refused']);
});

it('groups hold one type and one kind each, in the order of the commit, and no more than the store takes', () => {
  const operation = (type: string, kind: Operation['kind'], id: number) =>
    ({ type, kind, id: String(id) }) as Operation;
  const given = [
    ...[1, 2, 3, 4, 5].map((id) => operation('a', 'create', id)),
    ...[6, 7].map((id) => operation('a', 'update', id)),
    operation('b', 'update', 8),
    operation('a', 'update', 9),
  ];
  expect([...groupsOf(given, 2)].map((group) => group.map(({ id }) => id).join(''))).toEqual([
    '12',
    '34',
    '5',
    '67',
    '8',
    '9',
  ]);
});
