/**
 * How a worker's process asks the system for memory, for those who start one.
 *
 * Pages and segments are buffers of megabytes that live for a moment. By default the allocator of glibc learns from them to
 * keep such buffers in its own heaps, one for each thread, and gives little of that back: a worker then takes up twice of what
 * it holds. With fixed thresholds each large buffer goes back to the system when it is dropped. Other systems ignore these names.
 */
export const workerMemory: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
