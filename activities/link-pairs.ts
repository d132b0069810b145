/**
 * Native ids and the federated keys that they are linked to, both ways, as bytes: of a million links the collector of
 * JavaScript's garbage sees a few buffers. Read from and written to the JSON object `{"<native id>":"<key>"}`.
 */
import { byCodeUnit } from '../core/json.js';

const chunkBytes = 1024 * 1024;
/** Most tables are of some links. */
const firstChunkBytes = 16 * 1024;
/** Of an entry: bytes of the native id, then of the key. Behind them both texts, a key of 64 hexadecimals as 32 bytes. */
const headBytes = 8;
const hexKeyBytes = 32;
const hexMark = 0x80000000;
const removedSlot = 0xffffffff;
const slotsMin = 64;

export class LinkPairs {
  readonly #chunks: Buffer[] = [];
  #used = 0;
  readonly #byNative = new Slots();
  readonly #byKey = new Slots();

  /** Of several native ids that are linked to one key, the one that was set last is found by it. */
  set(nativeId: string, key: string): void {
    const known = this.#byNative.find(nativeId, (at) => this.#isNative(at, nativeId));
    if (known !== undefined && this.#isKey(known, key) && this.#byKey.find(key, (at) => this.#isKey(at, key)) === known)
      return;
    this.remove(nativeId);
    const at = this.#append(nativeId, key);
    this.#byNative.put(nativeId, at, () => false);
    this.#byKey.put(key, at, (other) => this.#isKey(other, key));
  }

  remove(nativeId: string): void {
    const at = this.#byNative.remove(nativeId, (other) => this.#isNative(other, nativeId));
    if (at !== undefined) this.#byKey.remove(this.#keyAt(at), (other) => other === at);
  }

  keyOf(nativeId: string): string | undefined {
    const at = this.#byNative.find(nativeId, (other) => this.#isNative(other, nativeId));
    return at === undefined ? undefined : this.#keyAt(at);
  }

  has(nativeId: string): boolean {
    return this.#byNative.find(nativeId, (other) => this.#isNative(other, nativeId)) !== undefined;
  }

  nativeIdOf(key: string): string | undefined {
    const at = this.#byKey.find(key, (other) => this.#isKey(other, key));
    return at === undefined ? undefined : this.#nativeAt(at);
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

  #append(nativeId: string, key: string): number {
    const isHex = isHexKey(key);
    const room = headBytes + 3 * nativeId.length + (isHex ? hexKeyBytes : 3 * key.length);
    if (room > chunkBytes)
      throw new Error('a native id of more than some hundred thousand characters cannot be linked');
    if (this.#used + room > (this.#chunks.at(-1)?.length ?? 0)) {
      const isSmall = this.#chunks.length === 0 && room <= firstChunkBytes;
      this.#chunks.push(Buffer.allocUnsafeSlow(isSmall ? firstChunkBytes : chunkBytes));
      this.#used = 0;
    }
    const chunk = this.#chunkAt(this.#chunks.length - 1);
    const at = this.#used;
    const nativeBytes = chunk.write(nativeId, at + headBytes, 'utf8');
    const keyBytes = chunk.write(key, at + headBytes + nativeBytes, isHex ? 'hex' : 'utf8');
    chunk.writeUInt32BE(nativeBytes, at);
    chunk.writeUInt32BE(isHex ? hexMark : keyBytes, at + 4);
    this.#used = at + headBytes + nativeBytes + keyBytes;
    return (this.#chunks.length - 1) * chunkBytes + at;
  }

  #chunkAt(index: number): Buffer {
    const chunk = this.#chunks[index];
    if (!chunk) throw new Error('a link points outside its chunks');
    return chunk;
  }

  #nativeAt(at: number): string {
    const chunk = this.#chunkAt(Math.floor(at / chunkBytes));
    const start = (at % chunkBytes) + headBytes;
    return chunk.toString('utf8', start, start + chunk.readUInt32BE(at % chunkBytes));
  }

  #keyAt(at: number): string {
    const chunk = this.#chunkAt(Math.floor(at / chunkBytes));
    const own = at % chunkBytes;
    const start = own + headBytes + chunk.readUInt32BE(own);
    const length = chunk.readUInt32BE(own + 4);
    return length === hexMark
      ? chunk.toString('hex', start, start + hexKeyBytes)
      : chunk.toString('utf8', start, start + length);
  }

  #isNative(at: number, nativeId: string): boolean {
    return this.#nativeAt(at) === nativeId;
  }

  #isKey(at: number, key: string): boolean {
    return this.#keyAt(at) === key;
  }
}

function isHexKey(key: string): boolean {
  return /^[0-9a-f]{64}$/.test(key);
}

/** A table of numbers that are found by a text and told apart by whoever asks. */
class Slots {
  size = 0;
  #slots = new Uint32Array(slotsMin);
  /** The hash of the text of each: moving to a larger table asks nobody. */
  #hashes = new Uint32Array(slotsMin);
  #taken = 0;

  find(text: string, isIt: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hashOf(text), isIt);
    return slot === undefined ? undefined : (this.#slots[slot] ?? 0) - 1;
  }

  /** In place of the one that is it, where there is one. */
  put(text: string, number: number, isIt: (number: number) => boolean): void {
    const hash = hashOf(text);
    const known = this.#slotOf(hash, isIt);
    if (known !== undefined) {
      this.#slots[known] = number + 1;
      return;
    }
    if ((this.#taken + 1) * 2 > this.#slots.length) this.#grow();
    this.#insert(hash, number + 1);
    this.size += 1;
  }

  remove(text: string, isIt: (number: number) => boolean): number | undefined {
    const slot = this.#slotOf(hashOf(text), isIt);
    if (slot === undefined) return undefined;
    const number = (this.#slots[slot] ?? 0) - 1;
    this.#slots[slot] = removedSlot;
    this.size -= 1;
    return number;
  }

  sorted(): Uint32Array {
    return this.#slots
      .filter((slot) => slot !== 0 && slot !== removedSlot)
      .map((slot) => slot - 1)
      .sort();
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
    const length = this.size * 4 > slots.length ? slots.length * 2 : slots.length;
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
