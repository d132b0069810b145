/** Counts the shape of a native type while its objects pass by, in memory that does not grow with their number. */
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../json.js';
import { sameNames } from '../lens/unmapped.js';
import { valueKinds, type NativeShape, type PropertyShape, type ValueKind } from './native-shape.js';

/** How many objects the sample aims at, how many digests a property keeps, and up to how many values count as few. */
const sampleSize = 4_096;
const digestsKept = 64;
const fewMost = 24;
/** Beyond these a store has keys that are values, and no properties; the rest is counted by nobody. */
const propertiesMax = 500;

interface Counting {
  seen: number;
  /** In the order of valueKinds: what is counted most often is counted fastest. */
  readonly kinds: number[];
  /** By exponent. */
  readonly magnitudes: Map<number, number>;
  /** Sorted. */
  sample: string[];
  few: Set<string> | null;
}

/** Objects of the same properties in the same order: what is counted of them is found once. */
interface Layout {
  readonly names: readonly string[];
  /** undefined for a property that nobody counts. */
  readonly countings: readonly (Counting | undefined)[];
  /** Objects that are not yet counted as seen with each property. */
  objects: number;
}
const layoutsKept = 8;

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
  readonly #layouts: Layout[] = [];
  #layout: Layout = { names: [], countings: [], objects: 0 };
  #nextLayout = 0;
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
    const names = Object.keys(body);
    if (!sameNames(this.#layout.names, names)) this.#layout = this.#layoutOf(names);
    const { countings } = this.#layout;
    this.#layout.objects += 1;
    for (let at = 0; at < names.length; at += 1) {
      const counting = countings[at];
      const value = body[names[at] ?? ''];
      if (!counting) continue;
      if (value === undefined) {
        counting.seen -= 1;
        continue;
      }
      const kind = kindNumber(value);
      if (kind === noKind) continue;
      counting.kinds[kind] = (counting.kinds[kind] ?? 0) + 1;
      if (kind === numberKind) {
        const exponent = exponentOf(textOf(value));
        counting.magnitudes.set(exponent, (counting.magnitudes.get(exponent) ?? 0) + 1);
      }
      if (isSampled) this.#sample(counting, value);
    }
  }

  shape(): NativeShape {
    for (const layout of [this.#layout, ...this.#layouts]) countSeen(layout);
    const properties: Record<string, PropertyShape> = {};
    for (const [property, { seen, kinds, magnitudes, sample, few }] of inOrder(this.#properties))
      properties[property] = {
        of: this.#objects,
        seen,
        filled: kinds.reduce((sum, count) => sum + count, 0),
        kinds: Object.fromEntries(
          inOrder(new Map(valueKinds.map((kind, at) => [kind, kinds[at] ?? 0]))).filter(([, count]) => count > 0),
        ),
        magnitudes: Object.fromEntries(
          inOrder(new Map([...magnitudes].map(([exponent, count]) => [magnitudeText(exponent), count]))),
        ),
        sample,
        few: few && [...few].sort(byCodeUnit),
      };
    return { objects: this.#objects, sampled: this.#sampled, sampleBits: this.#sampleBits, properties };
  }

  #layoutOf(names: readonly string[]): Layout {
    const known = this.#layouts.find((layout) => sameNames(layout.names, names));
    if (known) return known;
    const layout = { names, countings: names.map((name) => this.#countingOf(name)), objects: 0 };
    const before = this.#layouts[this.#nextLayout];
    if (before) countSeen(before);
    this.#layouts[this.#nextLayout] = layout;
    this.#nextLayout = (this.#nextLayout + 1) % layoutsKept;
    return layout;
  }

  #countingOf(property: string): Counting | undefined {
    const known = this.#properties.get(property);
    if (known || this.#properties.size >= propertiesMax) return known;
    const fresh: Counting = {
      seen: 0,
      kinds: valueKinds.map(() => 0),
      magnitudes: new Map(),
      sample: [],
      few: new Set(),
    };
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

function countSeen(layout: Layout): void {
  for (const counting of layout.countings) if (counting) counting.seen += layout.objects;
  layout.objects = 0;
}

function inOrder<Value>(entries: ReadonlyMap<string, Value>): readonly (readonly [string, Value])[] {
  return [...entries].sort(([left], [right]) => byCodeUnit(left, right));
}

/** FNV-1a over code units, http://www.isthe.com/chongo/tech/comp/fnv/: spread is all that is asked of it. */
function isInSample(id: string, bits: number): boolean {
  if (bits === 0) return true;
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  // Its low bits follow those of the last characters too closely.
  return ((hash ^ (hash >>> 15)) & ((1 << bits) - 1)) === 0;
}

const plusSign = 0x2b;
const minusSign = 0x2d;
const pointSign = 0x2e;
const digitZero = 0x30;
const digitNine = 0x39;
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

const noKind = -1;
const numberOf = Object.fromEntries(valueKinds.map((kind, at) => [kind, at])) as Readonly<Record<ValueKind, number>>;
const numberKind = numberOf.number;
const textKind = numberOf.text;

/** null: nothing is held. */
export function kindOf(value: Json): ValueKind | null {
  return valueKinds[kindNumber(value)] ?? null;
}

/** Where the kind stands in valueKinds. */
function kindNumber(value: Json): number {
  if (typeof value === 'string') return value === '' ? noKind : textKindNumber(value);
  if (value === null) return noKind;
  if (typeof value !== 'object') return typeof value === 'boolean' ? numberOf.boolean : numberKind;
  if (Array.isArray(value)) return numberOf.list;
  const marked = markOf(value);
  if (!marked) return numberOf.object;
  return marked.held === null || marked.held === '' ? noKind : numberOf[marked.kind];
}

function textKindNumber(text: string): number {
  // Numbers, dates and moments begin with what no word begins with; most texts need no closer look.
  const first = text.charCodeAt(0);
  if (text.length > 64 || first > digitNine || first < plusSign) return textKind;
  if (isNumberText(text)) return numberKind;
  if (text.charCodeAt(4) !== minusSign) return textKind;
  if (dateText.test(text)) return numberOf.date;
  return instantText.test(text) ? numberOf.instant : textKind;
}

/** Whether it is a decimal number: a sign, digits with or without a point among them, an exponent. */
function isNumberText(text: string): boolean {
  const first = text.charCodeAt(0);
  const start = first === plusSign || first === minusSign ? 1 : 0;
  const whole = digitsEnd(text, start);
  let at = whole;
  if (text.charCodeAt(at) === pointSign) {
    at = digitsEnd(text, at + 1);
    if (at === start + 1) return false;
  } else if (whole === start) return false;
  if (at < text.length && (text.charCodeAt(at) | 0x20) === 0x65) {
    const sign = text.charCodeAt(at + 1);
    const from = sign === plusSign || sign === minusSign ? at + 2 : at + 1;
    at = digitsEnd(text, from);
    if (at === from) return false;
  }
  return at === text.length;
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) >= digitZero && text.charCodeAt(at) <= digitNine) at += 1;
  return at;
}

/** Of zero, which has none. */
const zeroExponent = Number.NEGATIVE_INFINITY;

function magnitudeText(exponent: number): string {
  return exponent === zeroExponent ? 'zero' : String(exponent);
}

/** The power of ten of the first digit that is not zero: 1500 → "3", 0.25 → "-1", 0 → "zero". */
export function magnitudeOf(text: string): string {
  return magnitudeText(exponentOf(text));
}

function exponentOf(text: string): number {
  let point = -1;
  let first = -1;
  for (
    let at = text.charCodeAt(0) === plusSign || text.charCodeAt(0) === minusSign ? 1 : 0;
    at < text.length;
    at += 1
  ) {
    const unit = text.charCodeAt(at);
    if (unit === pointSign && point === -1) point = at;
    else if (unit < digitZero || unit > digitNine) return exponentOfAny(text);
    else if (unit !== digitZero && first === -1) first = at;
  }
  if (first === -1) return zeroExponent;
  const end = point === -1 ? text.length : point;
  return first < end ? end - first - 1 : end - first;
}

/** With an exponent. */
function exponentOfAny(text: string): number {
  const [digits = '', exponent = '0'] = text.toLowerCase().split('e');
  const unsigned = digits.startsWith('-') || digits.startsWith('+') ? digits.slice(1) : digits;
  const [whole = '', fraction = ''] = unsigned.split('.');
  const shift = Number.parseInt(exponent, 10);
  const inWhole = whole.search(/[1-9]/);
  if (inWhole !== -1) return whole.length - inWhole - 1 + shift;
  const inFraction = fraction.search(/[1-9]/);
  return inFraction === -1 ? zeroExponent : -inFraction - 1 + shift;
}
