/**
 * The hops of one run in the order of their opaque ids, in memory that does not grow with their number: at first contact
 * every record has one. Beyond some megabytes they wait in a file without a name, parted by the first bits of the id.
 */
import { tmpdir } from 'node:os';
import type { HopDraft } from '../../core/lineage/make-hops.js';
import { saltBytes } from '../../core/lineage/salted.js';
import { appendLeaves, emptyFrontier, rootOf, type Frontier } from '../../core/log/frontier.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import { sha256 } from '../log/sha256.js';
import { bucketBitsOf, bucketOfHigh } from '../sealing/bucket.js';
import { digestBytes, entryShape, hashBytes, jsonLength } from '../sealing/entry-buffer.js';
import { EntryCollector } from '../sealing/entry-collector.js';
import { Workspace } from '../sealing/workspace.js';
import { tableIdBytes } from './table-rows.js';

/** As in a seal: the first bytes of the id, the id where a seal has the digest of its one group, and what waits. */
const shape = entryShape(1);
/** RFC 6962 hashes a zero byte before each leaf: it stands there already. */
const leafMarkBytes = 1;
const headBytes = tableIdBytes + saltBytes + leafMarkBytes;
const hopsPerPart = 8_192;
const partBitsMax = 10;
const memoryBytesDefault = 32 * 1024 * 1024;

export interface SortedHop {
  readonly tableId: Buffer;
  readonly salt: Buffer;
  /** UTF-8. Like the others, good until the next one. */
  readonly text: Buffer;
  /** A zero byte and the text. */
  readonly marked: Buffer;
}

export class SortedHops {
  count = 0;
  readonly #collector: EntryCollector;
  readonly #partBits: number;
  readonly #memoryBytesMax: number;
  readonly #workspace = new Workspace();
  /** Of each part, in which order its entries are to be taken: once sorted it stays so. */
  readonly #orders: (Uint32Array | undefined)[] = [];
  #bytes = 0;
  #scratch = Buffer.allocUnsafeSlow(16 * 1024);

  /** `expectedCount` decides how finely a file is parted, and nothing else. Only tests give another `memoryBytesMax`. */
  constructor(expectedCount: number, memoryBytesMax = memoryBytesDefault) {
    let parts = 1;
    while (parts < 2 ** partBitsMax && expectedCount > parts * hopsPerPart) parts *= 2;
    this.#partBits = bucketBitsOf(parts);
    this.#memoryBytesMax = memoryBytesMax;
    this.#collector = new EntryCollector({
      shape,
      memoryBytesMax,
      spillFolder: tmpdir(),
      partBits: this.#partBits,
    });
  }

  add({ record, text }: HopDraft, { tableId, salt }: { readonly tableId: Buffer; readonly salt: Uint8Array }): void {
    const room = shape.headBytes + headBytes + text.length * 3;
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(room * 2);
    const scratch = this.#scratch;
    scratch.write(record, hashBytes, 'hex');
    scratch.copy(scratch, 0, hashBytes, 2 * hashBytes);
    tableId.copy(scratch, shape.headBytes);
    scratch.set(salt, shape.headBytes + tableIdBytes);
    scratch[shape.headBytes + headBytes - leafMarkBytes] = 0;
    const length = headBytes + scratch.write(text, shape.headBytes + headBytes, 'utf8');
    scratch.writeUInt32BE(length, shape.headBytes - 4);
    this.#collector.add(scratch.subarray(0, shape.headBytes + length));
    this.#bytes += shape.headBytes + length;
    this.count += 1;
  }

  /** Can be asked for again, once the one before has come to its end; nothing is added any more. */
  *inOrder(): Generator<SortedHop> {
    // What is in memory is looked through once for each part, so there is one.
    const bits = this.#bytes > this.#memoryBytesMax / 2 ? this.#partBits : 0;
    for (let part = 0; part < 2 ** bits; part += 1) {
      const buffers: Buffer[] = [];
      const places: number[] = [];
      const owners: number[] = [];
      for (const bytes of this.#collector.buffersOf(part, bits, this.#workspace)) {
        buffers.push(bytes);
        for (let at = 0; at < bytes.length; at += shape.headBytes + jsonLength(bytes, at, shape))
          if (bucketOfHigh(bytes.readUInt32BE(at), bits) === part) {
            places.push(at);
            owners.push(buffers.length - 1);
          }
      }
      const order = (this.#orders[part] ??= orderOf(buffers, owners, places));
      for (const entry of order) {
        const bytes = buffers[owners[entry] ?? 0];
        const at = places[entry];
        if (!bytes || at === undefined) throw new Error('a hop is in an order and nowhere else');
        const start = at + shape.headBytes;
        const textStart = start + headBytes;
        const end = start + jsonLength(bytes, at, shape);
        yield {
          tableId: bytes.subarray(start, start + tableIdBytes),
          salt: bytes.subarray(start + tableIdBytes, textStart - leafMarkBytes),
          text: bytes.subarray(textStart, end),
          marked: bytes.subarray(textStart - leafMarkBytes, end),
        };
      }
    }
  }

  /**
   * The hashes of all leaves, one after another, and the root over them (core/lineage/make-hops.ts). `visit` is told of each
   * hop on the way, with its leaf and the number of it; a promise where it must be waited for.
   */
  async leaves(
    visit?: (hop: SortedHop, leaf: Uint8Array, index: number) => Promise<void> | undefined,
  ): Promise<{ readonly leaves: Buffer; readonly root: string }> {
    const leaves = Buffer.allocUnsafeSlow(this.count * digestBytes);
    let at = 0;
    let frontier: Frontier = emptyFrontier;
    const hashed: Uint8Array[] = [];
    const append = (): void => {
      frontier = appendLeaves(frontier, hashed, sha256);
      hashed.length = 0;
    };
    for (const hop of this.inOrder()) {
      if (isSliceOver()) await letOthersRun();
      const leaf = sha256(hop.marked);
      leaves.set(leaf, at);
      const visited = visit?.(hop, leaf, at / digestBytes);
      if (visited) await visited;
      at += digestBytes;
      hashed.push(leaf);
      if (hashed.length === hopsPerPart) append();
    }
    append();
    return { leaves, root: Buffer.from(rootOf(frontier, sha256)).toString('hex') };
  }

  /** Gives back memory and disk. */
  discard(): void {
    this.#collector.discard();
  }
}

/** By the first 53 bits of the ids, which numbers hold exactly, and by all of them where these are equal. */
function orderOf(buffers: readonly Buffer[], owners: readonly number[], places: readonly number[]): Uint32Array {
  const firsts = Float64Array.from(places, (at, entry) => {
    const bytes = buffers[owners[entry] ?? 0];
    return bytes ? bytes.readUInt32BE(at) * 2 ** 21 + (bytes.readUInt32BE(at + 4) >>> 11) : 0;
  });
  const idOf = (entry: number): Buffer => {
    const start = (places[entry] ?? 0) + hashBytes;
    return buffers[owners[entry] ?? 0]?.subarray(start, start + digestBytes) ?? Buffer.alloc(0);
  };
  return Uint32Array.from(places.keys()).sort(
    (left, right) => (firsts[left] ?? 0) - (firsts[right] ?? 0) || Buffer.compare(idOf(left), idOf(right)),
  );
}
