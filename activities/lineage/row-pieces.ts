/** The rows that a run's hops will put into the table, in pieces: they are kept while nobody knows whether the run is sealed. */
import { ConcordatError } from '../../core/errors.js';
import type { ObjectStore } from '../store.js';
import { encodeRow, rowBytes, type TableRow } from './table-rows.js';

const rowsPerPiece = 32_768;
const nameDigits = 6;

/** Idempotent: names and bytes follow from the rows. */
export class RowPieces {
  readonly #store: ObjectStore;
  readonly #prefix: string;
  readonly #count: number;
  #done = 0;
  #piece: Buffer = Buffer.alloc(0);

  /** `count`: how many rows will come. */
  constructor(store: ObjectStore, prefix: string, count: number) {
    this.#store = store;
    this.#prefix = prefix;
    this.#count = count;
  }

  /** A promise where a piece is full, to be waited for before the next row. */
  add(row: TableRow): Promise<void> | undefined {
    const inPiece = this.#done % rowsPerPiece;
    if (inPiece === 0) this.#piece = Buffer.alloc(Math.min(rowsPerPiece, this.#count - this.#done) * rowBytes);
    encodeRow(row, this.#piece, inPiece);
    this.#done += 1;
    return (inPiece + 1) * rowBytes === this.#piece.length ? this.#put() : undefined;
  }

  async #put(): Promise<void> {
    const number = Math.ceil(this.#done / rowsPerPiece) - 1;
    await this.#store.putIfAbsent(`${this.#prefix}-${String(number).padStart(nameDigits, '0')}`, this.#piece);
  }
}

/** Piece after piece; throws storeFault where they are not so many. Also those of a worker of before, which kept all rows in one object. */
export async function* readRows(store: ObjectStore, prefix: string, count: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  const taken = (piece: Uint8Array | null): Buffer => {
    bytes += piece?.length ?? 0;
    if (!piece || piece.length % rowBytes !== 0 || bytes > count * rowBytes) throw lost();
    return Buffer.from(piece.buffer, piece.byteOffset, piece.length);
  };
  const whole = await store.get(prefix);
  if (whole) yield taken(whole);
  else for (const name of await store.list(`${prefix}-`)) yield taken(await store.get(name));
  if (bytes !== count * rowBytes) throw lost();
}

function lost(): ConcordatError {
  return new ConcordatError('storeFault', 'the private store has lost the hops of a sealed candidate');
}

/** Of every candidate under the prefix. What is gone already is fine. */
export async function removeRows(store: ObjectStore, prefix: string): Promise<void> {
  for (const name of await store.list(prefix)) if (/\/rows(-\d+)?$/.test(name)) await store.remove(name);
}
