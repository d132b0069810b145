import { expect, it } from 'vitest';
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
