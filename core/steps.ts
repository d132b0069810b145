/** Computations that can be taken step by step, by whoever has other work to do meanwhile. The result is the same. */

/** All steps at once. */
export function lastOf<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
