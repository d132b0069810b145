/**
 * A decision that names its operations by place, as those on many do, at the size of a unit test: the whole way from its signing
 * to an export that a peer verifies alone, and who lies about what it names.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { closeReview, recordDecision } from '../../../activities/authority/review.js';
import { readSheet, type ReviewSheet } from '../../../activities/authority/review-sheet.js';
import { findPrivate } from '../../../activities/erasure/private-state.js';
import { getDocument } from '../../../activities/exchange.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import type { RecordHead } from '../../../activities/lineage/export-file.js';
import { exportRecord, exportRun } from '../../../activities/lineage/make-export.js';
import { keysOfFederation } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import type { Decision } from '../../../core/decision.js';
import type { RunInputs } from '../../../core/messages.js';
import type { Operation } from '../../../core/operation.js';
import { placesOf, rangesOver } from '../../../core/operation-ranges.js';
import { Plan } from '../../../core/plan.js';
import { ReviewBody, ReviewStatement, reviewScope, reviewType } from '../../../core/review.js';
import type { PlanSummary } from '../../../workflows/messages.js';
import { keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision } from '../../support/local-federation.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

const changed = [1, 2, 3, 4, 5];
const protectedPerson = 3;
const quiet = { replaced: () => Promise.resolve() };
let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };

/** aws asks two people, and one of those who change may not be touched there. */
beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text
          .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { percentMax: 100 }')
          .replace('quorum: 1', 'quorum: 2')
          .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
          .replace(
            'protected: []',
            `protected: [{ type: person, where: { employeeId: E77${1_000 + protectedPerson} }, reason: founder }]`,
          )
      : text,
  );
  agreed = await GateWorld.agreed(ground, 8);
  const { aws, keystone } = ground.sandbox;
  clouds = { aws: aws.server.state.save(), sov: keystone.server.state.save() };
});
afterAll(() => ground?.stop());

interface Asked {
  readonly world: GateWorld;
  readonly inputs: RunInputs;
  readonly plan: PlanSummary;
  readonly sheet: ReviewSheet;
  /** All that the plan has for aws, in its order. */
  readonly planned: readonly Operation[];
  /** The one that aws does not ask about. */
  readonly refused: string;
}

async function asked(world: GateWorld): Promise<Asked> {
  const { inputs, plan } = await world.planned();
  const { aws } = world.contexts;
  await prepareReview(aws, { inputs, plan: plan.plan, planDigest: plan.planDigest }, quiet);
  const sheet = (await readSheet(aws.privateStore, dataset, plan.planDigest)) as ReviewSheet;
  const planned = [...reviewScope(await getDocument(world.exchange, plan.plan, Plan), 'aws').operations];
  const refused = sheet.operations.find((entry) => entry.refused !== null)?.operation.id ?? '';
  return { world, inputs, plan, sheet, planned, refused };
}

let first: Asked;
beforeEach(async () => {
  const { aws, keystone } = ground.sandbox;
  aws.server.state.restore(clouds.aws);
  keystone.server.state.restore(clouds.sov);
  for (const number of changed) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
  first = await asked(agreed.copy());
});

const idsOf = ({ planned }: Asked): readonly string[] => planned.map(({ id }) => id);

/** All that is asked, by its places. */
function byRanges(one: Asked): Pick<Decision, 'operations' | 'ranges' | 'partial'> {
  const places = placesOf(idsOf(one), (id) => id !== one.refused);
  return { operations: [], ranges: rangesOver(places, idsOf(one)), partial: false };
}

async function take(one: Asked, approver: string, change: Partial<Decision>): ReturnType<typeof recordDecision> {
  const jws = await signDecision(ground.folder, one.sheet, { approver, change });
  const plan = one.plan.planDigest;
  return recordDecision(one.world.contexts.aws, { dataset, plan, envelope: { plan, jws } });
}

/** Closes the review, writes what it lets through, and has all agree on it. */
async function written({ world, inputs, plan }: Asked): Promise<ReviewBody> {
  const closed = await closeReview(world.contexts.aws, {
    dataset,
    plan: plan.planDigest,
    outcome: 'tally',
    code: null,
  });
  const reviews = [closed.review];
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  const commit = { inputs, plan: plan.plan, reviews, permit };
  const result = await world.apply('aws', commit);
  expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: 4 } });
  if (result.kind === 'done') await world.agree({ commit }, [result.receipts]);
  const text = new TextDecoder().decode(world.exchange.objects.get(closed.review.ref));
  const { body: sha256 } = ReviewStatement.parse(readUnverified(text, { typ: reviewType }).payload);
  return getDocument(world.exchange, { ref: `aws/documents/${sha256}`, sha256 }, ReviewBody);
}

async function faultsOfRun({ world }: Asked): Promise<readonly string[]> {
  const keys = keysOfFederation(ground.federation);
  const { head, objects } = await exportRun(world.exchange, keys, dataset, 2);
  const { all } = await verifyExport({ head, objects: new Map(objects) }, keys);
  expect(all.map(({ words }) => words).join('\n')).toMatch(/4 operations were written with the people that its terms/);
  return all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);
}

async function recordHead({ world }: Asked, { type, key }: Operation): Promise<RecordHead> {
  const head = await exportRecord(world.exchange, keysOfFederation(ground.federation), { dataset, type, key });
  if (!head) throw new Error('nobody has a hop of it');
  return head;
}

async function faultsOfRecord(head: RecordHead): Promise<readonly string[]> {
  const { all } = await verifyExport({ head, objects: new Map() }, keysOfFederation(ground.federation));
  return all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);
}

const writtenOf = ({ planned, refused }: Asked): readonly Operation[] => planned.filter(({ id }) => id !== refused);

describe('a decision that names operations by place', () => {
  it('is counted, written under and verified as a list would be', async () => {
    expect(first.planned).toHaveLength(5);
    expect(first.planned.findIndex(({ id }) => id === first.refused)).toBeGreaterThanOrEqual(0);
    expect(await take(first, 'ada', byRanges(first))).toMatchObject({ approved: 0, open: 4, missing: 1 });
    expect(await take(first, 'bob', byRanges(first))).toMatchObject({ approved: 4, open: 0, closed: true });
    const body = await written(first);
    expect(body).not.toHaveProperty('named');
    expect(await faultsOfRun(first)).toEqual([]);
  });

  it('proves of each record that it was among them, and nothing of another', async () => {
    for (const approver of ['ada', 'bob']) await take(first, approver, byRanges(first));
    await written(first);
    const [one, other] = writtenOf(first) as [Operation, Operation];
    const head = await recordHead(first, one);
    expect(head.named).toHaveLength(2);
    expect(await faultsOfRecord(head)).toEqual([]);
    const { named: _, ...unproven } = head;
    const away = await faultsOfRecord(unproven);
    expect(away).toHaveLength(2);
    expect(away[0]).toContain('the proof that this was among it is not here');
    // A proof of another record, or one in which this record was put, is none.
    const forged: readonly RecordHead['named'][] = [
      (await recordHead(first, other)).named,
      head.named?.map((proof) => ({ ...proof, operation: other.id })),
      head.named?.map((entry) => ({
        ...entry,
        proof: { ...entry.proof, ids: entry.proof.ids.map((id) => (id === other.id ? 'ab'.repeat(32) : id)) },
      })),
    ];
    for (const named of forged) {
      const faults = await faultsOfRecord({ ...head, named });
      expect(faults).toHaveLength(2);
      for (const words of faults) expect(words).toContain('approves something else');
    }
  });

  it('still holds for what is identical in the next plan, and lets a peer verify that', async () => {
    await take(first, 'ada', byRanges(first));
    // The world moves: one of them is changed again, and one more comes.
    keystoneUser(ground.sandbox, 5).extra['department'] = 'Cellar';
    keystoneUser(ground.sandbox, 0).extra['department'] = 'Heraldry';
    const next = await asked(first.world);
    const identical = writtenOf(next).filter(({ id }) => idsOf(first).includes(id));
    expect([writtenOf(next).length, identical.length]).toEqual([5, 3]);
    const wholeOfNext = byRanges(next);
    expect(await take(next, 'bob', wholeOfNext)).toMatchObject({ approved: 3, open: 2 });
    const moved = writtenOf(next).filter(({ id }) => !idsOf(first).includes(id));
    const more = { operations: moved.slice(0, 1).map(({ id }) => id), partial: true };
    await take(next, 'ada', more);
    const body = await written(next);
    expect(Object.values(body.named ?? {})).toEqual([writtenOf(first).map(({ id }) => id)]);
    expect(await faultsOfRun(next)).toEqual([]);
    const head = await recordHead(next, identical[0] as Operation);
    expect(head.named).toHaveLength(2);
    expect(await faultsOfRecord(head)).toEqual([]);
  });

  it('is removed with a record that is erased, and only with one that it names', async () => {
    await take(first, 'ada', byRanges(first));
    const holding = async (operation: string): Promise<readonly string[]> => {
      const marks = { name: { dataset, type: 'person', key: 'nobody' }, provisional: [], salt: null };
      const found = await findPrivate(first.world.contexts.aws.privateStore, {
        marks,
        operations: new Set([operation]),
      });
      return found.filter(({ kind }) => kind === 'decisions').map(({ name }) => name);
    };
    for (const { id } of writtenOf(first)) expect(await holding(id)).toHaveLength(1);
    expect(await holding(first.refused)).toEqual([]);
  });

  it('may turn them down as well', async () => {
    const answer = await take(first, 'ada', { ...byRanges(first), kind: 'reject', reason: 'not now' });
    expect(answer).toMatchObject({ rejected: 4, open: 0, closed: true });
    expect((await asked(first.world)).plan).toMatchObject({ accepted: 4 });
  });
});

describe('who lies about what stands there', () => {
  const lies: readonly (readonly [string, (one: Asked) => Partial<Decision>, string])[] = [
    [
      'a root over another operation',
      (one) => {
        const other = idsOf(one).map((id, at) => (at === 0 ? 'ab'.repeat(32) : id));
        return { ranges: rangesOver(byRanges(one).ranges?.places ?? [], other) };
      },
      'decisionUnknownOperation',
    ],
    [
      'another count',
      (one) => ({ ranges: { ...(byRanges(one).ranges as NonNullable<Decision['ranges']>), count: 5 } }),
      'decisionUnknownOperation',
    ],
    [
      'an operation that is not asked',
      (one) => ({ ranges: rangesOver([[0, 4]], idsOf(one)) }),
      'decisionUnknownOperation',
    ],
    [
      'places beyond the plan',
      (one) => ({ ranges: { ...rangesOver([[0, 4]], idsOf(one)), places: [[0, 4_000_000_000]] } }),
      'decisionUnknownOperation',
    ],
    [
      'the same operations at other places',
      (one) => {
        const [other] = writtenOf(one);
        const places = placesOf(idsOf(one), (id) => id !== other?.id);
        return { ranges: { ...(byRanges(one).ranges as NonNullable<Decision['ranges']>), places } };
      },
      'decisionUnknownOperation',
    ],
    ['a list besides', (one) => ({ operations: idsOf(one).slice(0, 1) }), 'decisionUnknownOperation'],
  ];
  it.each(lies)('gains nothing by %s', async (_what, change, code) => {
    await expect(take(first, 'ada', { ...byRanges(first), ...change(first) })).rejects.toMatchObject({ code });
    expect([...first.world.stores.aws.objects.keys()].filter((name) => name.startsWith('decisions/'))).toEqual([]);
  });
});
