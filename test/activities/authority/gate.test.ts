/** A coordinator that lies, one lie a row: the gate names what is wrong, and no cloud gets a call that writes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyDecision } from '../../../activities/authority/decisions.js';
import { gateLines, requireExposed, requireOwnReview } from '../../../activities/authority/gate.js';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { recomputePlan } from '../../../activities/recompute.js';
import type { Operation } from '../../../core/operation.js';
import { awsTag, awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision } from '../../support/local-federation.js';
import { liesAboutInputs } from './gate-lies-about-inputs.js';
import { liesAboutPeople } from './gate-lies-about-people.js';
import {
  brakedWorld,
  cloudsAsAgreed,
  deletionWorld,
  dropDecisions,
  layScene,
  lend,
  linkedWorld,
  one,
  ownOperations,
  policyWorld,
  plantDecision,
  protectedPerson,
  readyWorld,
  scene,
} from './gate-scene.js';
import { forgetCalls, writeCalls } from './gate-world.js';

const lies = [...liesAboutInputs, ...liesAboutPeople];

/** Lines that no lie reaches, because an earlier one would have to hold and cannot: tested by themselves below. */
const onlyByHand = ['surface outsideSurface', 'ownReview quorumMissing'];

describe('the gate', () => {
  beforeAll(layScene);
  afterAll(() => scene.ground?.stop());

  it('lets the honest commit through, and both clouds change as approved and no further', async () => {
    const { world, ready } = readyWorld();
    forgetCalls(scene.ground.sandbox);
    const results = [await world.apply('aws', ready.commit), await world.apply('sov', ready.commit)];
    expect(results).toMatchObject([
      { kind: 'done', complete: true },
      { kind: 'done', complete: true },
    ]);
    expect(writeCalls(scene.ground.sandbox)).toEqual({ 'iam:TagUser': 1, 'PATCH /v3/users/{id}': 2 });
    expect(awsTag(scene.ground.sandbox, 1, 'department')).toBe('Archive');
    expect(keystoneUser(scene.ground.sandbox, 0).extra['display_name']).toBe('Quillan Other');
    expect(keystoneUser(scene.ground.sandbox, 2).extra['email']).toBe('two.aws@example.org');
    expect(keystoneUser(scene.ground.sandbox, protectedPerson).extra['department']).toBe('Umbrology');
  });

  it.each(lies)('%s: refuses %s (%s) without a single write', async (line, _what, code, tell) => {
    const { world, commit, to = 'aws' } = await tell();
    forgetCalls(scene.ground.sandbox);
    const result = await world.apply(to, commit);
    expect(result).toMatchObject({ kind: 'refused', authority: to, code, receipts: null });
    // Refused by the line that is meant, and not by one that happens to come before it.
    expect('message' in result && result.message).toContain(`(gate: ${line})`);
    expect(writeCalls(scene.ground.sandbox)).toEqual({});
  });

  it('has a lie for every line and every code that a line may refuse with', () => {
    const told = new Set([...lies.map(([line, , code]) => `${line} ${code}`), ...onlyByHand]);
    const specified = Object.entries(gateLines).flatMap(([line, { codes }]) => codes.map((code) => `${line} ${code}`));
    expect(specified.filter((one) => !told.has(one))).toEqual([]);
    expect([...told].filter((one) => !specified.includes(one))).toEqual([]);
  });

  it('looks once more at what no plan and no permit that it makes itself could hold', async () => {
    const { world, ready } = readyWorld();
    const recomputed = await recomputePlan(scene.ground.federation, world.exchange, ready.inputs);
    const [own] = await ownOperations(world, ready, 'aws');
    if (!own) throw new Error('aws is asked about nothing');
    expect(() => requireOwnReview(world.contexts.aws, [], [own])).toThrow(/signed no review/);
    expect(() => requireOwnReview(world.contexts.aws, [], [])).not.toThrow();
    const outside = { ...own, changes: [{ kind: 'value', field: 'salary', before: 1, after: 2 }] } as Operation;
    expect(() => requireExposed(world.contexts.aws, recomputed, [own])).not.toThrow();
    expect(() => requireExposed(world.contexts.aws, recomputed, [outside])).toThrow(/not exposed/);
  });

  it.each([
    ['somebody with the declared role', () => deletionWorld([{ approver: 'bob' }])],
    ['somebody besides who signed the link', () => linkedWorld([{ approver: 'bob', choose: 0 }])],
    ['who signed the link and one more', () => linkedWorld([...one, { approver: 'bob', choose: 0 }])],
    ['somebody besides who signed the policy', () => policyWorld([{ approver: 'bob' }])],
    ['as many as a brake asks for', () => brakedWorld([{ approver: 'ada' }, { approver: 'bob' }])],
  ])('lets through what was approved by %s', async (_what, prepare) => {
    const { world, ready, ids } = await prepare();
    expect(ids.length).toBeGreaterThan(0);
    const result = await world.apply('aws', ready.commit);
    expect(result).toMatchObject({ kind: 'done', complete: true, counts: { applied: ids.length } });
  });

  it('lets through what a delegate approved in the voice of who lent it', async () => {
    const { world, ready } = readyWorld();
    dropDecisions(world, 'aws');
    const delegation = await lend(world, 'aws', { from: 'bob', to: 'ada' });
    const change = { delegation };
    await plantDecision(
      world,
      'aws',
      await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0, change }),
    );
    expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
  });

  it('writes nothing for an authority whose review the coordinator leaves out', async () => {
    const { world, ready } = readyWorld();
    const reviews = ready.reviews.filter(({ ref }) => ref.startsWith('sov/'));
    const { inputs, plan } = ready;
    const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    forgetCalls(scene.ground.sandbox);
    const result = await world.apply('aws', { ...ready.commit, reviews, permit });
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 0, alreadyApplied: 0 } });
    expect(writeCalls(scene.ground.sandbox)).toEqual({});
  });

  it('is no stricter than the review told: people hear of the larger quorum before a choice could trip the brake', async () => {
    cloudsAsAgreed();
    for (const number of [1, 3]) keystoneUser(scene.ground.sandbox, number).extra['department'] = 'Archive';
    keystoneUser(scene.ground.sandbox, 2).extra['email'] = 'two.sov@example.org';
    scene.ground.sandbox.aws.server.state.setTag(awsUser(scene.ground.sandbox, 2), 'email', 'two.aws@example.org');
    const world = scene.agreed.copy();
    const { inputs, plan } = await world.planned();
    const review = { inputs, plan: plan.plan, planDigest: plan.planDigest };
    const prepared = await prepareReview(world.contexts.aws, review, { replaced: () => Promise.resolve() });
    expect(prepared).toMatchObject({ kind: 'waiting', operations: 2, conflicts: 1, braked: true, quorum: 2 });
  });

  it.each([
    ['decisionSignature', 'ada', { approver: 'bob' }],
    ['notAnApprover', 'ada', { approver: 'eve' }],
    ['decisionForOtherPlan', 'ada', { authority: 'sov' }],
    ['decisionForOtherPlan', 'ada', { dataset: 'other' }],
    ['decisionForOtherPlan', 'ada', { federation: 'other' }],
    ['decisionExpired', 'ada', { expiresAtMs: 1 }],
    ['decisionMalformed', 'ada', { id: 'short' }],
  ] as const)('takes no decision that is wrong: %s', async (code, approver, change) => {
    const { world, ready } = readyWorld();
    const jws = await signDecision(scene.ground.folder, ready.sheets.aws, { approver, change });
    await expect(verifyDecision(world.contexts.aws, dataset, jws)).rejects.toMatchObject({ code });
  });
});
