/**
 * Runs of entries with one key hash each, over all participants: what one round of reading bodies is for. Keys are known
 * only once bodies are open, and several can have one hash, so a run can hold more than one entry of a participant.
 */
import { columnsOf, cursorAt, type RangeCursor } from './range-cursor.js';

const runsMax = 2048;
const bodyBytesMax = 4 * 1024 * 1024;

export class CandidateBatch {
  count = 0;
  /** Of each run and participant, at `place`: its entries, and the one whose body tells the fields. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly bodyFrom: Int32Array;
  /** Where the body of the first of these entries is among the bodies of whoever tells the fields. */
  readonly bodyAt: Int32Array;
  readonly #singles = new Uint8Array(runsMax);
  readonly #cursors: readonly RangeCursor[];
  readonly #entries: readonly number[][];
  #bodyBytes = 0;

  constructor(cursors: readonly RangeCursor[]) {
    this.#cursors = cursors;
    this.starts = new Int32Array(runsMax * cursors.length);
    this.ends = new Int32Array(runsMax * cursors.length);
    this.bodyFrom = new Int32Array(runsMax * cursors.length);
    this.bodyAt = new Int32Array(runsMax * cursors.length);
    this.#entries = cursors.map(() => []);
  }

  get isFull(): boolean {
    return this.count === runsMax || this.#bodyBytes >= bodyBytesMax;
  }

  place(run: number, participant: number): number {
    return run * this.#cursors.length + participant;
  }

  /** Of the run that is being put together: a participant's entries. */
  setRun(participant: number, start: number, end: number): void {
    const place = this.place(this.count, participant);
    this.starts[place] = start;
    this.ends[place] = end;
    this.bodyFrom[place] = participant;
  }

  /** Of that run. */
  hasRun(participant: number): boolean {
    const place = this.place(this.count, participant);
    return (this.starts[place] ?? 0) < (this.ends[place] ?? 0);
  }

  startOf(participant: number): number {
    return this.starts[this.place(this.count, participant)] ?? 0;
  }

  /** Lets the body of another that is equal and holds at least as much tell the fields. */
  setBodyFrom(participant: number, from: number): void {
    this.bodyFrom[this.place(this.count, participant)] = from;
  }

  opens(participant: number): boolean {
    return this.hasRun(participant) && this.bodyFrom[this.place(this.count, participant)] === participant;
  }

  /** Closes the run that was put together. `isSingle`: no participant has more than one entry. */
  add(isSingle: boolean): void {
    this.#singles[this.count] = isSingle ? 1 : 0;
    const first = this.place(this.count, 0);
    for (let participant = 0; participant < this.#cursors.length; participant += 1) {
      if (!this.opens(participant)) continue;
      const columns = columnsOf(cursorAt(this.#cursors, participant));
      const start = this.starts[first + participant] ?? 0;
      const end = this.ends[first + participant] ?? 0;
      const entries = this.#entries[participant] ?? [];
      this.bodyAt[first + participant] = entries.length;
      for (let entry = start; entry < end; entry += 1) entries.push(entry);
      this.#bodyBytes += columns.bodyStart(end) - columns.bodyStart(start);
    }
    for (let participant = 0; participant < this.#cursors.length; participant += 1)
      this.bodyAt[first + participant] = this.bodyAt[first + (this.bodyFrom[first + participant] ?? 0)] ?? 0;
    this.count += 1;
  }

  isSingle(run: number): boolean {
    return this.#singles[run] === 1;
  }

  /** The entries of a participant whose bodies must be read, ascending, over all runs. */
  entriesOf(participant: number): readonly number[] {
    return this.#entries[participant] ?? [];
  }
}
