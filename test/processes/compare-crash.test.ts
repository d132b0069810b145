/**
 * kill -9 of a worker of the coordinator inside a group of a compare: it has put what it found, and nobody was told. Another
 * worker goes on; what was done is not done again, nothing lies there twice, and the plan is that of a compare without groups.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareGroupCount } from '../../core/compare-groups.js';
import type { RunResult } from '../../workflows/messages.js';
import { awsUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { startFederation, type LocalFederation, type ReconcileHandle } from '../support/local-federation.js';

const people = 12;
const recordsPerGroup = 2;
const diesAtGroup = 5;
/** For the groups before it to be told: a worker that is busy tells late. */
const tellsWithinMs = 3000;
let local: LocalFederation;

beforeAll(async () => {
  local = await startFederation({ members: ['aws', 'sov'] });
  seedEqual(local.sandbox, people);
  expect(await local.run()).toMatchObject({ outcome: 'agreed' });
  // One change in most groups, so that most of them leave something.
  for (let number = 0; number < people; number += 2)
    keystoneUser(local.sandbox, number).extra['department'] = `Moved ${number}`;
  for (let number = 1; number < people; number += 4)
    local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, number), 'displayName', `Other ${number}`);
});
afterAll(() => local?.stop());

interface Group {
  readonly attempt: number;
  readonly worker: string;
}

/** Who ended each group, and at which attempt. */
async function groupsOf(handle: ReconcileHandle): Promise<readonly Group[]> {
  const { events } = await local.client().workflow.getHandle(handle.workflowId).fetchHistory();
  const all = events ?? [];
  const scheduled = all.flatMap(({ eventId, activityTaskScheduledEventAttributes: one }) =>
    one?.activityType?.name === 'compareGroup' ? [Number(eventId)] : [],
  );
  return scheduled.map((id) => {
    const started = all.flatMap(({ activityTaskStartedEventAttributes: one }) =>
      Number(one?.scheduledEventId) === id ? [one] : [],
    );
    expect(started).toHaveLength(1);
    return { attempt: started[0]?.attempt ?? 0, worker: started[0]?.identity ?? '' };
  });
}

/** Each file that groups left, as it was put: put again it would have another number or time. What differs, and what each group says. */
async function putByGroups(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of ['compared', 'documents']) {
    const place = path.join(local.layout.exchangeLocation, 'federation', folder);
    for (const name of await readdir(place).catch(() => [])) {
      const file = path.join(place, name);
      if (folder === 'documents' && !(await readFile(file, 'utf8')).includes('"concordat-compared/1"')) continue;
      const { ino, mtimeMs } = await stat(file);
      found.set(name, `${ino} ${mtimeMs}`);
    }
  }
  return found;
}

it('is gone on with by another worker, and gives the same plan', async () => {
  const whole = await local.start({ planOnly: true });
  const { plan, records } = (await whole.result()) as RunResult;
  expect(plan.divergences).toBeGreaterThan(people / 2);
  expect(await groupsOf(whole)).toEqual([]);
  expect(await putByGroups()).toEqual(new Map());

  await local.endWorker('federation', 'SIGTERM');
  const parted = { CONCORDAT_COMPARE_GROUP_RECORDS: String(recordsPerGroup) };
  const dying = await local.startWorker('federation', {
    ...parted,
    CONCORDAT_TEST_KILL_AT: `groupPut:${diesAtGroup}:${tellsWithinMs}`,
  });
  const handle = await local.start({ planOnly: true });
  expect(await dying.exited).toBe(137);
  const left = await putByGroups();
  // Also a group in which nothing differs says so.
  expect(left.size).toBeGreaterThanOrEqual(diesAtGroup);
  const successor = await local.startWorker('federation', parted);
  const result = (await handle.result()) as RunResult;

  expect(result.plan.planDigest).toBe(plan.planDigest);
  const groups = await groupsOf(handle);
  expect(groups).toHaveLength(
    compareGroupCount(
      Object.values(records).reduce((sum, count) => sum + count, 0),
      recordsPerGroup,
    ),
  );
  const [before, after] = [groups.filter(isBy(dying.pid)), groups.filter(isBy(successor.pid))];
  // The one that was put and not told is done again, beside what was not begun.
  expect(before.length).toBeGreaterThan(0);
  expect(before.length).toBeLessThan(diesAtGroup);
  expect(before.every(({ attempt }) => attempt === 1)).toBe(true);
  expect(before.length + after.length).toBe(groups.length);
  expect(after.some(({ attempt }) => attempt > 1)).toBe(true);
  for (const [name, put] of left) expect((await putByGroups()).get(name)).toBe(put);
}, 120_000);

const isBy =
  (pid: number) =>
  ({ worker }: Group): boolean =>
    worker.startsWith(`${pid}@`);
