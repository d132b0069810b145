/**
 * A coordinator that lies before anything is written: each lie is refused by the authority itself with its code, no cloud
 * gets a call that writes, and the authority's log says what was tried. What the gate refuses is in gate.test.ts, what
 * rounds refuse in rounds.test.ts, forged seals in test/activities/sealing/tampering.test.ts, how one steers what policies
 * decide in resolution.test.ts.
 */
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthorityActivities } from '../../../activities/authority/activities.js';
import { getDocument, putDocument } from '../../../activities/exchange.js';
import { Correlation } from '../../../core/correlate.js';
import type { ErrorCode } from '../../../core/errors.js';
import { runIdOf, type Ref, type RunInputs } from '../../../core/messages.js';
import { Permit } from '../../../core/permit.js';
import { Plan } from '../../../core/plan.js';
import type { AuthorityActivities } from '../../../workflows/activity-types.js';
import { addToAws, addToKeystone, awsUser, keystoneUser, seededPerson } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { forgetCalls, GateWorld, layGround, writeCalls, type Ground, type Member } from './gate-world.js';

/** Of a field that goes by least privilege, what one member narrows and the others hold. */
const [narrow, wide] = ['Reader', seededPerson(3).displayName];

let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };

beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'taxonomy/person.yaml'
      ? text.replace('displayName:\n    kind: text', `$&\n    privileges: { order: [${narrow}, ${wide}] }`)
      : file === `datasets/${dataset}.yaml`
        ? `${text}resolution: { person: { fields: { displayName: { kind: leastPrivilege } } } }\n`
        : text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 100 }'),
  );
  agreed = await GateWorld.agreed(ground, 6);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

/** A rename on one side, a conflict on one field, and one new person on each side who are the same. */
function changed(): GateWorld {
  const { sandbox } = ground;
  sandbox.aws.server.state.restore(clouds.aws);
  sandbox.keystone.server.state.restore(clouds.sov);
  keystoneUser(sandbox, 1).extra['department'] = 'Archive';
  keystoneUser(sandbox, 2).extra['email'] = 'two.sov@example.org';
  sandbox.aws.server.state.setTag(awsUser(sandbox, 2), 'email', 'two.aws@example.org');
  addToAws(sandbox, seededPerson(40));
  addToKeystone(sandbox, seededPerson(40));
  return agreed.copy();
}

type Step =
  'readPages' | 'sealSnapshot' | 'translateAgain' | 'prepareReview' | 'applyPermit' | 'witnessCandidate' | 'acceptSeal';
type InputOf<Name extends Step> = Parameters<AuthorityActivities[Name]>[0];
interface Lie<Name extends Step = Step> {
  readonly world: GateWorld;
  readonly step: Name;
  readonly input: InputOf<Name>;
  readonly to: Member;
}
const lie = <Name extends Step>(world: GateWorld, to: Member, step: Name, input: InputOf<Name>): Lie =>
  ({ world, to, step, input }) as Lie;

async function reviewOf(
  world: GateWorld,
  change: (plan: Plan, inputs: RunInputs) => object,
): Promise<InputOf<'prepareReview'>> {
  const { inputs, plan } = await world.planned();
  const forged = await putDocument(
    world.exchange,
    'federation',
    change(await getDocument(world.exchange, plan.plan, Plan), inputs),
  );
  return { inputs, plan: forged, planDigest: forged.sha256 };
}

const refOf = (refs: readonly Ref[], id: Member): Ref => refs.find(({ ref }) => ref.startsWith(`${id}/`)) as Ref;

const lies: readonly (readonly [what: string, code: ErrorCode, tell: () => Promise<Lie>])[] = [
  [
    'asks people about a plan without the divergence that concerns them',
    'planNotReproduced',
    async () => {
      const world = changed();
      const input = await reviewOf(world, (plan) => ({
        ...plan,
        operations: plan.operations.filter(({ authority }) => authority !== 'aws'),
      }));
      return lie(world, 'aws', 'prepareReview', input);
    },
  ],
  [
    'swaps the sides of a change, so that the old value wins',
    'planNotReproduced',
    async () => {
      const world = changed();
      const input = await reviewOf(world, (plan) => ({
        ...plan,
        operations: plan.operations.map((operation) => ({
          ...operation,
          changes: operation.changes.map((change) =>
            change.kind === 'value' ? { ...change, before: change.after, after: change.before } : change,
          ),
        })),
      }));
      return lie(world, 'sov', 'prepareReview', input);
    },
  ],
  [
    'shows one authority another plan than the other',
    'planNotReproduced',
    async () => {
      const world = changed();
      const input = await reviewOf(world, (plan) => ({ ...plan, conflicts: [] }));
      return lie(world, 'sov', 'prepareReview', input);
    },
  ],
  [
    'calls the strictest member absent, so that the other may keep what is wider',
    'planNotReproduced',
    async () => {
      const world = changed();
      ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 3), 'displayName', narrow);
      const input = await reviewOf(world, (plan) => {
        const operations = plan.operations.filter(({ rule }) => rule !== 'leastPrivilege');
        if (operations.length === plan.operations.length) throw new Error('nothing was narrowed');
        return { ...plan, operations, absent: ['aws'] };
      });
      return lie(world, 'sov', 'prepareReview', input);
    },
  ],
  [
    'names a plan by the digest of another one',
    'planNotReproduced',
    async () => {
      const world = changed();
      const { inputs, plan } = await world.planned();
      const other = await putDocument(world.exchange, 'federation', { other: true });
      return lie(world, 'aws', 'prepareReview', { inputs, plan: other, planDigest: plan.planDigest });
    },
  ],
  [
    'says that a member is absent whose open it holds',
    'wrongRun',
    async () => {
      const world = changed();
      const inputs = await world.open();
      return lie(world, 'aws', 'readPages', { ...inputs, opens: [refOf(inputs.opens, 'aws')] });
    },
  ],
  [
    'answers for an absent member with an open of an earlier run',
    'wrongRun',
    async () => {
      const world = changed();
      const earlier = await world.open();
      const inputs = await world.open();
      const opens = [refOf(inputs.opens, 'aws'), refOf(earlier.opens, 'sov')];
      return lie(world, 'aws', 'readPages', { ...inputs, opens });
    },
  ],
  [
    'names two opens of one member',
    'wrongRun',
    async () => {
      const world = changed();
      const inputs = await world.open();
      return lie(world, 'aws', 'readPages', { ...inputs, opens: [...inputs.opens, refOf(inputs.opens, 'sov')] });
    },
  ],
  [
    'mixes the opens of one run with the id of another',
    'wrongRun',
    async () => {
      const world = changed();
      const inputs = await world.open();
      return lie(world, 'aws', 'readPages', { ...inputs, run: runIdOf(['f'.repeat(64)]) });
    },
  ],
  [
    'has two snapshots translated under another correlation than they give',
    'planNotReproduced',
    async () => {
      const world = changed();
      const { inputs } = await world.planned();
      if (!inputs.correlation) throw new Error('nothing was joined');
      const correlation = await getDocument(world.exchange, inputs.correlation, Correlation);
      const keys = correlation.assignments.map(({ key }) => key).reverse();
      const forged = await putDocument(world.exchange, 'federation', {
        ...correlation,
        assignments: correlation.assignments.map((one, position) => ({ ...one, key: `${keys[position] ?? ''}0` })),
      });
      const first = { ...inputs, snapshots: inputs.firstSnapshots, correlation: null, firstSnapshots: [] };
      return lie(world, 'aws', 'translateAgain', { inputs: first, correlation: forged });
    },
  ],
  [
    'makes both sides of a conflict yield, so that their values change places',
    'planNotReproduced',
    async () => {
      const world = changed();
      const ready = await world.ready({ aws: [{ approver: 'ada', choose: 0 }], sov: [{ approver: 'ada', choose: 1 }] });
      const permit = await getDocument(world.exchange, ready.commit.permit, Permit);
      const plan = await getDocument(world.exchange, ready.commit.plan, Plan);
      const every = plan.conflicts.flatMap(({ candidates }) => candidates.flatMap(({ operations }) => operations));
      const operations = { ...permit.operations };
      for (const { authority, id } of every) operations[authority] = [...(operations[authority] ?? []), id].sort();
      const forged = await putDocument(world.exchange, 'federation', { ...permit, operations });
      return lie(world, 'aws', 'applyPermit', { ...ready.commit, permit: forged });
    },
  ],
  [
    'claims a quorum that no review shows',
    'planNotReproduced',
    async () => {
      const world = changed();
      const ready = await world.ready({ aws: [], sov: [] });
      const permit = await getDocument(world.exchange, ready.commit.permit, Permit);
      const plan = await getDocument(world.exchange, ready.commit.plan, Plan);
      const own = plan.operations.filter(({ authority }) => authority === 'aws').map(({ id }) => id);
      const forged = await putDocument(world.exchange, 'federation', { ...permit, operations: { aws: own } });
      return lie(world, 'aws', 'applyPermit', { ...ready.commit, permit: forged });
    },
  ],
  [
    'forges the arguments of a step with a reference that leads out of the store',
    'inputNotAuthentic',
    async () => {
      const world = changed();
      const inputs = await world.open();
      const opens = inputs.opens.map((open) =>
        open.ref.startsWith('sov/') ? { ...open, ref: 'sov/../../private/keys' } : open,
      );
      return lie(world, 'aws', 'readPages', { ...inputs, opens });
    },
  ],
  [
    'shows a seal without the witnesses of all',
    'notSealed',
    async () => {
      const world = changed();
      const inputs = await world.open();
      const { inputs: made, plan } = await world.planned();
      const { permit } = await world.coordinator.settleReviews({ inputs: made, plan: plan.plan, reviews: [] });
      const { proposal } = await world.coordinator.proposeCandidate({
        inputs: made,
        plan: plan.plan,
        reviews: [],
        permit,
        receipts: [],
      });
      if (!proposal) throw new Error(`nothing to agree on after ${inputs.run}`);
      const seal = await putDocument(world.exchange, 'federation', {
        dataset,
        opens: made.opens,
        witnesses: [],
        proposal,
      });
      return lie(world, 'sov', 'acceptSeal', { dataset, seal });
    },
  ],
];

describe('a coordinator that', () => {
  it.each(lies)('%s is refused (%s), nothing is written, and the log tells', async (_what, code, tell) => {
    const { world, to, step, input } = await tell();
    const told: string[] = [];
    const sink = (message: string): void => void told.push(message);
    const logger = { log: sink, trace: sink, debug: sink, info: sink, warn: sink, error: sink };
    const environment = new MockActivityEnvironment(
      {},
      { logger: { ...logger, log: (_level, message) => sink(message) } },
    );
    const activities = createAuthorityActivities(world.contexts[to], { replaced: () => Promise.resolve() } as never);
    forgetCalls(ground.sandbox);
    const outcome = await environment
      .run(activities[step] as (given: unknown) => Promise<unknown>, input)
      .catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code });
    if (step === 'prepareReview')
      expect((outcome as { readonly message: string }).message).toMatch(
        /, not [0-9a-f]{12}: (operation [0-9a-f]{12} \((create|update|delete) \w+ at \w+\) (does not follow|is left out)|every operation is the same, and they differ in conflicts$|the one that is named cannot be read$)/,
      );
    expect(writeCalls(ground.sandbox)).toEqual({});
    expect(told.filter((line) => line.includes(`${step} refused (${code})`))).toHaveLength(1);
  });

  it('names the members in another order gets the same plan, and is no liar', async () => {
    const world = changed();
    const { inputs, plan } = await world.planned();
    const reordered: RunInputs = {
      ...inputs,
      opens: [...inputs.opens].reverse(),
      snapshots: [...inputs.snapshots].reverse(),
      firstSnapshots: [...inputs.firstSnapshots].reverse(),
    };
    expect((await world.coordinator.compareAndPlan(reordered)).planDigest).toBe(plan.planDigest);
  });
});
