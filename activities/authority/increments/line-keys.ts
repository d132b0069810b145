/**
 * Where the record of each object of a read can be told without parsing it: the beginning of the key under which it simply
 * stands in the seal, four bytes for each object of a native type, in the order of its pages. Who looks for a few records
 * parses the objects whose key may be one of theirs, and no others.
 *
 * HAZARD: an object that is not looked at stands behind no record. Where nothing is known of one it says so (`unknown`), and
 * whoever reads this looks at it.
 */
import type { ObjectStore } from '../../store.js';

const bytesOfOne = 4;
export const unknown = 0;

/** Of a key in hexadecimal. A key that begins with zeros is `unknown`, which is right of any. */
export const lineKeyOf = (key: string): number => Number.parseInt(key.slice(0, 2 * bytesOfOne), 16) >>> 0;

/** Numbers of 32 bits, as many as come. */
export class NumberList {
  #keys: Uint32Array;
  #count = 0;

  constructor(expectedCount: number) {
    this.#keys = new Uint32Array(Math.max(16, expectedCount));
  }
  /** Of the next object. */
  add(key: number): void {
    this.#makeRoom(1);
    this.#keys[this.#count] = key;
    this.#count += 1;
  }
  /** As many as `count`, each one more than the one before. */
  addAscending(first: number, count: number): void {
    this.#makeRoom(count);
    for (let at = 0; at < count; at += 1) this.#keys[this.#count + at] = first + at;
    this.#count += count;
  }
  #makeRoom(count: number): void {
    if (this.#count + count <= this.#keys.length) return;
    const more = new Uint32Array(Math.max(2 * this.#keys.length, this.#count + count));
    more.set(this.#keys);
    this.#keys = more;
  }
  all(): Uint32Array {
    return this.#keys.subarray(0, this.#count);
  }
}

/** Little-endian. */
export async function putLineKeys(store: ObjectStore, name: string, keys: Uint32Array): Promise<void> {
  await store.remove(name);
  const bytes = Buffer.alloc(keys.length * bytesOfOne);
  for (let at = 0; at < keys.length; at += 1) bytes.writeUInt32LE(keys[at] ?? unknown, at * bytesOfOne);
  await store.putIfAbsent(name, bytes);
}

/** Null where they are not there, or not of `count` objects. */
export async function readLineKeys(store: ObjectStore, name: string, count: number): Promise<Uint32Array | null> {
  const bytes = await store.get(name);
  if (bytes?.length !== count * bytesOfOne) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const keys = new Uint32Array(count);
  for (let at = 0; at < count; at += 1) keys[at] = view.getUint32(at * bytesOfOne, true);
  return keys;
}
