/** A coordinator that lies, one lie a row: the gate names what is wrong, and no cloud gets a call that writes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { keepDecision, verifyDecision } from '../../../activities/authority/decisions.js';
import { getDocument, putDocument, putMessage } from '../../../activities/exchange.js';
import { generatePrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { Correlation } from '../../../core/correlate.js';
import type { ErrorCode } from '../../../core/errors.js';
import { snapshotType, type Ref } from '../../../core/messages.js';
import { Permit } from '../../../core/permit.js';
import { makeOperation, type Operation } from '../../../core/operation.js';
import { Plan } from '../../../core/plan.js';
import { reviewScope, reviewType, ReviewStatement, type ReviewBody } from '../../../core/review.js';
import type { CommitInput } from '../../../workflows/contract.js';
import { awsTag, awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision, type DecisionWishes } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Member, type Ready } from './gate-world.js';

const protectedPerson = 7;
const farFuture = Date.parse('2091-01-01T00:00:00Z');

/** aws: one approver, two where more than two people change. sov: two approvers, and one person nobody may touch. */
function terms(file: string, text: string): string {
  if (file === 'authorities/aws.yaml')
    return text
      .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 2 }')
      .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
      .replace(
        'freezeWindows: []',
        "freezeWindows: [{ from: '2090-01-01T00:00:00Z', to: '2090-02-01T00:00:00Z', reason: year end }]",
      );
  if (file === 'authorities/sov.yaml')
    return text
      .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }')
      .replace('quorum: 1', 'quorum: 2')
      .replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2')
      .replace(
        'protected: []',
        `protected: [{ type: person, where: { employeeId: E77${1_000 + protectedPerson} }, reason: founder }]`,
      );
  return text;
}

const one: readonly DecisionWishes[] = [{ approver: 'ada', choose: 0 }];
const two: readonly DecisionWishes[] = [...one, { approver: 'bob', choose: 0 }];

let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
let prepared: { readonly world: GateWorld; readonly ready: Ready };

/** One operation asked of each authority, one that sov's terms forbid, and a conflict that both choose alike. */
function diverge(): void {
  const { aws } = ground.sandbox;
  keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
  keystoneUser(ground.sandbox, 2).extra['email'] = 'two.sov@example.org';
  aws.server.state.setTag(awsUser(ground.sandbox, 2), 'email', 'two.aws@example.org');
  aws.server.state.setTag(awsUser(ground.sandbox, 0), 'displayName', 'Quillan Other');
  aws.server.state.setTag(awsUser(ground.sandbox, protectedPerson), 'department', 'Archive');
}

function cloudsAsAgreed(): void {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
}

beforeAll(async () => {
  ground = await layGround(terms);
  agreed = await GateWorld.agreed(ground, 10);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
  diverge();
  const world = agreed.copy();
  prepared = { world, ready: await world.ready({ aws: one, sov: two }) };
});
afterAll(() => ground?.stop());

/** A copy of the world that is ready to write, with the clouds as they were when it was read. */
function readyWorld(): { readonly world: GateWorld; readonly ready: Ready } {
  cloudsAsAgreed();
  diverge();
  return { world: prepared.world.copy(), ready: prepared.ready };
}

interface Lie {
  readonly world: GateWorld;
  readonly commit: CommitInput;
  readonly to?: Member;
}

/** The documents a coordinator writes; nobody signs them. */
async function documentOf<Schema extends typeof Plan | typeof Permit | typeof Correlation>(
  world: GateWorld,
  ref: Ref,
  schema: Schema,
): Promise<ReturnType<Schema['parse']>> {
  return (await getDocument(world.exchange, ref, schema)) as ReturnType<Schema['parse']>;
}

/** A review that says what this authority's own people did not: as if its worker had been talked into signing. */
async function withOwnReview(
  world: GateWorld,
  ready: Pick<Ready, 'inputs' | 'plan' | 'reviews'>,
  id: Member,
  operations: readonly string[],
): Promise<CommitInput> {
  const body: ReviewBody = {
    operations: [...operations],
    rejected: [],
    left: [],
    choices: {},
    decisions: [],
    delegations: [],
  };
  const statement: ReviewStatement = {
    authority: id,
    dataset,
    plan: ready.plan.planDigest,
    outcome: 'approved',
    code: null,
    body: (await putDocument(world.exchange, id, body)).sha256,
    hlc: await world.contexts[id].clock.stamp(),
  };
  const own = await putMessage(
    world.exchange,
    id,
    await signCompact(statement, { typ: reviewType, key: ground.keys[id] }),
  );
  const reviews = [...ready.reviews.filter(({ ref }) => !ref.startsWith(`${id}/`)), own];
  const { inputs, plan } = ready;
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  return { inputs, plan: plan.plan, reviews, permit };
}

async function ownOperations(world: GateWorld, ready: Pick<Ready, 'plan'>, id: Member): Promise<readonly Operation[]> {
  return reviewScope(await documentOf(world, ready.plan.plan, Plan), id).operations;
}

function dropDecisions(world: GateWorld, id: Member): void {
  for (const name of world.stores[id].objects.keys())
    if (name.startsWith('decisions/')) world.stores[id].objects.delete(name);
}

/** Puts a signed decision where the authority keeps those it took, past every check that taking it would have made. */
async function plantDecision(
  world: GateWorld,
  id: Member,
  jws: string,
  operations: readonly Operation[] = [],
): Promise<void> {
  const decision = readUnverified(jws, { typ: 'concordat-decision+jws' }).payload as never;
  await keepDecision(world.contexts[id], dataset, jws, decision, { operations, conflicts: [] });
}

function replaced(refs: readonly Ref[], prefix: Member, by: Ref): Ref[] {
  return refs.map((ref) => (ref.ref.startsWith(`${prefix}/`) ? by : ref));
}

async function signedAnew(world: GateWorld, ref: Ref, typ: string, prefix: Member): Promise<Ref> {
  const jws = new TextDecoder().decode(world.exchange.objects.get(ref.ref));
  const { payload } = readUnverified(jws, { typ });
  return putMessage(world.exchange, prefix, await signCompact(payload, { typ, key: await generatePrivateKey() }));
}

const refOf = (refs: readonly Ref[], id: Member): Ref => refs.find(({ ref }) => ref.startsWith(`${id}/`)) as Ref;

const lies: readonly (readonly [what: string, code: ErrorCode, tell: () => Promise<Lie>])[] = [
  [
    'a plan with an operation that the inputs do not give',
    'planNotReproduced',
    async () => {
      const { world, ready } = readyWorld();
      const plan = await documentOf(world, ready.plan.plan, Plan);
      const extra = makeOperation({
        authority: 'aws',
        type: 'person',
        key: plan.operations[0]?.key ?? '',
        kind: 'delete',
        changes: [],
        rule: 'deletedOnOneSide',
        because: ['sov'],
        current: {},
      });
      const forged = await putDocument(world.exchange, 'federation', {
        ...plan,
        operations: [...plan.operations, extra],
      });
      return { world, commit: { ...ready.commit, plan: forged } };
    },
  ],
  [
    'a plan that leaves out an operation',
    'planNotReproduced',
    async () => {
      const { world, ready } = readyWorld();
      const plan = await documentOf(world, ready.plan.plan, Plan);
      const forged = await putDocument(world.exchange, 'federation', {
        ...plan,
        operations: plan.operations.slice(1),
      });
      return { world, commit: { ...ready.commit, plan: forged } };
    },
  ],
  [
    'the snapshot of a peer from an earlier run, with the very same content',
    'wrongRun',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), agreed.copy());
      const earlier = await world.planned();
      const ready = await world.ready({ aws: one, sov: two });
      const older = refOf(earlier.inputs.snapshots, 'sov');
      const snapshots = replaced(ready.inputs.snapshots, 'sov', older);
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'two snapshots of one member',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const snapshots = [...ready.inputs.snapshots, refOf(ready.inputs.snapshots, 'sov')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'a peer that is missing from the snapshots',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const snapshots = [refOf(ready.inputs.snapshots, 'aws')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'a value altered in the sealed segment of a peer',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      let altered = 0;
      for (const [name, bytes] of world.exchange.objects) {
        const text = Buffer.from(bytes).toString('latin1');
        if (!name.startsWith('sov/') || !text.includes('"Archive"')) continue;
        world.exchange.objects.set(name, Buffer.from(text.replace('"Archive"', '"Brchive"'), 'latin1'));
        altered += 1;
      }
      expect(altered).toBeGreaterThan(0);
      return { world, commit: ready.commit };
    },
  ],
  [
    'a review whose body was altered in the exchange store',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      const jws = new TextDecoder().decode(world.exchange.objects.get(refOf(ready.reviews, 'sov').ref));
      const { body: digest } = ReviewStatement.parse(readUnverified(jws, { typ: reviewType }).payload);
      const name = `sov/documents/${digest}`;
      const body = JSON.parse(new TextDecoder().decode(world.exchange.objects.get(name))) as ReviewBody;
      world.exchange.objects.set(name, new TextEncoder().encode(JSON.stringify({ ...body, operations: [] })));
      return { world, commit: ready.commit };
    },
  ],
  [
    'opens that show different bases',
    'staleBase',
    async () => {
      const { world, ready } = readyWorld();
      world.stores.sov.heads.delete(`agreements/${dataset}`);
      const opened = await world.openAnyway();
      return { world, commit: { ...ready.commit, inputs: { ...opened, snapshots: ready.inputs.snapshots } } };
    },
  ],
  [
    'a base that this authority has left since it opened',
    'staleBase',
    async () => {
      const { world, ready } = readyWorld();
      const head = world.stores.aws.heads.get(`agreements/${dataset}`);
      const agreement = JSON.parse(new TextDecoder().decode(head?.bytes)) as Record<string, unknown>;
      const moved = new TextEncoder().encode(JSON.stringify({ ...agreement, digest: 'f'.repeat(64) }));
      world.stores.aws.heads.set(`agreements/${dataset}`, { version: 9, bytes: moved });
      return { world, commit: ready.commit };
    },
  ],
  [
    'a run although a newer one was opened',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      await world.open();
      return { world, commit: ready.commit };
    },
  ],
  [
    'a snapshot of a peer that another key signed',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      const forged = await signedAnew(world, refOf(ready.inputs.snapshots, 'sov'), snapshotType, 'sov');
      const snapshots = replaced(ready.inputs.snapshots, 'sov', forged);
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'a run without the open of a peer',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const opens = [refOf(ready.inputs.opens, 'aws')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, opens } } };
    },
  ],
  [
    'a run with one open twice',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const opens = [...ready.inputs.opens, refOf(ready.inputs.opens, 'sov')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, opens } } };
    },
  ],
  [
    'a run id that is not made of its opens',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, run: 'e'.repeat(64) } } };
    },
  ],
  [
    'a permit that releases what nobody approved',
    'planNotReproduced',
    async () => {
      const { world, ready } = readyWorld();
      const permit = await documentOf(world, ready.commit.permit, Permit);
      const all = (await ownOperations(world, ready, 'sov')).map(({ id }) => id);
      const forged = await putDocument(world.exchange, 'federation', {
        ...permit,
        operations: { ...permit.operations, sov: all },
      });
      return { world, commit: { ...ready.commit, permit: forged }, to: 'sov' };
    },
  ],
  [
    'a review of another authority that another key signed',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      const forged = await signedAnew(world, refOf(ready.reviews, 'sov'), reviewType, 'sov');
      return { world, commit: { ...ready.commit, reviews: replaced(ready.reviews, 'sov', forged) } };
    },
  ],
  [
    'two reviews of one authority',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      return { world, commit: { ...ready.commit, reviews: [...ready.reviews, refOf(ready.reviews, 'sov')] } };
    },
  ],
  [
    'a review of another plan',
    'decisionForOtherPlan',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), agreed.copy());
      const earlier = await world.ready({ aws: one, sov: two });
      keystoneUser(ground.sandbox, 3).extra['department'] = 'Archive';
      const ready = await world.ready({ aws: one, sov: two });
      return {
        world,
        commit: { ...ready.commit, reviews: replaced(ready.reviews, 'sov', refOf(earlier.reviews, 'sov')) },
      };
    },
  ],
  [
    'another correlation, so that an approved change would meet another account',
    'planNotReproduced',
    async () => {
      cloudsAsAgreed();
      // First contact: two people whom AWS knows no department of, and sov knows different ones.
      for (const [number, department] of [
        [1, 'Archive'],
        [3, 'Harbour'],
      ] as const) {
        const user = awsUser(ground.sandbox, number);
        user.tags = user.tags.filter(({ key }) => key !== 'department');
        keystoneUser(ground.sandbox, number).extra['department'] = department;
      }
      const world = new GateWorld(ground);
      const ready = await world.ready({ aws: one, sov: two });
      const correlation = await documentOf(world, ready.inputs.correlation as Ref, Correlation);
      const operations = await ownOperations(world, ready, 'aws');
      const [left, right] = operations.map(({ key }) => key);
      const swapped = correlation.assignments.map((entry) =>
        entry.authority !== 'aws'
          ? entry
          : entry.key === left
            ? { ...entry, key: right as string }
            : entry.key === right
              ? { ...entry, key: left as string }
              : entry,
      );
      const forged = await putDocument(world.exchange, 'federation', { ...correlation, assignments: swapped });
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, correlation: forged } } };
    },
  ],
  [
    'a federation folder that another member does not have',
    'configurationDiffers',
    async () => {
      const { world, ready } = readyWorld();
      const { federation } = ground;
      const changed = federation.datasets[dataset];
      if (!changed) throw new Error('the dataset is gone');
      const datasets = { [dataset]: { ...changed, commit: 'allOrNothing' as const } };
      world.change('aws', { federation: { ...federation, datasets } });
      return { world, commit: ready.commit };
    },
  ],
  [
    'no decision of its own people at all',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      return { world, commit: ready.commit };
    },
  ],
  ...(
    [
      ['authority', { authority: 'sov' }],
      ['dataset', { dataset: 'other' }],
      ['federation', { federation: 'other' }],
    ] as const
  ).map(
    ([what, change]) =>
      [
        `a decision for another ${what}`,
        'quorumMissing',
        async () => {
          const { world, ready } = readyWorld();
          dropDecisions(world, 'aws');
          await plantDecision(
            world,
            'aws',
            await signDecision(ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0, change }),
          );
          return { world, commit: ready.commit };
        },
      ] as const,
  ),
  [
    'a decision for another plan that names other operations',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const operations = (await ownOperations(world, ready, 'sov')).map(({ id }) => id);
      const change = { plan: 'a'.repeat(64), operations };
      await plantDecision(
        world,
        'aws',
        await signDecision(ground.folder, ready.sheets.aws, { approver: 'ada', change }),
      );
      return { world, commit: ready.commit };
    },
  ],
  [
    'a decision that has expired meanwhile',
    'quorumMissing',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), agreed.copy());
      const expiring = [{ approver: 'ada', choose: 0, change: { expiresAtMs: world.clockMs + 3_600_000 } }];
      const ready = await world.ready({ aws: expiring, sov: two });
      world.clockMs += 3_700_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'a decision of somebody who is no approver',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const genuine = await signDecision(ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0 });
      const { payload } = readUnverified(genuine, { typ: 'concordat-decision+jws' });
      const forged = await signCompact(payload, { typ: 'concordat-decision+jws', key: await generatePrivateKey() });
      await plantDecision(world, 'aws', forged);
      return { world, commit: ready.commit };
    },
  ],
  [
    'one approver twice where two are needed',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'sov');
      for (let times = 0; times < 2; times += 1)
        await plantDecision(
          world,
          'sov',
          await signDecision(ground.folder, ready.sheets.sov, { approver: 'ada', choose: 0 }),
        );
      return { world, commit: ready.commit, to: 'sov' };
    },
  ],
  [
    'one approver who signs in the name of the other too',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'sov');
      for (const change of [{}, { approver: 'bob' }])
        await plantDecision(
          world,
          'sov',
          await signDecision(ground.folder, ready.sheets.sov, { approver: 'ada', choose: 0, change }),
        );
      return { world, commit: ready.commit, to: 'sov' };
    },
  ],
  [
    'a decision that was used up by an earlier commit',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
      // Somebody in the cloud takes it back: the identical operation is due again, and must be asked again.
      ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'department', 'Umbrology');
      const again = await world.ready({ aws: [], sov: [] });
      const own = await ownOperations(world, again, 'aws');
      expect(own.map(({ id }) => id)).toEqual((await ownOperations(world, ready, 'aws')).map(({ id }) => id));
      return {
        world,
        commit: await withOwnReview(
          world,
          again,
          'aws',
          own.map(({ id }) => id),
        ),
      };
    },
  ],
  [
    'a rejected operation as approved',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      const jws = await signDecision(ground.folder, ready.sheets.aws, { approver: 'bob', kind: 'reject' });
      await plantDecision(world, 'aws', jws);
      return { world, commit: ready.commit };
    },
  ],
  [
    'more changes than the brake allows one approver to release',
    'brakeTripped',
    async () => {
      cloudsAsAgreed();
      for (const number of [1, 3, 4]) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
      const world = agreed.copy();
      const ready = await world.ready({ aws: one, sov: [] });
      const own = await ownOperations(world, ready, 'aws');
      return {
        world,
        commit: await withOwnReview(
          world,
          ready,
          'aws',
          own.map(({ id }) => id),
        ),
      };
    },
  ],
  [
    'an operation on a protected record, approved by all',
    'protectedRecord',
    async () => {
      const { world, ready } = readyWorld();
      const own = await ownOperations(world, ready, 'sov');
      const ids = own.map(({ id }) => id);
      expect(ids).toHaveLength(2);
      for (const approver of ['ada', 'bob'])
        await plantDecision(
          world,
          'sov',
          await signDecision(ground.folder, ready.sheets.sov, { approver, choose: 0, change: { operations: ids } }),
        );
      return { world, commit: await withOwnReview(world, ready, 'sov', ids), to: 'sov' };
    },
  ],
  [
    'a commit in a freeze window',
    'frozen',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), agreed.copy());
      world.clockMs = Date.parse('2090-01-15T00:00:00Z');
      const lasting = (wishes: readonly DecisionWishes[]): DecisionWishes[] =>
        wishes.map((wish) => ({ ...wish, change: { expiresAtMs: farFuture } }));
      const ready = await world.ready({ aws: lasting(one), sov: lasting(two) });
      return { world, commit: ready.commit };
    },
  ],
  [
    'a run that was opened longer ago than this authority accepts',
    'staleSnapshot',
    async () => {
      const { world, ready } = readyWorld();
      world.clockMs += 2 * 3_600_000 + 1_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'a run from the future of a clock that was set back',
    'staleSnapshot',
    async () => {
      const { world, ready } = readyWorld();
      world.clockMs -= 1_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'a second plan while another is being written',
    'baseReserved',
    async () => {
      const { world, ready } = readyWorld();
      const head = world.stores.aws.heads.get(`live-run/${dataset}`);
      const state = JSON.parse(new TextDecoder().decode(head?.bytes)) as { readonly live: object };
      const reservedFor = { plan: 'b'.repeat(64), untilMs: world.clockMs + 60_000 };
      const bytes = new TextEncoder().encode(JSON.stringify({ ...state, live: { ...state.live, reservedFor } }));
      world.stores.aws.heads.set(`live-run/${dataset}`, { version: head?.version ?? 0, bytes });
      return { world, commit: ready.commit };
    },
  ],
];

describe('the gate', () => {
  it('lets the honest commit through, and both clouds change as approved and no further', async () => {
    const { world, ready } = readyWorld();
    forgetCalls(ground.sandbox);
    const results = [await world.apply('aws', ready.commit), await world.apply('sov', ready.commit)];
    expect(results).toMatchObject([
      { kind: 'done', complete: true },
      { kind: 'done', complete: true },
    ]);
    expect(writeCalls(ground.sandbox)).toEqual({ 'iam:TagUser': 1, 'PATCH /v3/users/{id}': 2 });
    expect(awsTag(ground.sandbox, 1, 'department')).toBe('Archive');
    expect(keystoneUser(ground.sandbox, 0).extra['display_name']).toBe('Quillan Other');
    expect(keystoneUser(ground.sandbox, 2).extra['email']).toBe('two.aws@example.org');
    expect(keystoneUser(ground.sandbox, protectedPerson).extra['department']).toBe('Umbrology');
  });

  it.each(lies)('refuses %s (%s) without a single write', async (_what, code, tell) => {
    const { world, commit, to = 'aws' } = await tell();
    forgetCalls(ground.sandbox);
    const result = await world.apply(to, commit);
    expect(result).toMatchObject({ kind: 'refused', authority: to, code, receipts: null });
    expect(writeCalls(ground.sandbox)).toEqual({});
  });

  it('writes nothing for an authority whose review the coordinator leaves out', async () => {
    const { world, ready } = readyWorld();
    const reviews = ready.reviews.filter(({ ref }) => ref.startsWith('sov/'));
    const { inputs, plan } = ready;
    const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    forgetCalls(ground.sandbox);
    const result = await world.apply('aws', { ...ready.commit, reviews, permit });
    expect(result).toMatchObject({ kind: 'done', counts: { applied: 0, alreadyApplied: 0 } });
    expect(writeCalls(ground.sandbox)).toEqual({});
  });

  it('is no stricter than the review told: people hear of the larger quorum before a choice could trip the brake', async () => {
    cloudsAsAgreed();
    for (const number of [1, 3]) keystoneUser(ground.sandbox, number).extra['department'] = 'Archive';
    keystoneUser(ground.sandbox, 2).extra['email'] = 'two.sov@example.org';
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 2), 'email', 'two.aws@example.org');
    const world = agreed.copy();
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
    const jws = await signDecision(ground.folder, ready.sheets.aws, { approver, change });
    await expect(verifyDecision(world.contexts.aws, dataset, jws)).rejects.toMatchObject({ code });
  });
});
