/** Counts the shape of a native type while its objects pass by, in memory that does not grow with their number. */
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../json.js';
import type { NativeShape, PropertyShape, ValueKind } from './native-shape.js';

/** How many objects the sample aims at, how many digests a property keeps, and up to how many values count as few. */
const sampleSize = 4_096;
const digestsKept = 64;
const fewMost = 24;
/** Beyond these a store has keys that are values, and no properties; the rest is counted by nobody. */
const propertiesMax = 500;

interface Counting {
  seen: number;
  filled: number;
  /** A plain object: what is counted most often is counted fastest. */
  readonly kinds: Partial<Record<ValueKind, number>>;
  readonly magnitudes: Map<string, number>;
  /** Sorted. */
  sample: string[];
  few: Set<string> | null;
}

export interface ShapeCounting {
  /** About how many objects will come. */
  readonly expectedCount: number;
  /** Hexadecimal, at least 16 digits: keyed, so that nobody else can guess values. */
  readonly digest: (text: string) => string;
}

export class ShapeCounter {
  readonly #digest: (text: string) => string;
  readonly #sampleBits: number;
  readonly #properties = new Map<string, Counting>();
  #objects = 0;
  #sampled = 0;

  constructor({ expectedCount, digest }: ShapeCounting) {
    this.#digest = digest;
    let bits = 0;
    while (2 ** bits * sampleSize < expectedCount) bits += 1;
    this.#sampleBits = bits;
  }

  add(id: string, body: JsonObject): void {
    this.#objects += 1;
    const isSampled = isInSample(id, this.#sampleBits);
    if (isSampled) this.#sampled += 1;
    for (const property of Object.keys(body)) {
      const counting = this.#countingOf(property);
      const value = body[property];
      if (!counting || value === undefined) continue;
      counting.seen += 1;
      const kind = kindOf(value);
      if (kind === null) continue;
      counting.filled += 1;
      counting.kinds[kind] = (counting.kinds[kind] ?? 0) + 1;
      if (kind === 'number') {
        const magnitude = magnitudeOf(textOf(value));
        counting.magnitudes.set(magnitude, (counting.magnitudes.get(magnitude) ?? 0) + 1);
      }
      if (isSampled) this.#sample(counting, value);
    }
  }

  shape(): NativeShape {
    const properties: Record<string, PropertyShape> = {};
    for (const [property, { seen, filled, kinds, magnitudes, sample, few }] of inOrder(this.#properties))
      properties[property] = {
        of: this.#objects,
        seen,
        filled,
        kinds: Object.fromEntries(inOrder(new Map(Object.entries(kinds)))),
        magnitudes: Object.fromEntries(inOrder(magnitudes)),
        sample,
        few: few && [...few].sort(byCodeUnit),
      };
    return { objects: this.#objects, sampled: this.#sampled, sampleBits: this.#sampleBits, properties };
  }

  #countingOf(property: string): Counting | undefined {
    const known = this.#properties.get(property);
    if (known || this.#properties.size >= propertiesMax) return known;
    const fresh: Counting = { seen: 0, filled: 0, kinds: {}, magnitudes: new Map(), sample: [], few: new Set() };
    this.#properties.set(property, fresh);
    return fresh;
  }

  #sample(counting: Counting, value: Json): void {
    const digest = this.#digest(textOf(value)).slice(0, 16);
    counting.few?.add(digest);
    if (counting.few && counting.few.size > fewMost) counting.few = null;
    const { sample } = counting;
    const last = sample.at(-1);
    if (sample.length >= digestsKept && last !== undefined && digest >= last) return;
    if (sample.includes(digest)) return;
    sample.push(digest);
    sample.sort(byCodeUnit);
    if (sample.length > digestsKept) sample.pop();
  }
}

function inOrder<Value>(entries: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...entries].sort(([left], [right]) => byCodeUnit(left, right));
}

/** FNV-1a over code units, http://www.isthe.com/chongo/tech/comp/fnv/: spread is all that is asked of it. */
function isInSample(id: string, bits: number): boolean {
  if (bits === 0) return true;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193) >>> 0;
  // Its low bits follow those of the last characters too closely.
  return ((hash ^ (hash >>> 15)) & (2 ** bits - 1)) === 0;
}

const plusSign = 0x2b;
const minusSign = 0x2d;
const pointSign = 0x2e;
const digitZero = 0x30;
const digitNine = 0x39;
const numberText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const dateText = /^\d{4}-\d{2}-\d{2}$/;
const instantText = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/;

/**
 * What a connector wraps because JSON would round it or has no word for it, by the one name of the object
 * (values.ts of the connectors dynamodb and azure-tables): a number is one, however many digits it has.
 */
const markedKinds: ReadonlyMap<string, ValueKind> = new Map([
  ['$number', 'number'],
  ['$int32', 'number'],
  ['$int64', 'number'],
  ['$double', 'number'],
  ['$dateTime', 'instant'],
  ['$guid', 'text'],
  ['$text', 'text'],
  ['$binary', 'text'],
  ['$textSet', 'list'],
  ['$numberSet', 'list'],
  ['$binarySet', 'list'],
  ['$list', 'list'],
  ['$map', 'object'],
]);

/** The name of the mark and what it holds; undefined for any other value. */
function markOf(value: Json): { readonly kind: ValueKind; readonly held: Json } | undefined {
  if (!isJsonObject(value)) return undefined;
  const [only, ...others] = Object.keys(value);
  const kind = only === undefined || others.length > 0 ? undefined : markedKinds.get(only);
  return kind && { kind, held: value[only ?? ''] ?? null };
}

/** What a sample and a magnitude go by: the same text for one value, whether JSON can hold it or not. */
function textOf(value: Json): string {
  const held = markOf(value)?.held ?? value;
  return typeof held === 'string' ? held : JSON.stringify(held);
}

/** null: nothing is held. */
export function kindOf(value: Json): ValueKind | null {
  if (value === null || value === '') return null;
  const marked = markOf(value);
  if (marked) return marked.held === null || marked.held === '' ? null : marked.kind;
  if (Array.isArray(value)) return 'list';
  if (typeof value !== 'string') return typeof value as 'boolean' | 'number' | 'object';
  // Numbers, dates and moments begin with what no word begins with; most texts need no closer look.
  const first = value.charCodeAt(0);
  if (value.length <= 64 && first <= digitNine && first >= plusSign) {
    if (numberText.test(value)) return 'number';
    if (dateText.test(value)) return 'date';
    if (instantText.test(value)) return 'instant';
  }
  return 'text';
}

/** The power of ten of the first digit that is not zero: 1500 → "3", 0.25 → "-1", 0 → "zero". */
export function magnitudeOf(text: string): string {
  let point = -1;
  let first = -1;
  for (
    let at = text.charCodeAt(0) === plusSign || text.charCodeAt(0) === minusSign ? 1 : 0;
    at < text.length;
    at += 1
  ) {
    const unit = text.charCodeAt(at);
    if (unit === pointSign && point === -1) point = at;
    else if (unit < digitZero || unit > digitNine) return magnitudeOfAny(text);
    else if (unit !== digitZero && first === -1) first = at;
  }
  if (first === -1) return 'zero';
  const end = point === -1 ? text.length : point;
  return String(first < end ? end - first - 1 : end - first);
}

/** With an exponent. */
function magnitudeOfAny(text: string): string {
  const [digits = '', exponent = '0'] = text.toLowerCase().split('e');
  const unsigned = digits.startsWith('-') || digits.startsWith('+') ? digits.slice(1) : digits;
  const [whole = '', fraction = ''] = unsigned.split('.');
  const shift = Number.parseInt(exponent, 10);
  const inWhole = whole.search(/[1-9]/);
  if (inWhole !== -1) return String(whole.length - inWhole - 1 + shift);
  const inFraction = fraction.search(/[1-9]/);
  return inFraction === -1 ? 'zero' : String(-inFraction - 1 + shift);
}
