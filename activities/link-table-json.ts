/** A table of links, `{"<type>":{"<native id>":"<key>"}}`, read and written without an object for each: a small one whole, or a bucket of a large one. */
import { ConcordatError } from '../core/errors.js';
import { LinkPairs } from './link-pairs.js';

const [quote, backslash, colon, comma, opening, closing] = [0x22, 0x5c, 0x3a, 0x2c, 0x7b, 0x7d];
const piecesBytes = 1024 * 1024;
/** Of a native id and a key of 64 hexadecimals, in quotes. */
const usualBytes = 112;

/** Throws storeFault where the bytes are something else. */
export function parseLinkTable(bytes: Uint8Array): Map<string, LinkPairs> {
  const reader = new TokenReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const table = new Map<string, LinkPairs>();
  reader.object((type) => {
    const pairs = new LinkPairs();
    reader.object((nativeId) => pairs.set(nativeId, reader.text()));
    table.set(type, pairs);
  });
  reader.end();
  return table;
}

/** Each link in its order. Throws as parseLinkTable. */
export function eachLink(bytes: Uint8Array, visit: (type: string, nativeId: string, key: string) => void): void {
  const reader = new TokenReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  reader.object((type) => reader.object((nativeId) => visit(type, nativeId, reader.text())));
  reader.end();
}

/**
 * Of one type those pairs that have one of these native ids or keys, in their order. Throws as parseLinkTable. A text is made only
 * of what may be one of them: of a thousand links hardly one is asked for.
 */
export function linksIn(
  bytes: Uint8Array,
  type: string,
  nativeIds: ReadonlySet<string>,
  keys: ReadonlySet<string>,
): LinkPairs {
  const reader = new TokenReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const [mayBeId, mayBeKey] = [new HashSieve(nativeIds), new HashSieve(keys)];
  const pairs = new LinkPairs();
  reader.object((name) =>
    reader.tokens(() => {
      if (name !== type) {
        reader.pass();
        return;
      }
      const isIdNear = mayBeId.has(reader.hash());
      const [start, end, isPlain] = [reader.tokenStart, reader.tokenEnd, reader.isPlain];
      reader.pass();
      // Of a text with escapes the bytes say little.
      if (isPlain && reader.isPlain && !isIdNear && !mayBeKey.has(reader.hash())) return;
      const key = reader.tokenText();
      const nativeId = reader.textAt(start, end, isPlain);
      if (nativeIds.has(nativeId) || keys.has(key)) pairs.set(nativeId, key);
    }),
  );
  reader.end();
  return pairs;
}

/** Tells most texts apart from some by a few of their bytes, and none of those from them. */
class HashSieve {
  readonly #marks: Uint8Array;

  constructor(texts: ReadonlySet<string>) {
    const bits = Math.min(marksBitsMax, Math.ceil(Math.log2(texts.size + 1)) + marksBitsOfOne);
    this.#marks = new Uint8Array(2 ** bits);
    for (const text of texts) {
      const bytes = Buffer.from(text);
      this.#marks[hashOf(bytes, 0, bytes.length) & (this.#marks.length - 1)] = 1;
    }
  }
  has(hash: number): boolean {
    return this.#marks[hash & (this.#marks.length - 1)] === 1;
  }
}
const marksBitsOfOne = 6;
const marksBitsMax = 24;

/** Of its length and twelve of its bytes at most: ids that count differ at the end, digests anywhere. It finds and proves nothing. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = length;
  if (length <= 12) for (let at = start; at < end; at += 1) hash = mixed(hash, bytes[at] ?? 0);
  else {
    hash = mixed(hash, wordAt(bytes, start));
    hash = mixed(hash, wordAt(bytes, start + (length >>> 1) - 2));
    hash = mixed(hash, wordAt(bytes, end - 4));
  }
  return hash ^ (hash >>> 15);
}

const mixed = (hash: number, word: number): number => {
  const next = Math.imul(hash ^ word, 0x9e3779b1);
  return next ^ (next >>> 16);
};
const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);

interface Pairs {
  readonly size: number;
  readonly entries: () => Iterable<readonly [nativeId: string, key: string]>;
}

/** Types in order; of each its pairs in the order in which they were set. Grows in one place: a second one would be as large. */
export function linkTableBytes(types: Iterable<readonly [type: string, pairs: Pairs]>): Buffer {
  const all = [...types];
  const expected = all.reduce((sum, [type, { size }]) => sum + Buffer.byteLength(type) + size * usualBytes, 0);
  const table = new GrowingBytes(expected + Math.min(expected, piecesBytes) + 64);
  let piece = '{';
  let isFirstType = true;
  for (const [type, pairs] of all) {
    piece += `${isFirstType ? '' : ','}${JSON.stringify(type)}:{`;
    isFirstType = false;
    let isFirst = true;
    for (const [nativeId, key] of pairs.entries()) {
      piece += `${isFirst ? '' : ','}${JSON.stringify(nativeId)}:${JSON.stringify(key)}`;
      isFirst = false;
      if (piece.length < piecesBytes) continue;
      table.add(piece);
      piece = '';
    }
    piece += '}';
  }
  table.add(`${piece}}`);
  return table.bytes();
}

class GrowingBytes {
  #bytes: Buffer;
  #used = 0;

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(expectedBytes);
  }

  add(text: string): void {
    const room = this.#used + Buffer.byteLength(text);
    if (room > this.#bytes.length) {
      const more = Buffer.allocUnsafeSlow(Math.ceil(room * 1.3));
      this.#bytes.copy(more, 0, 0, this.#used);
      this.#bytes = more;
    }
    this.#used += this.#bytes.write(text, this.#used, 'utf8');
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }
}

class TokenReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Calls for each name; what stands behind it is to be read before the call returns. */
  object(member: (name: string) => void): void {
    this.tokens(() => member(this.tokenText()));
  }

  /** The same, where most names are not asked for. */
  tokens(member: () => void): void {
    this.#take(opening);
    if (this.#next() === closing) {
      this.#at += 1;
      return;
    }
    for (;;) {
      this.pass();
      this.#take(colon);
      member();
      if (this.#next() === closing) break;
      this.#take(comma);
    }
    this.#at += 1;
  }

  text(): string {
    this.pass();
    return this.tokenText();
  }

  /** Of the token that was passed last, between its quotes. */
  tokenStart = 0;
  tokenEnd = 0;
  /** Whether its bytes are its text. */
  isPlain = true;

  /** Over one text. */
  pass(): void {
    this.#take(quote);
    const start = this.#at;
    const bytes = this.#bytes;
    let end = endOfText(bytes, start);
    this.isPlain = bytes[end] === quote;
    while (bytes[end] === backslash) end = endOfText(bytes, end + 2);
    if (end >= bytes.length) throw notATable();
    this.tokenStart = start;
    this.tokenEnd = end;
    this.#at = end + 1;
  }

  /** Of the bytes of the token that was passed last. */
  hash(): number {
    return hashOf(this.#bytes, this.tokenStart, this.tokenEnd);
  }

  tokenText(): string {
    return this.textAt(this.tokenStart, this.tokenEnd, this.isPlain);
  }

  textAt(start: number, end: number, isPlain: boolean): string {
    if (isPlain) return this.#bytes.toString('utf8', start, end);
    try {
      return JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) as string;
    } catch {
      throw notATable();
    }
  }

  end(): void {
    if (this.#next() !== undefined) throw notATable();
  }

  #next(): number | undefined {
    for (; ; this.#at += 1) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte > 0x20 || ![0x20, 0x09, 0x0a, 0x0d].includes(byte)) return byte;
    }
  }

  #take(byte: number): void {
    if (this.#next() !== byte) throw notATable();
    this.#at += 1;
  }
}

/** Where the next quote or backslash stands; as many as there are bytes where none does. */
function endOfText(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  let end = from;
  for (; end < length; end += 1) {
    const byte = bytes[end];
    if (byte === quote || byte === backslash) break;
  }
  return Math.min(end, length);
}

function notATable(): ConcordatError {
  return new ConcordatError('storeFault', 'the links in the private store are not what this authority wrote there');
}
