/**
 * The one hybrid logical clock of an authority: over all its datasets, workers and restarts (docs/clocks.md).
 *
 * What may be stamped is reserved before it is stamped: the head `clock` of the private store holds a high-water mark, no
 * stamp above it leaves this process, and whoever takes the clock over goes on above it. A worker may stamp without a
 * write only while the head is still the one that it wrote itself; with that look before every stamp, several workers of
 * one authority give stamps in one order, although each holds a stretch of its own.
 */
import { z } from 'zod';
import {
  aheadMs,
  compareHlc,
  firstHlc,
  greatestHlc,
  Hlc,
  hlcOf,
  hlcParts,
  isTrustedHlc,
} from '../../core/clock/hlc.js';
import { receiveHlc, tickHlc } from '../../core/clock/hlc.js';
import { durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { Ref } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';
import type { Head, ObjectStore } from '../store.js';

/** A stamp in a verified statement, and who signed it. */
export interface ClaimedStamp {
  readonly authority: AuthorityId;
  readonly hlc: Hlc;
}

export interface AuthorityClock {
  /** A stamp above all that this authority ever gave or took up. Throws clockUntrusted where its own clock jumped. */
  stamp(): Promise<Hlc>;
  /**
   * Takes up the stamps of verified statements. Throws clockUntrusted, and moves nothing, where one of them is beyond the
   * bound: the statement is refused, and who signed it sits the run out. `leave` passes over such a one instead, where the
   * statement counts whatever its stamp says: what was sealed earlier is sealed.
   */
  receive(claims: readonly ClaimedStamp[], beyond?: 'refuse' | 'leave'): Promise<void>;
}

export interface ClockOptions {
  readonly privateStore: ObjectStore;
  /** Milliseconds since the epoch, as this machine believes. */
  readonly physicalMs: () => number;
  /** The declared bound (`clock.maxAhead`). */
  readonly maxAheadMs: number;
  /** How far ahead of the physical time is reserved in one write. A restart costs as much. */
  readonly reserveMs?: number;
}

const ClockHead = z.strictObject({
  /** Whoever took the clock over here stamps at `from` or above, and never above `until`. */
  from: Hlc,
  until: Hlc,
  /** The last reset of this clock, which every open names. */
  reset: Ref.nullable(),
});
export type ClockHead = z.infer<typeof ClockHead>;

const headName = 'clock';
const reserveDefaultMs = 2_000;
/** Losing this often in a row to other workers means that something else is wrong. */
const attemptsMax = 1_000;

export async function readClockHead(
  store: ObjectStore,
): Promise<{ readonly head: ClockHead | null; readonly version: number }> {
  const found = await store.readHead(headName);
  return found ? { head: headIn(found), version: found.version } : { head: null, version: 0 };
}

function headIn(found: Head): ClockHead {
  return ClockHead.parse(JSON.parse(new TextDecoder().decode(found.bytes)));
}

export async function writeClockHead(store: ObjectStore, version: number, head: ClockHead): Promise<boolean> {
  return store.compareAndSetHead(headName, version, new TextEncoder().encode(JSON.stringify(head)));
}

export function createAuthorityClock(options: ClockOptions): AuthorityClock {
  return new ReservingClock(options);
}

class ReservingClock implements AuthorityClock {
  readonly #options: ClockOptions;
  readonly #reserveMs: number;
  /** Version of the head that this worker wrote, while it holds the clock. */
  #version = 0;
  #last: Hlc = firstHlc;
  #until: Hlc = firstHlc;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: ClockOptions) {
    this.#options = options;
    // A restart starts at the mark: it must stay well within what peers accept.
    this.#reserveMs = Math.min(options.reserveMs ?? reserveDefaultMs, Math.floor(options.maxAheadMs / 4));
  }

  stamp(): Promise<Hlc> {
    return this.#inTurn(() =>
      this.#move((last, physicalMs) => {
        const next = tickHlc(last, physicalMs);
        this.#requireOwnTrust(next, physicalMs);
        return next;
      }),
    );
  }

  receive(claims: readonly ClaimedStamp[], beyond: 'refuse' | 'leave' = 'refuse'): Promise<void> {
    return this.#inTurn(async () => {
      const physicalMs = this.#options.physicalMs();
      const trusted: Hlc[] = [];
      for (const { authority, hlc } of claims) {
        const isTrusted = isTrustedHlc(hlc, physicalMs, this.#options.maxAheadMs);
        if (isTrusted) trusted.push(hlc);
        if (isTrusted || beyond === 'leave') continue;
        throw new ConcordatError(
          'clockUntrusted',
          `a statement of ${authority} is stamped ${durationWords(aheadMs(hlc, physicalMs))} ahead of the clock of this machine, which allows ${durationWords(this.#options.maxAheadMs)}`,
        );
      }
      const remote = greatestHlc(trusted);
      const found = await this.#options.privateStore.readHead(headName);
      if (this.#isMine(found) && compareHlc(remote, this.#last) <= 0) return;
      // Whoever holds the clock stamps above it anyway, and whoever takes it over goes on above them.
      if (found && !this.#isMine(found) && compareHlc(remote, headIn(found).from) < 0) return;
      await this.#move((last, nowMs) => receiveHlc(last, remote, nowMs));
    });
  }

  #isMine(found: Head | null): boolean {
    return found !== null && found.version === this.#version;
  }

  /** One after the other within this worker, whatever became of the one before. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#queue.then(work, work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #move(next: (last: Hlc, physicalMs: number) => Hlc): Promise<Hlc> {
    const { privateStore, physicalMs } = this.#options;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const found = await privateStore.readHead(headName);
      const isMine = this.#isMine(found);
      const nowMs = physicalMs();
      const moved = next(isMine ? this.#last : found ? headIn(found).until : firstHlc, nowMs);
      if (!isMine || compareHlc(moved, this.#until) > 0) {
        // HAZARD: durable before the stamp is used; after a crash nobody would know of a stamp above the mark.
        const until = greatestHlc([
          hlcOf({ ms: Math.max(0, Math.trunc(nowMs)) + this.#reserveMs, counter: 0 }),
          stretch(moved),
        ]);
        const reserved = { from: moved, until, reset: found ? headIn(found).reset : null };
        const version = found?.version ?? 0;
        if (!(await writeClockHead(privateStore, version, reserved))) continue;
        this.#version = version + 1;
        this.#until = until;
      }
      this.#last = moved;
      return moved;
    }
    throw new ConcordatError('storeFault', 'the clock of this authority is being written by others all the time');
  }

  #requireOwnTrust(next: Hlc, physicalMs: number): void {
    if (isTrustedHlc(next, physicalMs, this.#options.maxAheadMs)) return;
    throw new ConcordatError(
      'clockUntrusted',
      `the clock of this authority stands ${durationWords(aheadMs(next, physicalMs))} ahead of its machine, and peers would refuse its stamps: it jumped; wait, or sign a reset with \`concordat clock reset\``,
    );
  }
}

/** Where the mark must lie beyond the physical time, it lies a millisecond of stamps further: a restart costs no more. */
function stretch(hlc: Hlc): Hlc {
  return hlcOf({ ms: hlcParts(hlc).ms + 1, counter: 0 });
}
