/** Declared policies over real runs: times that members sign, values that lie in the base, and coordinators that steer. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { getDocument, putDocument } from '../../../activities/exchange.js';
import { recomputePlan, type Recomputed } from '../../../activities/recompute.js';
import { makeOperation } from '../../../core/operation.js';
import { Plan } from '../../../core/plan.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { GateWorld, layGround, type Ground, type Ready } from './gate-world.js';

const hourMs = 3_600_000;
const declared = `resolution:
  person:
    fields: { department: { kind: latest }, displayName: { kind: owned, by: sov } }
    deletion: { kind: suspendFirst, field: department, value: Leaver, after: 1h }
    unique: [mail]
commit: permitted`;

let ground: Ground;
let agreed: GateWorld;
let world: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'datasets/workforce.yaml' ? text.replace('commit: permitted', declared) : text,
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

const atAws = (tag: string, value: string, person = 1): void =>
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, person), tag, value);
const atSov = (field: string, value: string, person = 1): void => {
  keystoneUser(ground.sandbox, person).extra[field] = value;
};

async function plan(): Promise<Recomputed> {
  const { inputs } = await world.planned();
  return recomputePlan(ground.federation, world.exchange, inputs);
}
const brief = ({ plan: { operations, conflicts } }: Pick<Recomputed, 'plan'>): string[] => [
  ...operations.map(({ authority, kind, rule }) => `${authority} ${kind} ${rule}`),
  ...conflicts.map(({ field }) => `conflict ${field}`),
];
const kinds = ({ plan: { divergences } }: Recomputed): string[] => divergences.map(({ kind }) => kind);

/** sov changes it in one run, and aws, which a later run still saw as it was, in one after that. */
async function oneAfterTheOther(): Promise<void> {
  atSov('department', 'First');
  await plan();
  await plan();
  atAws('department', 'Second');
}

describe('the latest', () => {
  it('is the change that a run saw after another run had seen the other one', async () => {
    await oneAfterTheOther();
    expect(brief(await plan())).toEqual(['sov update latestObserved']);
  });

  it('is nobody where one run saw both, in whatever order their authorities opened and sealed', async () => {
    await plan();
    atSov('department', 'First');
    atAws('department', 'Second');
    expect(brief(await plan())).toEqual(['conflict department']);
  });

  it('is nobody where no run stands between the two, though one of them was seen first', async () => {
    atSov('department', 'First');
    await plan();
    atAws('department', 'Second');
    expect(brief(await plan())).toEqual(['conflict department']);
  });

  it('is not moved by a change of another field of that record', async () => {
    atAws('department', 'Second');
    await plan();
    await plan();
    atSov('department', 'First');
    await plan();
    await plan();
    atAws('email', 'other@example.org');
    expect(brief(await plan())).toEqual(['aws update latestObserved', 'sov update changedOnOneSide']);
  });
});

describe('a coordinator that steers', () => {
  it('gains nothing by naming snapshots and opens in another order', async () => {
    await plan();
    atSov('department', 'First');
    atAws('department', 'Second');
    const { inputs, plan: made } = await world.planned();
    const turned = { ...inputs, opens: inputs.opens.toReversed(), snapshots: inputs.snapshots.toReversed() };
    for (const given of [inputs, turned]) {
      const again = await recomputePlan({ ...ground.federation }, world.exchange, given);
      expect(again.planDigest).toBe(made.planDigest);
      expect(brief(again)).toEqual(['conflict department']);
    }
  });

  it.each(['latestObserved', 'owned', 'leastPrivilege'] as const)(
    'is refused where it settles a conflict itself and calls that %s',
    async (rule) => {
      await plan();
      atSov('department', 'First');
      atAws('department', 'Second');
      const { inputs, plan: made } = await world.planned();
      const honest = await getDocument(world.exchange, made.plan, Plan);
      const [conflict] = honest.conflicts;
      const way = conflict?.candidates
        .flatMap(({ operations }) => operations)
        .find(({ authority }) => authority === 'aws');
      if (!way) throw new Error('there is no conflict that would write at aws');
      const current = Object.fromEntries(
        way.changes.map((change) => [change.field, change.kind === 'value' ? change.before : []]),
      );
      const forged = await putDocument(world.exchange, 'federation', {
        ...honest,
        conflicts: [],
        operations: [...honest.operations, makeOperation({ ...way, rule, current })],
      });
      const prepared = await prepareReview(
        world.contexts.aws,
        { inputs, plan: forged, planDigest: forged.sha256 },
        { replaced: () => Promise.resolve() },
      );
      expect(prepared).toMatchObject({ kind: 'refused', code: 'planNotReproduced' });
    },
  );

  it('is refused where it lets the other side of an owned field win', async () => {
    atAws('displayName', 'Other');
    const { inputs, plan: made } = await world.planned();
    const honest = await getDocument(world.exchange, made.plan, Plan);
    expect(brief({ plan: honest })).toEqual(['aws update owned']);
    const swapped = honest.operations.map((operation) =>
      makeOperation({
        ...operation,
        authority: 'sov',
        changes: operation.changes.map((change) =>
          change.kind === 'value' ? { ...change, before: change.after, after: change.before } : change,
        ),
        current: { displayName: operation.changes[0]?.kind === 'value' ? operation.changes[0].after : null },
      }),
    );
    const forged = await putDocument(world.exchange, 'federation', { ...honest, operations: swapped });
    const review = { inputs, plan: forged, planDigest: forged.sha256 };
    const prepared = await prepareReview(world.contexts.sov, review, { replaced: () => Promise.resolve() });
    expect(prepared).toMatchObject({ kind: 'refused', code: 'planNotReproduced' });
  });

  it('is refused where it deletes before the delay has passed', async () => {
    await suspendedAtAws();
    const { inputs, plan: made } = await world.planned();
    const honest = await getDocument(world.exchange, made.plan, Plan);
    expect(honest.operations).toEqual([]);
    const deletion = makeOperation({
      authority: 'aws',
      type: 'person',
      key: honest.divergences[0]?.key ?? '',
      kind: 'delete',
      changes: [],
      rule: 'deletedAfterSuspension',
      because: ['sov'],
      current: {},
    });
    const forged = await putDocument(world.exchange, 'federation', { ...honest, operations: [deletion] });
    const review = { inputs, plan: forged, planDigest: forged.sha256 };
    const prepared = await prepareReview(world.contexts.aws, review, { replaced: () => Promise.resolve() });
    expect(prepared).toMatchObject({ kind: 'refused', code: 'planNotReproduced' });
  });
});

/** A person goes at sov, and the people of aws let Concordat suspend them there. */
async function suspendedAtAws(): Promise<Ready> {
  ground.sandbox.keystone.server.state.removeUser(keystoneUser(ground.sandbox, 4));
  const ready = await world.ready({ aws: [{ approver: 'ada' }], sov: [] });
  expect(brief({ plan: await getDocument(world.exchange, ready.plan.plan, Plan) })).toEqual([
    'aws update suspendedFirst',
  ]);
  expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
  return ready;
}

describe('a deletion that suspends first', () => {
  it('suspends, waits for its delay on the clock of the mesh that is written, and deletes then', async () => {
    await suspendedAtAws();
    const waiting = await plan();
    expect(brief(waiting)).toEqual([]);
    expect(kinds(waiting)).toEqual(['suspended']);
    world.clockMs += hourMs - 60_000;
    expect(brief(await plan())).toEqual([]);
    world.clockMs += 120_000;
    expect(brief(await plan())).toEqual(['aws delete deletedAfterSuspension']);
  });

  it('gives the same plan in every run until the delay has passed, so that a review can outlive its run', async () => {
    await suspendedAtAws();
    const first = await plan();
    world.clockMs += hourMs / 2;
    expect((await plan()).planDigest).toBe(first.planDigest);
  });

  it('counts anew where somebody took the suspension back', async () => {
    await suspendedAtAws();
    await plan();
    atAws('department', 'Umbrology', 4);
    world.clockMs += 2 * hourMs;
    expect(brief(await plan())).toEqual(['aws update suspendedFirst']);
    atAws('department', 'Leaver', 4);
    expect(brief(await plan())).toEqual([]);
  });

  it('of a record that was agreed to be suspended counts from when the deletion was seen', async () => {
    atAws('department', 'Leaver', 4);
    atSov('department', 'Leaver', 4);
    await world.agree(await world.ready({ aws: [], sov: [] }), []);
    ground.sandbox.keystone.server.state.removeUser(keystoneUser(ground.sandbox, 4));
    world.clockMs += 5 * hourMs;
    expect(brief(await plan())).toEqual([]);
    world.clockMs += 2 * hourMs;
    expect(brief(await plan())).toEqual(['aws delete deletedAfterSuspension']);
  });
});

describe('a value that is to be unique', () => {
  it('is brought to no second record, although the first one differs nowhere and is in no view', async () => {
    const taken = String(keystoneUser(ground.sandbox, 2).extra['email']);
    atSov('email', taken, 3);
    const found = await plan();
    expect(brief(found)).toEqual([]);
    // Both are named: the one that changed, and the one that had the value first.
    expect(kinds(found)).toEqual(['doubled', 'doubled']);
    expect(found.planInput.agreedValues).toMatchObject([{ field: 'mail', keys: [expect.any(String)] }]);
  });

  it('is shown where both records were agreed with it before', async () => {
    const taken = String(keystoneUser(ground.sandbox, 2).extra['email']);
    atSov('email', taken, 3);
    atAws('email', taken, 3);
    await world.agree(await world.ready({ aws: [], sov: [] }), []);
    expect(kinds(await plan())).toEqual(['doubled', 'doubled']);
  });

  it('is free again once the other record has let it go everywhere', async () => {
    const taken = String(keystoneUser(ground.sandbox, 2).extra['email']);
    atSov('email', taken, 3);
    atSov('email', 'fresh@example.org', 2);
    const first = await plan();
    expect(brief(first)).toEqual(['aws update changedOnOneSide']);
    atAws('email', 'fresh@example.org', 2);
    expect(brief(await plan())).toEqual(['aws update changedOnOneSide']);
    expect(kinds(await plan())).toEqual(['changed']);
  });
});
