/** What one value looks like and, of a number, how large it is. */
import { isJsonObject, type Json } from '../json.js';
import { valueKinds, type ValueKind } from './native-shape.js';

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
export function markOf(value: Json): { readonly kind: ValueKind; readonly held: Json } | undefined {
  if (!isJsonObject(value)) return undefined;
  const [only, ...others] = Object.keys(value);
  const kind = only === undefined || others.length > 0 ? undefined : markedKinds.get(only);
  return kind && { kind, held: value[only ?? ''] ?? null };
}

/** What a sample and a magnitude go by: the same text for one value, whether JSON can hold it or not. */
export function textOf(value: Json): string {
  const held = markOf(value)?.held ?? value;
  return typeof held === 'string' ? held : JSON.stringify(held);
}

export const noKind = -1;
const numberOf = Object.fromEntries(valueKinds.map((kind, at) => [kind, at])) as Readonly<Record<ValueKind, number>>;
export const numberKind = numberOf.number;
const textKind = numberOf.text;

/** null: nothing is held. */
export function kindOf(value: Json): ValueKind | null {
  return valueKinds[kindNumber(value)] ?? null;
}

/** Where the kind stands in valueKinds. */
export function kindNumber(value: Json): number {
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

export function magnitudeText(exponent: number): string {
  return exponent === zeroExponent ? 'zero' : String(exponent);
}

/** The power of ten of the first digit that is not zero: 1500 → "3", 0.25 → "-1", 0 → "zero". */
export function magnitudeOf(text: string): string {
  return magnitudeText(exponentOf(text));
}

export function exponentOf(text: string): number {
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
