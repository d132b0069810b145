/**
 * Writes very many records whose values stand in the order of the same names, each once and as bytes: its canonical JSON straight
 * to where it waits for its segment, its digests from those very bytes. What is not plain (a number, an object, text that
 * needs more than a look) is left to EntryEncoder; a property test holds the one to the other.
 */
import type { Json } from '../../core/json.js';
import { digestBytes, entryShape, hashBytes } from './entry-buffer.js';
import type { EntryCollector } from './entry-collector.js';
import {
  areNamesPlain,
  ascii,
  fieldsEnd,
  GroupTexts,
  nameBytes,
  partsOf,
  put,
  recordBegin,
  standsForItself,
  type RecordParts,
} from './group-texts.js';
import type { KeyHash } from './key-hash.js';
import type { RecordLayout } from './record-layout.js';
import { sha256Binary } from './sha256.js';

/** A control character takes six. */
const bytesPerUnitMax = 6;
const quote = 0x22;
const comma = 0x2c;
const words = { true: ascii('true'), false: ascii('false'), null: ascii('null') };

export class StraightEncoder {
  readonly #hashKey: KeyHash;
  readonly #collector: EntryCollector;
  readonly #headBytes: number;
  /** `"name":` of each value. */
  readonly #names: readonly Uint8Array[];
  readonly #groupCount: number;
  readonly #texts: GroupTexts;
  readonly #fixedBytes: number;
  readonly #hash = new DataView(new ArrayBuffer(hashBytes));
  /** Where the bytes of each value lie, with its name, in what was written last. */
  readonly #parts: RecordParts;

  /** Null where the names are none that JSON.stringify and RFC 8785 write alike, in one order, or no group holds one. */
  static of(
    layout: RecordLayout,
    hashKey: KeyHash,
    names: readonly string[],
    collector: EntryCollector,
  ): StraightEncoder | null {
    const held = new Set(layout.groups.flatMap(({ fields }) => fields));
    const isPlain = areNamesPlain(names) && names.every((name) => held.has(name));
    return isPlain ? new StraightEncoder(layout, hashKey, names, collector) : null;
  }

  private constructor(layout: RecordLayout, hashKey: KeyHash, names: readonly string[], collector: EntryCollector) {
    this.#hashKey = hashKey;
    this.#collector = collector;
    this.#headBytes = entryShape(layout.groups.length).headBytes;
    this.#names = names.map(nameBytes);
    this.#groupCount = layout.groups.length;
    this.#texts = new GroupTexts(layout.groups, names);
    this.#parts = partsOf(names);
    this.#fixedBytes =
      this.#headBytes +
      recordBegin.length +
      fieldsEnd.length +
      1 +
      this.#names.reduce((sum, name) => sum + name.length + 8, 0);
  }

  /** False where the record is not plain: then nothing was kept. */
  add(key: string, values: readonly (Json | undefined)[]): boolean {
    const bytesMax = this.#bytesMax(key, values);
    if (bytesMax < 0) return false;
    this.#hash.setBigUint64(0, this.#hashKey(key));
    const hashHigh = this.#hash.getUint32(0);
    const room = this.#collector.room(hashHigh, bytesMax);
    if (room === null) return false;
    const { bytes, start } = room;
    const json = start + this.#headBytes;
    const last = this.#write(bytes, json, key, values);
    if (last < 0) return false;
    putUint32(bytes, start, hashHigh);
    putUint32(bytes, start + 4, this.#hash.getUint32(4));
    let at = start + hashBytes;
    for (let group = 0; group < this.#groupCount; group += 1) {
      putDigest(bytes, at, this.#texts.of(group, bytes, json, this.#parts));
      at += digestBytes;
    }
    putUint32(bytes, at, last - json);
    this.#collector.keep(last - start);
    return true;
  }

  /** -1 where a value is not plain. */
  #bytesMax(key: string, values: readonly (Json | undefined)[]): number {
    let units = key.length;
    let marks = 2;
    for (let at = 0; at < this.#names.length; at += 1) {
      const value = values[at];
      if (typeof value === 'string') units += value.length;
      else if (typeof value === 'object' && value !== null) {
        if (!Array.isArray(value)) return -1;
        marks += 2;
        for (const element of value as readonly Json[]) {
          if (typeof element !== 'string') return -1;
          units += element.length;
          marks += 3;
        }
      } else if (typeof value === 'number') return -1;
    }
    return this.#fixedBytes + marks + units * bytesPerUnitMax;
  }

  /** Where the text ends; -1 where it has no canonical JSON. */
  #write(bytes: Buffer, from: number, key: string, values: readonly (Json | undefined)[]): number {
    const { starts, ends } = this.#parts;
    let at = put(bytes, from, recordBegin);
    let isFirst = true;
    for (let index = 0; index < this.#names.length; index += 1) {
      const value = values[index];
      const name = this.#names[index];
      if (value === undefined || name === undefined) {
        starts[index] = at;
        ends[index] = at;
        continue;
      }
      if (!isFirst) {
        bytes[at] = comma;
        at += 1;
      }
      isFirst = false;
      starts[index] = at;
      at = put(bytes, at, name);
      if (typeof value === 'string') at = putText(bytes, at, value);
      else if (Array.isArray(value)) at = putTexts(bytes, at, value as readonly string[]);
      else at = put(bytes, at, value === null ? words.null : value === true ? words.true : words.false);
      if (at < 0) return -1;
      ends[index] = at;
    }
    this.#parts.fieldsEnd = at;
    at = putText(bytes, put(bytes, at, fieldsEnd), key);
    if (at < 0) return -1;
    bytes[at] = 0x7d;
    this.#parts.recordEnd = at + 1;
    return at + 1;
  }
}

function putUint32(bytes: Buffer, at: number, number: number): void {
  bytes[at] = number >>> 24;
  bytes[at + 1] = number >>> 16;
  bytes[at + 2] = number >>> 8;
  bytes[at + 3] = number;
}

function putDigest(bytes: Buffer, at: number, text: Uint8Array): void {
  const digest = sha256Binary(text);
  for (let index = 0; index < digestBytes; index += 1) bytes[at + index] = digest.charCodeAt(index);
}

function putTexts(bytes: Buffer, from: number, texts: readonly string[]): number {
  let at = from;
  bytes[at] = 0x5b;
  at += 1;
  for (let index = 0; index < texts.length; index += 1) {
    if (index > 0) {
      bytes[at] = comma;
      at += 1;
    }
    at = putText(bytes, at, texts[index] ?? '');
    if (at < 0) return -1;
  }
  bytes[at] = 0x5d;
  return at + 1;
}

function putText(bytes: Buffer, from: number, text: string): number {
  let at = from;
  bytes[at] = quote;
  at += 1;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7e || standsForItself[unit] === 0) return putOther(bytes, from, text);
    bytes[at] = unit;
    at += 1;
  }
  bytes[at] = quote;
  return at + 1;
}

/** Text that is escaped or longer than its units. JSON.stringify writes texts as RFC 8785 does, but for lone surrogates. */
function putOther(bytes: Buffer, from: number, text: string): number {
  return text.isWellFormed() ? from + bytes.write(JSON.stringify(text), from, 'utf8') : -1;
}
