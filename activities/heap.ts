/**
 * Says in time that a process has too little memory. V8 ends a process at its limit without a word, and Temporal gives the work
 * to the next worker, which ends in the same way.
 */
import { performance } from 'node:perf_hooks';
import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { ConcordatError } from '../core/errors.js';

/** Of the limit: used up to here without asking whether it is garbage. V8 itself gives up from 80 % on, where collecting is of little use. */
const doubtfulPercent = 79;
/** What is left after the garbage is gone and still is too much to go on: copies for sorting and sending come on top. */
const fullPercent = 74;
const looksEveryMs = 50;

/** Of this process. */
let looksAgainMs = 0;
let collect: (() => void) | undefined;

/** Throws heapTooSmall where what is alive nearly fills the heap. `holding` says what fills it: the subject of a sentence. */
export function requireHeap(holding: string): void {
  const nowMs = performance.now();
  if (!isMainThread || nowMs < looksAgainMs) return;
  looksAgainMs = nowMs + looksEveryMs;
  requirePlace(holding, ownHeap);
}

export interface Heap {
  readonly limit: () => number;
  /** Garbage included. */
  readonly used: () => number;
  readonly collect: () => void;
}

/** V8 counts the place of what is young (three times 16 MB) into its limit, and what is old finds none there. */
const youngBytes = 48 * 1024 * 1024;

const ownHeap: Heap = {
  limit: () => getHeapStatistics().heap_size_limit - youngBytes,
  used: () =>
    getHeapSpaceStatistics()
      .filter(({ space_name: space }) => !space.startsWith('new_'))
      .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0),
  collect: () => garbageCollector()(),
};

/**
 * For between two steps that each hold much: buffers that nobody holds any more stay until V8 looks, and it looks seldom where the
 * heap itself is small. Takes a tenth of a second or so.
 */
export function collectGarbage(): void {
  ownHeap.collect();
}

export function requirePlace(holding: string, heap: Heap): void {
  const limit = heap.limit();
  if (heap.used() * 100 < limit * doubtfulPercent) return;
  // Much of it may be garbage that V8 has not come to yet. It collects all of it within a second or two. Between the two shares
  // lies what has to be filled before it is asked again, so this never becomes most of what is done.
  heap.collect();
  const alive = heap.used();
  if (alive * 100 < limit * fullPercent) return;
  throw new ConcordatError(
    'heapTooSmall',
    `${holding} has no place in the memory of this process: ${megabytes(alive)} of ${megabytes(limit)} MB are in use`,
  );
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function garbageCollector(): () => void {
  if (collect) return collect;
  setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
