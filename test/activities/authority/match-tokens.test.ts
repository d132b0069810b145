/**
 * People are joined over sandbox clouds by fields whose values leave only as digests: the number of an employee, then the
 * address. What the coordinator can see holds neither, and what it could change is refused.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { putMessage } from '../../../activities/exchange.js';
import { datasetShape } from '../../../core/federation/federation.js';
import { SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import { Plan } from '../../../core/plan.js';
import { isProvisional } from '../../../core/record.js';
import { rotateDigestKey } from '../../../activities/authority/digest-key.js';
import { addToAws, addToKeystone, awsUser, seededPerson } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { baseRecords } from '../lineage/agreed-world.js';
import { documentOf } from './gate-scene.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

const people = 5;
let ground: Ground;
let agreed: GateWorld;
let clouds: { aws: string; sov: string };

beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text.replace(
          'person: [displayName, mail, employeeId, department]',
          'person: { fields: { displayName: clear, mail: digest, employeeId: digest, department: clear } }',
        )
      : text,
  );
  agreed = await GateWorld.agreed(ground, people);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

function restored(): GateWorld {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  return agreed.copy();
}

async function plannedIn(world: GateWorld): Promise<{ readonly inputs: RunInputs; readonly plan: Plan }> {
  const { inputs, plan } = await world.planned();
  return { inputs, plan: await documentOf(world, plan.plan, Plan) };
}

const snapshotOf = (world: GateWorld, { ref }: Ref): SnapshotStatement =>
  SnapshotStatement.parse(
    readUnverified(new TextDecoder().decode(world.exchange.objects.get(ref)), { typ: snapshotType }).payload,
  );

describe('people whose number and address are digests', () => {
  it('are joined at first contact as they would be in clear', async () => {
    const records = await baseRecords(agreed);
    expect(records.filter(({ type }) => type === 'person')).toHaveLength(people);
    expect(records.some(({ key }) => isProvisional(key))).toBe(false);
    expect((await plannedIn(restored())).plan).toMatchObject({ divergences: [], cases: [] });
  });

  it('are joined by the second rule where the first says nothing, and what differs then is asked of people', async () => {
    const world = restored();
    const person = { ...seededPerson(20), displayName: 'Perpetua Same' };
    addToAws(ground.sandbox, { ...person, employeeId: 'E779901' });
    addToKeystone(ground.sandbox, { ...person, employeeId: 'E779902' });
    const { plan } = await plannedIn(world);
    expect(plan.cases).toEqual([]);
    expect(plan.conflicts).toMatchObject([{ type: 'person', field: 'employeeId' }]);
  });

  it('are a case where their account was made anew under another native id, and nobody is created or written', async () => {
    const world = restored();
    const before = new Set((await baseRecords(world)).map(({ key }) => key));
    ground.sandbox.aws.server.state.removeUser(awsUser(ground.sandbox, 4));
    addToAws(ground.sandbox, seededPerson(4));
    const { plan } = await plannedIn(world);
    expect(plan.operations).toEqual([]);
    expect(plan.cases).toMatchObject([{ type: 'person', authority: 'aws', doubt: 'replaced', candidates: [{}] }]);
    expect(before.has(plan.cases[0]?.candidates[0]?.key ?? '')).toBe(true);
  });

  it('are a case for a person where two could be meant, and no new record', async () => {
    const world = restored();
    const twin = { ...seededPerson(30), mail: seededPerson(31).mail };
    addToAws(ground.sandbox, { ...seededPerson(31), employeeId: '' });
    addToKeystone(ground.sandbox, twin);
    addToKeystone(ground.sandbox, { ...seededPerson(31), employeeId: 'E779903' });
    const { plan } = await plannedIn(world);
    expect(plan.cases).toMatchObject([{ type: 'person', authority: 'aws', rule: ['mail'] }]);
    expect(plan.operations.filter(({ kind }) => kind === 'create')).toEqual([]);
  });

  it('stand in nothing that leaves an authority, neither in clear nor as a plain hash', async () => {
    const world = restored();
    addToAws(ground.sandbox, seededPerson(40));
    addToKeystone(ground.sandbox, seededPerson(40));
    const { inputs } = await plannedIn(world);
    expect(snapshotOf(world, inputs.snapshots[0] as Ref).matches).toMatchObject([{ type: 'person' }]);
    const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    const text = [...world.exchange.objects, ...[...world.exchange.heads].map(([name, { bytes }]) => [name, bytes])]
      .map(([name, bytes]) => `${String(name)}\n${decode(bytes as Uint8Array)}`)
      .join('\n');
    for (const person of [0, 1, 2, 3, 4, 40].map(seededPerson))
      for (const value of [person.mail, person.employeeId])
        for (const form of [value, encodeURIComponent(value), Buffer.from(value).toString('base64url')])
          expect(text.includes(form), form).toBe(false);
    // The scan can find: another field of the same people stands there in clear.
    expect(text).toContain(seededPerson(40).displayName);
  });

  it('are not joined by a token that was taken out of another snapshot: it is under no signature of its member', async () => {
    const world = restored();
    addToAws(ground.sandbox, seededPerson(50));
    const { inputs } = await plannedIn(world);
    const own = snapshotOf(world, inputs.snapshots[0] as Ref);
    const others = snapshotOf(world, inputs.snapshots[1] as Ref);
    const jws = await signCompact({ ...own, matches: others.matches }, { typ: snapshotType, key: ground.keys.sov });
    const forged = [await putMessage(world.exchange, 'aws', jws), inputs.snapshots[1] as Ref];
    await expect(world.coordinator.compareAndPlan({ ...inputs, snapshots: forged })).rejects.toMatchObject({
      code: 'inputNotAuthentic',
    });
  });

  it('have other tokens under the next key, and are joined all the same', async () => {
    const world = restored();
    const before = snapshotOf(world, (await plannedIn(world)).inputs.snapshots[0] as Ref).matches;
    await rotateDigestKey(world.contexts.aws, datasetShape(ground.federation, dataset));
    addToAws(ground.sandbox, seededPerson(60));
    addToKeystone(ground.sandbox, seededPerson(60));
    const { inputs, plan } = await plannedIn(world);
    expect(plan).toMatchObject({ operations: [], cases: [] });
    expect(snapshotOf(world, inputs.snapshots[0] as Ref).matches[0]?.segments).not.toEqual(before[0]?.segments);
  });
});
