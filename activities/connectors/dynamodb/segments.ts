/**
 * Pages of several segments side by side. Each segment has one page at most, on its way or waiting: the next one is asked
 * for when whoever reads has taken that one and comes for more, so a slow reader slows the requests and fills no memory.
 */
export interface SegmentPage<Page> {
  readonly segment: number;
  readonly page: Page;
}

/**
 * `fetch` gives the next page of a segment, or null after its last. Pages of one segment come in its order, those of
 * several as they arrive. What is still on its way when the reader leaves, or when one fails, is given up.
 */
export async function* pagesOfSegments<Page>(
  segments: readonly number[],
  fetch: (segment: number, signal: AbortSignal) => Promise<Page | null>,
  signal?: AbortSignal,
): AsyncGenerator<SegmentPage<Page>> {
  const left = new AbortController();
  const either = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const pending = new Map<number, Promise<{ readonly segment: number; readonly page: Page | null }>>();
  const ask = (segment: number): void => {
    const asked = fetch(segment, either).then((page) => ({ segment, page }));
    // It may fail when nobody waits for it any more; who waits hears of it all the same.
    asked.catch(() => undefined);
    pending.set(segment, asked);
  };
  try {
    for (const segment of segments) ask(segment);
    while (pending.size > 0) {
      const { segment, page } = await Promise.race(pending.values());
      pending.delete(segment);
      if (page === null) continue;
      yield { segment, page };
      ask(segment);
    }
  } finally {
    left.abort();
  }
}
