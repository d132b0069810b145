/**
 * The value of a column of Parquet and what stands for it in a native body. Numbers, days and moments are texts, as in
 * PostgreSQL; bytes are base64. https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */
import type { LogicalType, SchemaElement, SchemaTree, TimeUnit } from 'hyparquet';
import type { Json } from '../../core/json.js';
import { canonicalDecimal, decimalText } from '../../core/lens/decimal.js';
import { parseExactly } from './json-lines.js';

/** `tree` with its annotations; `value` as it physically is. Throws where the value is none of its column. */
export function bodyOf(tree: SchemaTree, value: unknown): Json {
  const { element, children } = tree;
  if (element.repetition_type === 'REPEATED' && Array.isArray(value))
    return (value as readonly unknown[]).map((item) => single(tree, item));
  if (value === undefined || value === null) return null;
  const [only] = children;
  if (only !== undefined && isList(tree)) {
    const [element0] = only.children;
    const item = only.children.length === 1 && element0 !== undefined ? element0 : only;
    return listOf(value).map((each) => (item === only ? single(item, each) : bodyOf(item, each)));
  }
  if (only !== undefined && isMap(element)) return bodyOf(only, (value as Record<string, unknown>)[only.element.name]);
  return single(tree, value);
}

function single({ element, children }: SchemaTree, value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (children.length === 0) return scalar(element, value);
  if (typeof value !== 'object') throw new TypeError('a group that is none');
  const members = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(children.map((child) => [child.element.name, bodyOf(child, members[child.element.name])]));
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a list that is none');
  return value as readonly unknown[];
}

function isList({ element, children }: SchemaTree): boolean {
  const [repeated] = children;
  const isCalled = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST';
  return (
    isCalled &&
    children.length === 1 &&
    repeated?.element.repetition_type === 'REPEATED' &&
    repeated.children.length <= 1
  );
}

const isMap = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  converted === 'MAP' || converted === 'MAP_KEY_VALUE' || logical?.type === 'MAP';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const unitsOf: Readonly<Record<TimeUnit, number>> = { MILLIS: 3, MICROS: 6, NANOS: 9 };

/** What a column means, in one word, from either of its annotations. */
type Meaning = LogicalType | { readonly type: 'PHYSICAL' };

function meaningOf({
  converted_type: converted,
  logical_type: logical,
  precision = 0,
  scale = 0,
}: SchemaElement): Meaning {
  if (logical !== undefined && logical.type !== 'NULL') return logical;
  const integer = (bitWidth: number, isSigned: boolean): Meaning => ({ type: 'INTEGER', bitWidth, isSigned });
  switch (converted) {
    case 'UTF8':
      return { type: 'STRING' };
    case 'ENUM':
    case 'DATE':
    case 'JSON':
      return { type: converted };
    case 'DECIMAL':
      return { type: 'DECIMAL', precision, scale };
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: converted === 'TIMESTAMP_MILLIS' ? 'MILLIS' : 'MICROS' };
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return { type: 'TIME', isAdjustedToUTC: true, unit: converted === 'TIME_MILLIS' ? 'MILLIS' : 'MICROS' };
    case 'UINT_8':
    case 'UINT_16':
    case 'UINT_32':
      return integer(32, false);
    case 'UINT_64':
      return integer(64, false);
    default:
      return { type: 'PHYSICAL' };
  }
}

function scalar(element: SchemaElement, value: unknown): Json {
  const meaning = meaningOf(element);
  switch (meaning.type) {
    case 'STRING':
    case 'ENUM':
      return utf8.decode(bytesOf(value));
    case 'JSON':
      return parseExactly(utf8.decode(bytesOf(value)));
    case 'DECIMAL':
      return decimalText({
        unscaled: value instanceof Uint8Array ? bigEndian(value) : wholeOf(value),
        scale: meaning.scale,
      });
    case 'DATE':
      return dayText(wholeOf(value));
    case 'TIMESTAMP':
      return momentText(wholeOf(value), unitsOf[meaning.unit], meaning.isAdjustedToUTC ? 'Z' : '');
    case 'TIME':
      return timeText(wholeOf(value), unitsOf[meaning.unit], meaning.isAdjustedToUTC ? 'Z' : '');
    case 'INTEGER':
      return String(
        meaning.isSigned ? wholeOf(value) : BigInt.asUintN(meaning.bitWidth === 64 ? 64 : 32, wholeOf(value)),
      );
    case 'UUID': {
      const hex = Buffer.from(bytesOf(value)).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    }
    case 'FLOAT16':
      return fractionText(halfOf(bytesOf(value)));
    default:
      return physicalValue(element, value);
  }
}

function physicalValue({ type }: SchemaElement, value: unknown): Json {
  if (typeof value === 'boolean') return value;
  // INT96 counts nanoseconds of a day that some write in UTC and some in a zone of their own.
  if (type === 'INT96') return momentText(wholeOf(value), 9, '');
  if (type === 'FLOAT' && typeof value === 'number') return fractionText(value, true);
  if (type === 'DOUBLE' && typeof value === 'number') return fractionText(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(wholeOf(value));
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError('bytes that are none');
}

function wholeOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new TypeError('a whole number that is none');
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/** The shortest decimal that is this binary fraction and no other of its width. NaN and infinities as PostgreSQL calls them. */
function fractionText(value: number, isSingle = false): string {
  if (!Number.isFinite(value)) return String(value);
  let text = String(value);
  for (let digits = 1; isSingle && digits <= 9; digits += 1) {
    const shorter = value.toPrecision(digits);
    if (Math.fround(Number(shorter)) !== value) continue;
    text = shorter;
    break;
  }
  return canonicalDecimal(text) ?? text;
}

function halfOf(bytes: Uint8Array): number {
  const bits = ((bytes[1] ?? 0) << 8) | (bytes[0] ?? 0);
  const sign = bits >> 15 === 0 ? 1 : -1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}

const padded = (number: bigint, digits: number): string => number.toString().padStart(digits, '0');

function divided(number: bigint, by: bigint): readonly [bigint, bigint] {
  const rest = ((number % by) + by) % by;
  return [(number - rest) / by, rest];
}

/** https://howardhinnant.github.io/date_algorithms.html#civil_from_days */
function dayText(days: bigint): string {
  const [era, ofEra] = divided(days + 719_468n, 146_097n);
  const yearOfEra = (ofEra - ofEra / 1_460n + ofEra / 36_524n - ofEra / 146_096n) / 365n;
  const dayOfYear = ofEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shifted = (5n * dayOfYear + 2n) / 153n;
  const month = shifted < 10n ? shifted + 3n : shifted - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  const day = dayOfYear - (153n * shifted + 2n) / 5n + 1n;
  const sign = year < 0n ? '-' : '';
  return `${sign}${padded(year < 0n ? -year : year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

/** `digits`: of a second, that the unit counts. */
function timeText(count: bigint, digits: number, zone: string): string {
  const [seconds, fraction] = divided(count, 10n ** BigInt(digits));
  const [minutes, second] = divided(seconds, 60n);
  const [hour, minute] = divided(minutes, 60n);
  const parts = `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}`;
  return fraction === 0n ? `${parts}${zone}` : `${parts}.${padded(fraction, digits).replace(/0+$/, '')}${zone}`;
}

function momentText(count: bigint, digits: number, zone: string): string {
  const [days, ofDay] = divided(count, 86_400n * 10n ** BigInt(digits));
  return `${dayText(days)}T${timeText(ofDay, digits, zone)}`;
}
