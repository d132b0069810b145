/**
 * Which of several workers posts just now. Time is cut into turns; who puts the name of a turn first has it, and takes
 * the next one before its own is over, so one worker goes on while it lives and another follows within two turns.
 *
 * Only to spare the endpoint: two workers whose clocks differ may both post, and an event that comes twice is the same.
 */
import type { ObjectStore } from '../store.js';

const folder = 'federation/open-lineage/turns/';

export interface Turns {
  /** Whether this worker may begin something that takes no longer than it said. */
  mine(): Promise<boolean>;
  /** Gives up what it holds, so that another need not wait. */
  leave(): Promise<void>;
}

/** A turn must be longer than twice what a worker may begin in it: `workMs`. */
export function createTurns(options: {
  readonly store: ObjectStore;
  readonly turnMs: number;
  readonly workMs: number;
  readonly now: () => number;
}): Turns {
  const { store, turnMs, workMs, now } = options;
  if (turnMs <= 2 * workMs) throw new RangeError('a turn must be longer than twice the work begun in it');
  const held = new Set<number>();
  const nameOf = (turn: number): string => `${folder}${String(turn).padStart(15, '0')}`;
  const take = async (turn: number): Promise<boolean> => {
    if (held.has(turn)) return true;
    if (!(await store.putIfAbsent(nameOf(turn), new Uint8Array()))) return false;
    held.add(turn);
    for (const name of await store.list(folder)) if (name < nameOf(turn - 1)) await store.remove(name);
    for (const old of held) if (old < turn - 1) held.delete(old);
    return true;
  };
  return {
    async mine() {
      const turn = Math.floor(now() / turnMs);
      if (!(await take(turn))) return false;
      const leftMs = (turn + 1) * turnMs - now();
      // Work that would reach into the next turn is begun only by who has that one too.
      return leftMs > 2 * workMs || (await take(turn + 1)) || leftMs > workMs;
    },
    async leave() {
      for (const turn of held) await store.remove(nameOf(turn));
      held.clear();
    },
  };
}
