/**
 * Numbers without loss: a decimal is a text, of any size and precision, and equal numbers are equal texts. No binary
 * fraction takes part: `0.1` and `9223372036854775807` are what they say.
 */
import type { Json } from '../json.js';
import { isJsonObject } from '../json.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { isSpecial, turned, type SpecialValue } from './special.js';

/** `unscaled` × 10^-`scale`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly scale: number;
}

/** Longer ones are refused: a text of a few bytes such as 1e999999999 must not fill the memory. */
export const digitsMax = 1_000;

const notDecimal = 'the value is not the text of a decimal number';
const notAllowed = 'the value is no number, and the taxonomy does not allow it for this field (special)';
const noJsonNumber = 'JSON has no such number; give it a text in the map (the step special)';
const isJsonNumber = 'the value is a JSON number; add the step {number: json} to the map';

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 48 && unit <= 57;
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (isDigit(text, at)) at += 1;
  return at;
}

/** Sign, digits, fraction and exponent as all stores write them; null for anything else, NaN and infinities included. */
export function parseDecimal(text: string): Decimal | null {
  if (text.length > digitsMax + 16) return null;
  let at = text.charAt(0) === '-' || text.charAt(0) === '+' ? 1 : 0;
  const isNegative = text.charAt(0) === '-';
  const wholeEnd = digitsEnd(text, at);
  let digits = text.slice(at, wholeEnd);
  let scale = 0;
  at = wholeEnd;
  if (text.charAt(at) === '.') {
    const end = digitsEnd(text, at + 1);
    scale = end - at - 1;
    digits += text.slice(at + 1, end);
    at = end;
  }
  if (digits === '') return null;
  if (text.charAt(at) === 'e' || text.charAt(at) === 'E') {
    const sign = text.charAt(at + 1) === '-' ? -1 : 1;
    const from = text.charAt(at + 1) === '-' || text.charAt(at + 1) === '+' ? at + 2 : at + 1;
    const end = digitsEnd(text, from);
    if (end === from || end - from > 4) return null;
    scale -= sign * Number(text.slice(from, end));
    at = end;
  }
  if (at !== text.length || Math.abs(scale) > digitsMax || digits.length > digitsMax) return null;
  const unscaled = BigInt(digits) * (isNegative ? -1n : 1n);
  return scale < 0 ? { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 } : { unscaled, scale };
}

/** The one text of a number: no plus, no exponent, no zeros that say nothing, no negative zero. */
export function decimalText({ unscaled, scale }: Decimal): string {
  if (unscaled === 0n) return '0';
  const sign = unscaled < 0n ? '-' : '';
  let digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  let fraction = digits.slice(digits.length - scale);
  digits = digits.slice(0, digits.length - scale);
  if (scale === 0) fraction = '';
  let end = fraction.length;
  while (end > 0 && fraction.charCodeAt(end - 1) === 48) end -= 1;
  return end === 0 ? `${sign}${digits}` : `${sign}${digits}.${fraction.slice(0, end)}`;
}

const minusSign = 45;
const pointSign = 46;
const zeroDigit = 48;

/** The canonical text, where only zeros at the end of a fraction keep it from being so; null for any other. */
function plainDecimal(text: string): string | null {
  const start = text.charCodeAt(0) === minusSign ? 1 : 0;
  const end = digitsEnd(text, start);
  if (end === start || (text.charCodeAt(start) === zeroDigit && end > start + 1)) return null;
  if (end === text.length) return text === '-0' ? '0' : text;
  if (text.charCodeAt(end) !== pointSign || digitsEnd(text, end + 1) !== text.length) return null;
  let last = text.length;
  while (text.charCodeAt(last - 1) === zeroDigit) last -= 1;
  if (last > end + 1) return last === text.length ? text : text.slice(0, last);
  const whole = text.slice(0, end);
  return whole === '-0' ? '0' : whole;
}

/** Null where the text is no decimal number that can be held. */
export function canonicalDecimal(text: string): string | null {
  const plain = text.length <= digitsMax ? plainDecimal(text) : null;
  if (plain !== null) return plain;
  const parsed = parseDecimal(text);
  return parsed && decimalText(parsed);
}

/** The multiple of `step` next to the number; of two equally near ones the even multiple, as IEEE 754 rounds. */
export function roundedTo(number: Decimal, step: Decimal): Decimal {
  const scale = Math.max(number.scale, step.scale);
  const wide = number.unscaled * 10n ** BigInt(scale - number.scale);
  const wideStep = step.unscaled * 10n ** BigInt(scale - step.scale);
  const magnitude = wide < 0n ? -wide : wide;
  let multiples = magnitude / wideStep;
  const twice = (magnitude - multiples * wideStep) * 2n;
  if (twice > wideStep || (twice === wideStep && multiples % 2n === 1n)) multiples += 1n;
  return { unscaled: (wide < 0n ? -multiples : multiples) * wideStep, scale };
}

export function timesDecimal(left: Decimal, right: Decimal): Decimal {
  return { unscaled: left.unscaled * right.unscaled, scale: left.scale + right.scale };
}

/** Null where it does not come out even. */
export function dividedExactly(left: Decimal, right: Decimal): Decimal | null {
  // A fraction of two integers is a finite decimal only if what is left of the divisor is made of 2 and 5.
  let divisor = right.unscaled < 0n ? -right.unscaled : right.unscaled;
  const sign = right.unscaled < 0n ? -1n : 1n;
  if (divisor === 0n) return null;
  let places = 0;
  for (const factor of [2n, 5n]) {
    let times = 0;
    while (divisor % factor === 0n) {
      divisor /= factor;
      times += 1;
    }
    places = Math.max(places, times);
  }
  const whole = right.unscaled < 0n ? -right.unscaled : right.unscaled;
  const numerator = left.unscaled * 10n ** BigInt(places) * sign;
  if (numerator % whole !== 0n) return null;
  const scale = left.scale - right.scale + places;
  const unscaled = numerator / whole;
  return scale < 0 ? { unscaled: unscaled * 10n ** BigInt(-scale), scale: 0 } : { unscaled, scale };
}

export interface DecimalKind {
  /** Equality up to the multiple of this that is nearest. */
  readonly step?: string;
  /** No digits after the point. */
  readonly isWhole?: boolean;
  readonly min?: string;
  readonly max?: string;
  /** Which of the values that are no numbers are values here; neither the step nor the range is asked about them. */
  readonly special?: readonly SpecialValue[];
}

function isBelow(left: Decimal, right: Decimal): boolean {
  const scale = Math.max(left.scale, right.scale);
  return left.unscaled * 10n ** BigInt(scale - left.scale) < right.unscaled * 10n ** BigInt(scale - right.scale);
}

/** The last step of decimal and integer fields: native text in any spelling, canonical text in the federation. */
export function decimalStep(kind: DecimalKind): StepLens {
  const limit = (text: string | undefined): Decimal | null => (text === undefined ? null : parseDecimal(text));
  const [step, min, max] = [limit(kind.step), limit(kind.min), limit(kind.max)];
  const canonical = (text: Json): string | { readonly fault: string } => {
    if (typeof text === 'number' || exactNumberText(text) !== null) return { fault: isJsonNumber };
    if (typeof text !== 'string') return { fault: notDecimal };
    let plain = canonicalDecimal(text);
    if (plain === null) {
      if (!isSpecial(text)) return { fault: notDecimal };
      return kind.special?.includes(text) === true ? text : { fault: notAllowed };
    }
    if (kind.isWhole === true && plain.includes('.')) return { fault: 'the value is not a whole number' };
    if (step === null && min === null && max === null) return plain;
    let parsed = parseDecimal(plain);
    if (parsed && step) {
      parsed = roundedTo(parsed, step);
      plain = decimalText(parsed);
    }
    if (parsed && ((min && isBelow(parsed, min)) || (max && isBelow(max, parsed))))
      return { fault: 'the value is outside the range that the taxonomy gives' };
    return plain;
  };
  return nullStaysNull({
    // What is canonical is so once more; but longer ones may not be read again.
    roundTrip: (native) => {
      const text = canonical(native);
      return typeof text === 'string' && text.length <= digitsMax ? text : undefined;
    },
    get: (native) => {
      const text = canonical(native);
      return typeof text === 'string' ? value(text) : untranslatable(text.fault);
    },
    put: (wanted, native) => {
      const text = canonical(wanted);
      if (typeof text !== 'string') return refused(text.fault);
      if (text !== wanted) return refused('the value is not in its canonical form');
      return source(native !== undefined && native !== null && canonical(native) === wanted ? native : wanted);
    },
  });
}

/**
 * A JSON number that a binary fraction would change stands in a native body as `{ $number: "…" }`, exactly as it was
 * written; one that survives is a plain number.
 */
export function exactNumber(text: string): Json {
  const near = Number(text);
  return Number.isFinite(near) && String(near) === text ? near : { $number: text };
}

/** The text of a number that stands like that; null for anything else. */
export function exactNumberText(native: Json): string | null {
  if (typeof native === 'number') return String(native);
  if (!isJsonObject(native) || Object.keys(native).length !== 1) return null;
  const text = native['$number'];
  return typeof text === 'string' ? text : null;
}

/** The step `number: json`: a JSON number on the native side, the text of a decimal on the other. */
export const jsonNumberStep: StepLens = nullStaysNull({
  roundTrip: (native) => {
    const text = exactNumberText(native);
    const plain = text === null ? null : canonicalDecimal(text);
    return plain !== null && plain.length <= digitsMax ? plain : undefined;
  },
  get: (native) => {
    const text = exactNumberText(native);
    const plain = text === null ? null : canonicalDecimal(text);
    return plain === null ? untranslatable('the value is not a JSON number') : value(plain);
  },
  put: (wanted, native) => {
    const plain = typeof wanted === 'string' ? canonicalDecimal(wanted) : null;
    if (isSpecial(wanted)) return refused(noJsonNumber);
    if (plain === null || plain !== wanted) return refused(notDecimal);
    const before = native === undefined ? null : exactNumberText(native);
    if (native !== undefined && before !== null && canonicalDecimal(before) === plain) return source(native);
    return source(exactNumber(plain));
  },
});

interface SmallFactor {
  readonly unscaled: number;
  readonly scale: number;
}

function smallFactor({ unscaled, scale }: Decimal): SmallFactor | null {
  const number = Number(unscaled);
  return number > 0 && number <= 1_000_000_000 ? { unscaled: number, scale } : null;
}

/** The canonical text of a product that a double holds exactly, without a big integer; null for any other. */
function smallProduct(text: string, factor: SmallFactor): string | null {
  if (text.length > 17) return null;
  if (factor.unscaled === 1 && factor.scale === 0) return plainDecimal(text);
  const isNegative = text.charCodeAt(0) === minusSign;
  let product = 0;
  let point = -1;
  let at = isNegative ? 1 : 0;
  if (at === text.length) return null;
  for (; at < text.length; at += 1) {
    if (isDigit(text, at)) product = product * 10 + text.charCodeAt(at) - zeroDigit;
    else if (text.charCodeAt(at) === pointSign && point === -1 && at > (isNegative ? 1 : 0)) point = at;
    else return null;
  }
  product *= factor.unscaled;
  if (product > Number.MAX_SAFE_INTEGER) return null;
  let scale = (point === -1 ? 0 : text.length - point - 1) + factor.scale;
  while (scale > 0 && product % 10 === 0) {
    product /= 10;
    scale -= 1;
    if (product === 0) return '0';
  }
  if (product === 0) return '0';
  const digits = String(product).padStart(scale + 1, '0');
  const sign = isNegative ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The step `unit`: what one native unit is in the unit of the taxonomy. Writing divides, and refuses what does not come out even. */
export function unitStep(times: string): StepLens {
  const factor = parseDecimal(times) ?? { unscaled: 1n, scale: 0 };
  const isNegative = factor.unscaled < 0n;
  const read = (native: Json): string | null => {
    const parsed = typeof native === 'string' ? parseDecimal(native) : null;
    if (parsed) return decimalText(timesDecimal(parsed, factor));
    return isSpecial(native) ? turned(native, isNegative) : null;
  };
  const small = smallFactor(factor);
  return nullStaysNull({
    roundTrip: (native) => {
      if (typeof native !== 'string') return undefined;
      const text = (small && smallProduct(native, small)) ?? read(native);
      return text !== null && text.length <= digitsMax ? text : undefined;
    },
    get: (native) => {
      const text = read(native);
      return text === null ? untranslatable(notDecimal) : value(text);
    },
    put: (wanted, native) => {
      if (isSpecial(wanted)) return source(turned(wanted, isNegative));
      const parsed = typeof wanted === 'string' ? parseDecimal(wanted) : null;
      if (!parsed || decimalText(parsed) !== wanted) return refused(notDecimal);
      if (native !== undefined && read(native) === wanted) return source(native);
      const divided = dividedExactly(parsed, factor);
      return divided
        ? source(decimalText(divided))
        : refused('the value does not come out even in the unit of this mesh');
    },
  });
}
