/** How long a store across a network lets a reader wait, and how fast it then sends: measured, so that nobody has to say it. */

/** Weight of the newest measurement. */
const newestShare = 0.2;
const smallBytesMax = 16 * 1024;
const largeBytesMin = 256 * 1024;
const gapBytesMin = 4 * 1024;
const gapBytesMax = 512 * 1024;
/** Until a large piece came: 50 MB a second. */
const bytesPerMsUsually = 50_000;

export class ReadPace {
  #waitMs: number | undefined;
  #bytesPerMs: number | undefined;

  /** A read of so many bytes took so long. */
  note(bytes: number, ms: number): void {
    if (bytes <= smallBytesMax) this.#waitMs = moved(this.#waitMs, ms);
    else if (bytes >= largeBytesMin)
      this.#bytesPerMs = moved(this.#bytesPerMs, bytes / Math.max(1, ms - (this.#waitMs ?? 0)));
  }

  /**
   * How many bytes the store sends in the time that one request more costs where `requestsAtOnce` wait together: what lies no
   * further apart is cheaper to read in one go. 4 kB to 512 kB, and the least before anything was measured.
   */
  gapBytes(requestsAtOnce: number): number {
    const gap = ((this.#waitMs ?? 0) * (this.#bytesPerMs ?? bytesPerMsUsually)) / requestsAtOnce;
    return Math.round(Math.min(gapBytesMax, Math.max(gapBytesMin, gap)));
  }
}

function moved(before: number | undefined, now: number): number {
  return before === undefined ? now : before + (now - before) * newestShare;
}
