/**
 * Instants and dates without a clock, a time zone database or a Date: whole numbers only, proleptic Gregorian calendar,
 * years 1 to 9999. An instant is its UTC text at one precision, so the same moment in two zones is the same bytes.
 */
import type { Json } from '../json.js';
import { nullStaysNull, refused, source, untranslatable, value, type StepLens } from './contract.js';
import { exactNumber, exactNumberText, parseDecimal } from './decimal.js';

export const precisions = ['day', 'minute', 'second', 'millisecond', 'microsecond', 'nanosecond'] as const;
export type Precision = (typeof precisions)[number];

const fractionDigits: Readonly<Record<Precision, number>> = {
  day: 0,
  minute: 0,
  second: 0,
  millisecond: 3,
  microsecond: 6,
  nanosecond: 9,
};

interface Moment {
  readonly days: number;
  readonly seconds: number;
  /** Digits after the point, as they stand. */
  readonly fraction: string;
}

const notInstant = 'the value is not a moment with a zone, such as 2024-05-01T10:00:00Z';
const notDate = 'the value is not a date, such as 2024-05-01';

/** A whole number of `length` digits at a place; -1 where something else stands there. */
function numberAt(text: string, at: number, length: number): number {
  let number = 0;
  for (let index = at; index < at + length; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    number = number * 10 + digit;
  }
  return number;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01 (Hinnant, chrono-compatible low-level date algorithms, days_from_civil). */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
  );
}

function civilOf(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const part = Math.floor((5 * dayOfYear + 2) / 153);
  const month = part + (part < 10 ? 3 : -9);
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * part + 2) / 5) + 1,
  };
}

const hyphen = 45;

/** Whether a date text stands at the start of another. */
function isDateAt(text: string): boolean {
  if (text.charCodeAt(4) !== hyphen || text.charCodeAt(7) !== hyphen) return false;
  const year = numberAt(text, 0, 4);
  const month = numberAt(text, 5, 2);
  const day = numberAt(text, 8, 2);
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** Its days; null where none stands there. */
function dateAt(text: string): number | null {
  return isDateAt(text) ? daysOf(numberAt(text, 0, 4), numberAt(text, 5, 2), numberAt(text, 8, 2)) : null;
}

/** Seconds that a zone is ahead of UTC: Z, +02, +02:00, +0200, +05:30:15; null for anything else. */
export function zoneSeconds(text: string): number | null {
  if (text === 'Z' || text === 'z') return 0;
  const sign = text.charAt(0) === '+' ? 1 : text.charAt(0) === '-' ? -1 : 0;
  if (sign === 0) return null;
  // As stores write it; whatever else there may be is taken apart below.
  if (text.length === 3 || (text.length === 6 && text.charAt(3) === ':')) {
    const [hours, minutes] = [numberAt(text, 1, 2), text.length === 6 ? numberAt(text, 4, 2) : 0];
    if (hours >= 0 && hours <= 18 && minutes >= 0 && minutes <= 59) return sign * (hours * 3_600 + minutes * 60);
  }
  const digits = text.slice(1).split(':').join('');
  if (digits.length !== 2 && digits.length !== 4 && digits.length !== 6) return null;
  const [hours, minutes, seconds] = [
    numberAt(digits, 0, 2),
    digits.length > 2 ? numberAt(digits, 2, 2) : 0,
    digits.length > 4 ? numberAt(digits, 4, 2) : 0,
  ];
  if (hours < 0 || hours > 18 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return null;
  return sign * (hours * 3_600 + minutes * 60 + seconds);
}

/** `zone`: what stands after the time must be this, where it is given; else it must be a zone. */
function momentOf(text: string, zone?: number): Moment | null {
  const days = dateAt(text);
  const between = text.charAt(10);
  if (days === null || (between !== 'T' && between !== 't' && between !== ' ')) return null;
  const [hours, minutes] = [numberAt(text, 11, 2), numberAt(text, 14, 2)];
  if (text.charAt(13) !== ':' || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return null;
  let at = 16;
  let seconds = 0;
  let fraction = '';
  if (text.charAt(at) === ':') {
    // A leap second has no place in any of the stores; 60 is refused rather than moved.
    seconds = numberAt(text, at + 1, 2);
    if (seconds < 0 || seconds > 59) return null;
    at += 3;
    if (text.charAt(at) === '.' || text.charAt(at) === ',') {
      const from = at + 1;
      at = from;
      while (numberAt(text, at, 1) >= 0) at += 1;
      if (at === from || at - from > 30) return null;
      fraction = text.slice(from, at);
    }
  }
  const ahead = zone === undefined ? zoneSeconds(text.slice(at)) : at === text.length ? zone : null;
  if (ahead === null) return null;
  return inDay({ days, seconds: hours * 3_600 + minutes * 60 + seconds - ahead, fraction });
}

function inDay({ days, seconds, fraction }: Moment): Moment {
  const shift = Math.floor(seconds / 86_400);
  return { days: days + shift, seconds: seconds - shift * 86_400, fraction };
}

const twoDigits = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));

function two(number: number): string {
  return twoDigits[number] ?? '';
}

function dateText(days: number): string | null {
  const { year, month, day } = civilOf(days);
  return year < 1 || year > 9_999 ? null : `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
}

/** What is finer than the precision is cut off: the moment lies in the interval that starts there. */
function textOf({ days, seconds, fraction }: Moment, precision: Precision): string | null {
  const date = dateText(days);
  if (date === null) return null;
  if (precision === 'day') return `${date}T00:00:00Z`;
  const [hours, rest] = [Math.floor(seconds / 3_600), seconds % 3_600];
  const [minutes, left] = [Math.floor(rest / 60), precision === 'minute' ? 0 : rest % 60];
  const digits = fractionDigits[precision];
  const shown = digits === 0 ? '' : `.${fraction.slice(0, digits).padEnd(digits, '0')}`;
  return `${date}T${two(hours)}:${two(minutes)}:${two(left)}${shown}Z`;
}

const zones = { utc: ['Z', '+00', '+00:00'], none: [''] } as const;

/**
 * Of a text to the second whose zone is UTC, or that says none where UTC is meant: nothing moves, so its own digits stand.
 * Null where it is anything else, such as one with a fraction.
 */
function unmoved(text: string, precision: 'minute' | 'second', zone: keyof typeof zones): string | null {
  const between = text.charCodeAt(10);
  if (text.length > 25 || (between !== 0x20 && between !== 0x54) || text.charCodeAt(13) !== 0x3a) return null;
  if (text.charCodeAt(16) !== 0x3a || !isDateAt(text)) return null;
  const hours = numberAt(text, 11, 2);
  const minutes = numberAt(text, 14, 2);
  const seconds = numberAt(text, 17, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return null;
  if (!(zones[zone] as readonly string[]).includes(text.slice(19))) return null;
  if (precision === 'minute') return `${text.slice(0, 10)}T${text.slice(11, 16)}:00Z`;
  if (text.length === 20 && between === 0x54) return text;
  return `${text.slice(0, 10)}T${text.slice(11, 19)}Z`;
}

/** Null where the text is no moment with a zone, or lies outside the years 1 to 9999 in UTC. */
export function canonicalInstant(text: string, precision: Precision): string | null {
  const asItStands = precision === 'second' || precision === 'minute' ? unmoved(text, precision, 'utc') : null;
  if (asItStands !== null) return asItStands;
  const moment = momentOf(text);
  return moment && textOf(moment, precision);
}

/** Whole seconds since 1970 of a moment with a zone; null for any other text. */
export function epochSeconds(text: string): number | null {
  const moment = momentOf(text);
  return moment && moment.days * 86_400 + moment.seconds;
}

/** A whole number that a double divides without an error; null for any other. */
function smallCount(native: Json): number | null {
  if (typeof native === 'number') return Number.isSafeInteger(native) ? native + 0 : null;
  return typeof native === 'string' && /^\d{1,15}$/.test(native) ? Number(native) : null;
}

/** The shortest text of a moment: what stands between the steps of a lens, and what is written where nothing stood. */
function shortText(moment: Moment): string | null {
  const text = textOf(moment, 'nanosecond');
  return text && `${text.slice(0, 11)}${withoutZeros(text.slice(11, -1))}Z`;
}

function isShort(text: string, moment: Moment): boolean {
  return shortText(moment) === text;
}

function canonicalStep(
  canonical: (text: string) => string | null,
  fault: string,
  written: (text: string) => string = (text) => text,
): StepLens {
  const read = (native: Json): string | null => (typeof native === 'string' ? canonical(native) : null);
  return nullStaysNull({
    // What is canonical is so once more.
    roundTrip: (native) => read(native) ?? undefined,
    get: (native) => {
      const text = read(native);
      return text === null ? untranslatable(fault) : value(text);
    },
    put: (wanted, native) => {
      if (read(wanted) !== wanted || wanted === null) return refused(fault);
      return source(native !== undefined && read(native) === wanted ? native : written(String(wanted)));
    },
  });
}

export function instantStep(precision: Precision): StepLens {
  return canonicalStep(
    (text) => canonicalInstant(text, precision),
    notInstant,
    (text) => `${text.slice(0, 11)}${withoutZeros(text.slice(11, -1))}Z`,
  );
}

export const dateStep: StepLens = canonicalStep(
  (text) => (text.length === 10 && dateAt(text) !== null ? text : null),
  notDate,
);

/** The step `zone`: native texts say no zone, and mean this one. Written with the separator that stands there already. */
export function zoneStep(zone: string): StepLens {
  const ahead = zoneSeconds(zone) ?? 0;
  const read = (native: Json): string | null => {
    if (typeof native !== 'string') return null;
    const asItStands = ahead === 0 ? unmoved(native, 'second', 'none') : null;
    if (asItStands !== null) return asItStands;
    const moment = momentOf(native, ahead);
    return moment && shortText(moment);
  };
  const fault = 'the value is not a moment without a zone, such as 2024-05-01 12:00:00';
  return nullStaysNull({
    roundTrip: (native) => read(native) ?? undefined,
    get: (native) => {
      const text = read(native);
      return text === null ? untranslatable(fault) : value(text);
    },
    put: (wanted, native) => {
      const moment = typeof wanted === 'string' ? momentOf(wanted) : null;
      if (!moment || typeof wanted !== 'string') return refused(notInstant);
      if (!isShort(wanted, moment)) return refused('the value is not in its canonical form');
      if (native !== undefined && read(native) === wanted) return source(native);
      const local = textOf(inDay({ ...moment, seconds: moment.seconds + ahead }), 'nanosecond');
      if (local === null) return refused(notInstant);
      const separator = typeof native === 'string' && native.charAt(10) === 'T' ? 'T' : ' ';
      return source(`${local.slice(0, 10)}${separator}${withoutZeros(local.slice(11, -1))}`);
    },
  });
}

function withoutZeros(time: string): string {
  let end = time.length;
  while (time.charCodeAt(end - 1) === 48) end -= 1;
  return time.charAt(end - 1) === '.' ? time.slice(0, end - 1) : time.slice(0, Math.max(end, 8));
}

export const epochUnits = ['second', 'millisecond', 'microsecond', 'nanosecond'] as const;
export type EpochUnit = (typeof epochUnits)[number];

/** The step `epoch`: the native value counts units since 1970-01-01T00:00:00Z, as a JSON number or as a text. */
export function epochStep(unit: EpochUnit): StepLens {
  const digits = fractionDigits[unit];
  const perSecond = 10 ** digits;
  const read = (native: Json): string | null => {
    const count = smallCount(native);
    if (count !== null) {
      const whole = Math.floor(count / perSecond);
      const days = Math.floor(whole / 86_400);
      if (days < -719_162 || days > 2_932_896) return null;
      const fraction = digits === 0 ? '' : String(count - whole * perSecond).padStart(digits, '0');
      return shortText({ days, seconds: whole - days * 86_400, fraction });
    }
    const text = typeof native === 'string' ? native : exactNumberText(native);
    const parsed = text === null ? null : parseDecimal(text);
    if (!parsed) return null;
    // In nanoseconds: what is finer has no place in the canonical text.
    const scale = parsed.scale + digits - 9;
    const nanos = scale <= 0 ? parsed.unscaled * 10n ** BigInt(-scale) : parsed.unscaled / 10n ** BigInt(scale);
    if (scale > 0 && nanos * 10n ** BigInt(scale) !== parsed.unscaled) return null;
    const perDay = 86_400_000_000_000n;
    let days = nanos / perDay;
    if (days * perDay > nanos) days -= 1n;
    if (days < -719_162n || days > 2_932_896n) return null;
    const inThisDay = nanos - days * perDay;
    const fraction = (inThisDay % 1_000_000_000n).toString().padStart(9, '0');
    return shortText({ days: Number(days), seconds: Number(inThisDay / 1_000_000_000n), fraction });
  };
  const fault = `the value is no count of ${unit}s since 1970`;
  return nullStaysNull({
    roundTrip: (native) => read(native) ?? undefined,
    get: (native) => {
      const text = read(native);
      return text === null ? untranslatable(fault) : value(text);
    },
    put: (wanted, native) => {
      const moment = typeof wanted === 'string' ? momentOf(wanted) : null;
      if (!moment || typeof wanted !== 'string' || !isShort(wanted, moment)) return refused(notInstant);
      if (native !== undefined && read(native) === wanted) return source(native);
      const fraction = moment.fraction.padEnd(9, '0');
      if (Number(fraction.slice(digits)) !== 0) return refused(`the value is finer than the ${unit}s of this mesh`);
      const whole = BigInt(moment.days) * 86_400n + BigInt(moment.seconds);
      const count = whole * 10n ** BigInt(digits) + BigInt(fraction.slice(0, digits) || '0');
      return source(typeof native === 'string' ? count.toString() : exactNumber(count.toString()));
    },
  });
}
