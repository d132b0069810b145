/**
 * Tells of a record in a body that its bytes are canonical, by a look at each of them: nothing is parsed and written again
 * for it. It knows plain records, as nearly all are: names in their order, texts that JSON writes as they are, lists of
 * them, truth values, null. Of any other it says nothing, and RecordLayout must be asked; a property test holds the one to the other.
 */
import {
  areNamesPlain,
  ascii,
  fieldsEnd,
  GroupTexts,
  nameBytes,
  partsOf,
  recordBegin,
  standsForItself,
  type RecordParts,
} from './group-texts.js';
import type { SealedGroup } from '../../core/sealed.js';

const quote = 0x22;
const comma = 0x2c;
const closesList = 0x5d;
const closesObject = 0x7d;
const words = { t: ascii('true'), f: ascii('false'), n: ascii('null') };

export class PlainLine {
  /** `"name":` of each field, in code unit order. */
  readonly #names: readonly Uint8Array[];
  readonly #texts: GroupTexts;
  readonly #parts: RecordParts;
  #start = 0;

  /** Null where no record of these groups is plain. `names`: all that the groups hold, in code unit order. */
  static of(groups: readonly SealedGroup[], names: readonly string[]): PlainLine | null {
    return areNamesPlain(names) ? new PlainLine(groups, names) : null;
  }

  private constructor(groups: readonly SealedGroup[], names: readonly string[]) {
    this.#names = names.map(nameBytes);
    this.#texts = new GroupTexts(groups, names);
    this.#parts = partsOf(names);
  }

  /**
   * Whether all from `from` to before `to` is the canonical JSON of a plain record with a key. What follows there must be
   * no part of such a text, as the end of a line is none.
   */
  isCanonical(bytes: Buffer, from: number, to: number): boolean {
    const { starts, ends } = this.#parts;
    const names = this.#names;
    let at = behind(bytes, from, recordBegin);
    if (at < 0) return false;
    let next = 0;
    // Names ascend, so none stands twice and those that are passed over are absent.
    for (let isEnd = bytes[at] === closesObject; !isEnd;) {
      let value = -1;
      while (value < 0) {
        const name = names[next];
        if (name === undefined) return false;
        value = behind(bytes, at, name);
        starts[next] = at;
        ends[next] = at;
        next += 1;
      }
      at = behindValue(bytes, value);
      if (at < 0) return false;
      ends[next - 1] = at;
      isEnd = bytes[at] === closesObject;
      if (isEnd) break;
      if (bytes[at] !== comma) return false;
      at += 1;
    }
    for (; next < names.length; next += 1) {
      starts[next] = at;
      ends[next] = at;
    }
    this.#parts.fieldsEnd = at;
    const key = behind(bytes, at, fieldsEnd);
    at = key < 0 ? -1 : behindText(bytes, key);
    if (at < key + 3 || at !== to - 1 || bytes[at] !== closesObject) return false;
    this.#start = from;
    this.#parts.recordEnd = to;
    return true;
  }

  /** What groupText gives of the record that was found canonical last. Good until the next call. */
  groupText(group: number, bytes: Buffer): Uint8Array {
    return this.#texts.of(group, bytes, this.#start, this.#parts);
  }
}

/** Each of these: where what was looked for ends; -1 where it does not stand there. */
function behind(bytes: Buffer, from: number, these: Uint8Array): number {
  for (let index = 0; index < these.length; index += 1) if (bytes[from + index] !== these[index]) return -1;
  return from + these.length;
}

function behindValue(bytes: Buffer, from: number): number {
  switch (bytes[from]) {
    case quote:
      return behindText(bytes, from);
    case 0x5b:
      return behindTexts(bytes, from + 1);
    case 0x74:
      return behind(bytes, from, words.t);
    case 0x66:
      return behind(bytes, from, words.f);
    case 0x6e:
      return behind(bytes, from, words.n);
    default:
      return -1;
  }
}

function behindTexts(bytes: Buffer, from: number): number {
  if (bytes[from] === closesList) return from + 1;
  for (let at = from; ; at += 1) {
    at = behindText(bytes, at);
    if (at < 0) return -1;
    if (bytes[at] === closesList) return at + 1;
    if (bytes[at] !== comma) return -1;
  }
}

function behindText(bytes: Buffer, from: number): number {
  if (bytes[from] !== quote) return -1;
  let at = from + 1;
  while (standsForItself[bytes[at] ?? 0] === 1) at += 1;
  return bytes[at] === quote ? at + 1 : -1;
}
