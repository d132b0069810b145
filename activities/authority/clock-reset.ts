/** Sets back a clock that jumped: signed, kept, and published before the first stamp that needs it (docs/clocks.md). */
import { aheadMs, greatestHlc, hlcOf, type Hlc } from '../../core/clock/hlc.js';
import { ClockReset, clockResetType } from '../../core/clock/reset.js';
import { durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Ref } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';
import { getMessage, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import type { SigningKey } from '../keys/signer.js';
import { readUnverified, type VerifyingKey } from '../keys/verify.js';
import type { ObjectStore } from '../store.js';
import { readClockHead, writeClockHead } from './clock.js';

export interface ClockResetOptions {
  readonly authority: AuthorityId;
  readonly privateStore: ObjectStore;
  readonly exchange: ObjectStore;
  readonly key: SigningKey;
  /** The message keys of this authority, those that were replaced too: one of them signed the reset before. */
  readonly keys: readonly VerifyingKey[];
  /** Milliseconds since the epoch, by a clock that somebody has set right. */
  readonly physicalMs: number;
  readonly maxAheadMs: number;
  readonly reason: string;
}

/**
 * Workers that run take the reset up at their next stamp. Throws usage where the clock is within its bound: waiting is
 * enough then, and a reset would break the order of stamps for nothing.
 */
export async function resetClock(
  options: ClockResetOptions,
): Promise<{ readonly reset: ClockReset; readonly ref: Ref }> {
  const { authority, privateStore, exchange, key } = options;
  return setBack(options, async (abandoned, restart, last) => {
    const previous = last
      ? await getMessage(exchange, last, { typ: clockResetType, schema: ClockReset, keys: options.keys })
      : null;
    const reset: ClockReset = {
      authority,
      number: (previous?.payload.number ?? 0) + 1,
      abandoned: greatestHlc([abandoned, ...(previous ? [previous.payload.abandoned] : [])]),
      restart,
      reason: options.reason,
      issuedAtMs: options.physicalMs,
      previous: previous?.id ?? null,
    };
    const jws = await signCompact(reset, { typ: clockResetType, key });
    const { id } = readUnverified(jws, { typ: clockResetType });
    await privateStore.putIfAbsent(`clock-resets/${id}`, new TextEncoder().encode(jws));
    return { reset, ref: await putMessage(exchange, authority, jws) };
  });
}

/** Moves the head of the clock once `publish` has made the statement durable. A worker that stamps meanwhile is not overrun. */
export async function setBack<Published extends { readonly ref: Ref }>(
  { privateStore, physicalMs, maxAheadMs }: Pick<ClockResetOptions, 'privateStore' | 'physicalMs' | 'maxAheadMs'>,
  publish: (abandoned: Hlc, restart: Hlc, last: Ref | null) => Promise<Published>,
): Promise<Published> {
  for (;;) {
    const { head, version } = await readClockHead(privateStore);
    if (!head) throw new ConcordatError('usage', 'this authority has stamped nothing yet: there is no clock to reset');
    const ahead = aheadMs(head.until, physicalMs);
    if (ahead <= maxAheadMs)
      throw new ConcordatError(
        'usage',
        `the clock stands ${durationWords(ahead)} ahead of this machine, within the ${durationWords(maxAheadMs)} that peers accept: it needs no reset`,
      );
    const restart = hlcOf({ ms: Math.max(0, Math.trunc(physicalMs)), counter: 0 });
    const published = await publish(head.until, restart, head.reset);
    const moved = { from: restart, until: restart, reset: published.ref };
    if (await writeClockHead(privateStore, version, moved)) return published;
  }
}
