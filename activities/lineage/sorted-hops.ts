/**
 * The hops of one run in the order of their opaque ids, in memory that does not grow with their number: at first contact
 * every record has one. Beyond some megabytes they wait in a file without a name, parted by the first bits of the id.
 */
import { tmpdir } from 'node:os';
import type { AgreedChange, HopDraft } from '../../core/lineage/make-hops.js';
import { saltBytes } from '../../core/lineage/salted.js';
import { appendLeaves, emptyFrontier, rootOf, type Frontier } from '../../core/log/frontier.js';
import { leafHash } from '../../core/log/tree.js';
import { sha256 } from '../log/sha256.js';
import { bucketBitsOf, bucketOfHigh } from '../sealing/bucket.js';
import { digestBytes, entryShape, hashBytes, jsonLength } from '../sealing/entry-buffer.js';
import { EntryCollector } from '../sealing/entry-collector.js';
import { Workspace } from '../sealing/workspace.js';
import { tableId, tableIdBytes } from './record-table.js';

/** As in a seal: the first bytes of the id, the id where a seal has the digest of its one group, and what waits. */
const shape = entryShape(1);
const headBytes = tableIdBytes + saltBytes;
const hopsPerPart = 8_192;
const partBitsMax = 10;
const memoryBytesDefault = 64 * 1024 * 1024;

export interface SortedHop {
  readonly tableId: Buffer;
  readonly salt: Buffer;
  /** UTF-8. Like the others, good until the next one. */
  readonly text: Buffer;
}

export class SortedHops {
  count = 0;
  readonly #collector: EntryCollector;
  readonly #partBits: number;
  readonly #memoryBytesMax: number;
  readonly #workspace = new Workspace();
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

  add({ record, text }: HopDraft, change: AgreedChange): void {
    const room = shape.headBytes + headBytes + text.length * 3;
    if (room > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(room * 2);
    const scratch = this.#scratch;
    scratch.write(record, hashBytes, 'hex');
    scratch.copy(scratch, 0, hashBytes, 2 * hashBytes);
    tableId(change).copy(scratch, shape.headBytes);
    scratch.set(change.salt, shape.headBytes + tableIdBytes);
    const length = headBytes + scratch.write(text, shape.headBytes + headBytes, 'utf8');
    scratch.writeUInt32BE(length, shape.headBytes - 4);
    this.#collector.add(scratch.subarray(0, shape.headBytes + length));
    this.#bytes += shape.headBytes + length;
    this.count += 1;
  }

  /** Can be asked for again, once the one before has come to its end. */
  *inOrder(): Generator<SortedHop> {
    // What is in memory is looked through once for each part, so there is one.
    const bits = this.#bytes > this.#memoryBytesMax / 2 ? this.#partBits : 0;
    for (let part = 0; part < 2 ** bits; part += 1) {
      const entries: { readonly bytes: Buffer; readonly at: number }[] = [];
      for (const bytes of this.#collector.buffersOf(part, bits, this.#workspace))
        for (let at = 0; at < bytes.length; at += shape.headBytes + jsonLength(bytes, at, shape))
          if (bucketOfHigh(bytes.readUInt32BE(at), bits) === part) entries.push({ bytes, at });
      entries.sort((left, right) => compareIds(left.bytes, left.at, right.bytes, right.at));
      for (const { bytes, at } of entries) {
        const start = at + shape.headBytes;
        const end = start + jsonLength(bytes, at, shape);
        yield {
          tableId: bytes.subarray(start, start + tableIdBytes),
          salt: bytes.subarray(start + tableIdBytes, start + headBytes),
          text: bytes.subarray(start + headBytes, end),
        };
      }
    }
  }

  /** The hashes of all leaves, one after another, and the root over them (core/lineage/make-hops.ts). */
  leaves(): { readonly leaves: Buffer; readonly root: string } {
    const leaves = Buffer.allocUnsafeSlow(this.count * digestBytes);
    let at = 0;
    let frontier: Frontier = emptyFrontier;
    const hashed: Uint8Array[] = [];
    const append = (): void => {
      frontier = appendLeaves(frontier, hashed, sha256);
      hashed.length = 0;
    };
    for (const { text } of this.inOrder()) {
      const leaf = leafHash(text, sha256);
      leaves.set(leaf, at);
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

function compareIds(left: Buffer, leftAt: number, right: Buffer, rightAt: number): number {
  const [from, other] = [leftAt + hashBytes, rightAt + hashBytes];
  return left.compare(right, other, other + digestBytes, from, from + digestBytes);
}
