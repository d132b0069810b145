/**
 * Stores for making a run again without changing anything: reads go to what is given, writes stay in memory. One of them
 * remembers what was read, which is exactly what somebody else needs to do the same.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { digestOfSegmentName } from '../sealing/segment-reader.js';
import { sha256Hex } from '../sealing/sha256.js';
import type { Head, ObjectStore } from '../store.js';

export class OverlayStore implements ObjectStore {
  readonly #below: (name: string) => Promise<Uint8Array | null>;
  readonly #read = new Map<string, Uint8Array>();
  readonly #written = new Map<string, Uint8Array>();
  readonly #missing = new Set<string>();

  constructor(below: (name: string) => Promise<Uint8Array | null>) {
    this.#below = below;
  }

  /**
   * Everything that was read from below and was there, by name. Of a segment that lies under several prefixes and was read
   * under more than one, the first that is what its name says: whoever reads it looks under all of them.
   */
  objectsRead(): readonly (readonly [name: string, bytes: Uint8Array])[] {
    const taken = new Set<Digest>();
    return [...this.#read]
      .sort(([left], [right]) => byCodeUnit(left, right))
      .filter(([name, bytes]) => {
        const digest = digestOfSegmentName(name);
        if (digest === null || sha256Hex(bytes) !== digest) return true;
        if (taken.has(digest)) return false;
        taken.add(digest);
        return true;
      });
  }

  /** Names that were asked for and are not there. */
  objectsMissing(): ReadonlySet<string> {
    return this.#missing;
  }

  async get(name: string): Promise<Uint8Array | null> {
    const known = this.#written.get(name) ?? this.#read.get(name);
    if (known) return known;
    const bytes = await this.#below(name);
    if (bytes) this.#read.set(name, bytes);
    else this.#missing.add(name);
    return bytes;
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const bytes = await this.get(name);
    if (!bytes || bytes.length < start + length)
      throw new ConcordatError('storeFault', `${name} is missing or shorter than ${start + length} bytes`);
    return bytes.subarray(start, start + length);
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    // What is made again must not be taken for what was sent: it goes on top and is never part of an export.
    if (this.#written.has(name)) return false;
    this.#written.set(name, Uint8Array.from(bytes));
    return true;
  }

  list(): Promise<readonly string[]> {
    return Promise.reject(new Error('a run is made again from names, never from a list'));
  }
  readHead(): Promise<Head | null> {
    return Promise.reject(new Error('a run is made again from objects, never from a head'));
  }
  compareAndSetHead(): Promise<boolean> {
    return Promise.reject(new Error('making a run again moves nothing'));
  }
  remove(): Promise<void> {
    return Promise.reject(new Error('making a run again removes nothing'));
  }
  rewriteOlder(): Promise<number> {
    return Promise.reject(new Error('making a run again removes nothing'));
  }
  removeUnfinished(): Promise<number> {
    return Promise.reject(new Error('making a run again removes nothing'));
  }
}
