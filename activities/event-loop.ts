/**
 * Long computations in slices: a worker answers Temporal on the thread on which its activities compute, so none of them may
 * keep it for long. Whatever loops over records asks here for each of them, or for each page.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { requireHeap } from './heap.js';

/** Heartbeats and answers of workflows are late by no more than this for each activity that computes. */
const sliceMs = 20;

/** Of this process: activities that compute at once share one thread. */
let sliceEndsMs = 0;

/**
 * Lets everything else that is ready run where the slice is over; else it goes on at once. Throws heapTooSmall where the process
 * would soon be out of memory.
 */
export async function letOthersRun(): Promise<void> {
  if (performance.now() < sliceEndsMs) return;
  requireHeap('what this step holds');
  await nextTurn();
  sliceEndsMs = performance.now() + sliceMs;
}

/** Whether it is time to let others run: for loops that look at it more often than they can afford to wait. */
export function isSliceOver(): boolean {
  return performance.now() >= sliceEndsMs;
}

/** Takes the steps of a pure computation in slices and gives its result. Between two slices it hears that it was cancelled. */
export async function inSlices<Result>(steps: Generator<void, Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (!isSliceOver()) continue;
    await letOthersRun();
    signal?.throwIfAborted();
  }
}
