/**
 * Hops of records that a mesh shows and no base held yet, made from the bytes of its own seal: a canonical value stands there as
 * it is hashed, so nothing is parsed and nothing written as JSON again. What comes out is what draftHop
 * (core/lineage/make-hops.ts) makes of the same records, byte for byte; a property test holds it to that.
 */
import { byCodeUnit } from '../../core/json.js';
import type { Digest } from '../../core/digest.js';
import type { HopDraft } from '../../core/lineage/make-hops.js';
import { Hmac } from '../log/hmac.js';

const [quote, backslash, comma, closing] = [0x22, 0x5c, 0x2c, 0x7d];
const [openList, closeList, openObject] = [0x5b, 0x5d, 0x7b];
const lineHead = Buffer.from('{"fields":{');
const keyHead = Buffer.from('},"key":');
const emptySet = Buffer.from('[]');
const nullFirst = 0x6e;

interface FirstField {
  readonly isSet: boolean;
  /** `"name":` as a line shows it, and as the hop does. */
  readonly named: Buffer;
  readonly text: string;
  /** What its salt is derived from. */
  readonly info: Buffer;
}

export interface FirstHopsOf {
  readonly dataset: string;
  readonly type: string;
  /** Fields that the authority holds. */
  readonly held: readonly string[];
  /** Of which a base says "no elements" where a member says null. */
  readonly setFields: readonly string[];
}

export class FirstHops {
  readonly #fields: readonly FirstField[];
  readonly #namePrefix: string;
  readonly #tail: string;
  readonly #underSalt = new Hmac();
  readonly #underField = new Hmac();
  /** Of the record that was read last: which fields it has, and where their values begin and end. */
  readonly #found: Int32Array;
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  #count = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #key = '';

  constructor({ dataset, type, held, setFields }: FirstHopsOf) {
    this.#fields = [...held].sort(byCodeUnit).map((name) => ({
      isSet: setFields.includes(name),
      named: Buffer.from(`${JSON.stringify(name)}:`),
      text: `${JSON.stringify(name)}:"`,
      info: Buffer.from(`concordat/field\n${type}\n${name}\u0001`),
    }));
    this.#namePrefix = `concordat/record\n${dataset}\n${type}\n`;
    this.#tail = `,"type":${JSON.stringify(type)}}`;
    this.#found = new Int32Array(held.length);
    this.#from = new Int32Array(held.length);
    this.#to = new Int32Array(held.length);
  }

  /**
   * Takes up the canonical JSON `{"fields":{…},"key":"…"}` between two places and gives its key. Null where it is not of that
   * form, or has a field that the authority does not hold: then it has to be parsed.
   */
  read(bytes: Buffer, start: number, end: number): string | null {
    this.#bytes = bytes;
    this.#count = 0;
    if (!standsAt(bytes, start, lineHead)) return null;
    let at = start + lineHead.length;
    let field = 0;
    while (bytes[at] !== closing) {
      if (this.#count > 0) {
        if (bytes[at] !== comma) return null;
        at += 1;
      }
      while (field < this.#fields.length && !standsAt(bytes, at, this.#fields[field]?.named)) field += 1;
      const named = this.#fields[field]?.named;
      if (!named) return null;
      const from = at + named.length;
      at = valueEnd(bytes, from, end);
      this.#found[this.#count] = field;
      this.#from[this.#count] = from;
      this.#to[this.#count] = at;
      this.#count += 1;
      field += 1;
    }
    const key = at + keyHead.length;
    if (!standsAt(bytes, at, keyHead) || bytes[key] !== quote || valueEnd(bytes, key, end) !== end - 1) return null;
    const text = bytes.toString('utf8', key + 1, end - 2);
    this.#key = text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
    return this.#key;
  }

  /** Of the record that was read last. */
  draft(salt: Uint8Array, native: Digest | null): HopDraft {
    const [underSalt, underField] = [this.#underSalt, this.#underField];
    underSalt.setKey(salt);
    let after = '';
    for (let index = 0; index < this.#count; index += 1) {
      const field = this.#fields[this.#found[index] ?? 0];
      if (!field) throw new Error('a field was found that there is not');
      const [from, to] = [this.#from[index] ?? 0, this.#to[index] ?? 0];
      underField.setBinaryKey(underSalt.binary(field.info));
      const digest =
        field.isSet && this.#bytes[from] === nullFirst
          ? underField.hex(emptySet)
          : underField.hex(this.#bytes, from, to);
      after += `${index === 0 ? '' : ','}${field.text}${digest}"`;
    }
    const record = underSalt.hexOfText(this.#namePrefix + this.#key);
    const keyed = native === null ? 'null' : `"${native}"`;
    const text = `{"after":{${after}},"before":null,"cause":{"kind":"observed"},"native":${keyed},"previous":null,"record":"${record}"${this.#tail}`;
    return { record, text };
  }
}

function standsAt(bytes: Buffer, at: number, text: Buffer | undefined): boolean {
  if (!text) return false;
  for (let index = 0; index < text.length; index += 1) if (bytes[at + index] !== text[index]) return false;
  return true;
}

/** Behind the JSON value that begins at the place; `end` where it does not end before. */
function valueEnd(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start];
  let at = start;
  if (first !== quote && first !== openList && first !== openObject) {
    while (at < end && bytes[at] !== comma && bytes[at] !== closing) at += 1;
    return at;
  }
  let depth = 0;
  while (at < end) {
    const byte = bytes[at];
    at += 1;
    if (byte === quote) {
      while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
      at += 1;
    } else if (byte === openList || byte === openObject) depth += 1;
    else if (byte === closeList || byte === closing) depth -= 1;
    if (depth === 0) return at;
  }
  return end;
}
