/**
 * A property of an entity and what stands for it in a native body, both ways without loss.
 *
 * Text and truth values stand for themselves, an Int32 as a JSON number. Where the authority file says what a property is,
 * its body is a text (`int64`, `double`: a decimal, `binary`: base64). Everything else bears its type as the one name of an
 * object: `{ $int64: "5" }`. Azure holds no null: a property that is null is one that is not there.
 * https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#property-types
 */
import type { AzureTablesProperty } from '../../../core/federation/authority.js';
import { isJsonObject, type Json } from '../../../core/json.js';
import { canonicalDecimal, exactNumberText } from '../../../core/lens/decimal.js';
import { canonicalInstant } from '../../../core/lens/instant.js';
import { isWellFormed } from '../../../core/lens/text.js';
import type { Edm, EdmType } from './wire.js';

const wordOf: Readonly<Record<EdmType, string>> = {
  Int32: '$int32',
  Int64: '$int64',
  Double: '$double',
  DateTime: '$dateTime',
  Guid: '$guid',
  Binary: '$binary',
};
const typeOf: Readonly<Record<Exclude<AzureTablesProperty, 'text' | 'boolean'>, EdmType>> = {
  int32: 'Int32',
  int64: 'Int64',
  double: 'Double',
  dateTime: 'DateTime',
  guid: 'Guid',
  binary: 'Binary',
};

const shown = ({ type, value }: Exclude<Edm, { readonly type: 'Boolean' }>): string =>
  type === 'Double' ? (canonicalDecimal(value) ?? value) : value;

export function bodyOf(edm: Edm, declared?: AzureTablesProperty): Json {
  if (edm.type === 'Boolean') return edm.value;
  const isText = declared === undefined || declared === 'text';
  if (edm.type === 'String') return isText ? edm.value : { $text: edm.value };
  const text = shown(edm);
  if (declared === undefined && edm.type === 'Int32') return Number(text);
  const isDeclared =
    declared !== undefined && declared !== 'text' && declared !== 'boolean' && typeOf[declared] === edm.type;
  return isDeclared ? text : { [wordOf[edm.type]]: text };
}

const [int32Max, int64Max] = [2n ** 31n - 1n, 2n ** 63n - 1n];

function wholeNumber(text: string, max: bigint): string | null {
  const plain = canonicalDecimal(text);
  if (plain === null || plain.includes('.')) return null;
  const number = BigInt(plain);
  return number <= max && number >= -max - 1n ? plain : null;
}

/** Null where the nearest binary fraction is another number. */
function doubleText(text: string): string | null {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return text;
  const plain = canonicalDecimal(text);
  return plain !== null && canonicalDecimal(String(Number(plain))) === plain ? plain : null;
}

/** Azure counts in 100 nanoseconds from the year 1601 on. */
function dateTimeText(text: string): string | null {
  const moment = canonicalInstant(text, 'nanosecond');
  if (moment === null) return null;
  const [, year = '', fraction = ''] = /^(\d{4})-[^.]*?(?:\.(\d+))?Z$/.exec(moment) ?? [];
  if (year < '1601' || fraction.slice(7).replace(/0+$/, '') !== '') return null;
  return moment.replace(/\.(\d+)Z$/, (_all, digits: string) => {
    const kept = digits.slice(0, 7).replace(/0+$/, '');
    return kept === '' ? 'Z' : `.${kept}Z`;
  });
}

const textUnitsMax = 32 * 1024;
const bytesMax = 64 * 1024;

function checked(type: EdmType, text: string): string | null {
  switch (type) {
    case 'Int32':
      return wholeNumber(text, int32Max);
    case 'Int64':
      return wholeNumber(text, int64Max);
    case 'Double':
      return doubleText(text);
    case 'DateTime':
      return dateTimeText(text);
    case 'Guid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : null;
    case 'Binary': {
      const bytes = Buffer.from(text, 'base64');
      return bytes.toString('base64') === text && bytes.length <= bytesMax ? text : null;
    }
  }
}

function edmOf(type: EdmType, value: Json | undefined): Edm | null {
  const text = typeof value === 'string' ? checked(type, value) : null;
  return text === null ? null : { type, value: text };
}

/** The property that a body stands for, or null where Azure has none that would be read as the same body again; never for null. */
export function propertyOf(body: Exclude<Json, null>, declared?: AzureTablesProperty): Edm | null {
  if (typeof body === 'boolean') return { type: 'Boolean', value: body };
  const number = exactNumberText(body);
  if (number !== null) {
    const type =
      declared === undefined ? 'Int32' : declared === 'text' || declared === 'boolean' ? null : typeOf[declared];
    return type === null ? null : edmOf(type, number);
  }
  if (isJsonObject(body)) {
    const [only = '', ...others] = Object.keys(body);
    if (others.length > 0) return null;
    const value = body[only];
    if (only === '$text') return typeof value === 'string' ? textOf(value) : null;
    const type = (Object.keys(wordOf) as EdmType[]).find((each) => wordOf[each] === only);
    return type === undefined ? null : edmOf(type, value);
  }
  if (typeof body !== 'string') return null;
  if (declared === undefined || declared === 'text') return textOf(body);
  return declared === 'boolean' ? null : edmOf(typeOf[declared], body);
}

const textOf = (text: string): Edm | null =>
  isWellFormed(text) && text.length <= textUnitsMax ? { type: 'String', value: text } : null;
