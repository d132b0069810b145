/** Names of very many records, sixteen bytes each, in memory that the collector of JavaScript's garbage need not look at. */
import { endianness } from 'node:os';
import { sha256Binary } from '../sealing/sha256.js';
import { tableIdBytes } from './table-rows.js';

const idsPerChunk = 4_096;
const wordsPerId = tableIdBytes / 4;
/** Insertion sort does the rest of what falls into one part. */
const idsPerPart = 8;
const partBitsMax = 22;

export class RecordIds {
  #chunks: Buffer[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** tableId of the record. */
  add(type: string, key: string): void {
    const at = this.#roomForOne();
    const chunk = this.#last();
    const digest = sha256Binary(`${type}\n${key}`);
    // To have these few bytes written by the buffer costs half as much as their digest.
    for (let byte = 0; byte < tableIdBytes; byte += 1) chunk[at + byte] = digest.charCodeAt(byte);
  }

  /** From bytes that hold an id at the place. */
  addFrom(bytes: Buffer, start: number): void {
    const at = this.#roomForOne();
    bytes.copy(this.#last(), at, start, start + tableIdBytes);
  }

  /** Forgets what came after so many. */
  cutTo(count: number): void {
    this.#count = Math.min(this.#count, count);
    this.#chunks = this.#chunks.slice(0, Math.ceil(this.#count / idsPerChunk));
  }

  /** One behind another, in the order of Buffer.compare, each once. Nothing is held here afterwards. */
  takeSorted(): Buffer {
    const words = new Uint32Array(this.#count * wordsPerId);
    const partBits = Math.min(partBitsMax, Math.max(0, Math.ceil(Math.log2(this.#count / idsPerPart))));
    const partOf = (high: number): number => (partBits === 0 ? 0 : high >>> (32 - partBits));
    const ends = new Uint32Array(2 ** partBits);
    for (let id = 0; id < this.#count; id += 1) {
      const part = partOf(this.#wordOf(id, 0));
      ends[part] = (ends[part] ?? 0) + 1;
    }
    for (let part = 1; part < ends.length; part += 1) ends[part] = (ends[part] ?? 0) + (ends[part - 1] ?? 0);
    const next = new Uint32Array(ends.length);
    next.set(ends.subarray(0, -1), 1);
    const begins = next.slice();
    for (let id = 0; id < this.#count; id += 1) {
      const part = partOf(this.#wordOf(id, 0));
      const at = next[part] ?? 0;
      next[part] = at + 1;
      for (let word = 0; word < wordsPerId; word += 1) words[at * wordsPerId + word] = this.#wordOf(id, word);
    }
    this.#chunks = [];
    this.#count = 0;
    for (let part = 0; part < ends.length; part += 1) sortPart(words, begins[part] ?? 0, ends[part] ?? 0);
    return withoutRepeats(words);
  }

  #wordOf(id: number, word: number): number {
    return this.#chunks[Math.floor(id / idsPerChunk)]?.readUInt32BE((id % idsPerChunk) * tableIdBytes + word * 4) ?? 0;
  }

  /** Where it begins in the last chunk. */
  #roomForOne(): number {
    const at = (this.#count % idsPerChunk) * tableIdBytes;
    if (at === 0) this.#chunks.push(Buffer.allocUnsafeSlow(idsPerChunk * tableIdBytes));
    this.#count += 1;
    return at;
  }

  #last(): Buffer {
    const chunk = this.#chunks.at(-1);
    if (!chunk) throw new Error('an id was written before there was room for it');
    return chunk;
  }
}

/** -1 where the id at one place comes before the one at the other, 0 where they are equal. */
function compareIds(words: Uint32Array, left: number, right: number): number {
  for (let word = 0; word < wordsPerId; word += 1) {
    const difference = (words[left * wordsPerId + word] ?? 0) - (words[right * wordsPerId + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function sortPart(words: Uint32Array, from: number, to: number): void {
  for (let at = from + 1; at < to; at += 1) {
    let place = at;
    while (place > from && compareIds(words, place - 1, place) > 0) {
      for (let word = 0; word < wordsPerId; word += 1) {
        const left = (place - 1) * wordsPerId + word;
        const right = place * wordsPerId + word;
        const held = words[left] ?? 0;
        words[left] = words[right] ?? 0;
        words[right] = held;
      }
      place -= 1;
    }
  }
}

/** In the memory of the words: the bytes of each are those of Buffer.writeUInt32BE, whatever the machine. */
function withoutRepeats(words: Uint32Array): Buffer {
  let kept = 0;
  for (let id = 0; id < words.length / wordsPerId; id += 1) {
    if (kept > 0 && compareIds(words, kept - 1, id) === 0) continue;
    words.copyWithin(kept * wordsPerId, id * wordsPerId, (id + 1) * wordsPerId);
    kept += 1;
  }
  const bytes = Buffer.from(words.buffer, 0, kept * tableIdBytes);
  return endianness() === 'LE' ? bytes.swap32() : bytes;
}
