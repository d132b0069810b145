/** A long list in a scratch file, in order of its keys: read in blocks from front to back, or looked up by key. */
import type { LongList, WrittenList } from '../../core/long-list.js';
import type { ScratchFile } from './scratch-file.js';

/** Before each entry: bytes of its key, bytes of its text. */
export const headBytes = 8;
const readBytes = 256 * 1024;

/** Where blocks of some entries begin: enough to find one by its key or its place. */
export interface Blocks {
  readonly starts: readonly number[];
  /** Of the list, counted from 0. */
  readonly places: readonly number[];
  readonly firstKeys: readonly string[];
}

export interface Stored<Item> {
  readonly file: ScratchFile;
  readonly end: number;
  readonly length: number;
  readonly blocks: Blocks;
  readonly parse: (text: string) => Item;
}

interface Found<Item> {
  readonly key: string;
  readonly place: number;
  readonly textStart: number;
  readonly textEnd: number;
  item?: Item;
}

interface Block<Item> {
  readonly at: number;
  readonly bytes: Buffer;
  readonly entries: readonly Found<Item>[];
}

/** HAZARD: read synchronously. Whoever loops over it lets others run (event-loop.ts), as over any list of records. */
export class SortedList<Item> implements LongList<Item>, WrittenList {
  readonly #stored: Stored<Item>;
  readonly #from: number;
  readonly #to: number;
  /** What was looked up last: neighbours are mostly asked for next. */
  #block: Block<Item> | undefined;

  constructor(stored: Stored<Item>, from = 0, to = stored.length) {
    this.#stored = stored;
    this.#from = from;
    this.#to = to;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  *[Symbol.iterator](): Generator<Item> {
    for (const text of this.texts()) yield this.#stored.parse(text);
  }

  /** As they were written. */
  *texts(): Generator<string> {
    for (const { text } of this.#read(false)) yield text;
  }

  entries(): Iterable<{ readonly key: string; readonly text: string }> {
    return this.#read(true);
  }

  *#read(withKeys: boolean): Generator<{ readonly key: string; readonly text: string }> {
    const { file, end, blocks } = this.#stored;
    if (this.length === 0) return;
    const block = last(blocks.places, (place) => place <= this.#from);
    let place = blocks.places[block] ?? 0;
    let at = blocks.starts[block] ?? 0;
    let buffer = Buffer.allocUnsafe(Math.min(readBytes, end - at));
    file.read(buffer, at);
    let inside = 0;
    const need = (bytes: number): void => {
      if (buffer.length - inside >= bytes) return;
      at += inside;
      inside = 0;
      buffer = Buffer.allocUnsafe(Math.min(Math.max(readBytes, bytes), end - at));
      file.read(buffer, at);
    };
    for (; place < this.#to; place += 1) {
      need(headBytes);
      const keyBytes = buffer.readUInt32LE(inside);
      const textBytes = buffer.readUInt32LE(inside + 4);
      need(headBytes + keyBytes + textBytes);
      const start = inside + headBytes + keyBytes;
      inside = start + textBytes;
      if (place < this.#from) continue;
      const key = withKeys ? buffer.toString('utf8', start - keyBytes, start) : '';
      yield { key, text: buffer.toString('utf8', start, inside) };
    }
  }

  canonicalTexts(): Iterable<string> {
    return this.texts();
  }

  /** All whose keys begin so, in order, with their places in this list. */
  startingWith(prefix: string): readonly { readonly item: Item; readonly place: number }[] {
    const { firstKeys } = this.#stored.blocks;
    const found: { readonly item: Item; readonly place: number }[] = [];
    // Equal beginnings may lie across several blocks: the first lies in the last block that begins before them.
    let block = Math.max(
      0,
      last(firstKeys, (key) => key < prefix),
    );
    for (; block < firstKeys.length; block += 1) {
      const first = firstKeys[block] ?? '';
      if (first > prefix && !first.startsWith(prefix)) break;
      const read = this.#blockAt(block);
      for (const entry of read.entries)
        if (entry.key.startsWith(prefix) && entry.place >= this.#from && entry.place < this.#to)
          found.push({ item: this.#itemOf(read, entry), place: entry.place - this.#from });
    }
    return found;
  }

  /** The one with this key; undefined where there is none. */
  withKey(key: string): Item | undefined {
    const block = last(this.#stored.blocks.firstKeys, (first) => first <= key);
    if (block < 0) return undefined;
    const read = this.#blockAt(block);
    const entry = read.entries.find((one) => one.key === key);
    return entry && this.#itemOf(read, entry);
  }

  #itemOf({ bytes }: Block<Item>, entry: Found<Item>): Item {
    return (entry.item ??= this.#stored.parse(bytes.toString('utf8', entry.textStart, entry.textEnd)));
  }

  #blockAt(block: number): Block<Item> {
    if (this.#block?.at === block) return this.#block;
    const { file, end, blocks } = this.#stored;
    const start = blocks.starts[block] ?? 0;
    const bytes = Buffer.allocUnsafe((blocks.starts[block + 1] ?? end) - start);
    file.read(bytes, start);
    const entries: Found<Item>[] = [];
    let place = blocks.places[block] ?? 0;
    for (let at = 0; at < bytes.length; place += 1) {
      const keyEnd = at + headBytes + bytes.readUInt32LE(at);
      const textEnd = keyEnd + bytes.readUInt32LE(at + 4);
      const key = bytes.toString('utf8', at + headBytes, keyEnd);
      entries.push({ key, place, textStart: keyEnd, textEnd });
      at = textEnd;
    }
    return (this.#block = { at: block, bytes, entries });
  }

  some(is: (item: Item) => boolean): boolean {
    for (const item of this) if (is(item)) return true;
    return false;
  }

  every(is: (item: Item) => boolean): boolean {
    return !this.some((item) => !is(item));
  }

  find(is: (item: Item) => boolean): Item | undefined {
    for (const item of this) if (is(item)) return item;
    return undefined;
  }

  filter(is: (item: Item) => boolean): Item[] {
    const found: Item[] = [];
    for (const item of this) if (is(item)) found.push(item);
    return found;
  }

  map<Made>(make: (item: Item, at: number) => Made): Made[] {
    const made: Made[] = [];
    for (const item of this) made.push(make(item, made.length));
    return made;
  }

  flatMap<Made>(make: (item: Item) => Made | readonly Made[]): Made[] {
    const made: Made[] = [];
    for (const item of this) {
      const some = make(item);
      if (Array.isArray(some)) made.push(...(some as readonly Made[]));
      else made.push(some as Made);
    }
    return made;
  }

  slice(from: number, to = this.length): SortedList<Item> {
    const within = (place: number): number =>
      Math.min(this.length, Math.max(0, place < 0 ? this.length + place : place));
    const first = this.#from + within(from);
    return new SortedList(this.#stored, first, Math.max(first, this.#from + within(to)));
  }

  /** HAZARD: whoever takes it for a plain value would write another one. */
  toJSON(): never {
    throw new TypeError('a list in a file is written item by item');
  }

  discard(): void {
    this.#stored.file.discard();
  }
}

/** The last that is so, of which all before it are; -1 where none is. */
function last<Value>(values: readonly Value[], is: (value: Value) => boolean): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (is(values[middle] as Value)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
