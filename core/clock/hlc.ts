/**
 * The hybrid logical clock: stamps that never contradict cause and effect and stay close to the time on the wall.
 *
 * Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks", OPODIS 2014. If an event led to another one,
 * its stamp is lower. The converse does not hold: the order of two stamps proves nothing about cause, so stamps order
 * what is shown and bound what may be claimed; earlier, later and concurrent are told by version vectors.
 *
 * Pure: the physical time is an argument. docs/clocks.md has the wire format and the rules.
 */
import { z } from 'zod';
import { byCodeUnit } from '../json.js';

/** 48 bits of milliseconds since the epoch, then 16 bits of a counter: 16 lower-case hexadecimal characters, big-endian. */
export const Hlc = z.string().regex(/^[0-9a-f]{16}$/, 'must be 16 lower-case hexadecimal characters');
export type Hlc = z.infer<typeof Hlc>;

export interface HlcParts {
  readonly ms: number;
  readonly counter: number;
}

const msDigits = 12;
const counterDigits = 4;
export const msMax = 2 ** 48 - 1;
export const counterMax = 2 ** 16 - 1;

/** Before every stamp. */
export const firstHlc: Hlc = '0'.repeat(msDigits + counterDigits);

/** Throws RangeError beyond 48 and 16 bits: the year 10889, or a fault of ours. */
export function hlcOf({ ms, counter }: HlcParts): Hlc {
  if (!Number.isSafeInteger(ms) || ms < 0 || ms > msMax) throw new RangeError(`${ms} ms do not fit into a stamp`);
  if (!Number.isSafeInteger(counter) || counter < 0 || counter > counterMax)
    throw new RangeError(`a counter of ${counter} does not fit into a stamp`);
  return ms.toString(16).padStart(msDigits, '0') + counter.toString(16).padStart(counterDigits, '0');
}

export function hlcParts(hlc: Hlc): HlcParts {
  return { ms: Number.parseInt(hlc.slice(0, msDigits), 16), counter: Number.parseInt(hlc.slice(msDigits), 16) };
}

/** The order of the bytes is the order of the stamps. */
export function compareHlc(left: Hlc, right: Hlc): number {
  return byCodeUnit(left, right);
}

/** The greatest of some stamps; `firstHlc` of none. */
export function greatestHlc(stamps: readonly Hlc[]): Hlc {
  return stamps.reduce((greatest, hlc) => (compareHlc(hlc, greatest) > 0 ? hlc : greatest), firstHlc);
}

/** The stamp of an event of our own: above `last`, and at the physical time where that is ahead. */
export function tickHlc(last: Hlc, physicalMs: number): Hlc {
  const { ms } = hlcParts(last);
  const nowMs = physical(physicalMs);
  return nowMs > ms ? hlcOf({ ms: nowMs, counter: 0 }) : following(last);
}

/**
 * The stamp of taking notice of `remote`: above it and above `last`. Only for a stamp within the bound
 * (`isTrustedHlc`) of a statement that was verified.
 */
export function receiveHlc(last: Hlc, remote: Hlc, physicalMs: number): Hlc {
  return tickHlc(compareHlc(remote, last) > 0 ? remote : last, physicalMs);
}

/** How far a stamp is ahead of a physical clock; negative where it is behind. */
export function aheadMs(hlc: Hlc, physicalMs: number): number {
  return hlcParts(hlc).ms - physical(physicalMs);
}

/** Whether a stamp may move a clock whose physical time this is. The bound itself is still trusted. */
export function isTrustedHlc(hlc: Hlc, physicalMs: number, maxAheadMs: number): boolean {
  return aheadMs(hlc, physicalMs) <= maxAheadMs;
}

/** The next stamp of the same millisecond; where its counters are used up, the first of the next one. */
function following(hlc: Hlc): Hlc {
  const { ms, counter } = hlcParts(hlc);
  return counter < counterMax ? hlcOf({ ms, counter: counter + 1 }) : hlcOf({ ms: ms + 1, counter: 0 });
}

/** A machine whose battery ran out may believe in 1969; its logical clock goes on all the same. */
function physical(physicalMs: number): number {
  return Math.max(0, Math.trunc(physicalMs));
}
