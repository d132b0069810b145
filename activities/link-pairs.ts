/**
 * Native ids and the federated keys that they are linked to, both ways, as bytes: of a million links the collector of
 * JavaScript's garbage sees a few buffers. Of more than that the texts wait in a file, and eight bytes of each way stay in memory.
 */
import { byCodeUnit } from '../core/json.js';
import { SpilledBytes } from './spilled-bytes.js';

const chunkBytes = 1024 * 1024;
/** Most tables are of some links. */
const firstChunkBytes = 16 * 1024;
/** Of an entry: bytes of the native id, then of the key. Behind them both texts, a key of 64 hexadecimals as 32 bytes. */
const headBytes = 8;
const hexKeyBytes = 32;
const hexMark = 0x80000000;
const removedSlot = 0xffffffff;
const slotsMin = 64;
/** Some million links. */
const chunksInMemoryMax = 64;

export class LinkPairs {
  readonly #chunksMax: number;
  /** The last one is written to; null for one that lies in the file, at the place that it has among all. */
  readonly #chunks: (Buffer | null)[] = [];
  #spilled: SpilledBytes | null = null;
  #used = 0;
  /** In which an entry was looked at last. */
  #bytes: Buffer = Buffer.alloc(0);
  readonly #byNative = new Slots();
  readonly #byKey = new Slots();

  /** Only tests give another number of chunks that stay in memory. */
  constructor(chunksMax = chunksInMemoryMax) {
    this.#chunksMax = chunksMax;
  }

  /** Of several native ids that are linked to one key, the one that was set last is found by it. */
  set(nativeId: string, key: string): void {
    const [idHash, keyHash] = [hashOf(nativeId), hashOf(key)];
    const known = this.#byNative.find(idHash, (at) => this.#isNative(at, nativeId));
    if (known !== undefined) {
      const isKnown = this.#isKey(known, key) && this.#byKey.find(keyHash, (at) => this.#isKey(at, key)) === known;
      if (isKnown) return;
      this.remove(nativeId);
    }
    const at = this.#append(nativeId, key);
    this.#byNative.put(idHash, at, () => false);
    this.#byKey.put(keyHash, at, (other) => this.#isKey(other, key));
  }

  remove(nativeId: string): void {
    const at = this.#byNative.remove(hashOf(nativeId), (other) => this.#isNative(other, nativeId));
    if (at !== undefined) this.#byKey.remove(hashOf(this.#keyAt(at)), (other) => other === at);
  }

  keyOf(nativeId: string): string | undefined {
    const at = this.#find(nativeId);
    return at === undefined ? undefined : this.#keyAt(at);
  }

  has(nativeId: string): boolean {
    return this.#find(nativeId) !== undefined;
  }

  nativeIdOf(key: string): string | undefined {
    const at = this.#byKey.find(hashOf(key), (other) => this.#isKey(other, key));
    return at === undefined ? undefined : this.#nativeAt(at);
  }

  hasKey(key: string): boolean {
    return this.#byKey.find(hashOf(key), (other) => this.#isKey(other, key)) !== undefined;
  }

  get size(): number {
    return this.#byNative.size;
  }

  /** In the order in which they were set. */
  *entries(): Generator<readonly [nativeId: string, key: string]> {
    for (const at of this.#byNative.sorted()) yield [this.#nativeAt(at), this.#keyAt(at)];
  }

  /** By their place in `entries`, until something is set or removed. */
  placed(): (place: number) => readonly [nativeId: string, key: string] {
    const places = this.#byNative.sorted();
    return (place) => {
      const at = places[place];
      if (at === undefined) throw new Error(`there is no link at ${place}`);
      return [this.#nativeAt(at), this.#keyAt(at)];
    };
  }

  /** In code unit order of the native ids. */
  sorted(): readonly (readonly [nativeId: string, key: string])[] {
    return [...this.entries()].sort(([left], [right]) => byCodeUnit(left, right));
  }

  #find(nativeId: string): number | undefined {
    return this.#byNative.find(hashOf(nativeId), (other) => this.#isNative(other, nativeId));
  }

  #append(nativeId: string, key: string): number {
    const isHex = isHexKey(key);
    const room = headBytes + 3 * nativeId.length + (isHex ? hexKeyBytes : 3 * key.length);
    if (room > chunkBytes)
      throw new Error('a native id of more than some hundred thousand characters cannot be linked');
    let chunk = this.#chunks.at(-1);
    if (!chunk || this.#used + room > chunk.length) chunk = this.#nextChunk(room);
    const at = this.#used;
    const nativeBytes = chunk.write(nativeId, at + headBytes, 'utf8');
    const keyBytes = chunk.write(key, at + headBytes + nativeBytes, isHex ? 'hex' : 'utf8');
    chunk.writeUInt32BE(nativeBytes, at);
    chunk.writeUInt32BE(isHex ? hexMark : keyBytes, at + 4);
    this.#used = at + headBytes + nativeBytes + keyBytes;
    return (this.#chunks.length - 1) * chunkBytes + at;
  }

  #nextChunk(room: number): Buffer {
    const last = this.#chunks.length - 1;
    const full = this.#chunks[last];
    const isFileBegun = full && this.#chunks.length > this.#chunksMax;
    if (isFileBegun) {
      (this.#spilled ??= new SpilledBytes()).write(full.subarray(0, this.#used), last * chunkBytes);
      this.#chunks[last] = null;
    }
    const isSmall = this.#chunks.length === 0 && room <= firstChunkBytes;
    const next =
      isFileBegun && full.length === chunkBytes ? full : Buffer.allocUnsafeSlow(isSmall ? firstChunkBytes : chunkBytes);
    this.#chunks.push(next);
    this.#used = 0;
    return next;
  }

  /** Where an entry begins in `#bytes`, until the next one is asked for. */
  #startOf(at: number): number {
    const chunk = this.#chunks[Math.floor(at / chunkBytes)];
    if (chunk) {
      this.#bytes = chunk;
      return at % chunkBytes;
    }
    if (!this.#spilled) throw new Error('a link points outside its chunks');
    const head = this.#spilled.read(at, headBytes);
    this.#bytes = this.#spilled.read(at, headBytes + head.readUInt32BE(0) + keyBytesOf(head, 0));
    return 0;
  }

  #nativeAt(at: number): string {
    const start = this.#startOf(at);
    return this.#bytes.toString('utf8', start + headBytes, start + headBytes + this.#bytes.readUInt32BE(start));
  }

  #keyAt(at: number): string {
    const start = this.#startOf(at);
    const from = start + headBytes + this.#bytes.readUInt32BE(start);
    const isHex = this.#bytes.readUInt32BE(start + 4) === hexMark;
    return this.#bytes.toString(isHex ? 'hex' : 'utf8', from, from + keyBytesOf(this.#bytes, start));
  }

  #isNative(at: number, nativeId: string): boolean {
    return this.#nativeAt(at) === nativeId;
  }

  #isKey(at: number, key: string): boolean {
    return this.#keyAt(at) === key;
  }
}

function keyBytesOf(bytes: Buffer, start: number): number {
  const length = bytes.readUInt32BE(start + 4);
  return length === hexMark ? hexKeyBytes : length;
}

/** 64 hexadecimals in lower case. By a regular expression that takes ten times as long, and is asked of each link. */
function isHexKey(key: string): boolean {
  if (key.length !== 2 * hexKeyBytes) return false;
  for (let at = 0; at < key.length; at += 1) {
    const unit = key.charCodeAt(at);
    if (unit < 0x30 || unit > 0x66 || (unit > 0x39 && unit < 0x61)) return false;
  }
  return true;
}

/**
 * A table of numbers that are found by the hash of a text and told apart by whoever asks. At most three of four slots are taken: a
 * text is looked for in some slots more than with half of them, which are next to each other, and five millions take half the memory.
 */
class Slots {
  size = 0;
  #slots = new Uint32Array(slotsMin);
  /** The hash of the text of each: moving to a larger table asks nobody. */
  #hashes = new Uint32Array(slotsMin);
  #taken = 0;

  find(hash: number, isIt: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hash, isIt);
    return slot === undefined ? undefined : (this.#slots[slot] ?? 0) - 1;
  }

  /** In place of the one that is it, where there is one. */
  put(hash: number, number: number, isIt: (number: number) => boolean): void {
    const known = this.#slotOf(hash, isIt);
    if (known !== undefined) {
      this.#slots[known] = number + 1;
      return;
    }
    if ((this.#taken + 1) * 4 > this.#slots.length * 3) this.#grow();
    this.#insert(hash, number + 1);
    this.size += 1;
  }

  remove(hash: number, isIt: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hash, isIt);
    if (slot === undefined) return undefined;
    const number = (this.#slots[slot] ?? 0) - 1;
    this.#slots[slot] = removedSlot;
    this.size -= 1;
    return number;
  }

  sorted(): Uint32Array {
    const numbers = new Uint32Array(this.size);
    let at = 0;
    for (const slot of this.#slots) if (slot !== 0 && slot !== removedSlot) numbers[at++] = slot - 1;
    return numbers.sort();
  }

  #slotOf(hash: number, isIt: (number: number) => boolean): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0) return undefined;
      if (found !== removedSlot && this.#hashes[slot] === hash && isIt(found - 1)) return slot;
    }
  }

  #insert(hash: number, value: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while ((this.#slots[slot] ?? 0) !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = value;
    this.#hashes[slot] = hash;
    this.#taken += 1;
  }

  #grow(): void {
    const [slots, hashes] = [this.#slots, this.#hashes];
    const length = this.size * 2 > slots.length ? slots.length * 2 : slots.length;
    this.#slots = new Uint32Array(length);
    this.#hashes = new Uint32Array(length);
    this.#taken = 0;
    slots.forEach((value, slot) => {
      if (value !== 0 && value !== removedSlot) this.#insert(hashes[slot] ?? 0, value);
    });
  }
}

/** FNV-1a over code units. It finds and proves nothing. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
