/** Very many digests in 32 bytes each: a text of one takes three times that, and a set of texts five times. */
import type { Digest } from './digest.js';
import { byCodeUnit } from './json.js';
import type { LongList, WrittenList } from './long-list.js';

const digestBytes = 32;
const chunkDigests = 32 * 1024;
const placeBits = 24;

export class DigestList implements LongList<Digest>, WrittenList {
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  /** Sorted: the first bits of each digest, then its place. Made when it is first asked for. */
  #order: Float64Array | undefined;

  static of(digests: Iterable<Digest>): DigestList {
    const list = new DigestList();
    for (const digest of digests) list.push(digest);
    return list;
  }

  get length(): number {
    return this.#length;
  }

  push(digest: Digest): void {
    const inChunk = this.#length % chunkDigests;
    if (inChunk === 0) this.#chunks.push(new Uint8Array(chunkDigests * digestBytes));
    const chunk = this.#chunks.at(-1) as Uint8Array;
    for (let at = 0; at < digestBytes; at += 1)
      chunk[inChunk * digestBytes + at] =
        (valueOf(digest.charCodeAt(2 * at)) << 4) | valueOf(digest.charCodeAt(2 * at + 1));
    this.#length += 1;
    this.#order = undefined;
  }

  at(place: number): Digest {
    const chunk = this.#chunks[Math.floor(place / chunkDigests)];
    if (!chunk || place < 0 || place >= this.#length) throw new RangeError(`there is no digest at ${place}`);
    const start = (place % chunkDigests) * digestBytes;
    const codes: number[] = [];
    for (let at = start; at < start + digestBytes; at += 1) {
      const byte = chunk[at] ?? 0;
      codes.push(codeOf(byte >> 4), codeOf(byte & 15));
    }
    return String.fromCharCode(...codes);
  }

  *[Symbol.iterator](): Generator<Digest> {
    for (let place = 0; place < this.#length; place += 1) yield this.at(place);
  }

  *canonicalTexts(): Generator<string> {
    for (const digest of this) yield `"${digest}"`;
  }

  /** The first place at which it stands; -1 where it is none of them. */
  placeOf(digest: Digest): number {
    const order = (this.#order ??= this.#inOrder());
    const head = headOf(digest);
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((order[middle] ?? 0) < head * 2 ** placeBits) low = middle + 1;
      else high = middle;
    }
    for (; low < order.length; low += 1) {
      const entry = order[low] ?? 0;
      if (Math.floor(entry / 2 ** placeBits) !== head) return -1;
      const place = entry % 2 ** placeBits;
      if (this.at(place) === digest) return place;
    }
    return -1;
  }

  has(digest: Digest): boolean {
    return this.placeOf(digest) >= 0;
  }

  /** By code unit, as texts are. */
  sorted(): DigestList {
    const texts = new DigestList();
    const order = this.#inOrder();
    // Of those that begin alike, which are few, the texts themselves are compared.
    for (let from = 0; from < order.length;) {
      const head = Math.floor((order[from] ?? 0) / 2 ** placeBits);
      let to = from;
      while (to < order.length && Math.floor((order[to] ?? 0) / 2 ** placeBits) === head) to += 1;
      const alike = Array.from(order.subarray(from, to), (entry) => this.at(entry % 2 ** placeBits));
      for (const digest of alike.length > 1 ? alike.sort() : alike) texts.push(digest);
      from = to;
    }
    return texts;
  }

  #inOrder(): Float64Array {
    if (this.#length >= 2 ** placeBits) throw new RangeError(`a list holds less than ${2 ** placeBits} digests`);
    const order = new Float64Array(this.#length);
    let place = 0;
    for (const chunk of this.#chunks)
      for (let at = 0; at < chunk.length && place < this.#length; at += digestBytes, place += 1) {
        const head =
          (chunk[at] ?? 0) * 2 ** 21 +
          (chunk[at + 1] ?? 0) * 2 ** 13 +
          (chunk[at + 2] ?? 0) * 2 ** 5 +
          ((chunk[at + 3] ?? 0) >> 3);
        order[place] = head * 2 ** placeBits + place;
      }
    return order.sort();
  }

  some(is: (digest: Digest) => boolean): boolean {
    for (const digest of this) if (is(digest)) return true;
    return false;
  }

  every(is: (digest: Digest) => boolean): boolean {
    return !this.some((digest) => !is(digest));
  }

  find(is: (digest: Digest) => boolean): Digest | undefined {
    for (const digest of this) if (is(digest)) return digest;
    return undefined;
  }

  filter(is: (digest: Digest) => boolean): Digest[] {
    return [...this].filter(is);
  }

  map<Made>(make: (digest: Digest, at: number) => Made): Made[] {
    return Array.from(this, make);
  }

  flatMap<Made>(make: (digest: Digest) => Made | readonly Made[]): Made[] {
    return [...this].flatMap(make);
  }

  slice(from: number, to = this.#length): DigestList {
    const list = new DigestList();
    for (let place = from; place < Math.min(to, this.#length); place += 1) list.push(this.at(place));
    return list;
  }

  /** HAZARD: whoever takes it for a plain value would write another one. */
  toJSON(): never {
    throw new TypeError('digests in bytes are written one by one');
  }
}

/** So many ids are a plain array: they take 2 MB, and are asked for faster. */
const plainMax = 25_000;

/** Ids as they come: an array while they are few, bytes from then on. */
export class GatheredIds {
  readonly #most: number;
  #few: Digest[] = [];
  #many: DigestList | undefined;

  constructor(most = plainMax) {
    this.#most = most;
  }

  put(id: Digest): void {
    if (!this.#many && this.#few.length >= this.#most) {
      this.#many = DigestList.of(this.#few);
      this.#few = [];
    }
    if (this.#many) this.#many.push(id);
    else this.#few.push(id);
  }

  /** In the order in which they came. Nothing is put afterwards. */
  finish(): Ids {
    return this.#many ?? this.#few;
  }
}

/** Ids in an order, of which each place can be asked. */
export interface Ids extends LongList<Digest> {
  at(place: number): Digest | undefined;
}

export function gatheredIds(ids: Iterable<Digest>): Ids {
  const gathered = new GatheredIds();
  for (const id of ids) gathered.put(id);
  return gathered.finish();
}

/** Those that are so, in their order. */
export function keptIds(ids: LongList<Digest>, is: (id: Digest) => boolean): Ids {
  const kept = new GatheredIds();
  for (const id of ids) if (is(id)) kept.put(id);
  return kept.finish();
}

/** By code unit. */
export function sortedIds(ids: LongList<Digest>): Ids {
  return ids instanceof DigestList ? ids.sorted() : [...ids].sort(byCodeUnit);
}

/** To ask of many whether they are among these. */
export function amongIds(ids: LongList<Digest>): Pick<ReadonlySet<Digest>, 'has'> {
  return ids instanceof DigestList ? ids : new Set(ids);
}

/** The first 29 bits. */
function headOf(digest: Digest): number {
  return parseInt(digest.slice(0, 8), 16) >>> 3;
}

function valueOf(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}

function codeOf(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}
