/** Columns of the segments a walk stands in: participants that sealed the same column share one copy, read once. */
import type { Digest } from '../../core/digest.js';
import type { SegmentReader } from './segment-reader.js';

export class ColumnShare {
  readonly #reader: SegmentReader;
  readonly #columns = new Map<Digest, Promise<Buffer>>();

  constructor(reader: SegmentReader) {
    this.#reader = reader;
  }

  async read(digest: Digest, bytes: number): Promise<Buffer> {
    const column = this.#columns.get(digest) ?? this.#reader.whole(digest, bytes);
    this.#columns.set(digest, column);
    return await column;
  }

  /** Forgets the columns of segments that the walk has left. */
  keepOnly(digests: readonly Digest[]): void {
    const kept = new Set(digests);
    for (const digest of this.#columns.keys()) if (!kept.has(digest)) this.#columns.delete(digest);
  }
}
