/** A plan too large for one object and one sheet, at the size of a unit test: every step from its making to the next agreement. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { closeReview, recordDecision } from '../../../activities/authority/review.js';
import { readReviewState } from '../../../activities/authority/review-state.js';
import { readSheet, type ReviewSheet } from '../../../activities/authority/review-sheet.js';
import { pieceListIn } from '../../../activities/documents/piece-list.js';
import { getDocument } from '../../../activities/exchange.js';
import { findPrivate } from '../../../activities/erasure/private-state.js';
import { rangesOver } from '../../../core/operation-ranges.js';
import { Plan } from '../../../core/plan.js';
import type { RunInputs } from '../../../core/messages.js';
import type { PlanSummary } from '../../../workflows/messages.js';
import { readPlanReport } from '../../../cli/reading/plan-report.js';
import { keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground } from './gate-world.js';

const changed = [1, 2, 3, 4, 5];
const quiet = { replaced: () => Promise.resolve() };
const pieceBytes = 500;
let ground: Ground;
let agreed: GateWorld;
let awsBefore: string;

/** Five of eight people moved to one department at sov, where aws lets two change without more people. */
beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text.replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 2 }')
      : text,
  );
  agreed = await GateWorld.agreed(ground, 8);
  for (const number of changed) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
  awsBefore = ground.sandbox.aws.server.state.save();
});
afterAll(() => ground?.stop());

interface Planned {
  readonly world: GateWorld;
  readonly inputs: RunInputs;
  readonly plan: PlanSummary;
  readonly asked: Parameters<typeof prepareReview>[1];
}

let one: Planned;
beforeEach(async () => {
  ground.sandbox.aws.server.reset();
  ground.sandbox.aws.server.state.restore(awsBefore);
  const world = agreed.copy();
  for (const store of [world.exchange, ...Object.values(world.stores)]) store.documentPieceBytes = pieceBytes;
  // With more views than memory may hold, so that what is made of them lies in files.
  world.change('aws', { sheetOperationsMax: 3, viewsInMemoryMax: 0 });
  world.change('sov', { viewsInMemoryMax: 0 });
  const { inputs, plan } = await world.planned();
  one = { world, inputs, plan, asked: { inputs, plan: plan.plan, planDigest: plan.planDigest } };
});

describe('a plan in pieces', () => {
  it('has the digest of the plan that lies whole, and is shown from its pieces', async () => {
    const { world, plan } = one;
    const whole = await agreed.copy().planned();
    expect(plan.planDigest).toBe(whole.plan.planDigest);
    const list = pieceListIn(world.exchange.objects.get(plan.plan.ref) ?? new Uint8Array());
    expect(list?.pieces.length).toBe(Math.ceil((list?.bytes ?? 0) / pieceBytes));
    const { census } = await readPlanReport(world.exchange, plan.planDigest);
    expect(census.operations).toBe(changed.length);
    expect((await getDocument(world.exchange, plan.plan, Plan)).operations).toHaveLength(changed.length);
  });

  it('is asked about in counts and samples, and the state of its review comes back whole', async () => {
    const { world, plan, asked } = one;
    const { aws } = world.contexts;
    const prepared = await prepareReview(aws, asked, quiet);
    expect(prepared).toMatchObject({ kind: 'waiting', operations: changed.length, braked: true });
    const sheet = (await readSheet(aws.privateStore, dataset, plan.planDigest)) as ReviewSheet;
    expect(sheet.operations).toHaveLength(3);
    expect(sheet.braked).toMatchObject([{ type: 'person', limit: 'operationsMax', allowed: 2, found: 5 }]);
    expect(sheet.large).toMatchObject({ operations: 5, refused: {}, counts: { operationsBy: { aws: { update: 5 } } } });
    const state = await readReviewState(aws, dataset);
    const { operations } = await getDocument(world.exchange, plan.plan, Plan);
    expect(Array.isArray(state?.scope.operations)).toBe(false);
    expect([...(state?.scope.operations ?? [])]).toEqual(operations.filter(({ authority }) => authority === 'aws'));
    expect(Object.values(state?.askedAtMs ?? {})).toEqual(changed.map(() => state?.openedAtMs));
    // The same where nothing is large: but for what is listed, it is one review.
    world.change('aws', { sheetOperationsMax: 100 });
    expect(await prepareReview(world.contexts.aws, asked, quiet)).toEqual(prepared);
    const again = await readReviewState(world.contexts.aws, dataset);
    expect({ ...again, scope: null }).toEqual({ ...state, scope: null });
    expect(again?.scope.operations).toEqual([...(state?.scope.operations ?? [])]);
    const whole = (await readSheet(aws.privateStore, dataset, plan.planDigest)) as ReviewSheet;
    expect(whole.large).toBeUndefined();
    expect(new Set(whole.operations.map(({ operation }) => operation.id))).toEqual(
      new Set(operations.map(({ id }) => id)),
    );
    for (const entry of sheet.operations) expect(whole.operations).toContainEqual(entry);
  });

  it('leaves nothing of a record in the private store once what holds it was removed', async () => {
    const { world, plan, asked } = one;
    const { aws } = world.contexts;
    await prepareReview(aws, asked, quiet);
    const { operations } = await getDocument(world.exchange, plan.plan, Plan);
    const key = operations[2]?.key ?? '';
    const traces = {
      marks: { name: { dataset, type: 'person', key }, provisional: [], salt: null },
      operations: new Set<string>(),
    };
    for (const { name } of await findPrivate(aws.privateStore, traces)) await aws.privateStore.remove(name);
    const left = [...world.stores.aws.objects.keys()].filter((name) => name.startsWith(`reviews/${dataset}/`));
    // Neither the list nor a piece, also where the key lies across the border of two.
    expect(left.filter((name) => name.includes(plan.planDigest) && !name.endsWith('/sheet'))).toEqual([]);
    expect(await readReviewState(aws, dataset)).toBeNull();
  });

  it('that a commit dies in is written once, and told as one that did not: the rest goes on from the journal', async () => {
    const { world, inputs, plan, asked } = one;
    const { aws } = world.contexts;
    await prepareReview(aws, asked, quiet);
    const sheet = (await readSheet(aws.privateStore, dataset, plan.planDigest)) as ReviewSheet;
    const { operations } = await getDocument(world.exchange, plan.plan, Plan);
    const ids = operations.map(({ id }) => id);
    // By places in the plan, as very many are named; so what they stand for is found in the file that lists them.
    const change = { operations: [], ranges: rangesOver([[0, ids.length - 1]], ids), partial: false };
    for (const approver of ['ada', 'bob']) {
      const jws = await signDecision(ground.folder, sheet, { approver, change });
      await recordDecision(aws, { dataset, plan: plan.planDigest, envelope: { plan: plan.planDigest, jws } });
    }
    const closed = await closeReview(aws, { dataset, plan: plan.planDigest, outcome: 'tally', code: null });
    expect(closed).toMatchObject({ outcome: 'approved', approved: 5 });
    const reviews = [closed.review];
    const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    const commit = { inputs, plan: plan.plan, reviews, permit };
    let written = 0;
    world.change('aws', {
      checkpoint: (point) => {
        if (point === 'afterWrite') written += 1;
        return written === 3 ? Promise.reject(new Error('the process has died')) : Promise.resolve();
      },
    });
    await expect(world.apply('aws', commit)).rejects.toThrow('the process has died');
    world.change('aws', { checkpoint: () => Promise.resolve() });
    forgetCalls(ground.sandbox);
    const result = await world.apply('aws', commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 5, alreadyApplied: 0 } });
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 2 });
  });

  it('is approved, written and agreed on with every document of the way in pieces', async () => {
    const { world, inputs, plan, asked } = one;
    const { operations } = await getDocument(world.exchange, plan.plan, Plan);
    const { aws } = world.contexts;
    await prepareReview(aws, asked, quiet);
    const sheet = (await readSheet(aws.privateStore, dataset, plan.planDigest)) as ReviewSheet;
    for (const approver of ['ada', 'bob']) {
      const change = { operations: operations.map(({ id }) => id), partial: false };
      const jws = await signDecision(ground.folder, sheet, { approver, change });
      const review = { dataset, plan: plan.planDigest, envelope: { plan: plan.planDigest, jws } };
      await recordDecision(aws, review);
    }
    const closed = await closeReview(aws, { dataset, plan: plan.planDigest, outcome: 'tally', code: null });
    expect(closed).toMatchObject({ outcome: 'approved', approved: 5 });
    const reviews = [closed.review];
    const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    const commit = { inputs, plan: plan.plan, reviews, permit };
    const result = await world.apply('aws', commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 5 } });
    if (result.kind !== 'done') throw new Error('nothing was written');
    await world.agree({ commit }, [result.receipts]);
    expect((await world.planned()).plan).toMatchObject({ operations: 0, divergences: 0 });
    const pieces = [...world.exchange.objects.keys()].filter((name) => name.includes('/pieces/'));
    expect(new Set(pieces.map((name) => name.split('/')[0]))).toEqual(new Set(['federation', 'aws', 'sov']));
  });
});
