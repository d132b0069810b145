/** Suspended by policy and by drift, in AWS by that name: from a person who goes elsewhere to the deletion after the delay. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { getDocument } from '../../../activities/exchange.js';
import { Plan } from '../../../core/plan.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

const hourMs = 3_600_000;
const denial = 'concordat-suspended';
const edits: Readonly<Record<string, (text: string) => string>> = {
  'datasets/workforce.yaml': (text) =>
    text.replace(
      'commit: permitted',
      'resolution: { person: { deletion: { kind: suspendFirst, field: active, value: false, after: 1h } } }\ncommit: permitted',
    ),
  'authorities/aws.yaml': (text) =>
    text
      .replace('  kind: aws-iam\n', '  kind: aws-iam\n  suspension: keysAndDenyPolicy\n')
      .replace(/person: \[([^\]]*)\]/, 'person: [$1, active]'),
  'maps/aws.person.yaml': (text) =>
    text
      .replace(
        '\ncreate:',
        '\n  active:\n    path: State\n    through: [{ enum: { active: true, suspended: false } }]\ncreate:',
      )
      .replace(/deletionMayRemove: .*/, 'deletionMayRemove: [memberships, accessKeys]'),
};

let ground: Ground;
let agreed: GateWorld;
let world: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };
beforeAll(async () => {
  ground = await layGround((file, text) => edits[file]?.(text) ?? text);
  agreed = await GateWorld.agreed(ground, 5);
  const { aws, keystone } = ground.sandbox;
  awsUser(ground.sandbox, 4).owned.accessKeys.push('AKIAFIRST00000000001', 'AKIASECOND0000000002');
  awsUser(ground.sandbox, 4).inactiveKeys.add('AKIASECOND0000000002');
  clouds = { aws: aws.server.state.save(), sov: keystone.server.state.save() };
});
afterAll(() => ground?.stop());
beforeEach(() => {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  world = agreed.copy();
});

const user = () => awsUser(ground.sandbox, 4);
const approved = { aws: [{ approver: 'ada' }], sov: [{ approver: 'ada' }] };
async function carriedOut(): Promise<{
  readonly said: readonly string[];
  readonly told: string;
  readonly agree: () => Promise<void>;
}> {
  const ready = await world.ready(approved);
  const { operations } = await getDocument(world.exchange, ready.plan.plan, Plan);
  const results = await world.apply('aws', ready.commit);
  expect(results).toMatchObject({ kind: 'done', complete: true, counts: { applied: 1 } });
  return {
    said: operations.map(({ authority, kind, rule }) => `${authority} ${kind} ${rule}`),
    told: ready.sheets.aws.operations.flatMap(({ consequences }) => consequences).join('\n'),
    agree: () => world.agree(ready, results.receipts ? [results.receipts] : []),
  };
}

it('suspends who is deleted elsewhere, says what that is in AWS, and deletes after the delay', async () => {
  ground.sandbox.keystone.server.state.removeUser(keystoneUser(ground.sandbox, 4));
  const suspended = await carriedOut();
  expect(suspended.said).toEqual(['aws update suspendedFirst']);
  expect(suspended.told).toMatch(
    /access keys become inactive and the inline policy concordat-suspended denies everything/,
  );
  expect(Object.keys(user().policies)).toEqual([denial]);
  expect([...user().inactiveKeys].sort()).toEqual(user().owned.accessKeys);
  const { operations, divergences } = await getDocument(world.exchange, (await world.planned()).plan.plan, Plan);
  expect(operations).toEqual([]);
  expect(divergences.map(({ kind }) => kind)).toEqual(['suspended']);
  world.clockMs += hourMs + 60_000;
  const id = user().id;
  const gone = await carriedOut();
  expect(gone.said).toEqual(['aws delete deletedAfterSuspension']);
  expect(gone.told).toMatch(/not undone.*no credentials/);
  expect(ground.sandbox.aws.server.state.users.get(id)).toBeUndefined();
});

it('follows who is disabled elsewhere and enabled again, and wakes no key that was asleep before', async () => {
  keystoneUser(ground.sandbox, 4).enabled = false;
  const { agree, said } = await carriedOut();
  expect(said).toEqual(['aws update changedOnOneSide']);
  expect(user().inactiveKeys.size).toBe(2);
  await agree();
  keystoneUser(ground.sandbox, 4).enabled = true;
  const back = await carriedOut();
  expect(back.told).toMatch(/keys that the suspension made inactive become active, and no others/);
  expect([...user().inactiveKeys]).toEqual(['AKIASECOND0000000002']);
  expect(user().policies).toEqual({});
});
