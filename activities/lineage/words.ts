/** How times are written for people: UTC, to the second, the same on every machine. */
import { hlcParts, type Hlc } from '../../core/clock/hlc.js';

export function timeText(atMs: number): string {
  return Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15
    ? `${new Date(atMs).toISOString().slice(0, 19)}Z`
    : 'an unknown time';
}

/** The physical part of a stamp: what the clock of its authority said. */
export function stampText(hlc: Hlc): string {
  return timeText(hlcParts(hlc).ms);
}
