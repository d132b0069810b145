import { expect, test } from 'vitest';
import { SharedSyncs } from '../../activities/shared-syncs.js';

interface Begun {
  readonly folder: string;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

function held(): { readonly syncs: SharedSyncs; readonly begun: Begun[] } {
  const begun: Begun[] = [];
  const syncs = new SharedSyncs((folder) => new Promise<void>((end, fail) => void begun.push({ folder, end, fail })));
  return { syncs, begun };
}

const settled = () => new Promise((done) => setImmediate(done));

test('who comes while a sync goes on waits for the next one, which serves all of them', async () => {
  const { syncs, begun } = held();
  const ended: string[] = [];
  const first = syncs.of('a').then(() => ended.push('first'));
  const later = [1, 2, 3].map((one) => syncs.of('a').then(() => ended.push(`later ${one}`)));
  await settled();
  expect(begun.length).toBe(1);
  begun[0]?.end();
  await first;
  await settled();
  expect(ended, 'what came later may not be in it').toEqual(['first']);
  expect(begun.length).toBe(2);
  const last = syncs.of('a').then(() => ended.push('last'));
  begun[1]?.end();
  await Promise.all(later);
  await settled();
  expect(ended).toEqual(['first', 'later 1', 'later 2', 'later 3']);
  expect(begun.length).toBe(3);
  begun[2]?.end();
  await last;
  void syncs.of('a');
  expect(begun.length, 'nothing is left waiting').toBe(4);
});

test('one that fails fails for those alone whom it served, and folders have nothing to do with each other', async () => {
  const { syncs, begun } = held();
  const first = syncs.of('a');
  const other = syncs.of('b');
  const second = syncs.of('a');
  expect(begun.map(({ folder }) => folder)).toEqual(['a', 'b']);
  begun[0]?.fail(new Error('no space'));
  await expect(first).rejects.toThrow('no space');
  await settled();
  begun[1]?.end();
  begun[2]?.end();
  await Promise.all([other, second]);
});
