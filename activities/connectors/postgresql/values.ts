/**
 * The text of a column, and what stands for it in a native body: booleans are booleans, bytes base64, arrays lists, jsonb
 * what it holds; everything else stays the text that the server wrote, so nothing is rounded.
 */
import { isLosslessNumber, parse as parseJson } from 'lossless-json';
import { parse as parseArray } from 'postgres-array';
import { isJsonObject, type Json } from '../../../core/json.js';
import { canonicalDecimal, exactNumber } from '../../../core/lens/decimal.js';
import { canonicalInstant } from '../../../core/lens/instant.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { Column } from './catalog.js';

function scalar(type: string, text: string): Json {
  switch (type) {
    case 'bool':
      return text === 't';
    case 'bytea':
      return Buffer.from(text.slice(2), 'hex').toString('base64');
    case 'jsonb':
      return parseJson(text, (_name, value) => (isLosslessNumber(value) ? exactNumber(value.value) : value)) as Json;
    default:
      return text;
  }
}

/** Elements without quotes and none that begins as NULL does, which need no parser. */
const plainArray = /^\{(?![nN])[^{}"\\,]*(?:,(?![nN])[^{}"\\,]+)*\}$/;

type Nested = string | null | readonly Nested[];

function nested(type: string, value: Nested): Json {
  if (value === null) return null;
  return typeof value === 'string' ? scalar(type, value) : value.map((item) => nested(type, item));
}

export function bodyValue({ type, isArray }: Column, text: string | null): Json {
  if (text === null) return null;
  if (!isArray) return scalar(type, text);
  // An array that does not count from 1 says so before its elements; a list would forget it.
  if (plainArray.test(text)) {
    const items = text.length === 2 ? [] : text.slice(1, -1).split(',');
    return type === 'text' || type === 'varchar' ? items : items.map((item) => scalar(type, item));
  }
  return text.startsWith('{') ? nested(type, parseArray(text) as unknown as Nested) : text;
}

function jsonText(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => jsonText(item)).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const number = value['$number'];
  if (Object.keys(value).length === 1 && typeof number === 'string' && canonicalDecimal(number) !== null) return number;
  return `{${Object.entries(value)
    .map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`)
    .join(',')}}`;
}

function scalarText(type: string, value: Json): string | undefined {
  if (type === 'jsonb') return jsonText(value);
  if (type === 'bool') return typeof value === 'boolean' ? String(value) : undefined;
  if (typeof value !== 'string') return undefined;
  return type === 'bytea' ? `\\x${Buffer.from(value, 'base64').toString('hex')}` : value;
}

function arrayText(type: string, value: readonly Json[]): string | undefined {
  const items: string[] = [];
  for (const item of value) {
    if (item === null) items.push('NULL');
    else if (Array.isArray(item) && type !== 'jsonb') {
      const text = arrayText(type, item as readonly Json[]);
      if (text === undefined) return undefined;
      items.push(text);
    } else {
      const text = scalarText(type, item);
      if (text === undefined) return undefined;
      items.push(`"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
    }
  }
  return `{${items.join(',')}}`;
}

/** The text to send for a value; undefined where the column cannot hold one of that shape. */
export function columnText({ type, isArray }: Column, value: Json): string | null | undefined {
  // PostgreSQL refuses U+0000 in any text.
  if (value === null) return null;
  const text = isArray && Array.isArray(value) ? arrayText(type, value as readonly Json[]) : scalarText(type, value);
  return text?.includes('\0') === true ? undefined : text;
}

const numbers = ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'oid'];

/**
 * Whether what the column shows after a write is what was written: another spelling is, a rounded number, a cut moment
 * or a padded text is not.
 */
export function isHeld(column: Column, wanted: Json, held: Json): boolean {
  if (sameJson(wanted, held)) return true;
  if (Array.isArray(wanted) && Array.isArray(held)) {
    const [some, others] = [wanted as readonly Json[], held as readonly Json[]];
    return some.length === others.length && some.every((item, at) => isHeld(column, item, others[at] ?? null));
  }
  if (typeof wanted !== 'string' || typeof held !== 'string') return false;
  if (numbers.includes(column.type)) {
    const number = canonicalDecimal(wanted);
    return number !== null && number === canonicalDecimal(held);
  }
  if (column.type === 'timestamptz') return sameMoment(wanted, held);
  if (column.type === 'timestamp') return sameMoment(`${wanted}Z`, `${held}Z`);
  if (column.type === 'bpchar') return wanted.replace(/ +$/, '') === held.replace(/ +$/, '');
  if (column.type === 'uuid') return wanted.toLowerCase().replaceAll('-', '') === held.replaceAll('-', '');
  return false;
}

function sameMoment(wanted: string, held: string): boolean {
  const moment = canonicalInstant(wanted, 'nanosecond');
  return moment !== null && moment === canonicalInstant(held, 'nanosecond');
}
