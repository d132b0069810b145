/** Finds rows by the id that they begin with. The ids are hashes in order, so the first bits of one say where it must be. */
import { tableIdBytes } from './table-rows.js';

const rowsPerStep = 8;
const bitsMax = 24;

export class IdIndex {
  readonly #rows: Buffer;
  readonly #rowBytes: number;
  readonly #bits: number;
  /** For all first bits that there are the row that begins or follows them, and behind them the number of rows. */
  readonly #starts: Uint32Array;

  /** Rows of one length, one behind another, in the order of Buffer.compare. */
  constructor(rows: Buffer, rowBytes: number) {
    this.#rows = rows;
    this.#rowBytes = rowBytes;
    const count = rows.length / rowBytes;
    this.#bits = Math.min(bitsMax, Math.max(0, Math.ceil(Math.log2(count / rowsPerStep))));
    this.#starts = new Uint32Array(2 ** this.#bits + 1);
    let row = 0;
    for (let step = 0; step <= 2 ** this.#bits; step += 1) {
      while (row < count && this.#stepOf(rows, row * rowBytes) < step) row += 1;
      this.#starts[step] = row;
    }
  }

  /** The row of an id; -1 where there is none. */
  find(id: Buffer): number {
    const step = this.#stepOf(id, 0);
    const end = this.#starts[step + 1] ?? 0;
    for (let row = this.#starts[step] ?? 0; row < end; row += 1) if (this.#isAt(row, id)) return row;
    return -1;
  }

  #isAt(row: number, id: Buffer): boolean {
    const at = row * this.#rowBytes;
    for (let index = 0; index < tableIdBytes; index += 1) if (this.#rows[at + index] !== id[index]) return false;
    return true;
  }

  #stepOf(bytes: Buffer, at: number): number {
    return this.#bits === 0 ? 0 : bytes.readUInt32BE(at) >>> (32 - this.#bits);
  }
}
