/** Signed undos over real stores and clouds: the way back, what ends a statement, and what a coordinator can make of one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { currentStanding } from '../../../activities/authority/standing.js';
import { recordUndo, type SignedUndo } from '../../../activities/authority/undo-statement.js';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { getDocument, putDocument } from '../../../activities/exchange.js';
import {
  approverKeyFile,
  generatePrivateKey,
  readKeyFile,
  type PrivateKey,
} from '../../../activities/keys/private-key.js';
import { readOpens } from '../../../activities/run-messages.js';
import { undoneRecords } from '../../../activities/undone.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { recomputePlan, type Recomputed } from '../../../activities/recompute.js';
import { makeOperation } from '../../../core/operation.js';
import { Plan } from '../../../core/plan.js';
import { undoStatementType, type Undo } from '../../../core/undo.js';
import { addToAws, awsTag, awsUser, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { GateWorld, layGround, members, type Ground, type Ready } from './gate-world.js';

const hourMs = 3_600_000;
const ada = [{ approver: 'ada', choose: 0 }];
const bob = [{ approver: 'bob', choose: 0 }];

let ground: Ground;
let agreed: GateWorld;
let world: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
let made:
  { readonly world: GateWorld; readonly statement: Undo; readonly aws: string; readonly sov: string } | undefined;

beforeAll(async () => {
  ground = await layGround((_file, text) =>
    text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 100, deletionsMax: 50 }'),
  );
  agreed = await GateWorld.agreed(ground, 6);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());
beforeEach(() => {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  world = agreed.copy();
});

/** A whole run: planned, approved by these, written and agreed on. */
async function ran(by: typeof ada = ada): Promise<Recomputed> {
  const ready = await world.ready({ aws: by, sov: by });
  const receipts = [];
  for (const id of members) {
    const result = await world.apply(id, ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true });
    if (result.kind === 'done') receipts.push(result.receipts);
  }
  await world.agree(ready, receipts);
  return recomputePlan(ground.federation, world.exchange, ready.inputs);
}

async function planned(): Promise<Recomputed> {
  const { inputs } = await world.planned();
  return recomputePlan(ground.federation, world.exchange, inputs);
}

const departmentAtSov = (): unknown => keystoneUser(ground.sandbox, 1).extra['department'];
const departmentAtAws = (): unknown => awsTag(ground.sandbox, 1, 'department');

/** sov moves somebody to the archive, which the run brings to aws; then the statement that undoes it, of aws. Made once. */
async function archived(): Promise<Undo> {
  const { state: aws } = ground.sandbox.aws.server;
  const { state: sov } = ground.sandbox.keystone.server;
  if (!made) {
    keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
    const { plan, messages } = await ran();
    const [operation] = plan.operations;
    if (!operation) throw new Error('nothing was planned');
    const { type, key } = operation;
    const statement = await statementOf(messages.run, [{ type, key, fields: ['department'] }]);
    made = { world, statement, aws: aws.save(), sov: sov.save() };
  }
  aws.restore(made.aws);
  sov.restore(made.sov);
  world = made.world.copy();
  return made.statement;
}

async function statementOf(run: string, records: Undo['records']): Promise<Undo> {
  const { messages } = await planned();
  const { base, baseDigest } = messages;
  if (!base?.previous || baseDigest === null) throw new Error('there is no agreement before');
  return {
    kind: 'undo',
    authority: 'aws',
    run,
    sequence: base.sequence,
    before: base.previous,
    after: baseDigest,
    records,
    untilMs: world.clockMs + 24 * hourMs,
  };
}

async function keyOf(approver: string): Promise<PrivateKey> {
  const key = await readKeyFile(approverKeyFile(ground.folder, approver));
  if (!key) throw new Error(`no key of ${approver}`);
  return key;
}

async function signed(
  statement: SignedUndo['statement'],
  change: Partial<SignedUndo> = {},
  key?: PrivateKey,
): Promise<{ readonly dataset: string; readonly jws: string }> {
  const payload = {
    federation: ground.federation.file.federation,
    dataset,
    approver: 'ada',
    statement,
    issuedAtMs: world.clockMs,
    ...change,
  };
  return { dataset, jws: await signCompact(payload, { typ: undoStatementType, key: key ?? (await keyOf('ada')) }) };
}

const standing = async (): Promise<number> => (await currentStanding(world.contexts.aws, dataset)).undos?.length ?? 0;

describe('a signed undo', () => {
  it('brings both clouds back through another approval, and is over then', async () => {
    const before = departmentAtAws();
    const statement = await archived();
    expect(departmentAtAws()).toBe('Archive');
    await recordUndo(world.contexts.aws, await signed(statement));
    const { plan } = await ran(bob);
    expect(plan.operations.map(({ authority, rule }) => `${authority} ${rule}`)).toEqual(['aws undo', 'sov undo']);
    expect(plan.undos).toMatchObject([{ authority: 'aws', approver: 'ada', parts: [{ state: 'goesBack' }] }]);
    expect([departmentAtAws(), departmentAtSov()]).toEqual([before, before]);
    expect(await standing()).toBe(0);
    const after = await planned();
    expect([after.plan.operations, after.plan.divergences, after.plan.undos]).toEqual([[], [], undefined]);
  });

  it('deletes what the run created, in both clouds', async () => {
    addToAws(ground.sandbox, seededPerson(40));
    const created = await ran();
    const [operation] = created.plan.operations;
    expect(operation).toMatchObject({ authority: 'sov', kind: 'create' });
    if (!operation) return;
    const { type, key } = operation;
    const named = await statementOf(created.messages.run, [{ type, key, fields: null }]);
    await recordUndo(world.contexts.aws, await signed(named));
    const undone = await ran(bob);
    expect(undone.plan.operations.map(({ authority, kind, rule }) => `${authority} ${kind} ${rule}`)).toEqual([
      'aws delete undo',
      'sov delete undo',
    ]);
    expect(ground.sandbox.aws.server.state.save()).not.toContain(seededPerson(40).mail);
    expect((await planned()).plan.divergences).toEqual([]);
  });

  it('creates what the run deleted under the same key, and the agreement holds it as before', async () => {
    const user = awsUser(ground.sandbox, 3);
    const { id: formerId } = keystoneUser(ground.sandbox, 3);
    ground.sandbox.aws.server.state.users.remove(user);
    const gone = await ran();
    const [operation] = gone.plan.operations;
    expect(operation).toMatchObject({ authority: 'sov', kind: 'delete', rule: 'deletedOnOneSide' });
    if (!operation) return;
    const { type, key } = operation;
    await recordUndo(
      world.contexts.aws,
      await signed(await statementOf(gone.messages.run, [{ type, key, fields: null }])),
    );
    // A cloud that keeps deleted objects could restore the very one: its connector is told which it was.
    const { connector } = world.contexts.sov;
    const restored: unknown[] = [];
    const shown: unknown[] = [];
    world.change('sov', {
      connector: {
        ...connector,
        plannedCalls: (write) => {
          if (write.kind === 'create') shown.push(write.restores);
          return connector.plannedCalls(write);
        },
        write: (write, announce) => {
          if (write.kind === 'create') restored.push(write.restores);
          return connector.write(write, announce);
        },
      },
    });
    const back = await ran(bob);
    expect([shown, restored]).toEqual([[formerId], [formerId]]);
    expect(back.plan.operations.map(({ authority, kind, key: own }) => `${authority} ${kind} ${own === key}`)).toEqual([
      'aws create true',
      'sov create true',
    ]);
    expect(awsUser(ground.sandbox, 3).id).not.toBe(user.id);
    expect((await planned()).plan.divergences).toEqual([]);
  });

  it('is not approved by its signer alone, at no authority that lists them', async () => {
    const statement = await archived();
    await recordUndo(world.contexts.aws, await signed(statement));
    const ready: Ready = await world.ready({ aws: ada, sov: bob });
    const { plan } = await recomputePlan(ground.federation, world.exchange, ready.inputs);
    expect(plan.operations.map(({ rule }) => rule)).toEqual(['undo', 'undo']);
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ counts: { applied: 0 } });
    expect(departmentAtAws()).toBe('Archive');
  });

  it('leaves alone what moved between its agreement and now', async () => {
    const statement = await archived();
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'department', 'Elsewhere');
    await recordUndo(world.contexts.aws, await signed(statement));
    const { plan } = await planned();
    expect(plan.operations.map(({ authority, rule }) => `${authority} ${rule}`)).toEqual(['sov changedOnOneSide']);
    expect(plan.undos?.flatMap(({ parts }) => parts.map(({ state }) => state))).toEqual(['moved']);
  });

  it('leads to nothing where the earlier values are not there any more', async () => {
    const statement = await archived();
    await recordUndo(world.contexts.aws, await signed(statement));
    const { inputs } = await world.planned();
    const { messages } = await recomputePlan(ground.federation, world.exchange, inputs);
    const before = JSON.parse(
      new TextDecoder().decode(
        (await world.exchange.get(`aws/documents/${messages.base?.previous ?? ''}`)) ?? new Uint8Array(),
      ),
    ) as {
      readonly types: readonly { readonly type: string; readonly segments: readonly { readonly body: string }[] }[];
    };
    const now = new Set(messages.base?.types.flatMap(({ segments }) => segments.map(({ body }) => body)));
    for (const { segments } of before.types)
      for (const { body } of segments)
        if (!now.has(body)) for (const id of members) await world.exchange.remove(`${id}/segments/${body}`);
    const { plan } = await recomputePlan(ground.federation, world.exchange, inputs);
    expect(plan.operations).toEqual([]);
    expect(plan.undos?.flatMap(({ parts }) => parts.map(({ state }) => state))).toEqual(['valuesGone']);
  });

  it('ends when its authority says so, and by its own clock', async () => {
    const statement = await archived();
    const brought = await signed(statement);
    await recordUndo(world.contexts.aws, brought);
    expect(await standing()).toBe(1);
    const withdrawal = { kind: 'withdraw', authority: 'aws', run: statement.run } as const;
    await recordUndo(world.contexts.aws, await signed(withdrawal, { issuedAtMs: world.clockMs + 1 }));
    expect(await standing()).toBe(0);
    await expect(recordUndo(world.contexts.aws, brought)).rejects.toMatchObject({ code: 'undoOver' });
    const again = await signed(statement, { issuedAtMs: world.clockMs + 2 });
    await recordUndo(world.contexts.aws, again);
    expect(await standing()).toBe(1);
    // The old withdrawal, brought again, ends nothing that was said after it.
    const old = await signed(withdrawal, { issuedAtMs: world.clockMs + 1 });
    await expect(recordUndo(world.contexts.aws, old)).rejects.toMatchObject({ code: 'undoRefused' });
    world.clockMs += 25 * hourMs;
    expect(await standing()).toBe(0);
  });
});

describe('a coordinator', () => {
  it('that invents an undo gets no review of it', async () => {
    await archived();
    const { inputs, plan } = await world.planned();
    const { views } = await recomputePlan(ground.federation, world.exchange, inputs);
    const honest = await getDocument(world.exchange, plan.plan, Plan);
    const [view] = views['person'] ?? [];
    const key = view?.key ?? 'somebody';
    const current = { department: 'Archive' };
    const invented = makeOperation({
      authority: 'aws',
      type: 'person',
      key,
      kind: 'update',
      changes: [{ kind: 'value', field: 'department', before: 'Archive', after: 'Umbrology' }],
      rule: 'undo',
      because: ['sov'],
      current,
    });
    const forged = await putDocument(world.exchange, 'federation', { ...honest, operations: [invented] });
    await expect(
      prepareReview(
        world.contexts.aws,
        { inputs, plan: forged, planDigest: forged.sha256 },
        { replaced: () => Promise.resolve() },
      ),
    ).resolves.toMatchObject({ kind: 'refused', code: 'planNotReproduced' });
  });

  it('that puts one into a standing of its own making has no open that names it', async () => {
    const statement = await archived();
    await recordUndo(world.contexts.aws, await signed(statement));
    const { inputs } = await world.planned();
    world.clockMs += 1;
    const own = await currentStanding(world.contexts.aws, dataset);
    const stretched = { ...own, undos: own.undos?.map((undo) => ({ ...undo, untilMs: undo.untilMs * 2 })) };
    const forged = await putDocument(world.exchange, 'aws', stretched);
    const { messages } = await recomputePlan(ground.federation, world.exchange, inputs);
    expect(messages.opens['aws']?.standing.sha256).not.toBe(forged.sha256);
    expect(messages.standings['aws']?.undos).toEqual(own.undos);
  });

  it.each([
    ['signed by nobody', 'inputNotAuthentic', async (one: Undo) => signed(one, {}, await generatePrivateKey())],
    ['signed by another than it names', 'inputNotAuthentic', (one: Undo) => signed(one, { approver: 'bob' })],
    ['of another authority', 'decisionForOtherPlan', (one: Undo) => signed({ ...one, authority: 'sov' })],
    ['for another dataset', 'decisionForOtherPlan', (one: Undo) => signed(one, { dataset: 'other' })],
    ['for another federation', 'decisionForOtherPlan', (one: Undo) => signed(one, { federation: 'other' })],
    ['that is over', 'undoOver', (one: Undo) => signed({ ...one, untilMs: world.clockMs })],
    ['dated in the future', 'undoRefused', (one: Undo) => signed(one, { issuedAtMs: world.clockMs + hourMs })],
    [
      'for longer than allowed',
      'undoRefused',
      (one: Undo) => signed({ ...one, untilMs: world.clockMs + 91 * 24 * hourMs }),
    ],
    ['to a base of its own', 'undoRefused', (one: Undo) => signed({ ...one, before: 'a'.repeat(64) })],
    ['of an agreement that was not', 'undoRefused', (one: Undo) => signed({ ...one, after: 'a'.repeat(64) })],
    ['of another number', 'undoRefused', (one: Undo) => signed({ ...one, sequence: one.sequence + 1 })],
  ] as const)('that brings an undo %s is refused with %s', async (_what, code, make) => {
    const statement = await archived();
    await expect(recordUndo(world.contexts.aws, await make(statement))).rejects.toMatchObject({ code });
    expect(await standing()).toBe(0);
  });

  it('that brings one again after it expired, or after it was reached, brings nothing', async () => {
    const statement = await archived();
    const brought = await signed(statement);
    await recordUndo(world.contexts.aws, brought);
    await ran(bob);
    expect(await standing()).toBe(0);
    await expect(recordUndo(world.contexts.aws, brought)).rejects.toMatchObject({ code: 'undoOver' });
    keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
    await ran();
    expect((await planned()).plan.operations).toEqual([]);
    world.clockMs += 25 * hourMs;
    await expect(recordUndo(world.contexts.aws, brought)).rejects.toMatchObject({ code: 'undoOver' });
  });
});

describe('a peer', () => {
  it('whose standing names agreements that were not leads to nothing, and the plan says so', async () => {
    const statement = await archived();
    const { kind: _kind, authority: _authority, ...rest } = { ...statement, before: 'b'.repeat(64) };
    const lying: AuthorityContext = { ...world.contexts.aws, exchange: world.exchange };
    const standingOfPeer = {
      ...(await currentStanding(lying, dataset)),
      undos: [{ ...rest, id: 'c'.repeat(64), approver: 'ada' }],
    };
    const { inputs } = await world.planned();
    const messages = await readOpens(ground.federation, world.exchange, inputs);
    const told = { ...messages, standings: { ...messages.standings, aws: standingOfPeer } };
    expect(await undoneRecords(told, world.exchange)).toMatchObject([{ left: 'notInHistory' }]);
    const over = {
      ...told,
      standings: {
        ...told.standings,
        aws: { ...standingOfPeer, undos: standingOfPeer.undos.map((undo) => ({ ...undo, untilMs: 1 })) },
      },
    };
    expect(await undoneRecords(over, world.exchange)).toEqual([]);
  });
});
