/** Starts a worker again that ended by itself, and gives up on one that cannot stay. */
import { setTimeout } from 'node:timers/promises';
import type { RunningProcess } from '../local/processes.js';

export interface KeepRunning {
  /** Starts the process of this name again. */
  readonly startAgain: (name: string) => Promise<unknown>;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  /** Ends within this time of a start count; a process that stayed longer begins anew. */
  readonly stableAfterMs?: number;
  readonly restartsMax?: number;
  readonly pauseMs?: number;
}

type Ended = Pick<RunningProcess, 'name' | 'logFile'>;

/** To be told of every end. Never throws: what cannot be started is said and left. */
export function keepRunning(options: KeepRunning): (ended: Ended, code: number) => Promise<void> {
  const { startAgain, report, signal, stableAfterMs = 60_000, restartsMax = 5, pauseMs = 500 } = options;
  const restarts = new Map<string, { count: number; lastAt: number }>();

  return async ({ name, logFile }, code) => {
    let what = `ended with code ${code}`;
    while (!signal.aborted) {
      const before = restarts.get(name);
      const isStable = before !== undefined && performance.now() - before.lastAt > stableAfterMs;
      const count = before === undefined || isStable ? 1 : before.count + 1;
      if (count > restartsMax) {
        report(
          `${name} ${what} and is not started again: it was ${restartsMax} times, in vain. Its log is ${logFile}.`,
        );
        return;
      }
      report(`${name} ${what} (log: ${logFile}); starting it again, ${count} of ${restartsMax}`);
      try {
        await setTimeout(pauseMs * 2 ** (count - 1), undefined, { signal });
        restarts.set(name, { count, lastAt: performance.now() });
        await startAgain(name);
        restarts.set(name, { count, lastAt: performance.now() });
        report(`${name} is up again`);
        return;
      } catch {
        what = 'did not come up';
      }
    }
  };
}
