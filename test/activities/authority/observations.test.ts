/** What authorities know of each other's changes, over real runs: seals, commits, receipts, and runs that end too early. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readLatestVersions } from './versions-support.js';
import { sealSnapshot } from '../../../activities/authority/snapshot.js';
import { recomputePlan, type Recomputed } from '../../../activities/recompute.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import { withVersions } from '../../../activities/versions-of-views.js';
import type { RecordView } from '../../../core/compare.js';
import type { Json } from '../../../core/json.js';
import { versionsField } from '../../../core/record-versions.js';
import { GateWorld, layGround, MemoryStore, type Ground, type Ready } from './gate-world.js';

let ground: Ground;
let agreed: GateWorld;
let world: GateWorld;
beforeAll(async () => {
  ground = await layGround((_file, text) => text);
  agreed = await GateWorld.agreed(ground, 8);
});
afterAll(() => ground?.stop());
const start = 'Umbrology';
beforeEach(() => {
  world = agreed.copy();
  for (const person of [1, 2]) {
    atAws(start, person);
    atSov(start, person);
  }
});

const atAws = (department: string, person = 1): void =>
  ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, person), 'department', department);
const atSov = (department: string, person = 1): void => {
  keystoneUser(ground.sandbox, person).extra['department'] = department;
};
const sovHas = (person = 1): unknown => keystoneUser(ground.sandbox, person).extra['department'];

async function plan(): Promise<Recomputed> {
  const { inputs } = await world.planned();
  return recomputePlan(ground.federation, world.exchange, inputs);
}
const brief = ({ plan: { operations, conflicts } }: Recomputed): string[] => [
  ...operations.map(({ authority, rule, changes }) => `${authority} ${rule} ${JSON.stringify(changes[0])}`),
  ...conflicts.map(
    ({ field, candidates }) => `conflict ${field} ${candidates.map(({ value }) => JSON.stringify(value)).join(' ')}`,
  ),
];
const writes = (authority: string, rule: string, before: string, after: string): string =>
  `${authority} ${rule} ${JSON.stringify({ kind: 'value', field: 'department', before, after })}`;

/** aws changes a department, sov takes it over, and the run dies before anything is agreed. */
async function carriedButNotAgreed(): Promise<Ready> {
  atAws('First');
  const ready = await world.ready({ aws: [], sov: [{ approver: 'ada' }] });
  expect(await world.apply('sov', ready.commit)).toMatchObject({ kind: 'done', counts: { applied: 1 } });
  expect(sovHas()).toBe('First');
  return ready;
}

describe('over a base that did not move', () => {
  it('a change by who had the last word is proposed to who took over the one before', async () => {
    await carriedButNotAgreed();
    atAws('Second');
    expect(brief(await plan())).toEqual([writes('sov', 'changedLater', 'First', 'Second')]);
  });

  it('a change by who took over the last one is proposed to who made that', async () => {
    await carriedButNotAgreed();
    atSov('Third');
    expect(brief(await plan())).toEqual([writes('aws', 'changedLater', 'First', 'Third')]);
  });

  it('a change that is taken back is proposed to who took it over, although it stands at the base again', async () => {
    await carriedButNotAgreed();
    atAws(start);
    expect(brief(await plan())).toEqual([writes('sov', 'changedLater', 'First', start)]);
  });

  it('changes on both sides since are a conflict', async () => {
    await carriedButNotAgreed();
    atAws('Second');
    atSov('Third');
    expect(brief(await plan())).toEqual(['conflict department "Second" "Third"']);
  });

  it('nobody is latest where both changed and nothing was carried', async () => {
    atAws('Second');
    atSov('Third');
    expect(brief(await plan())).toEqual(['conflict department "Second" "Third"']);
  });

  it('a field that was carried says nothing about another one of the same record', async () => {
    await carriedButNotAgreed();
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'displayName', 'One Name');
    keystoneUser(ground.sandbox, 1).extra['display_name'] = 'Other Name';
    const { plan: made } = await plan();
    expect(made.conflicts.map(({ field }) => field)).toEqual(['displayName']);
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, 1), 'displayName', 'Quillan Vexworth 1');
    keystoneUser(ground.sandbox, 1).extra['display_name'] = 'Quillan Vexworth 1';
  });
});

describe('an authority', () => {
  it('makes no dot for the echo of what it was asked to write, and one for what somebody changed', async () => {
    await carriedButNotAgreed();
    const first = await readLatestVersions(world, await plan());
    expect(first).toEqual([
      { member: 'aws', vectors: { department: { aws: expect.any(Number) } } },
      { member: 'sov', vectors: { department: { aws: expect.any(Number) } } },
    ]);
    expect(first[0]?.vectors).toEqual(first[1]?.vectors);
    atSov('Third');
    const second = await readLatestVersions(world, await plan());
    expect(second[1]?.vectors['department']).toEqual({ ...first[0]?.vectors['department'], sov: expect.any(Number) });
  });

  it('forgets what all agreed on', async () => {
    const ready = await carriedButNotAgreed();
    const again = await world.ready({ aws: [], sov: [] });
    await world.agree(again, []);
    expect(ready.inputs.run).not.toBe(again.inputs.run);
    atAws('Other', 2);
    const versions = await readLatestVersions(world, await plan());
    expect(versions).toEqual([{ member: 'aws', vectors: { department: { aws: expect.any(Number) } } }]);
  });

  it('says the same when it seals twice in a run', async () => {
    await carriedButNotAgreed();
    atSov('Third');
    const { inputs } = await world.planned();
    const before = await readLatestVersions(world, await recomputePlan(ground.federation, world.exchange, inputs));
    const { snapshot } = await sealSnapshot(world.contexts.sov, inputs);
    const twice = {
      ...inputs,
      snapshots: [...inputs.snapshots.filter(({ ref }) => !ref.startsWith('sov/')), snapshot],
    };
    expect(await readLatestVersions(world, await recomputePlan(ground.federation, world.exchange, twice))).toEqual(
      before,
    );
  });
});

describe('versions that cannot be true', () => {
  const claimed = async (vectors: Json): Promise<RecordView | undefined> => {
    const exchange = new MemoryStore();
    const groups = [{ id: versionsField, fields: [versionsField], members: ['aws'] }];
    const sealer = createSealer({ store: exchange, prefix: 'aws', type: 'person', groups, expectedCount: 1 });
    sealer.add({ type: 'person', key: 'p1', fields: { [versionsField]: { vectors, seen: null } } });
    const versions = [{ type: 'person', since: 2, sealed: await sealer.finish() }];
    const { messages, snapshots } = await plan();
    const { aws } = snapshots;
    if (!aws) throw new Error('no snapshot');
    const views = { person: [{ key: 'p1', members: {}, base: undefined }] };
    const opens = Object.fromEntries(Object.entries(messages.opens).map(([id, open]) => [id, { ...open, round: 7 }]));
    const read = await withVersions(views, { aws: { ...aws, versions } }, { members: ['aws'], opens }, exchange);
    return read['person']?.find(() => true);
  };

  it('are taken for none, so that what they stand beside is concurrent', async () => {
    expect((await claimed({ name: { aws: 7, sov: 7 } }))?.versions?.['aws']).toEqual({
      vectors: { name: { aws: 7, sov: 7 } },
      since: 2,
    });
    for (const vectors of [
      { name: { aws: 7, sov: 8 } },
      { name: { aws: 8 } },
      { name: { aws: 0 } },
      { name: 'all' },
      null,
    ])
      expect((await claimed(vectors))?.versions?.['aws']).toBeUndefined();
  });
});
