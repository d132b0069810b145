/** A step that fills the heap is ended while something can still be said, and one that only left garbage goes on. */
import { expect, it } from 'vitest';
import { requirePlace, type Heap } from '../../activities/heap.js';

const megabyte = 1024 * 1024;

function heapOf(used: number, alive: number): Heap & { readonly collected: () => number } {
  let collected = 0;
  return {
    limit: () => 1_000 * megabyte,
    used: () => (collected > 0 ? alive : used) * megabyte,
    collect: () => (collected += 1),
    collected: () => collected,
  };
}

it('goes on without collecting garbage while there is place', () => {
  const heap = heapOf(789, 789);
  requirePlace('what this step holds', heap);
  expect(heap.collected()).toBe(0);
});

it('goes on where what filled it was garbage', () => {
  const heap = heapOf(990, 739);
  requirePlace('what this step holds', heap);
  expect(heap.collected()).toBe(1);
});

it('ends with an error that says how much is in use and how to give it more', () => {
  const place = (): void => requirePlace('a plan of a million operations', heapOf(990, 741));
  expect(place).toThrow(
    'a plan of a million operations has no place in the memory of this process: 741 of 1000 MB are in use',
  );
  expect(place).toThrow(expect.objectContaining({ code: 'heapTooSmall' }));
});
