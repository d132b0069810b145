/**
 * Posts what waits, in order, and waits longer the longer the endpoint gives trouble.
 *
 * An event that the endpoint cannot take now holds back the later event of its run and nothing else, so one that it
 * chokes on stops nobody; but where nothing answers, or several in a row fail, all wait.
 */
import { runOfName, type Outbox, type Trouble } from './outbox.js';
import type { PostAnswer, PostEvent } from './post-event.js';

export interface DrainOptions {
  readonly outbox: Outbox;
  readonly post: PostEvent;
  readonly now: () => number;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
  readonly firstWaitMs?: number;
  readonly longestWaitMs?: number;
}

export interface Drained {
  readonly posted: number;
  readonly refused: number;
  readonly waiting: number;
  /** Since this pass or an earlier one; null where the last answer was a good one. */
  readonly trouble: Trouble | null;
}

export interface Drain {
  /**
   * One pass. `mayGoOn` is asked before every event: false ends the pass between two events. Aborting `signal` ends it
   * within one, which then is posted again later. Throws where the store does, and leaves all as it is.
   */
  pass(signal: AbortSignal, mayGoOn?: () => Promise<boolean>): Promise<Drained>;
}

const failuresInARowMax = 3;

export function createDrain({ outbox, post, now, random, ...waits }: DrainOptions): Drain {
  const { firstWaitMs = 1_000, longestWaitMs = 300_000 } = waits;
  const failures = new Map<string, { readonly count: number; readonly dueMs: number }>();
  let pausedUntilMs = 0;
  let passesFailed = 0;
  let trouble: Trouble | null = null;
  let troubleKnown = false;

  /** Doubles with each failure; between half of it and all of it, so that several senders do not come back at once. */
  const waitMs = (count: number): number =>
    Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(count - 1, 30)) * (0.5 + random() / 2);
  const report = async (next: Trouble | null): Promise<void> => {
    if (troubleKnown && trouble?.kind === next?.kind && trouble?.status === next?.status) return;
    trouble = next;
    troubleKnown = true;
    await outbox.setTrouble(next);
  };
  const pause = (givenMs?: number): void => {
    passesFailed += 1;
    pausedUntilMs = now() + Math.max(givenMs ?? 0, waitMs(passesFailed));
  };

  return {
    async pass(signal, mayGoOn = () => Promise.resolve(true)) {
      const names = await outbox.waiting();
      const held = new Set<string>();
      let posted = 0;
      let refused = 0;
      /** Taken away by another worker. */
      let gone = 0;
      let failedInARow = 0;
      for (const name of names) {
        const run = runOfName(name);
        if (held.has(run)) continue;
        if (signal.aborted || now() < pausedUntilMs) break;
        if ((failures.get(name)?.dueMs ?? 0) > now()) {
          held.add(run);
          continue;
        }
        if (!(await mayGoOn())) break;
        const event = await outbox.read(name);
        if (event === null) {
          gone += 1;
          continue;
        }
        if (await outbox.isPosted(name)) {
          // Another pass ended between mark and removal.
          await outbox.markPosted(name);
          gone += 1;
          continue;
        }
        const answer = await post(event, signal);
        if (signal.aborted && answer.kind === 'unreachable') break;
        if (answer.kind === 'taken' || answer.kind === 'refused') {
          if (answer.kind === 'taken') {
            await outbox.markPosted(name);
            posted += 1;
          } else {
            await outbox.refuse(name, { ...answer, at: new Date(now()).toISOString() });
            refused += 1;
          }
          failures.delete(name);
          failedInARow = 0;
          passesFailed = 0;
          await report(null);
          continue;
        }
        const count = (failures.get(name)?.count ?? 0) + 1;
        failures.set(name, { count, dueMs: now() + waitMs(count) });
        held.add(run);
        failedInARow += 1;
        await report(troubleOf(answer, now()));
        const asked = answer.kind === 'later' ? answer.retryAfterMs : null;
        if (answer.kind !== 'later' || asked !== null || failedInARow >= failuresInARowMax) {
          pause(asked ?? undefined);
          break;
        }
      }
      const left = names.length - posted - refused - gone;
      if (left === 0) failures.clear();
      return { posted, refused, waiting: left, trouble };
    },
  };
}

function troubleOf(answer: Exclude<PostAnswer, { readonly kind: 'taken' | 'refused' }>, nowMs: number): Trouble {
  return {
    kind: answer.kind,
    status: answer.kind === 'unreachable' ? null : answer.status,
    reason: answer.kind === 'unreachable' ? answer.reason : null,
    since: new Date(nowMs).toISOString(),
  };
}
