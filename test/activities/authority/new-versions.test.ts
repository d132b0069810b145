/** A map that is new, between two authorities and a coordinator that lies: nobody agrees under it without their own people. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { witnessCandidate } from '../../../activities/authority/witness.js';
import { getDocument, putDocument, putMessage } from '../../../activities/exchange.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { Base, type Candidate, type Proposal, type Ref } from '../../../core/messages.js';
import { newVersionWords } from '../../../core/new-versions.js';
import { Permit } from '../../../core/permit.js';
import { Plan } from '../../../core/plan.js';
import { reviewType, type ReviewBody, type ReviewStatement } from '../../../core/review.js';
import { digestOf } from '../../../core/digest.js';
import { dataset } from '../../support/local-federation.js';
import { awsTag, awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Member, type Ready } from './gate-world.js';

const yes = [{ approver: 'ada' }];
const no = [{ approver: 'ada', kind: 'reject' as const }];
const quiet = { replaced: () => Promise.resolve() };

let ground: Ground;
let before: GateWorld;
/** The same folder with another map of sov. */
let changed: Ground;

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  before = await GateWorld.agreed(ground, 4);
  const { federation } = ground;
  const map = federation.maps['sov.person'];
  if (!map) throw new Error('sov maps no person');
  const maps = { ...federation.maps, 'sov.person': { ...map, ignore: [...map.ignore, 'nickname'] } };
  changed = { ...ground, federation: { ...federation, maps } };
});
afterAll(() => ground?.stop());

const worldWithNewMap = (): GateWorld => new GateWorld(changed, before);

const baseOf = async (world: GateWorld, ref: Ref): Promise<Base> => getDocument(world.exchange, ref, Base);

async function baseAfter(world: GateWorld): Promise<Base> {
  const { plan } = await world.planned();
  const { base } = await getDocument(world.exchange, plan.plan, Plan);
  return baseOf(world, { ref: `aws/documents/${base ?? ''}`, sha256: base ?? '' });
}

async function proposalOf({ coordinator }: GateWorld, { commit, reviews }: Ready): Promise<Ref | null> {
  const { inputs, plan, permit } = commit;
  return (await coordinator.proposeCandidate({ inputs, plan, reviews: [...reviews], permit, receipts: [] })).proposal;
}

/** A review of sov with a yes that nobody there gave, as if its worker had been talked into signing. */
async function withForgedReview(world: GateWorld, ready: Ready, operations: readonly string[]): Promise<Ready> {
  const { newVersions = [] } = await getDocument(world.exchange, ready.plan.plan, Plan);
  const body: ReviewBody = {
    operations: [...operations],
    rejected: [],
    left: [],
    choices: {},
    newVersions: { approved: newVersions.map(({ id }) => id), rejected: [] },
    decisions: [],
    delegations: [],
  };
  const statement: ReviewStatement = {
    authority: 'sov',
    dataset,
    plan: ready.plan.planDigest,
    outcome: 'approved',
    code: null,
    body: (await putDocument(world.exchange, 'sov', body)).sha256,
    hlc: await world.contexts.sov.clock.stamp(),
  };
  const own = await putMessage(
    world.exchange,
    'sov',
    await signCompact(statement, { typ: reviewType, key: ground.keys.sov }),
  );
  const reviews = [...ready.reviews.filter(({ ref }) => !ref.startsWith('sov/')), own];
  const { inputs, plan } = ready;
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  return { ...ready, reviews, commit: { ...ready.commit, reviews, permit } };
}

const witness = (world: GateWorld, id: Member, { inputs }: Ready, proposal: Ref): Promise<unknown> => {
  const { run, opens } = inputs;
  return witnessCandidate(world.contexts[id], { dataset, run, opens, proposal });
};

describe('a map that is new since the last agreement', () => {
  it('is asked of all who hold the type, with nothing to write, and agreed on once both approved', async () => {
    const world = worldWithNewMap();
    const old = (await baseAfter(before.copy())).agreedUnder?.['person'];
    const ready = await world.ready({ aws: yes, sov: yes });
    expect(ready.plan).toMatchObject({ operations: 0, newVersions: 1, affected: ['aws', 'sov'], baseMoves: false });
    const { newVersions = [] } = await getDocument(world.exchange, ready.plan.plan, Plan);
    expect(newVersions.map(newVersionWords)).toEqual([
      'map of sov for person is new: 4 of 4 records come back as they were',
    ]);
    await world.agree(ready, []);
    const base = await baseAfter(world);
    expect(base.sequence).toBe(2);
    expect(base.agreedUnder?.['person']?.maps['aws']).toEqual(old?.maps['aws']);
    expect(base.agreedUnder?.['person']?.maps['sov']).toEqual(newVersions[0]?.now);
    expect(newVersions[0]?.before).toEqual(old?.maps['sov']);
    // Asked once.
    expect((await world.planned()).plan).toMatchObject({ affected: [] });
  });

  it('that one turns down moves no base and writes nothing; the next plan asks again, and earlier words hold', async () => {
    const world = worldWithNewMap();
    const { extra } = keystoneUser(ground.sandbox, 1);
    const department = extra['department'];
    extra['department'] = 'Archive';
    try {
      forgetCalls(ground.sandbox);
      const ready = await world.ready({ aws: yes, sov: no });
      expect(ready.plan).toMatchObject({ operations: 1, newVersions: 1 });
      const permit = await getDocument(world.exchange, ready.commit.permit, Permit);
      expect(permit).toMatchObject({ operations: {}, settled: [] });
      expect(permit.newVersions).toBeUndefined();
      expect(await proposalOf(world, ready)).toBeNull();
      expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 0 } });
      expect(writeCalls(ground.sandbox)).toEqual({});

      // aws said yes to the very same over this base; sov is asked anew, and an older yes of it would not count.
      const again = await world.ready({ aws: [], sov: [] });
      expect(again.plan.planDigest).not.toBe(ready.plan.planDigest);
      expect(await proposalOf(world, again)).toBeNull();
      const agreed = await world.ready({ aws: [], sov: yes });
      const result = await world.apply('aws', agreed.commit);
      expect(result).toMatchObject({ kind: 'done', counts: { applied: 1 } });
      expect(awsTag(ground.sandbox, 1, 'department')).toBe('Archive');
      await world.agree(agreed, result.receipts ? [result.receipts] : []);
      expect((await baseAfter(world)).sequence).toBe(2);
    } finally {
      ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'department', String(department));
      extra['department'] = department;
    }
  });

  it('does not count as approved by a yes from before people said no', async () => {
    const world = worldWithNewMap();
    const first = await world.ready({ aws: [], sov: [{ approver: 'ada' }] });
    expect(await proposalOf(world, first)).toBeNull();
    world.clockMs += 1_000;
    const turned = await world.ready({ aws: yes, sov: [{ approver: 'bob', kind: 'reject' }] });
    expect(turned.plan.planDigest).toBe(first.plan.planDigest);
    world.clockMs += 1_000;
    const next = await world.ready({ aws: yes, sov: [] });
    expect(next.plan.planDigest).not.toBe(first.plan.planDigest);
    expect((await getDocument(world.exchange, next.commit.permit, Permit)).newVersions).toBeUndefined();
  });
});

describe('a coordinator that', () => {
  it('leaves the new map out of its plan is refused before anybody is asked', async () => {
    const world = worldWithNewMap();
    const { inputs, plan } = await world.planned();
    const { newVersions: _hidden, ...rest } = await getDocument(world.exchange, plan.plan, Plan);
    const lie = await putDocument(world.exchange, 'federation', rest);
    for (const id of ['aws', 'sov'] as const)
      expect(
        await prepareReview(world.contexts[id], { inputs, plan: lie, planDigest: lie.sha256 }, quiet),
      ).toMatchObject({
        kind: 'refused',
        code: 'planNotReproduced',
        message: expect.stringContaining('newVersions') as string,
      });
  });

  it('permits what one did not approve, or leaves that review out, gets no signature', async () => {
    const world = worldWithNewMap();
    const ready = await world.ready({ aws: yes, sov: no });
    const { newVersions = [] } = await getDocument(world.exchange, ready.plan.plan, Plan);
    const lies: readonly (readonly Ref[])[] = [
      ready.reviews,
      ready.reviews.filter(({ ref }) => ref.startsWith('aws/')),
    ];
    for (const reviews of lies) {
      const made = await world.coordinator.settleReviews({ inputs: ready.inputs, plan: ready.plan.plan, reviews });
      const permit = await putDocument(world.exchange, 'federation', {
        ...(await getDocument(world.exchange, made.permit, Permit)),
        newVersions: newVersions.map(({ id }) => id),
      });
      const base = await baseAfter(before.copy());
      const candidate: Candidate = {
        dataset,
        run: ready.inputs.run,
        sequence: 2,
        previous: digestOf(base),
        plan: ready.plan.planDigest,
        permit: permit.sha256,
        receipts: [],
        next: digestOf({ ...base, sequence: 2 }),
      };
      const proposal = await putDocument(world.exchange, 'federation', {
        inputs: ready.inputs,
        plan: ready.plan.plan,
        reviews: [...reviews],
        permit,
        receipts: [],
        candidate: await putDocument(world.exchange, 'federation', candidate),
      } satisfies Proposal);
      for (const id of ['aws', 'sov'] as const)
        await expect(witness(world, id, ready, proposal)).rejects.toMatchObject({ code: 'planNotReproduced' });
    }
  });

  it('has a review without people behind it gets neither a write nor a signature from that authority', async () => {
    const world = worldWithNewMap();
    const ready = await withForgedReview(world, await world.ready({ aws: yes, sov: [] }), []);
    const proposal = await proposalOf(world, ready);
    if (!proposal) throw new Error('nothing was proposed');
    await expect(witness(world, 'sov', ready, proposal)).rejects.toMatchObject({
      code: 'quorumMissing',
      message: '1 new versions of types or maps lack their approval: 1 person',
    });

    // An operation that its people approved hangs on the new map all the same.
    const { state } = ground.sandbox.aws.server;
    const user = awsUser(ground.sandbox, 2);
    const department = awsTag(ground.sandbox, 2, 'department') ?? '';
    state.setTag(user, 'department', 'Archive');
    try {
      const writing = worldWithNewMap();
      const honest = await writing.ready({ aws: yes, sov: [{ approver: 'ada', change: { newVersions: [] } }] });
      const operations = (await getDocument(writing.exchange, honest.plan.plan, Plan)).operations.map(({ id }) => id);
      expect(operations).toHaveLength(1);
      forgetCalls(ground.sandbox);
      const { commit } = await withForgedReview(writing, honest, operations);
      expect(await writing.apply('sov', commit)).toMatchObject({
        kind: 'refused',
        code: 'quorumMissing',
        message: expect.stringContaining('1 new versions of types or maps lack their approval') as string,
      });
      expect(writeCalls(ground.sandbox)).toEqual({});
    } finally {
      state.setTag(user, 'department', department);
    }
  });
});
