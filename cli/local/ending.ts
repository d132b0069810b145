/** When a command that runs processes has to end: by Ctrl-C, or because one of them ended by itself. */
import { ConcordatError } from '../../core/errors.js';

export interface Ending {
  /** Aborted in both cases. */
  readonly signal: AbortSignal;
  /** Why it broke; undefined before, and after Ctrl-C. */
  readonly failure: () => Error | undefined;
  breakWith(error: Error): void;
  /** Resolves at the end, whichever it is. */
  readonly over: Promise<void>;
  /** The answer, or a rejection as soon as it is over: what is under way then is left to itself. */
  unlessOver<Answer>(answer: Promise<Answer>): Promise<Answer>;
}

export function endingOf(interrupted: AbortSignal): Ending {
  // Not AbortSignal.any: cli/main.ts must see a listener, or the first Ctrl-C ends this process and nothing is stopped.
  const controller = new AbortController();
  const { signal } = controller;
  let failure: Error | undefined;
  const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  interrupted.addEventListener('abort', () => controller.abort(), { once: true });
  if (interrupted.aborted) controller.abort();
  return {
    signal,
    failure: () => failure,
    breakWith: (error) => {
      if (!signal.aborted) failure = error;
      controller.abort(error);
    },
    over,
    unlessOver: (answer) =>
      Promise.race([
        answer,
        over.then(() => {
          throw failure ?? new ConcordatError('runEnded', 'the command was stopped');
        }),
      ]),
  };
}
