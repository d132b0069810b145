/** What groupText (core/record-digest.ts) gives of each group, put together from the canonical bytes of a whole record. */
import { Buffer } from 'node:buffer';
import type { SealedGroup } from '../../core/sealed.js';

export const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const recordBegin = ascii('{"fields":{');
export const fieldsEnd = ascii('},"key":');
export const nameBytes = (name: string): Uint8Array => ascii(`"${name}":`);
const comma = 0x2c;

/** By unit: what JSON writes as it is. A look into a table takes half the time of the comparisons. */
export const standsForItself = Uint8Array.from({ length: 0x100 }, (_, unit) =>
  unit >= 0x20 && unit <= 0x7e && unit !== 0x22 && unit !== 0x5c ? 1 : 0,
);

/** Whether JSON.stringify and RFC 8785 write these names alike and in this order, which is that of code units. */
export function areNamesPlain(names: readonly string[]): boolean {
  return names.every((name, at) => /^[A-Za-z]\w*$/.test(name) && (at === 0 || (names[at - 1] ?? '') < name));
}

/** Where the parts of a record lie in its bytes. One for all records of a type: of a million each would else make one. */
export interface RecordParts {
  /** Of each name where its member begins and ends, without a comma; at one place where the record lacks it. */
  readonly starts: number[];
  readonly ends: number[];
  fieldsEnd: number;
  recordEnd: number;
}

export function partsOf(names: readonly string[]): RecordParts {
  return { starts: names.map(() => 0), ends: names.map(() => 0), fieldsEnd: 0, recordEnd: 0 };
}

export class GroupTexts {
  /** Of each group which of the names it holds. */
  readonly #groups: readonly (readonly number[])[];
  #scratch: Buffer = Buffer.allocUnsafeSlow(4 * 1024);

  constructor(groups: readonly SealedGroup[], names: readonly string[]) {
    this.#groups = groups.map(({ fields }) => names.flatMap((name, at) => (fields.includes(name) ? [at] : [])));
  }

  /** Of a record whose whole text begins at `start`. Good until the next call. */
  of(group: number, bytes: Buffer, start: number, parts: RecordParts): Uint8Array {
    // One group holds all fields for most types: its text is that of the record.
    if (this.#groups.length === 1) return viewOf(bytes, start, parts.recordEnd);
    const { starts, ends, recordEnd } = parts;
    if (this.#scratch.length < recordEnd - start) this.#scratch = Buffer.allocUnsafeSlow((recordEnd - start) * 2);
    const scratch = this.#scratch;
    let at = put(scratch, 0, recordBegin);
    let isFirst = true;
    for (const index of this.#groups[group] ?? []) {
      const from = starts[index] ?? 0;
      const to = ends[index] ?? 0;
      if (from === to) continue;
      if (!isFirst) {
        scratch[at] = comma;
        at += 1;
      }
      isFirst = false;
      at = copy(bytes, from, to, scratch, at);
    }
    at = copy(bytes, parts.fieldsEnd, recordEnd, scratch, at);
    return viewOf(scratch, 0, at);
  }
}

export function put(bytes: Buffer, from: number, these: Uint8Array): number {
  for (let index = 0; index < these.length; index += 1) bytes[from + index] = these[index] ?? 0;
  return from + these.length;
}

function copy(source: Buffer, from: number, to: number, target: Buffer, start: number): number {
  let at = start;
  for (let index = from; index < to; index += 1, at += 1) target[at] = source[index] ?? 0;
  return at;
}

/** As Buffer.subarray, at half its price. */
function viewOf(buffer: Buffer, from: number, to: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + from, to - from);
}
