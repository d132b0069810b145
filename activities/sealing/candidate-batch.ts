/**
 * Runs of entries with one key hash each, over all participants: what one round of reading bodies is for. Keys are known
 * only once bodies are open, and several can have one hash, so a run can hold more than one entry of a participant.
 */
import { columnsOf, cursorAt, type RangeCursor } from './range-cursor.js';

const runsMax = 2048;
const bodyBytesMax = 4 * 1024 * 1024;

export class CandidateBatch {
  count = 0;
  readonly #cursors: readonly RangeCursor[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #bodyFrom: Int32Array;
  readonly #entries: readonly number[][];
  #bodyBytes = 0;

  constructor(cursors: readonly RangeCursor[]) {
    this.#cursors = cursors;
    this.#starts = new Int32Array(runsMax * cursors.length);
    this.#ends = new Int32Array(runsMax * cursors.length);
    this.#bodyFrom = new Int32Array(runsMax * cursors.length);
    this.#entries = cursors.map(() => []);
  }

  get isFull(): boolean {
    return this.count === runsMax || this.#bodyBytes >= bodyBytesMax;
  }

  /** Of the run that is being put together: a participant's entries. */
  setRun(participant: number, start: number, end: number): void {
    const at = this.count * this.#cursors.length + participant;
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.#bodyFrom[at] = participant;
  }

  hasRun(participant: number): boolean {
    return this.startOf(participant) < this.endOf(participant);
  }

  setBodyFrom(participant: number, from: number): void {
    this.#bodyFrom[this.count * this.#cursors.length + participant] = from;
  }

  opens(participant: number): boolean {
    return this.hasRun(participant) && this.bodyFrom(participant) === participant;
  }

  /** Closes the run that was put together. */
  add(): void {
    for (let participant = 0; participant < this.#cursors.length; participant += 1) {
      if (!this.opens(participant)) continue;
      const columns = columnsOf(cursorAt(this.#cursors, participant));
      const start = this.startOf(participant);
      const end = this.endOf(participant);
      for (let entry = start; entry < end; entry += 1) this.#entries[participant]?.push(entry);
      this.#bodyBytes += columns.bodyStart(end) - columns.bodyStart(start);
    }
    this.count += 1;
  }

  /** The entries of a participant whose bodies must be read, ascending, over all runs. */
  entriesOf(participant: number): readonly number[] {
    return this.#entries[participant] ?? [];
  }

  startOf(participant: number, run = this.count): number {
    return this.#starts[run * this.#cursors.length + participant] ?? 0;
  }

  endOf(participant: number, run = this.count): number {
    return this.#ends[run * this.#cursors.length + participant] ?? 0;
  }

  /** The participant whose body tells the fields: itself, or one that is equal and holds at least as much. */
  bodyFrom(participant: number, run = this.count): number {
    return this.#bodyFrom[run * this.#cursors.length + participant] ?? participant;
  }
}
