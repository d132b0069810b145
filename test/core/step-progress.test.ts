/** How long a commit still takes, said only where there is a pace to say it by. */
import { expect, test } from 'vitest';
import { StepProgress, timeLeftMs } from '../../core/step-progress.js';
import { stepsWords, stepWords } from '../../cli/showing/words.js';

const writing = { kind: 'writing', done: 1_000, of: 4_000, before: 0, begunMs: 5_000, atMs: 65_000 } as const;

test('what is left takes as long for each operation as what this attempt did', () => {
  expect(timeLeftMs(writing)).toBe(180_000);
  // Of a thousand, 900 were done by an attempt before: the pace is that of the other hundred.
  expect(timeLeftMs({ ...writing, before: 900 })).toBe(1_800_000);
});

test('nothing is said before there is a pace, and at the end', () => {
  expect(timeLeftMs({ ...writing, atMs: 14_999 })).toBeNull();
  expect(timeLeftMs({ ...writing, atMs: 15_000 })).toBe(30_000);
  expect(timeLeftMs({ ...writing, done: 4 })).toBeNull();
  expect(timeLeftMs({ ...writing, before: 996 })).toBeNull();
  expect(timeLeftMs({ ...writing, before: 1_000 })).toBeNull();
  expect(timeLeftMs({ ...writing, done: 4_000 })).toBeNull();
});

test('an estimate is as rough as it is far, and never less than is left', () => {
  const left = (leftMs: number): string => stepWords({ progress: writing, leftMs });
  expect(left(31_000)).toBe('wrote 1000 of 4000, about 40 s left');
  expect(left(180_001)).toBe('wrote 1000 of 4000, about 4 min left');
  expect(left(3_600_000)).toBe('wrote 1000 of 4000, about 1 h left');
  expect(left(7_260_000)).toBe('wrote 1000 of 4000, about 2 h 10 min left');
});

test('each authority says what it does', () => {
  expect(
    stepsWords([
      { authority: 'aws', progress: writing, leftMs: null },
      { authority: 'azure', progress: { kind: 'reading', objects: 1 }, leftMs: null },
      { authority: 'sov', progress: { kind: 'translating', objects: 2_000, of: 9_000 }, leftMs: null },
    ]),
  ).toBe('aws wrote 1000 of 4000; azure read 1 object; sov translated 2000 of 9000');
});

test('what another version tells more is left out, and what is no progress is none', () => {
  expect(StepProgress.parse({ ...writing, name: 'Zoë' })).toEqual(writing);
  for (const told of [{ pages: 3 }, { done: 1, of: 2, begunMs: 0 }, null, { ...writing, done: -1 }])
    expect(StepProgress.safeParse(told).success).toBe(false);
});
