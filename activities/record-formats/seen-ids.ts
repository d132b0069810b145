/**
 * Which ids of a read may have been there before, in 8 bytes of memory for each id and a little room: their hashes, open
 * addressing. An id that is new to it was never there; of one that is not, its hash was, and whoever asks looks again.
 */
import { xxh64, type KeyHash } from '../sealing/key-hash.js';

const slotsMin = 1_024;
/** Of a slot that holds nothing. The hash that is nothing stands apart. */
const nothing = 0n;

export class SeenIds {
  readonly #hash: KeyHash;
  #slots = new BigUint64Array(slotsMin);
  #taken = 0;
  #hasNothing = false;

  constructor(hash: KeyHash = xxh64) {
    this.#hash = hash;
  }

  /** Whether an id with its hash was there before; from now on it was. */
  addWasThere(id: string): boolean {
    const hash = this.#hash(id);
    if (hash === nothing) {
      const was = this.#hasNothing;
      this.#hasNothing = true;
      return was;
    }
    if ((this.#taken + 1) * 4 > this.#slots.length * 3) this.#grow();
    if (!insert(this.#slots, hash)) return true;
    this.#taken += 1;
    return false;
  }

  #grow(): void {
    const larger = new BigUint64Array(this.#slots.length * 2);
    for (const hash of this.#slots) if (hash !== nothing) insert(larger, hash);
    this.#slots = larger;
  }
}

/** False where it is there. */
function insert(slots: BigUint64Array, hash: bigint): boolean {
  const mask = slots.length - 1;
  // The lowest 32 bits: a table of more slots would hold more ids than a file has rows.
  for (let slot = Number(hash & 0xffff_ffffn) & mask; ; slot = (slot + 1) & mask) {
    const there = slots[slot];
    if (there === nothing) {
      slots[slot] = hash;
      return true;
    }
    if (there === hash) return false;
  }
}
