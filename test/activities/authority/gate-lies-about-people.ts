/** Lies about what an authority's own people said, and about when and what may be written at all. */
import { expect } from 'vitest';
import { generatePrivateKey } from '../../../activities/keys/private-key.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { rangesOver } from '../../../core/operation-ranges.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset, signDecision, type DecisionWishes } from '../../support/local-federation.js';
import {
  brakedWorld,
  cloudsAsAgreed,
  deletionWorld,
  diverge,
  dropDecisions,
  farFuture,
  forbiddenAtSov,
  lend,
  linkedWorld,
  policyWorld,
  one,
  ownOperations,
  plantDecision,
  readyWorld,
  scene,
  takeBack,
  two,
  withOwnReview,
  type LieRow,
} from './gate-scene.js';

function tagAtAws(number: number, key: string, value: string): void {
  scene.ground.sandbox.aws.server.state.setTag(awsUser(scene.ground.sandbox, number), key, value);
}

export const liesAboutPeople: readonly LieRow[] = [
  [
    'quorum',
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
        'quorum',
        `a decision for another ${what}`,
        'quorumMissing',
        async () => {
          const { world, ready } = readyWorld();
          dropDecisions(world, 'aws');
          await plantDecision(
            world,
            'aws',
            await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0, change }),
          );
          return { world, commit: ready.commit };
        },
      ] as const,
  ),
  [
    'quorum',
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
        await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', change }),
      );
      return { world, commit: ready.commit };
    },
  ],
  [
    'quorum',
    'a decision that has expired meanwhile',
    'quorumMissing',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), scene.agreed.copy());
      const expiring = [{ approver: 'ada', choose: 0, change: { expiresAtMs: world.clockMs + 3_600_000 } }];
      const ready = await world.ready({ aws: expiring, sov: two });
      world.clockMs += 3_700_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'quorum',
    'a decision on ranges of another set, kept as if it were this one',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const ids = (await ownOperations(world, ready, 'aws')).map(({ id }) => id);
      const ranges = rangesOver([[0, ids.length - 1]], [...ids].fill('ab'.repeat(32)));
      const change = { operations: [], ranges };
      const jws = await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0, change });
      await plantDecision(world, 'aws', jws, [], ids);
      return { world, commit: ready.commit };
    },
  ],
  [
    'quorum',
    'a decision of somebody who is no approver',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const genuine = await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', choose: 0 });
      const { payload } = readUnverified(genuine, { typ: 'concordat-decision+jws' });
      const forged = await signCompact(payload, { typ: 'concordat-decision+jws', key: await generatePrivateKey() });
      await plantDecision(world, 'aws', forged);
      return { world, commit: ready.commit };
    },
  ],
  [
    'quorum',
    'one approver twice where two are needed',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'sov');
      for (let times = 0; times < 2; times += 1)
        await plantDecision(
          world,
          'sov',
          await signDecision(scene.ground.folder, ready.sheets.sov, { approver: 'ada', choose: 0 }),
        );
      return { world, commit: ready.commit, to: 'sov' };
    },
  ],
  [
    'quorum',
    'one approver who signs in the name of the other too',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'sov');
      for (const change of [{}, { approver: 'bob' }])
        await plantDecision(
          world,
          'sov',
          await signDecision(scene.ground.folder, ready.sheets.sov, { approver: 'ada', choose: 0, change }),
        );
      return { world, commit: ready.commit, to: 'sov' };
    },
  ],
  [
    'quorum',
    'a decision that was used up by an earlier commit',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      expect(await world.apply('aws', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
      // Somebody takes it back, and sov goes another way and back: the identical operation is due, and is asked again.
      scene.ground.sandbox.aws.server.state.setTag(awsUser(scene.ground.sandbox, 1), 'department', 'Umbrology');
      const atSov = keystoneUser(scene.ground.sandbox, 1).extra;
      const held = atSov['department'];
      atSov['department'] = 'Elsewhere';
      await world.planned();
      atSov['department'] = held;
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
    'quorum',
    'a rejected operation as approved',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      const jws = await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'bob', kind: 'reject' });
      await plantDecision(world, 'aws', jws);
      return { world, commit: ready.commit };
    },
  ],
  [
    'brake',
    'more changes than the brake allows one approver to release',
    'brakeTripped',
    async () => {
      const { world, ready, ids } = await brakedWorld([{ approver: 'ada', choose: 0 }]);
      return { world, commit: await withOwnReview(world, ready, 'aws', ids) };
    },
  ],
  [
    'protected',
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
          await signDecision(scene.ground.folder, ready.sheets.sov, {
            approver,
            choose: 0,
            change: { operations: ids },
          }),
        );
      return { world, commit: await withOwnReview(world, ready, 'sov', ids), to: 'sov' };
    },
  ],
  [
    'constraints',
    'a deletion where none may be written, approved by all',
    'notWritable',
    () =>
      forbiddenAtSov(() => {
        scene.ground.sandbox.aws.server.state.removeUser(awsUser(scene.ground.sandbox, 3));
      }),
  ],
  [
    'constraints',
    'a value above the ceiling, approved by all',
    'aboveCeiling',
    () => forbiddenAtSov(() => tagAtAws(4, 'department', 'Directors')),
  ],
  [
    'constraints',
    'a value that its holder keeps in another region, approved by all',
    'residencyRefused',
    () => forbiddenAtSov(() => tagAtAws(5, 'employeeId', 'E900005')),
  ],
  [
    'constraints',
    'what a rule does not allow, approved by all',
    'ruleRefused',
    () => forbiddenAtSov(() => tagAtAws(6, 'displayName', 'Jester')),
  ],
  [
    'time',
    'a commit in a freeze window',
    'frozen',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), scene.agreed.copy());
      world.clockMs = Date.parse('2090-01-15T00:00:00Z');
      const lasting = (wishes: readonly DecisionWishes[]): DecisionWishes[] =>
        wishes.map((wish) => ({ ...wish, change: { expiresAtMs: farFuture } }));
      const ready = await world.ready({ aws: lasting(one), sov: lasting(two) });
      return { world, commit: ready.commit };
    },
  ],
  [
    'time',
    'a run that was opened longer ago than this authority accepts',
    'staleSnapshot',
    async () => {
      const { world, ready } = readyWorld();
      world.clockMs += 2 * 3_600_000 + 1_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'time',
    'a run from the future of a clock that was set back',
    'staleSnapshot',
    async () => {
      const { world, ready } = readyWorld();
      world.clockMs -= 1_000;
      return { world, commit: ready.commit };
    },
  ],
  [
    'reserved',
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
  [
    'quorum',
    'a deletion that nobody with the declared role approved',
    'quorumMissing',
    async () => {
      const { world, ready, ids } = await deletionWorld([{ approver: 'ada' }]);
      return { world, commit: await withOwnReview(world, ready, 'aws', ids) };
    },
  ],
  [
    'quorum',
    'one person with their own voice and one that was lent to them, where two people are needed',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'sov');
      const delegation = await lend(world, 'sov', { from: 'bob', to: 'ada' });
      for (const change of [{}, { delegation }])
        await plantDecision(
          world,
          'sov',
          await signDecision(scene.ground.folder, ready.sheets.sov, { approver: 'ada', choose: 0, change }),
        );
      return { world, commit: ready.commit, to: 'sov' };
    },
  ],
  ...(
    [
      ['that was ended', {}, 'end'],
      ['that is over', { untilMs: 1_000 }, 'wait'],
      ['of another dataset', { dataset: 'other' }, 'keep'],
      ['for somebody else', { to: 'bob', from: 'ada' }, 'keep'],
      ['of other kinds of operations', { kinds: ['delete'] }, 'keep'],
      ['that its owner did not sign', {}, 'forge'],
    ] as const
  ).map(([what, change, then]): LieRow => [
    'quorum',
    `a decision under a delegation ${what}`,
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const delegation = await lend(
        world,
        'aws',
        { from: 'bob', to: 'ada', ...change },
        then === 'forge' ? 'ada' : undefined,
      );
      if (then === 'end') await takeBack(world, 'aws', delegation);
      await plantDecision(
        world,
        'aws',
        await signDecision(scene.ground.folder, ready.sheets.aws, {
          approver: 'ada',
          choose: 0,
          change: { delegation },
        }),
      );
      if (then === 'wait') world.clockMs += 2_000;
      return { world, commit: ready.commit };
    },
  ]),
  [
    'quorum',
    'a decision for an earlier plan alone, on the identical operation',
    'quorumMissing',
    async () => {
      const { world, ready } = readyWorld();
      dropDecisions(world, 'aws');
      const own = await ownOperations(world, ready, 'aws');
      const change = { plan: 'a'.repeat(64), binds: 'thisPlan' as const, operations: own.map(({ id }) => id) };
      await plantDecision(
        world,
        'aws',
        await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'ada', change }),
        own,
      );
      return { world, commit: ready.commit };
    },
  ],
  [
    'brake',
    'a decision on an earlier plan, where this one trips a brake',
    'brakeTripped',
    async () => {
      const { world, ready, ids } = await brakedWorld([{ approver: 'ada' }]);
      const own = await ownOperations(world, ready, 'aws');
      const change = { plan: 'a'.repeat(64) };
      await plantDecision(
        world,
        'aws',
        await signDecision(scene.ground.folder, ready.sheets.aws, { approver: 'bob', change }),
        own,
      );
      return { world, commit: await withOwnReview(world, ready, 'aws', ids) };
    },
  ],
  [
    'duties',
    'the approval of the one person who signed the link behind the change',
    'separationOfDuties',
    async () => {
      const { world, ready, ids } = await linkedWorld([{ approver: 'ada', choose: 0 }]);
      return { world, commit: await withOwnReview(world, ready, 'aws', ids) };
    },
  ],
  [
    'duties',
    'the approval of the one person who signed the policy behind the change',
    'separationOfDuties',
    async () => {
      const { world, ready, ids } = await policyWorld([{ approver: 'ada' }]);
      return { world, commit: await withOwnReview(world, ready, 'aws', ids) };
    },
  ],
];
