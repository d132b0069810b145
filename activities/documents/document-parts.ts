/**
 * A document of any size, part by part: its bytes pass by once, each element of its lists is parsed by itself and let go, and
 * what the bytes hash to is held against their name. Members of the document that nobody asked for are only stepped over.
 */
import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { canonicalJson } from '../../core/digest.js';
import { isDeeper, type Json } from '../../core/json.js';
import type { Ref } from '../../core/messages.js';
import { depthMax } from '../keys/canonical-text.js';
import type { ObjectStore } from '../store.js';
import { openDocument, type OpenDocument } from './open-document.js';
import { refusedDocument } from './piece-list.js';

const readBytesUsually = 1024 * 1024;
/**
 * HAZARD: a reader holds one part whole. One conflict names what each candidate would write, and one signed decision all that
 * it approves; more than this is no document of ours.
 */
const partBytesMax = 128 * 1024 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const [comma, colon, open, close, openList, closeList] = [0x2c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d];

/** Where a member of the document lies, from the first byte of its value to the one after its last. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

export interface Part {
  readonly member: string;
  /** Of a member that is a map: which of its own. */
  readonly inner: string | null;
  /** Whether it is one element of a list there. What is no list, and what is empty, comes whole. */
  readonly isElement: boolean;
  readonly text: string;
}

export interface DocumentPlaces {
  readonly size: number;
  readonly members: ReadonlyMap<string, Place>;
}

/**
 * Every part of the members that are wanted, in batches, in the order of the document. What it returns says where members
 * lie. Throws inputNotAuthentic in its course where the bytes are no document, and at its end where they are not the ones
 * that the digest names: nothing may be shown before the end.
 */
export async function* documentParts(
  store: ObjectStore,
  ref: Ref,
  isWanted: (member: string) => boolean,
  readBytes = readBytesUsually,
): AsyncGenerator<readonly Part[], DocumentPlaces> {
  const document = await openDocument(store, ref);
  if (document === null) throw refusedDocument(ref.ref, 'is not in the exchange store');
  return yield* partsOf(document, ref, isWanted, readBytes);
}

export async function* partsOf(
  document: OpenDocument,
  { ref, sha256 }: Ref,
  isWanted: (member: string) => boolean,
  readBytes = readBytesUsually,
): AsyncGenerator<readonly Part[], DocumentPlaces> {
  const size = document.bytes;
  const hash = createHash('sha256');
  const source = new Source(document, ref, { start: 0, end: size }, readBytes, (bytes) => void hash.update(bytes));
  const members = new Map<string, Place>();
  for await (const member of names(source, ref)) {
    const start = source.position;
    if (!isWanted(member)) await source.skip();
    else if ((await source.peek()) === open && !(await source.isEmpty())) {
      for await (const inner of names(source, ref))
        for await (const some of valueParts(source)) yield some.map((part) => ({ member, inner, ...part }));
    } else for await (const some of valueParts(source)) yield some.map((part) => ({ member, inner: null, ...part }));
    members.set(member, { start, end: source.position });
  }
  if (source.position !== size || hash.digest('hex') !== sha256)
    throw refusedDocument(ref, 'does not hash to its name');
  return { size, members };
}

/** The names of the map that begins here, each with the place at its value; whoever takes them reads the value before the next. */
async function* names(source: Source, ref: string): AsyncGenerator<string> {
  await source.take(open);
  let last: string | undefined;
  while ((await source.peek()) !== close) {
    if (last !== undefined) await source.take(comma);
    const name = parsePart(await source.value());
    await source.take(colon);
    // HAZARD: one name twice would be two documents to two readers.
    if (typeof name !== 'string' || (last !== undefined && name <= last))
      throw refusedDocument(ref, 'is not canonical JSON');
    last = name;
    yield name;
  }
  await source.take(close);
}

async function* valueParts(source: Source): AsyncGenerator<readonly Pick<Part, 'isElement' | 'text'>[]> {
  if ((await source.peek()) !== openList || (await source.isEmpty())) {
    yield [{ isElement: false, text: await source.value() }];
    return;
  }
  for await (const texts of elements(source)) yield texts.map((text) => ({ isElement: true, text }));
}

/** The elements of one list that was found before, read alone. */
export async function* partsAt(store: ObjectStore, ref: Ref, place: Place): AsyncGenerator<readonly string[]> {
  const document = await openDocument(store, ref);
  if (document === null) throw refusedDocument(ref.ref, 'is not in the exchange store');
  yield* elements(new Source(document, ref.ref, place, readBytesUsually, () => undefined));
}

async function* elements(source: Source): AsyncGenerator<readonly string[]> {
  await source.take(openList);
  if ((await source.peek()) === closeList) return source.take(closeList);
  for (;;) {
    const texts = [await source.value()];
    let next: string | null = null;
    // What lies in memory already needs nobody to wait for it.
    while ((next = source.nextInPiece()) !== null) texts.push(next);
    yield texts;
    if ((await source.peek()) === closeList) return source.take(closeList);
    await source.take(comma);
  }
}

/** JSON of one part; undefined where it is not canonical: another reader could see another value in the same bytes. */
export function parsePart(text: string): unknown {
  try {
    const value = JSON.parse(text) as Json;
    if (isDeeper(value, depthMax)) return undefined;
    // The same as canonicalJson, and five times as fast, where names stand in order as nearly all do.
    if (JSON.stringify(value) === text && isInOrder(value)) return value;
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function isInOrder(value: Json): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) {
    for (const part of value as readonly Json[]) if (!isInOrder(part)) return false;
    return true;
  }
  let last: string | undefined;
  for (const [name, member] of Object.entries(value as Readonly<Record<string, Json>>)) {
    if ((last !== undefined && name <= last) || !name.isWellFormed() || !isInOrder(member)) return false;
    last = name;
  }
  return true;
}

/** Bytes of one document, a piece at a time, with a place in them. */
class Source {
  readonly #document: OpenDocument;
  readonly #ref: string;
  readonly #end: number;
  readonly #pieceBytes: number;
  readonly #seen: (bytes: Uint8Array) => void;
  #piece = Buffer.alloc(0);
  /** In the piece. */
  #at = 0;
  /** Of the object: where the piece ends. */
  #read: number;

  constructor(
    document: OpenDocument,
    ref: string,
    { start, end }: Place,
    pieceBytes: number,
    seen: (bytes: Uint8Array) => void,
  ) {
    this.#pieceBytes = pieceBytes;
    this.#document = document;
    this.#ref = ref;
    this.#read = start;
    this.#end = end;
    this.#seen = seen;
  }

  get position(): number {
    return this.#read - this.#piece.length + this.#at;
  }

  async peek(): Promise<number> {
    if (this.#at >= this.#piece.length) await this.#more();
    return this.#piece[this.#at] ?? -1;
  }

  /** Whether a list or a map ends right where it begins. */
  async isEmpty(): Promise<boolean> {
    await this.peek();
    if (this.#at + 1 >= this.#piece.length) await this.#more();
    const byte = this.#piece[this.#at + 1];
    return byte === close || byte === closeList;
  }

  async take(byte: number): Promise<void> {
    if ((await this.peek()) !== byte) throw refusedDocument(this.#ref, 'is not canonical JSON');
    this.#at += 1;
  }

  async value(): Promise<string> {
    return this.#text(await this.#valueEnd());
  }

  async skip(): Promise<void> {
    if ((await this.peek()) !== openList) {
      this.#at = await this.#valueEnd();
      return;
    }
    // A list can be longer than memory: it is stepped over element by element.
    await this.take(openList);
    if ((await this.peek()) === closeList) return this.take(closeList);
    for (;;) {
      this.#at = await this.#valueEnd();
      if ((await this.peek()) === closeList) return this.take(closeList);
      await this.take(comma);
    }
  }

  /** `,` and a value, where both lie in the piece whole. */
  nextInPiece(): string | null {
    if (this.#piece[this.#at] !== comma) return null;
    const end = valueEnd(this.#piece, this.#at + 1);
    if (end < 0) return null;
    this.#at += 1;
    return this.#text(end);
  }

  #text(end: number): string {
    const bytes = this.#piece.subarray(this.#at, end);
    if (!isUtf8(bytes)) throw refusedDocument(this.#ref, 'is not UTF-8');
    this.#at = end;
    return bytes.toString('utf8');
  }

  async #valueEnd(): Promise<number> {
    await this.peek();
    for (;;) {
      const end = valueEnd(this.#piece, this.#at);
      if (end >= 0) return end;
      if (this.#read >= this.#end || this.#piece.length - this.#at > partBytesMax)
        throw refusedDocument(this.#ref, 'is not canonical JSON');
      await this.#more();
    }
  }

  /** Lets go of what lies behind, and reads on. */
  async #more(): Promise<void> {
    const rest = this.#piece.subarray(this.#at);
    // A part longer than a piece is read in ever larger ones, so that it is not looked through again and again.
    const length = Math.min(Math.max(this.#pieceBytes, rest.length), this.#end - this.#read);
    if (length <= 0) return;
    const bytes = await this.#document.read(this.#read, length);
    this.#seen(bytes);
    this.#read += bytes.length;
    this.#piece = Buffer.concat([rest, bytes]);
    this.#at = 0;
  }
}

/** The byte after the value that begins at a place; -1 where it goes on behind the end of the piece. */
function valueEnd(bytes: Buffer, from: number): number {
  const { length } = bytes;
  let depth = 0;
  for (let at = from; at < length;) {
    const byte = bytes[at];
    if (byte === quote) {
      at += 1;
      while (at < length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
      at += 1;
      if (at > length) return -1;
      if (depth === 0) return at;
    } else if (byte === open || byte === openList) {
      depth += 1;
      at += 1;
    } else if (byte === close || byte === closeList) {
      // The end of what the value stands in: it was a number or a word.
      if (depth === 0) return at === from ? length : at;
      depth -= 1;
      at += 1;
      if (depth === 0) return at;
    } else if (byte === comma && depth === 0) return at === from ? length : at;
    else at += 1;
  }
  return -1;
}
