/**
 * A plan of any size, part by part: its bytes pass by once in pieces, each operation or divergence is parsed by itself and let
 * go, and what the bytes hash to is held against their name. Members of the document that nobody asked for are only
 * stepped over.
 */
import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { ObjectStore } from '../../activities/store.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';

const pieceBytesUsually = 1024 * 1024;
/** One conflict names what each candidate would write; more than this is no plan of ours. */
const partBytesMax = 64 * 1024 * 1024;

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
  /** Its element, of a list; the whole value of any other member. */
  readonly text: string;
}

export interface PlanPlaces {
  readonly size: number;
  readonly members: ReadonlyMap<string, Place>;
}

export async function sizeOf(store: ObjectStore, name: string): Promise<number | null> {
  return store.size ? store.size(name) : ((await store.get(name))?.length ?? null);
}

/**
 * Every part of the members that are wanted, in batches, in the order of the document. What it returns says where members
 * lie. Throws inputNotAuthentic in its course where the bytes are no document, and at its end where they are not the ones
 * that the digest names: nothing may be shown before the end.
 */
export async function* planParts(
  store: ObjectStore,
  { ref, sha256 }: { readonly ref: string; readonly sha256: Digest },
  isWanted: (member: string) => boolean,
  pieceBytes = pieceBytesUsually,
): AsyncGenerator<readonly Part[], PlanPlaces> {
  const size = await sizeOf(store, ref);
  if (size === null) throw refused(ref, 'is not in the exchange store');
  const hash = createHash('sha256');
  const source = new Source(store, ref, { start: 0, end: size }, pieceBytes, (bytes) => void hash.update(bytes));
  const members = new Map<string, Place>();
  let last = '';
  await source.take(open);
  for (let isFirst = true; (await source.peek()) !== close; isFirst = false) {
    if (!isFirst) await source.take(comma);
    const member = parsePart(await source.value());
    await source.take(colon);
    // HAZARD: one name twice would be two documents to two readers.
    if (typeof member !== 'string' || (!isFirst && member <= last)) throw refused(ref, 'is not canonical JSON');
    last = member;
    const start = source.position;
    if (!isWanted(member)) await source.skip();
    else if ((await source.peek()) === openList) {
      for await (const texts of elements(source)) yield texts.map((text) => ({ member, text }));
    } else yield [{ member, text: await source.value() }];
    members.set(member, { start, end: source.position });
  }
  await source.take(close);
  if (source.position !== size || hash.digest('hex') !== sha256) throw refused(ref, 'does not hash to its name');
  return { size, members };
}

/** The elements of one list that was found before, read alone. */
export async function* partsAt(store: ObjectStore, ref: string, place: Place): AsyncGenerator<readonly string[]> {
  yield* elements(new Source(store, ref, place, pieceBytesUsually, () => undefined));
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

/** JSON of one part; undefined where another reader could see another value in the same bytes. */
export function parsePart(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(ref: string, why: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `${ref} ${why}`);
}

/** Bytes of one object, a piece at a time, with a place in them. */
class Source {
  readonly #store: ObjectStore;
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
    store: ObjectStore,
    ref: string,
    { start, end }: Place,
    pieceBytes: number,
    seen: (bytes: Uint8Array) => void,
  ) {
    this.#pieceBytes = pieceBytes;
    this.#store = store;
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

  async take(byte: number): Promise<void> {
    if ((await this.peek()) !== byte) throw refused(this.#ref, 'is not canonical JSON');
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
    if (!isUtf8(bytes)) throw refused(this.#ref, 'is not UTF-8');
    this.#at = end;
    return bytes.toString('utf8');
  }

  async #valueEnd(): Promise<number> {
    await this.peek();
    for (;;) {
      const end = valueEnd(this.#piece, this.#at);
      if (end >= 0) return end;
      if (this.#read >= this.#end || this.#piece.length - this.#at > partBytesMax)
        throw refused(this.#ref, 'is not canonical JSON');
      await this.#more();
    }
  }

  /** Lets go of what lies behind, and reads on. */
  async #more(): Promise<void> {
    const rest = this.#piece.subarray(this.#at);
    // A part longer than a piece is read in ever larger ones, so that it is not looked through again and again.
    const length = Math.min(Math.max(this.#pieceBytes, rest.length), this.#end - this.#read);
    if (length <= 0) return;
    const bytes = await this.#store.getRange(this.#ref, this.#read, length);
    this.#seen(bytes);
    this.#read += length;
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
