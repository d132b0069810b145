/** The key of digest fields is replaced: nothing looks changed, what did change is still told apart, and the old key is gone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rotateDigestKey } from '../../../activities/authority/digest-key.js';
import { readAgreement } from '../../../activities/authority/agreements.js';
import { putMessage } from '../../../activities/exchange.js';
import type { Findings } from '../../../activities/lineage/findings.js';
import { exportRecord, exportRun } from '../../../activities/lineage/make-export.js';
import { keysOfFederation } from '../../../activities/lineage/trusted-keys.js';
import { verifyExport } from '../../../activities/lineage/verify-export.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import { datasetShape } from '../../../core/federation/federation.js';
import { SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import { Plan } from '../../../core/plan.js';
import { isSealedValue, type DigestKeyId } from '../../../core/sealed-value.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { baseRecords } from '../lineage/agreed-world.js';
import { documentOf } from './gate-scene.js';
import { GateWorld, layGround, members, type Ground, type Member } from './gate-world.js';

const people = 5;
let ground: Ground;
let agreed: GateWorld;
let clouds: { aws: string; sov: string };

beforeAll(async () => {
  ground = await layGround((file, text) =>
    file === 'authorities/aws.yaml'
      ? text
          .replace(
            'person: [displayName, mail, employeeId, department]',
            'person: { fields: { displayName: clear, mail: clear, employeeId: digest, department: digest } }',
          )
          .replace('person: { percentMax: 20, deletionsMax: 5 }', 'person: { operationsMax: 100 }')
      : text,
  );
  agreed = await GateWorld.agreed(ground, people);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
});
afterAll(() => ground?.stop());

/** A copy of the agreed world; the clouds are as they were. */
function restored(): GateWorld {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  return agreed.copy();
}

const rotate = (world: GateWorld, by: Member = 'aws'): Promise<DigestKeyId> =>
  rotateDigestKey(world.contexts[by], datasetShape(ground.federation, dataset));

const changeInSov = (person: number, department: string): void => {
  keystoneUser(ground.sandbox, person).extra['department'] = department;
};
const changeInAws = (person: number, department: string): void =>
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, person), 'department', department);

async function keysInBase(world: GateWorld): Promise<readonly string[]> {
  const records = await baseRecords(world);
  return [
    ...new Set(
      records.flatMap(({ fields }) =>
        Object.values(fields).flatMap((value) => (isSealedValue(value) ? value.key : [])),
      ),
    ),
  ];
}

const heldKeys = (world: GateWorld, id: Member): readonly string[] =>
  [...world.stores[id].objects.keys()].filter((name) => name.startsWith(`digest-keys/${dataset}/`));

/** Agrees on what the members show, after writing what ada approves. */
async function agreeOnAll(world: GateWorld): Promise<void> {
  const wishes = [{ approver: 'ada', choose: 0 }];
  const ready = await world.ready({ aws: wishes, sov: wishes });
  const receipts: Ref[] = [];
  for (const id of members) {
    if (!ready.plan.affected.includes(id)) continue;
    const done = await world.apply(id, ready.commit);
    if (done.receipts) receipts.push(done.receipts);
  }
  await world.agree(ready, receipts);
}

describe('a new key for digest fields', () => {
  it('makes no divergence and no operation, and the agreed base is sealed under it, as its lineage says', async () => {
    const world = restored();
    const [old] = await keysInBase(world);
    const next = await rotate(world);
    expect(next).not.toBe(old);
    const ready = await world.ready({ aws: [], sov: [] });
    expect(ready.plan).toMatchObject({
      divergences: 0,
      operations: 0,
      conflicts: 0,
      cases: 0,
      baseMoves: true,
    });
    await world.agree(ready, []);
    expect(await keysInBase(world)).toEqual([next]);

    const keys = keysOfFederation(ground.federation);
    const { agreement } = await readAgreement(world.contexts.aws, dataset);
    const { head, objects } = await exportRun(world.exchange, keys, dataset, agreement?.sequence ?? 0);
    expect(faults(await verifyExport({ head, objects: new Map(objects) }, keys))).toEqual([]);
    const person = (await baseRecords(world)).find(({ type }) => type === 'person');
    const record = await exportRecord(world.exchange, keys, { dataset, type: 'person', key: person?.key ?? '' });
    if (!record) throw new Error('the record has no hops');
    const findings = await verifyExport({ head: record, objects: new Map() }, keys);
    expect(faults(findings)).toEqual([]);
    expect(findings.all.map(({ words }) => words)).toContain(
      'base 2: department, employeeId sealed under a new digest key, with no new value',
    );

    // Nothing needs the old key any more: members have removed it, and what changes later is told apart as ever.
    for (const id of members) {
      const held = heldKeys(world, id).filter((name) => name.includes('/held/'));
      expect(held).toEqual([`digest-keys/${dataset}/held/${next}`]);
    }
    expect(heldKeys(world, 'aws')).not.toContain(`digest-keys/${dataset}/made/1`);
    changeInSov(1, 'Cartography');
    const later = (await world.planned()).plan;
    expect(later).toMatchObject({ operations: 1, operationsBy: { aws: 1 }, conflicts: 0 });
  });

  it('tells in its own run who changed a value meanwhile, and asks people only where both did', async () => {
    const world = restored();
    await rotate(world);
    changeInSov(1, 'Cartography');
    changeInAws(2, 'Archive');
    changeInSov(3, 'Archive');
    changeInAws(3, 'Accounts');
    changeInSov(4, 'Legal');
    changeInAws(4, 'Legal');
    const { plan } = await world.planned();
    expect(plan).toMatchObject({ operationsBy: { aws: 1, sov: 1 }, operations: 2, conflicts: 1, divergences: 3 });
    const written = await documentOf(world, plan.plan, Plan);
    expect(written.operations.map(({ authority, changes }) => `${authority} ${changes[0]?.field}`).sort()).toEqual([
      'aws department',
      'sov department',
    ]);
    await agreeOnAll(world);
    expect((await world.planned()).plan).toMatchObject({ divergences: 0, operations: 0, conflicts: 0 });
  });

  it('keeps a base comparable over a divergence that nobody has decided yet, and replaced twice before anybody agreed', async () => {
    const world = restored();
    changeInSov(1, 'Cartography');
    const before = (await world.planned()).plan;
    expect(before).toMatchObject({ operations: 1, operationsBy: { aws: 1 } });
    await rotate(world);
    await world.planned();
    const last = await rotate(world, 'sov');
    const ready = await world.ready({ aws: [], sov: [] });
    await world.agree(ready, []);
    expect(await keysInBase(world)).toEqual([last]);
    expect((await world.planned()).plan).toMatchObject({ operations: 1, operationsBy: { aws: 1 }, conflicts: 0 });
  });

  it('is no reason to believe a member that calls its new value the old one: people decide', async () => {
    const world = restored();
    changeInSov(1, 'Cartography');
    await rotate(world);
    const honest = await world.planned();
    expect(honest.plan).toMatchObject({ operations: 1, conflicts: 0 });
    const inputs = await withoutChanges(world, honest.inputs);
    expect(await world.coordinator.compareAndPlan(inputs)).toMatchObject({ operations: 0, conflicts: 1 });
  });
});

const faults = ({ all }: Findings): readonly string[] =>
  all.filter(({ kind }) => kind === 'wrong' || kind === 'missing').map(({ words }) => words);

/** As if sov had signed that none of its values changed. */
async function withoutChanges(world: GateWorld, inputs: RunInputs): Promise<RunInputs> {
  const own = inputs.snapshots[1] as Ref;
  const { payload } = readUnverified(new TextDecoder().decode(world.exchange.objects.get(own.ref)), {
    typ: snapshotType,
  });
  const statement = SnapshotStatement.parse(payload);
  const reseals = statement.reseals.map((one) => ({
    ...one,
    changed: one.changed.map((sealed) => ({ ...sealed, count: 0, segments: [] })),
  }));
  expect(statement.reseals.flatMap(({ changed }) => changed.map(({ count }) => count))).toEqual([1]);
  const jws = await signCompact({ ...statement, reseals }, { typ: snapshotType, key: ground.keys.sov });
  return { ...inputs, snapshots: [inputs.snapshots[0] as Ref, await putMessage(world.exchange, 'sov', jws)] };
}
