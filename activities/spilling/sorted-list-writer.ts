/**
 * Puts items of which nobody knows how many will come into a file in order of their keys. What comes in order is written once;
 * else stretches that are in order are merged in the end. Memory holds one stretch of some megabytes.
 */
import { byCodeUnit } from '../../core/json.js';
import { ScratchFile } from './scratch-file.js';
import { headBytes, SortedList, type Blocks } from './sorted-list.js';

/** UTF-16 units of keys and texts. */
const waitingMax = 4 * 1024 * 1024;
const blockBytes = 8 * 1024;
const mergeReadBytes = 64 * 1024;

interface Entry {
  readonly key: string;
  readonly text: string;
}

interface Run {
  readonly start: number;
  end: number;
  count: number;
  lastKey: string;
}

export class SortedListWriter<Item> {
  readonly #parse: (text: string) => Item;
  readonly #waitingMax: number;
  readonly #out = new OrderedOut();
  readonly #runs: Run[] = [];
  #waiting: Entry[] = [];
  #units = 0;

  /** `parse` reads what `put` was given. Only tests give another `most`: of units that wait in memory. */
  constructor(parse: (text: string) => Item, most = waitingMax) {
    this.#parse = parse;
    this.#waitingMax = most;
  }

  /** Of equal keys the first stays first. */
  put(key: string, text: string): void {
    this.#waiting.push({ key, text });
    this.#units += key.length + text.length;
    if (this.#units > this.#waitingMax) this.#spill();
  }

  #spill(): void {
    const entries = inOrder(this.#waiting);
    this.#waiting = [];
    this.#units = 0;
    const [first] = entries;
    if (!first) return;
    let run = this.#runs.at(-1);
    if (!run || first.key < run.lastKey) {
      run = { start: this.#out.file.size, end: 0, count: 0, lastKey: '' };
      this.#runs.push(run);
    }
    for (const { key, text } of entries) this.#out.put(key, text);
    run.end = this.#out.file.size;
    run.count += entries.length;
    run.lastKey = entries.at(-1)?.key ?? '';
  }

  /** Nothing can be put afterwards. Merging takes as long as writing did: in steps, so that others can run between them. */
  *finish(): Generator<void, SortedList<Item>> {
    this.#spill();
    if (this.#runs.length <= 1) return this.#out.list(this.#parse);
    const merged = new OrderedOut();
    const { file } = this.#out;
    file.flush();
    const sources = this.#runs.map((run) => new RunSource(file, run));
    for (;;) {
      let least: RunSource | undefined;
      // The first of equal ones wins, which came first.
      for (const source of sources)
        if (source.key !== undefined && (least?.key === undefined || source.key < least.key)) least = source;
      if (least?.key === undefined) break;
      merged.put(least.key, least.text);
      least.next();
      yield;
    }
    file.discard();
    return merged.list(this.#parse);
  }
}

function inOrder(entries: readonly Entry[]): readonly Entry[] {
  for (let at = 1; at < entries.length; at += 1)
    if ((entries[at]?.key ?? '') < (entries[at - 1]?.key ?? ''))
      return [...entries].sort((left, right) => byCodeUnit(left.key, right.key));
  return entries;
}

/** Appends entries and notes where blocks begin. */
class OrderedOut {
  readonly file = new ScratchFile();
  readonly #blocks = { starts: [] as number[], places: [] as number[], firstKeys: [] as string[] } satisfies Blocks;
  #blockEnd = 0;
  #count = 0;
  #scratch = Buffer.allocUnsafe(16 * 1024);

  put(key: string, text: string): void {
    const start = this.file.size;
    if (this.#count === 0 || start >= this.#blockEnd) {
      this.#blocks.starts.push(start);
      this.#blocks.places.push(this.#count);
      this.#blocks.firstKeys.push(key);
      this.#blockEnd = start + blockBytes;
    }
    const room = headBytes + 3 * (key.length + text.length);
    if (this.#scratch.length < room) this.#scratch = Buffer.allocUnsafe(2 * room);
    const keyBytes = this.#scratch.write(key, headBytes, 'utf8');
    const textBytes = this.#scratch.write(text, headBytes + keyBytes, 'utf8');
    this.#scratch.writeUInt32LE(keyBytes, 0);
    this.#scratch.writeUInt32LE(textBytes, 4);
    this.file.append(this.#scratch.subarray(0, headBytes + keyBytes + textBytes));
    this.#count += 1;
  }

  list<Item>(parse: (text: string) => Item): SortedList<Item> {
    this.file.flush();
    return new SortedList({ file: this.file, end: this.file.size, length: this.#count, blocks: this.#blocks, parse });
  }
}

/** One stretch, entry by entry. */
class RunSource {
  key: string | undefined;
  text = '';
  readonly #file: ScratchFile;
  readonly #end: number;
  #at: number;
  #buffer = Buffer.alloc(0);
  #inside = 0;

  constructor(file: ScratchFile, { start, end }: Run) {
    this.#file = file;
    this.#at = start;
    this.#end = end;
    this.next();
  }

  next(): void {
    if (this.#at + this.#inside >= this.#end) {
      this.key = undefined;
      return;
    }
    this.#need(headBytes);
    const keyBytes = this.#buffer.readUInt32LE(this.#inside);
    const textBytes = this.#buffer.readUInt32LE(this.#inside + 4);
    this.#need(headBytes + keyBytes + textBytes);
    const keyStart = this.#inside + headBytes;
    this.#inside = keyStart + keyBytes + textBytes;
    this.key = this.#buffer.toString('utf8', keyStart, keyStart + keyBytes);
    this.text = this.#buffer.toString('utf8', keyStart + keyBytes, this.#inside);
  }

  #need(bytes: number): void {
    if (this.#buffer.length - this.#inside >= bytes) return;
    this.#at += this.#inside;
    this.#inside = 0;
    this.#buffer = Buffer.allocUnsafe(Math.min(Math.max(mergeReadBytes, bytes), this.#end - this.#at));
    this.#file.read(this.#buffer, this.#at);
  }
}
