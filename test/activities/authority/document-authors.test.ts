/**
 * Whoever signs a map or a policy is the author of what follows from it, for as long as something that follows is open:
 * the review, the gate and the verification of an export count the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAgreement } from '../../../activities/authority/agreements.js';
import { exportAttempt } from '../../../activities/lineage/make-export.js';
import { keysOfFederation } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { getDocument, putDocument, putMessage } from '../../../activities/exchange.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { Base, type Ref } from '../../../core/messages.js';
import { ReviewBody, reviewType, ReviewStatement } from '../../../core/review.js';
import { awsTag, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision, type DecisionWishes } from '../../support/local-federation.js';
import { GateWorld, layGround, type Ground, type Member, type Ready } from './gate-world.js';
import { withDocuments } from './signed-documents.js';

let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
/** ada maps the department of sov from another property, in which everybody has moved. */
let mapped: Ground;

const people = 4;
const byDivision = {
  'maps/sov.person.yaml': (text: string) => text.replace('path: department', 'path: division'),
};

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 100 }'));
  agreed = await GateWorld.agreed(ground, people);
  for (let number = 0; number < people; number += 1)
    keystoneUser(ground.sandbox, number).extra['division'] = `Lanternry ${number}`;
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
  mapped = await withDocuments(ground, 'mapped', {
    edit: byDivision,
    sign: { 'maps/sov.person': ['ada'], 'taxonomy/person': ['bob'] },
  });
});
afterAll(() => ground?.stop());

function world(over: Ground, from = agreed): GateWorld {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  return new GateWorld(over, from);
}

/** What aws says. Where a map is new, sov has nothing to write and is asked about the map all the same. */
async function outcomeOf(
  own: GateWorld,
  decisions: readonly DecisionWishes[],
  ofSov: readonly DecisionWishes[] = [],
): Promise<{ ready: Ready; outcome: string }> {
  const ready = await own.ready({ aws: decisions, sov: ofSov });
  const ref = ready.reviews.find((review) => review.ref.startsWith('aws/')) as Ref;
  const jws = new TextDecoder().decode(own.exchange.objects.get(ref.ref));
  return { ready, outcome: ReviewStatement.parse(readUnverified(jws, { typ: reviewType }).payload).outcome };
}

/** Writes what was approved and agrees on it. */
async function settle(own: GateWorld, ready: Ready): Promise<Base> {
  const receipts: Ref[] = [];
  for (const id of ['aws', 'sov'] as const satisfies readonly Member[]) {
    if (!ready.plan.affected.includes(id)) continue;
    const result = await own.apply(id, ready.commit);
    if (result.kind !== 'done' || !result.receipts) throw new Error(JSON.stringify(result));
    receipts.push(result.receipts);
  }
  await own.agree(ready, receipts);
  const { agreement } = await readAgreement(own.contexts.aws, dataset);
  if (!agreement) throw new Error('nothing was agreed');
  return getDocument(own.exchange, agreement.ref, Base);
}

const firstPerson: DecisionWishes['only'] = (operation) =>
  operation.changes.some((change) => change.kind === 'value' && change.after === 'Lanternry 0');

describe('the author of a map', () => {
  it('is named in the review, and cannot alone approve what its change leads to', async () => {
    const alone = await outcomeOf(world(mapped), [{ approver: 'ada' }]);
    expect(alone.ready.sheets.aws.operations).toHaveLength(people);
    expect(alone.outcome).not.toBe('approved');
    expect(alone.ready.sheets.aws.documents).toEqual([
      { document: 'taxonomy/person', signers: [{ authority: 'aws', approver: 'bob' }], operations: people },
      { document: 'maps/sov.person', signers: [{ authority: 'aws', approver: 'ada' }], operations: people },
    ]);
  });

  it('is nobody where nobody signed the map, and the review says so', async () => {
    const signed = await withDocuments(ground, 'signed', { sign: { 'maps/aws.person': ['bob'] } });
    const before = world(signed);
    keystoneUser(ground.sandbox, 0).extra['email'] = 'moved@example.org';
    const agreedOnce = await outcomeOf(before, [{ approver: 'ada' }]);
    await settle(before, agreedOnce.ready);
    const unsigned = await withDocuments(signed, 'unsigned', { edit: byDivision });
    const { ready, outcome } = await outcomeOf(new GateWorld(unsigned, before), [{ approver: 'ada' }]);
    expect(ready.sheets.aws.documents).toEqual([{ document: 'maps/sov.person', signers: [], operations: people }]);
    expect(outcome).toBe('approved');
  });

  it('stays its author while anything that follows from it is open, however far the base has moved', async () => {
    const own = world(
      await withDocuments(ground, 'one-author', { edit: byDivision, sign: { 'maps/sov.person': ['ada'] } }),
    );
    const first = await outcomeOf(own, [{ approver: 'bob', only: firstPerson }], [{ approver: 'bob' }]);
    const between = await settle(own, first.ready);
    expect(between.authored?.fresh).toContain('maps/sov.person');
    expect(awsTag(ground.sandbox, 0, 'department')).toBe('Lanternry 0');
    const later = await outcomeOf(own, [{ approver: 'ada' }]);
    expect(later.ready.sheets.aws.operations).toHaveLength(people - 1);
    expect(later.outcome).not.toBe('approved');
  });

  it('has nothing to do with what is observed once all of it was agreed', async () => {
    const own = world(
      await withDocuments(ground, 'settled', { edit: byDivision, sign: { 'maps/sov.person': ['ada'] } }),
    );
    const { ready } = await outcomeOf(own, [{ approver: 'bob' }], [{ approver: 'bob' }]);
    const base = await settle(own, ready);
    expect(base.authored?.fresh).toEqual([]);
    keystoneUser(ground.sandbox, 1).extra['email'] = 'moved@example.org';
    const later = await outcomeOf(own, [{ approver: 'ada' }]);
    expect(later.ready.sheets.aws.documents).toEqual([]);
    expect(later.outcome).toBe('approved');
  });
});

describe('the author of a policy', () => {
  it('stands behind all that it decides, also long after it was agreed', async () => {
    const owned = await withDocuments(ground, 'owned', {
      edit: {
        [`datasets/${dataset}.yaml`]: (text) =>
          `${text}resolution: { person: { fields: { department: { kind: owned, by: sov } } } }\n`,
      },
      sign: { [`datasets/${dataset}`]: ['ada'] },
    });
    const own = world(owned);
    keystoneUser(ground.sandbox, 0).extra['department'] = 'Archive';
    const { ready } = await outcomeOf(own, [{ approver: 'bob' }]);
    expect((await settle(own, ready)).authored?.fresh).toEqual([]);
    keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
    keystoneUser(ground.sandbox, 2).extra['email'] = 'two.sov@example.org';
    const { ready: later, outcome } = await outcomeOf(own, [{ approver: 'ada' }]);
    expect(later.sheets.aws.operations.map(({ operation }) => operation.rule).sort()).toEqual([
      'changedOnOneSide',
      'owned',
    ]);
    expect(outcome).toBe('partlyApproved');
    expect(later.sheets.aws.documents).toMatchObject([{ document: `datasets/${dataset}`, operations: 1 }]);
  });
});

describe('an export', () => {
  it.each([
    [['ada'], /^wrong its review calls 4 operations approved without enough people: it takes 1 person, not ada alone/m],
    [['ada', 'bob'], null],
  ])('of a run that %s approved is counted as the gate counts', async (by, wrong) => {
    const own = world(
      await withDocuments(ground, `export-${by.length}`, { edit: byDivision, sign: { 'maps/sov.person': ['ada'] } }),
    );
    const { ready } = await outcomeOf(own, []);
    const operations = ready.sheets.aws.operations.map(({ operation }) => operation.id);
    const decisions = await Promise.all(
      by.map((approver) => signDecision(ground.folder, ready.sheets.aws, { approver })),
    );
    const reviews = [await forgedReview(own, ready, { operations, decisions })];
    const { inputs, plan } = ready;
    const { permit } = await own.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    const keys = keysOfFederation(own.ground.federation);
    const attempt = { dataset, inputs, plan: plan.plan, reviews, permit, receipts: [] };
    const { head, objects } = await exportAttempt(own.exchange, keys, attempt);
    const { all } = await verifyExport({ head, objects: new Map(objects) }, keys);
    const words = all.filter(({ kind }) => kind === 'wrong').map((one) => `${one.kind} ${one.words}`);
    if (wrong) expect(words.join('\n')).toMatch(wrong);
    else expect(words).toEqual([]);
  });
});

async function forgedReview(own: GateWorld, ready: Ready, change: Partial<ReviewBody>): Promise<Ref> {
  const ref = ready.reviews[0] as Ref;
  const jws = new TextDecoder().decode(own.exchange.objects.get(ref.ref));
  const statement = ReviewStatement.parse(readUnverified(jws, { typ: reviewType }).payload);
  const body = await getDocument(
    own.exchange,
    { ref: `aws/documents/${statement.body}`, sha256: statement.body },
    ReviewBody,
  );
  const made = await putDocument(own.exchange, 'aws', { ...body, ...change });
  const forged = { ...statement, outcome: 'approved', body: made.sha256 };
  return putMessage(own.exchange, 'aws', await signCompact(forged, { typ: reviewType, key: ground.keys.aws }));
}
