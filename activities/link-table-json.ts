/** The head of an authority's links, `{"<type>":{"<native id>":"<key>"}}`, read and written without an object for each. */
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

/** Of one type those pairs that are wanted, in their order; `isEmpty`: it has no pair at all. Throws as parseLinkTable. */
export function linksIn(
  bytes: Uint8Array,
  type: string,
  isWanted: (nativeId: string, key: string) => boolean,
): { readonly pairs: LinkPairs; readonly isEmpty: boolean } {
  const reader = new TokenReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const pairs = new LinkPairs();
  let isEmpty = true;
  reader.object((name) =>
    reader.object((nativeId) => {
      const key = reader.text();
      if (name !== type) return;
      isEmpty = false;
      if (isWanted(nativeId, key)) pairs.set(nativeId, key);
    }),
  );
  reader.end();
  return { pairs, isEmpty };
}

/** Types in order; of each its pairs in the order in which they were set. Grows in one place: a second one would be as large. */
export function linkTableBytes(types: Iterable<readonly [type: string, pairs: LinkPairs]>): Buffer {
  const all = [...types];
  const table = new GrowingBytes(all.reduce((sum, [, pairs]) => sum + pairs.size * usualBytes, piecesBytes));
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
    this.#take(opening);
    if (this.#next() === closing) {
      this.#at += 1;
      return;
    }
    for (;;) {
      const name = this.text();
      this.#take(colon);
      member(name);
      if (this.#next() === closing) break;
      this.#take(comma);
    }
    this.#at += 1;
  }

  text(): string {
    this.#take(quote);
    const start = this.#at;
    let isPlain = true;
    let end = start;
    for (; this.#bytes[end] !== quote; end += 1) {
      if (end >= this.#bytes.length) throw notATable();
      if (this.#bytes[end] !== backslash) continue;
      isPlain = false;
      end += 1;
    }
    this.#at = end + 1;
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
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.#bytes[this.#at] ?? 0)) this.#at += 1;
    return this.#bytes[this.#at];
  }

  #take(byte: number): void {
    if (this.#next() !== byte) throw notATable();
    this.#at += 1;
  }
}

function notATable(): ConcordatError {
  return new ConcordatError('storeFault', 'the links in the private store are not what this authority wrote there');
}
