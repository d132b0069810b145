/** Lies about what was read, planned, reviewed and permitted: every signature and digest that the coordinator cannot make. */
import { expect } from 'vitest';
import { disclosureType } from '../../../activities/authority/disclosure.js';
import { putDocument, putMessage } from '../../../activities/exchange.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { hlcOf } from '../../../core/clock/hlc.js';
import { Correlation } from '../../../core/correlate.js';
import { snapshotType, type Ref } from '../../../core/messages.js';
import { makeOperation } from '../../../core/operation.js';
import { Permit } from '../../../core/permit.js';
import { Plan } from '../../../core/plan.js';
import { reviewType, ReviewStatement, type ReviewBody } from '../../../core/review.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import {
  cloudsAsAgreed,
  diverge,
  documentOf,
  one,
  ownOperations,
  readyWorld,
  refOf,
  replaced,
  scene,
  signedAnew,
  two,
  type LieRow,
} from './gate-scene.js';
import { GateWorld } from './gate-world.js';

export const liesAboutInputs: readonly LieRow[] = [
  [
    'opaque',
    'an operation on an object that this authority read as opaque',
    'opaqueRecord',
    async () => {
      const { world, ready } = readyWorld();
      const store = world.stores.aws;
      for (const name of await store.list(`pages/${dataset}/`)) {
        const bytes = await store.get(name);
        const text = new TextDecoder().decode(bytes ?? new Uint8Array());
        await store.remove(name);
        await store.putIfAbsent(
          name,
          new TextEncoder().encode(text.replaceAll('{"type":"user"', '{"opaque":"a shape of its own","type":"user"')),
        );
      }
      return { world, commit: ready.commit, to: 'aws' };
    },
  ],
  [
    'disclosed',
    'something else of a peer in the place of what it disclosed',
    'inputNotAuthentic',
    () => {
      const { world, ready } = readyWorld();
      return Promise.resolve({
        world,
        commit: { ...ready.commit, disclosures: [refOf(ready.inputs.snapshots, 'sov')] },
      });
    },
  ],
  [
    'disclosed',
    'what a peer disclosed for another plan',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const statement = { authority: 'sov', dataset, plan: '0'.repeat(64), envelopes: [], atMs: world.clockMs };
      const jws = await signCompact(statement, { typ: disclosureType, key: scene.ground.keys.sov });
      return { world, commit: { ...ready.commit, disclosures: [await putMessage(world.exchange, 'sov', jws)] } };
    },
  ],
  [
    'clocks',
    'the snapshot of a peer that is stamped a day ahead',
    'clockUntrusted',
    async () => {
      const { world, ready } = readyWorld();
      const own = refOf(ready.inputs.snapshots, 'sov');
      const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(own.ref)), {
        typ: snapshotType,
      });
      const hlc = hlcOf({ ms: world.clockMs + 86_400_000, counter: 0 });
      const jws = await signCompact({ ...payload, hlc }, { typ: snapshotType, key: scene.ground.keys.sov });
      const snapshots = replaced(ready.inputs.snapshots, 'sov', await putMessage(world.exchange, 'sov', jws));
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'plan',
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
    'plan',
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
    'inputs',
    'the snapshot of a peer from an earlier run, with the very same content',
    'wrongRun',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), scene.agreed.copy());
      const earlier = await world.planned();
      const ready = await world.ready({ aws: one, sov: two });
      const older = refOf(earlier.inputs.snapshots, 'sov');
      const snapshots = replaced(ready.inputs.snapshots, 'sov', older);
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'inputs',
    'two snapshots of one member',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const snapshots = [...ready.inputs.snapshots, refOf(ready.inputs.snapshots, 'sov')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'inputs',
    'a peer that is missing from the snapshots',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const snapshots = [refOf(ready.inputs.snapshots, 'aws')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, snapshots } } };
    },
  ],
  [
    'inputs',
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
    'reviews',
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
    'inputs',
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
    'base',
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
    'run',
    'a run although a newer one was opened',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      await world.open();
      return { world, commit: ready.commit };
    },
  ],
  [
    'inputs',
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
    'inputs',
    'a run without the open of a peer',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const opens = [refOf(ready.inputs.opens, 'aws')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, opens } } };
    },
  ],
  [
    'inputs',
    'a run with one open twice',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      const opens = [...ready.inputs.opens, refOf(ready.inputs.opens, 'sov')];
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, opens } } };
    },
  ],
  [
    'inputs',
    'a run id that is not made of its opens',
    'wrongRun',
    async () => {
      const { world, ready } = readyWorld();
      return { world, commit: { ...ready.commit, inputs: { ...ready.inputs, run: 'e'.repeat(64) } } };
    },
  ],
  [
    'permit',
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
    'reviews',
    'a review of another authority that another key signed',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      const forged = await signedAnew(world, refOf(ready.reviews, 'sov'), reviewType, 'sov');
      return { world, commit: { ...ready.commit, reviews: replaced(ready.reviews, 'sov', forged) } };
    },
  ],
  [
    'reviews',
    'two reviews of one authority',
    'inputNotAuthentic',
    async () => {
      const { world, ready } = readyWorld();
      return { world, commit: { ...ready.commit, reviews: [...ready.reviews, refOf(ready.reviews, 'sov')] } };
    },
  ],
  [
    'reviews',
    'a review of another plan',
    'decisionForOtherPlan',
    async () => {
      const world = (cloudsAsAgreed(), diverge(), scene.agreed.copy());
      const earlier = await world.ready({ aws: one, sov: two });
      keystoneUser(scene.ground.sandbox, 3).extra['department'] = 'Archive';
      const ready = await world.ready({ aws: one, sov: two });
      return {
        world,
        commit: { ...ready.commit, reviews: replaced(ready.reviews, 'sov', refOf(earlier.reviews, 'sov')) },
      };
    },
  ],
  [
    'records',
    'another correlation, so that an approved change would meet another account',
    'planNotReproduced',
    async () => {
      cloudsAsAgreed();
      // First contact: two people whom AWS knows no department of, and sov knows different ones.
      for (const [number, department] of [
        [1, 'Archive'],
        [3, 'Harbour'],
      ] as const) {
        const user = awsUser(scene.ground.sandbox, number);
        user.tags = user.tags.filter(({ key }) => key !== 'department');
        keystoneUser(scene.ground.sandbox, number).extra['department'] = department;
      }
      const world = new GateWorld(scene.ground);
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
    'inputs',
    'a federation folder that another member does not have',
    'configurationDiffers',
    async () => {
      const { world, ready } = readyWorld();
      const { federation } = scene.ground;
      const changed = federation.datasets[dataset];
      if (!changed) throw new Error('the dataset is gone');
      const datasets = { [dataset]: { ...changed, commit: 'allOrNothing' as const } };
      world.change('aws', { federation: { ...federation, datasets } });
      return { world, commit: ready.commit };
    },
  ],
];
