/** Whether what differs lies in memory or in files, every step from the snapshot to the next base says and signs the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOpens, readSnapshots } from '../../../activities/run-messages.js';
import { recomputePlan } from '../../../activities/recompute.js';
import { readAll } from '../../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { areInFile } from '../../../activities/spilling/gathered-views.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

let ground: Ground;
let agreed: GateWorld;
beforeAll(async () => {
  ground = await layGround((_file, text) => text);
  agreed = await GateWorld.agreed(ground, 8);
});
afterAll(() => ground?.stop());

/** Versions without the stamps of the machine that gave them. */
async function versionsOf(world: GateWorld, inputs: Awaited<ReturnType<GateWorld['planned']>>['inputs']) {
  const messages = await readOpens(ground.federation, world.exchange, inputs);
  const snapshots = await readSnapshots(ground.federation, world.exchange, inputs, inputs.snapshots, messages);
  const reader = createSegmentReader({ store: world.exchange, prefixes: messages.members });
  const found: unknown[] = [];
  for (const { authority, versions } of Object.values(snapshots))
    for (const { type, since, sealed } of versions)
      for await (const { key, fields } of readAll(sealed, reader))
        found.push([authority, type, since, key, (fields['versions'] as { readonly vectors: unknown }).vectors]);
  return found;
}

function changeSome(): void {
  keystoneUser(ground.sandbox, 1).extra['department'] = 'Archive';
  keystoneUser(ground.sandbox, 2).extra['department'] = 'Archive';
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 2), 'displayName', 'Quillan Other');
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 3), 'displayName', 'Quillan Third');
}

it('gives one plan, one base and the same versions', async () => {
  const inMemory = agreed.copy();
  const inFiles = agreed.copy();
  for (const id of ['aws', 'sov'] as const) inFiles.change(id, { viewsInMemoryMax: 0 });
  // Twice, so that versions that were known before are carried on.
  for (const round of [1, 2]) {
    if (round === 1) changeSome();
    else keystoneUser(ground.sandbox, 3).extra['department'] = 'Other';
    const one = await inMemory.planned();
    const other = await inFiles.planned();
    const known = await versionsOf(inMemory, one.inputs);
    expect(known.length).toBeGreaterThan(0);
    expect(await versionsOf(inFiles, other.inputs)).toEqual(known);
    expect(one.plan.operations).toBeGreaterThan(1);
    const [held, filed] = await Promise.all(
      [undefined, 0].map((viewsInMemoryMax) =>
        recomputePlan(
          { ...ground.federation },
          inMemory.exchange,
          one.inputs,
          'own',
          viewsInMemoryMax === undefined ? {} : { viewsInMemoryMax },
        ),
      ),
    );
    if (!held || !filed) throw new Error('no plan');
    expect(Object.values(held.views).some(areInFile)).toBe(false);
    expect(Object.values(filed.views).some(areInFile)).toBe(true);
    expect(filed.planDigest).toBe(held.planDigest);
    expect({ ...filed.plan, operations: [...filed.plan.operations], divergences: [...filed.plan.divergences] }).toEqual(
      {
        ...held.plan,
      },
    );
    for (const [type, views] of Object.entries(held.views))
      for (const view of views) expect(filed.viewOf(type, view.key)).toEqual(held.viewOf(type, view.key));
  }
});
