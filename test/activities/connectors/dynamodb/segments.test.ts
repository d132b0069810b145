import { expect, it } from 'vitest';
import { createPace } from '../../../../activities/connectors/dynamodb/pace.js';
import { pagesOfSegments } from '../../../../activities/connectors/dynamodb/segments.js';

/** Segments of so many pages, each page its number in its segment. */
function source(counts: readonly number[]) {
  const given = counts.map(() => 0);
  const asked = { pages: 0, most: 0, taken: 0 };
  const fetch = async (segment: number): Promise<number | null> => {
    const page = given[segment] ?? 0;
    if (page >= (counts[segment] ?? 0)) return null;
    given[segment] = page + 1;
    asked.pages += 1;
    asked.most = Math.max(asked.most, asked.pages - asked.taken);
    await Promise.resolve();
    return page;
  };
  return { fetch, asked };
}

it('gives every page of every segment once, each segment in its order, and never holds more than a page of each', async () => {
  const { fetch, asked } = source([3, 0, 7, 1]);
  const pages: string[] = [];
  for await (const { segment, page } of pagesOfSegments([0, 1, 2, 3], fetch)) {
    pages.push(`${segment}.${page}`);
    await new Promise((resolve) => setImmediate(resolve));
    asked.taken += 1;
  }
  expect([...pages].sort()).toEqual(['0.0', '0.1', '0.2', '2.0', '2.1', '2.2', '2.3', '2.4', '2.5', '2.6', '3.0']);
  expect(pages.filter((each) => each.startsWith('2'))).toEqual(['2.0', '2.1', '2.2', '2.3', '2.4', '2.5', '2.6']);
  expect(asked.most).toBe(3);
});

it('gives up what is on its way when the reader leaves or a segment fails', async () => {
  const signals: AbortSignal[] = [];
  const waiting = (segment: number, signal: AbortSignal): Promise<number | null> => {
    signals.push(signal);
    if (segment === 0) return Promise.resolve(1);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('given up'))));
  };
  for await (const _ of pagesOfSegments([0, 1], waiting)) break;
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  signals.length = 0;
  const failing = (segment: number, signal: AbortSignal): Promise<number | null> =>
    segment === 2 ? Promise.reject(new Error('no segment')) : waiting(segment === 0 ? 1 : segment, signal);
  await expect(pagesOfSegments([0, 1, 2], failing).next()).rejects.toThrow('no segment');
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

it('a pace waits until what was used is earned again, however many wait, and without a limit never', async () => {
  let nowMs = 0;
  const pauses: number[] = [];
  const clock = {
    nowMs: () => nowMs,
    pause: (lengthMs: number): Promise<void> => {
      pauses.push(lengthMs);
      nowMs += lengthMs;
      return Promise.resolve();
    },
  };
  const pace = createPace(10, clock);
  await pace.turn();
  expect(pauses).toEqual([]);
  pace.used(5);
  await pace.turn();
  expect(pauses).toEqual([500]);
  pace.used(1);
  pace.used(1);
  await pace.turn();
  expect(nowMs).toBe(700);
  nowMs += 10_000;
  // Capacity that nobody used is not saved up.
  pace.used(2);
  await pace.turn();
  expect(nowMs).toBe(10_900);
  const free = createPace(undefined, clock);
  free.used(1e9);
  await free.turn();
  expect(nowMs).toBe(10_900);
});
