/**
 * Reads the objects of segments by their digest, wherever in the store they lie.
 *
 * What is read whole must hash to its name, so nobody who can write to the store can change what is read; an object
 * that another authority spoiled under its own prefix is looked for under the next one.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { ByteRange, ObjectStore } from '../store.js';
import { xxh64, type KeyHash } from './key-hash.js';
import { sha256Hex } from './sha256.js';

export function segmentName(prefix: string, digest: Digest): string {
  return `${prefix}/segments/${digest}`;
}

/** Null where it is the name of something else. */
export function digestOfSegmentName(name: string): Digest | null {
  return /^[^/]+\/segments\/([0-9a-f]{64})$/.exec(name)?.[1] ?? null;
}

export interface SegmentReaderOptions {
  readonly store: ObjectStore;
  /** Where to look, in this order: an unchanged segment may lie under another authority's prefix. */
  readonly prefixes: readonly string[];
  /**
   * Bodies no further apart than this are read in one go. The default suits a local disk, where a read costs about what
   * 4 kB of copying does (measured at a million records: of 1 kB to 16 kB this reads least without taking longer); a store
   * across a network says by itself, from what it has measured.
   */
  readonly coalesceGapBytes?: number;
  /** Columns kept for readOne. Default 16 MiB. */
  readonly cacheBytesMax?: number;
  readonly hashKey?: KeyHash;
}

/** How many objects a reader remembers the place of: a body is read in many pieces. */
const placesMax = 4096;
const readsAtOnce = 8;
const gapBytesHere = 4 * 1024;

/** Gives as much memory as was asked for, which nobody else reads or writes. */
export type MakeRoom = () => Buffer;

export interface SegmentReader {
  readonly hashKey: KeyHash;
  readonly coalesceGapBytes: number;
  /**
   * A whole object, in the room that is made for it if it is asked for. Throws inputNotAuthentic where no prefix has one of this
   * digest and length, storeFault where none has any.
   */
  whole(digest: Digest, bytes: number, room?: MakeRoom): Promise<Buffer>;
  /** The same, kept for the next call as far as the cache goes. */
  wholeKept(digest: Digest, bytes: number): Promise<Buffer>;
  /** A piece of an object. `accept` checks it and throws inputNotAuthentic, whereupon the next prefix is tried. */
  piece<T>(digest: Digest, start: number, length: number, accept: (bytes: Buffer) => T): Promise<T>;
  /** Says where objects are looked for first: in most seals they lie under the prefix of whoever sealed. */
  expectUnder(prefix: string, digests: readonly Digest[]): void;
  /** Several pieces of one object. `accept` may hear of a piece again, from the next prefix, after one that it refused. */
  pieces(digest: Digest, ranges: readonly ByteRange[], accept: (bytes: Buffer, index: number) => void): Promise<void>;
}

export function createSegmentReader(options: SegmentReaderOptions): SegmentReader {
  const { store, prefixes, cacheBytesMax = 16 * 1024 * 1024, hashKey = xxh64 } = options;
  const requestsAtOnce = store.requests?.atOnce ?? readsAtOnce;
  if (prefixes.length === 0) throw new Error('a reader needs at least one prefix to look under');
  const cache = new Map<Digest, Buffer>();
  let cacheBytes = 0;
  const foundUnder = new Map<Digest, string>();

  function remember(digest: Digest, prefix: string): void {
    if (foundUnder.size >= placesMax) foundUnder.clear();
    foundUnder.set(digest, prefix);
  }

  async function firstGood<T>(digest: Digest, attempt: (name: string) => Promise<T | null>): Promise<T> {
    let spoiled: ConcordatError | undefined;
    let missing: ConcordatError | undefined;
    const known = foundUnder.get(digest);
    for (const prefix of known === undefined ? prefixes : [known, ...prefixes.filter((other) => other !== known)]) {
      try {
        const found = await attempt(segmentName(prefix, digest));
        if (found === null) continue;
        remember(digest, prefix);
        return found;
      } catch (error) {
        if (!(error instanceof ConcordatError)) throw error;
        if (error.code === 'inputNotAuthentic') spoiled ??= error;
        else if (error.code === 'storeFault') missing ??= error;
        else throw error;
      }
    }
    throw spoiled ?? missing ?? new ConcordatError('storeFault', `no prefix of the store holds the object ${digest}`);
  }

  async function whole(digest: Digest, bytes: number, makeRoom?: MakeRoom): Promise<Buffer> {
    const room = makeRoom && store.getInto ? makeRoom() : undefined;
    return await firstGood(digest, async (name) => {
      const found = room ? await into(name, room) : await store.get(name);
      if (found === null) return null;
      const buffer = asBuffer(found);
      if (buffer.length !== bytes || sha256Hex(buffer) !== digest)
        throw new ConcordatError('inputNotAuthentic', `the object ${name} is not what its name says`);
      return buffer;
    });
  }

  /** What has more bytes than there is room for is not read, and none of it is what was asked for. */
  async function into(name: string, room: Buffer): Promise<Buffer | null> {
    const length = (await store.getInto?.(name, room)) ?? null;
    return length === null ? null : room.subarray(0, length <= room.length ? length : 0);
  }

  async function wholeKept(digest: Digest, bytes: number): Promise<Buffer> {
    const kept = cache.get(digest);
    if (kept?.length === bytes) {
      cache.delete(digest);
      cache.set(digest, kept);
      return kept;
    }
    const buffer = await whole(digest, bytes);
    if (!cache.has(digest)) cacheBytes += buffer.length;
    cache.set(digest, buffer);
    for (const [oldest, { length }] of cache) {
      if (cacheBytes <= cacheBytesMax) break;
      cache.delete(oldest);
      cacheBytes -= length;
    }
    return buffer;
  }

  async function piece<T>(digest: Digest, start: number, length: number, accept: (bytes: Buffer) => T): Promise<T> {
    const { result } = await firstGood(digest, async (name) => {
      const bytes = asBuffer(await store.getRange(name, start, length));
      return { result: accepted(name, () => accept(bytes)) };
    });
    return result;
  }

  async function pieces(
    digest: Digest,
    ranges: readonly ByteRange[],
    accept: (bytes: Buffer, index: number) => void,
  ): Promise<void> {
    await firstGood(digest, async (name) => {
      const take = (found: readonly Uint8Array[], from: number): void => {
        accepted(name, () => found.forEach((bytes, index) => accept(asBuffer(bytes), from + index)));
      };
      if (store.getRanges) take(await store.getRanges(name, ranges), 0);
      else
        for (let next = 0; next < ranges.length; next += requestsAtOnce) {
          const some = ranges.slice(next, next + requestsAtOnce);
          take(await Promise.all(some.map(({ start, length }) => store.getRange(name, start, length))), next);
        }
      return true;
    });
  }

  function expectUnder(prefix: string, digests: readonly Digest[]): void {
    if (!prefixes.includes(prefix)) return;
    for (const digest of digests) if (!foundUnder.has(digest)) remember(digest, prefix);
  }

  return {
    hashKey,
    get coalesceGapBytes() {
      return options.coalesceGapBytes ?? store.requests?.gapBytes() ?? gapBytesHere;
    },
    whole,
    wholeKept,
    piece,
    pieces,
    expectUnder,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Says of which object it was that something in it is not what it should be. */
function accepted<T>(name: string, accept: () => T): T {
  try {
    return accept();
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    throw new ConcordatError('inputNotAuthentic', `${error.message} (${name})`, { cause: error });
  }
}
