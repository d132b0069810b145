/**
 * Says in time that a process has too little memory. V8 ends a process at its limit without a word, and Temporal gives the work
 * to the next worker, which ends in the same way.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';
import { ConcordatError } from '../core/errors.js';

/** Of the limit: used up to here without asking whether it is garbage. */
const doubtfulPercent = 85;
/** What is left after the garbage is gone and still is too much to go on: copies for sorting and sending come on top. */
const fullPercent = 80;
const looksEveryMs = 50;

/** Of this process. */
let looksAgainMs = 0;
let collect: (() => void) | undefined;

/** Throws heapTooSmall where what is alive nearly fills the heap. `holding` says what fills it: the subject of a sentence. */
export function requireHeap(holding: string): void {
  const nowMs = performance.now();
  if (!isMainThread || nowMs < looksAgainMs) return;
  looksAgainMs = nowMs + looksEveryMs;
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (used * 100 < limit * doubtfulPercent) return;
  // Much of it may be garbage that V8 has not come to yet. It collects all of it within a second or two, and only here.
  garbageCollector()();
  const alive = getHeapStatistics().used_heap_size;
  // Where little is left over, this does not become most of what is done.
  looksAgainMs = performance.now() + 20 * (performance.now() - nowMs);
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
