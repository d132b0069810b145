/** The walk parted among threads yields what the walk in one piece does, and fails and ends as it would. */
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { walkDiffering, type Differing, type Participant } from '../../../activities/sealing/walk-differing.js';
import { walkWide, type WideWalkOptions } from '../../../activities/walking/walk-in-threads.js';
import { createFileStore } from '../../../activities/store-files.js';
import { openStore } from '../../../activities/store-location.js';
import type { Fields } from '../../../core/record.js';
import { scratchFolderForFile } from '../../support/scratch-folder.js';
import { builtProgram } from '../../support/temporal.js';
import { collected, groups, groupsOf, prefixes, seal } from '../sealing/worlds.js';

const ids = ['aws', 'entra', 'openstack'];
const location = scratchFolderForFile();
const participants: Participant[] = [];
let threadFile: string;

function rows(id: string, count: number): ReadonlyMap<string, Fields> {
  const fields = groupsOf(id).flatMap((group) => group.fields);
  return new Map(
    Array.from({ length: count }, (_, index) => index)
      .filter((index) => id !== 'entra' || index % 17 !== 0)
      .map((index) => [
        `key ${index}`,
        Object.fromEntries(fields.map((field) => [field, index % 2 === 0 ? `${id} ${index}` : `${index}`])),
      ]),
  );
}

beforeAll(async () => {
  threadFile = join(await builtProgram(), 'activities/walking/walk-thread.js');
  const store = openStore(location);
  // Eight ranges, so that each thread has several parts, and one member whose segments span two of them.
  for (const id of ids) {
    const recordsPerSegmentMax = id === 'aws' ? 250 : 125;
    participants.push({ id, sealed: await seal(store, id, rows(id, 900), { recordsPerSegmentMax }) });
  }
});

function walk(threads: number, options: Partial<WideWalkOptions> = {}): AsyncGenerator<Differing> {
  const store = openStore(location);
  return walkWide({ participants, groups, prefixes, store, threadFile, threads, recordsMin: 0, ...options });
}

test('in one or two threads it finds the same records, in the same order', async () => {
  const reader = createSegmentReader({ store: openStore(location), prefixes });
  const expected = await collected(walkDiffering({ participants, groups, reader }));
  expect(expected.length).toBeGreaterThan(400);
  // As text: a matcher that walks each value takes longer than the threads.
  for (const threads of [1, 2]) expect(JSON.stringify(await collected(walk(threads)))).toBe(JSON.stringify(expected));
  expect(await collected(walk(2, { threadFile: '/no/such/file.js' }))).toHaveLength(expected.length);
});

test('what a thread refuses is refused with the same code', async () => {
  const [first, ...others] = participants;
  if (!first) throw new Error('nobody takes part');
  const segments = first.sealed.segments.map((segment) => ({ ...segment, keys: '0'.repeat(64) }));
  const missing = [{ ...first, sealed: { ...first.sealed, segments } }, ...others];
  await expect(collected(walk(2, { participants: missing }))).rejects.toMatchObject({ code: 'storeFault' });
});

test('cancelled, it ends with the reason it was given', async () => {
  const cancelling = new AbortController();
  const taken = async (): Promise<void> => {
    for await (const { key } of walk(2, { signal: cancelling.signal }))
      if (key !== '') cancelling.abort(new Error('somebody cancelled the run'));
  };
  await expect(taken()).rejects.toThrow('somebody cancelled the run');
});

test('a store that nobody opened by its name is walked here', async () => {
  const { [0]: one } = await collected(walk(2, { store: createFileStore(location) }));
  expect(one).toBeDefined();
});
