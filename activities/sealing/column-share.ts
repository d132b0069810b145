/**
 * Columns of the segments a walk stands in: participants that sealed the same column share one copy, read once. Their memory is
 * used again for the next: fresh memory of the system costs as much as a quarter of a walk, and is freed late.
 */
import type { Digest } from '../../core/digest.js';
import type { SegmentReader } from './segment-reader.js';

interface Held {
  readonly column: Promise<Buffer>;
  /** Undefined where its memory is not used again. */
  readonly room: () => Buffer | undefined;
}

export class ColumnShare {
  readonly #reader: SegmentReader;
  readonly #reuses: boolean;
  readonly #columns = new Map<Digest, Held>();
  /** Memory of columns that the walk has left. */
  #rooms: Buffer[] = [];

  /** `reuses`: nobody looks at columns of segments that the walk has left. */
  constructor(reader: SegmentReader, reuses: boolean) {
    this.#reader = reader;
    this.#reuses = reuses;
  }

  async read(digest: Digest, bytes: number): Promise<Buffer> {
    const known = this.#columns.get(digest);
    if (known) return await known.column;
    let room: Buffer | undefined;
    const makeRoom = (): Buffer => (room = this.#room(bytes));
    const column = this.#reader.whole(digest, bytes, this.#reuses ? makeRoom : undefined);
    this.#columns.set(digest, { column, room: () => room });
    return await column;
  }

  /** Forgets the columns of segments that the walk has left. All that were asked for have come. */
  keepOnly(digests: readonly Digest[]): void {
    const kept = new Set(digests);
    const left: Buffer[] = [];
    for (const [digest, held] of this.#columns) {
      if (kept.has(digest)) continue;
      this.#columns.delete(digest);
      const room = held.room();
      if (room) left.push(room);
    }
    // What found no use is given back: there are never more than were held at once.
    if (left.length > 0) this.#rooms = left;
  }

  #room(bytes: number): Buffer {
    const at = this.#rooms.findIndex(({ length }) => length >= bytes && length <= 2 * bytes);
    const [room] = at < 0 ? [] : this.#rooms.splice(at, 1);
    // Buckets hold nearly, and not just, as many records as one another.
    return room ?? Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.1));
  }
}
