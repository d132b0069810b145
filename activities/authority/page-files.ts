/**
 * How pages lie in the private store: files named by number, each with some pages, and each object on a line of its own. Where little was read, a
 * page is a file of its own, so that a crashed read goes on right behind it; where much was, a file holds up to 4 MB, because a
 * file that outlives a crash costs as much as many pages do. At most an eighth of what was read is read again.
 */
import { isAscii } from 'node:buffer';
import { ConcordatError } from '../../core/errors.js';
import type { Digest } from '../../core/digest.js';
import { letOthersRun } from '../event-loop.js';
import type { NativeObject } from '../../core/record.js';
import type { ReadItem, ReadLines } from '../connectors/connector.js';
import { lineBegin, lineBreak, lineOf } from '../object-line.js';
import type { ObjectStore } from '../store.js';
import { folderOf } from './increments/read-plan.js';

const nameDigits = 8;
const fileBytesMax = 4 * 1024 * 1024;
/** A file ends with the page that fills it. */
const roomBytesMax = fileBytesMax + 1024 * 1024;
const shareOfWritten = 8;

/** Names of pages are numbers; what else lies beside them is not read as one. */
export async function pageFiles(store: ObjectStore, dataset: string, run: Digest): Promise<readonly string[]> {
  const folder = folderOf(dataset, run);
  const names = await store.list(folder);
  return names.filter((name) => name.length === folder.length + nameDigits && name.charCodeAt(folder.length) < 0x3a);
}

/** Objects of a page stand on lines of their own, so that a read can be held against another one without parsing either. */
function pageParts(item: ReadItem | ReadLines): readonly (string | Uint8Array)[] {
  if (item.kind === 'scopeEnd') return [JSON.stringify(item)];
  const { scope, cursor } = item;
  const head = JSON.stringify({ kind: 'objects', scope, cursor, alike: alikeOf(item) }).slice(0, -1);
  const lines = item.kind === 'lines' ? item.lines : item.objects.map((object) => lineOf(object)).join(lineBreak);
  return [`${head}${objectsBegin}`, lines, objectsEnd];
}

/** Of a page whose objects are all of one native type. */
interface Alike {
  readonly nativeType: string;
  readonly count: number;
}

function alikeOf(item: Extract<ReadItem, { kind: 'objects' }> | ReadLines): Alike | undefined {
  if (item.kind === 'lines') return { nativeType: item.nativeType, count: item.count };
  const nativeType = item.objects[0]?.type;
  const count = item.objects.length;
  return nativeType !== undefined && item.objects.every(({ type }) => type === nativeType)
    ? { nativeType, count }
    : undefined;
}

const objectsBegin = ',"objects":[\n';
const objectsEnd = '\n]}';

const newline = 0x0a;
const closing = Buffer.from(objectsEnd);
const opening = Buffer.from(objectsBegin);

/** Each page of a file, from where it stands to where it ends. */
function* pagesOf(buffer: Buffer): Generator<{ readonly start: number; readonly end: number }> {
  for (let start = 0; start < buffer.length;) {
    const lineEnd = endOfLine(buffer, start);
    const end = opensObjects(buffer, start, lineEnd)
      ? endOfLine(buffer, buffer.indexOf(closing, lineEnd) + closing.length)
      : lineEnd;
    yield { start, end };
    start = end + 1;
  }
}

function endOfLine(buffer: Buffer, from: number): number {
  const at = buffer.indexOf(newline, from);
  return at === -1 ? buffer.length : at;
}

function opensObjects(buffer: Buffer, start: number, lineEnd: number): boolean {
  const from = lineEnd + 1 - opening.length;
  return (
    from >= start && lineEnd < buffer.length && buffer.compare(opening, 0, opening.length, from, lineEnd + 1) === 0
  );
}

/**
 * The next file is read while whoever asks looks at this one, into the memory of the one before.
 *
 * HAZARD: what is yielded holds other bytes once the next one was asked for.
 */
async function* filesOf(store: ObjectStore, dataset: string, run: Digest): AsyncGenerator<Buffer> {
  const names = await pageFiles(store, dataset, run);
  const rooms = [Buffer.allocUnsafeSlow(0), Buffer.allocUnsafeSlow(0)];
  const read = (at: number): Promise<Buffer | null> => {
    const name = names[at];
    const reading = name === undefined ? Promise.resolve(null) : readInto(store, name, rooms, at % rooms.length);
    // Asked for early, so that it may fail before anybody waits for it.
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(0);
  for (let at = 0; at < names.length; at += 1) {
    const bytes = await next;
    next = read(at + 1);
    if (bytes) yield bytes;
  }
}

/** Fresh memory of some megabytes for each file costs as much as a sixth of a seal. */
async function readInto(store: ObjectStore, name: string, rooms: Buffer[], place: number): Promise<Buffer | null> {
  const room = rooms[place] ?? Buffer.alloc(0);
  const length = (await store.getInto?.(name, room)) ?? null;
  if (length !== null && length <= room.length) return room.subarray(0, length);
  const bytes = await store.get(name);
  if (!bytes) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (store.getInto && buffer.length <= roomBytesMax)
    rooms[place] = Buffer.allocUnsafeSlow(Math.min(roomBytesMax, 2 * buffer.length));
  return buffer;
}

export async function* pagesIn(store: ObjectStore, dataset: string, run: Digest): AsyncGenerator<ReadItem> {
  for await (const buffer of filesOf(store, dataset, run))
    for (const { start, end } of pagesOf(buffer)) {
      await letOthersRun();
      yield pageIn(buffer, start, end);
    }
}

/** Written by this worker's own connector and read by nobody else: trusted inside. */
function pageIn(buffer: Buffer, start: number, end: number): ReadItem {
  const head = endOfLine(buffer, start);
  if (!opensObjects(buffer, start, head)) return JSON.parse(textOf(buffer, start, end)) as ReadItem;
  const objects: NativeObject[] = [];
  const linesEnd = end - closing.length;
  for (let from = head + 1; from < linesEnd;) {
    // JSON has no line break within a text, so each begins behind an object.
    const to = Math.min(endOfLine(buffer, from + pieceBytes), linesEnd);
    const last = to < linesEnd ? to - 1 : to;
    const piece = JSON.parse(`[${textOf(buffer, from, last)}]`) as readonly NativeObject[];
    for (const object of piece) objects.push(object);
    from = to + 1;
  }
  const { kind, scope, cursor } = JSON.parse(`${textOf(buffer, start, head)}]}`) as ReadItem & { kind: 'objects' };
  return { kind, scope, objects, cursor };
}

/** A text this short lies where young objects do; that of a whole page takes fresh memory each time, which costs a fifth of parsing it. */
const pieceBytes = 16 * 1024;

/** Bytes of ASCII are their own text, and need not be looked through again. */
function textOf(buffer: Buffer, start: number, end: number): string {
  return buffer.toString(isAscii(buffer.subarray(start, end)) ? 'latin1' : 'utf8', start, end);
}

/** Lines of objects, one behind another, as they stand in a page. */
export interface ObjectPage {
  /** Holds other bytes once the next page was asked for. */
  readonly buffer: Buffer;
  /** Where the first line begins, and where the last one ends. */
  readonly start: number;
  readonly end: number;
  /** Null where its lines may be of several native types. A page of before does not say. */
  readonly alike: Alike | null;
}

/** What was written before objects had lines of their own has none. */
export async function* objectPagesIn(store: ObjectStore, dataset: string, run: Digest): AsyncGenerator<ObjectPage> {
  for await (const buffer of filesOf(store, dataset, run))
    for (const page of pagesOf(buffer)) {
      await letOthersRun();
      const head = endOfLine(buffer, page.start);
      const [start, end] = [head + 1, page.end - closing.length];
      if (start >= end) continue;
      // Written by this worker and read by nobody else: trusted inside.
      const { alike } = JSON.parse(`${buffer.toString('utf8', page.start, head)}]}`) as { readonly alike?: Alike };
      yield { buffer, start, end, alike: alike ?? null };
    }
}

/** Where each line of a page begins, and behind them where one more would. */
export function lineStarts({ buffer, start, end }: ObjectPage): readonly number[] {
  const starts: number[] = [];
  for (let at = start; at < end; at = Math.min(endOfLine(buffer, at), end) + 1) starts.push(at);
  starts.push(end + lineBreak.length);
  return starts;
}

/** Without the break behind it. */
export const endOfLineAt = (starts: readonly number[], line: number): number =>
  (starts[line + 1] ?? 0) - lineBreak.length;

/** Of which native type a line of an object is. */
export class LineNatives {
  readonly #begins: readonly Buffer[];
  #last = 0;

  constructor(natives: readonly string[]) {
    this.#begins = natives.map((native) => Buffer.from(lineBegin(native)));
  }
  /** Its place among the native types that were given; -1 where it is of none. */
  of(buffer: Buffer, start: number): number {
    if (this.#isOf(this.#last, buffer, start)) return this.#last;
    const found = this.#begins.findIndex((_begin, at) => this.#isOf(at, buffer, start));
    if (found !== -1) this.#last = found;
    return found;
  }
  #isOf(at: number, buffer: Buffer, start: number): boolean {
    const begin = this.#begins[at];
    const end = start + (begin?.length ?? 0);
    return begin !== undefined && end <= buffer.length && buffer.compare(begin, 0, begin.length, start, end) === 0;
  }
}

export class PageWriter {
  readonly #store: ObjectStore;
  readonly #folder: string;
  #sequence: number;
  #written: number;
  #waiting: (string | Uint8Array)[] = [];
  #waitingBytes = 0;
  #putting: Promise<unknown> = Promise.resolve();

  private constructor(store: ObjectStore, folder: string, sequence: number, written: number) {
    this.#store = store;
    this.#folder = folder;
    this.#sequence = sequence;
    this.#written = written;
  }

  /** Goes on behind what is there; `visit` is shown that first. */
  static async behind(
    store: ObjectStore,
    dataset: string,
    run: Digest,
    visit: (item: ReadItem) => void,
  ): Promise<PageWriter> {
    let written = 0;
    for await (const item of pagesIn(store, dataset, run)) visit(item);
    const files = await pageFiles(store, dataset, run);
    for (const name of files) written += (await store.get(name))?.length ?? 0;
    return new PageWriter(store, folderOf(dataset, run), files.length, written);
  }

  /** Returns once the page may be forgotten; a store that is slower than the mesh holds it back. */
  async add(item: ReadItem | ReadLines): Promise<void> {
    const parts = pageParts(item);
    if (this.#waiting.length > 0) this.#waiting.push('\n');
    this.#waiting.push(...parts);
    for (const part of parts) this.#waitingBytes += part.length;
    if (this.#waitingBytes >= Math.min(fileBytesMax, this.#written / shareOfWritten)) await this.#put();
  }

  /** All pages are there. */
  async end(): Promise<void> {
    if (this.#waiting.length > 0) await this.#put();
    await this.#putting;
  }

  /** One file is written while the next pages are read. */
  async #put(): Promise<void> {
    const bytes = Buffer.concat(this.#waiting.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
    const name = `${this.#folder}${String(this.#sequence).padStart(nameDigits, '0')}`;
    this.#sequence += 1;
    this.#written += bytes.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#putting;
    this.#putting = this.#putOne(name, bytes);
    // Whoever puts the next one, or ends, is told.
    this.#putting.catch(() => undefined);
  }

  async #putOne(name: string, bytes: Buffer): Promise<void> {
    if (await this.#store.putIfAbsent(name, bytes)) return;
    // HAZARD: pages of two reads, one behind another, could show an object twice or not at all.
    const there = await this.#store.get(name);
    if (!there || !bytes.equals(there))
      throw new ConcordatError('storeFault', `${name} was written by another attempt meanwhile`);
  }
}
