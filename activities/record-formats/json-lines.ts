/** JSON Lines (https://jsonlines.org): one object a line. Numbers that a binary fraction would change are kept as written. */
import { isLosslessNumber, parse } from 'lossless-json';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.js';
import { exactNumber } from '../../core/lens/decimal.js';
import type { Row } from './rows.js';

export const byteOrderMark = '\ufeff';

export async function* jsonLines(text: AsyncIterable<string>): AsyncIterable<Row> {
  let rest = '';
  for await (const chunk of text) {
    rest += chunk;
    let from = 0;
    for (let end = rest.indexOf('\n', from); end !== -1; end = rest.indexOf('\n', from)) {
      yield rowOf(rest.slice(from, end + 1));
      from = end + 1;
    }
    rest = rest.slice(from);
  }
  if (rest !== '') yield rowOf(rest);
}

function rowOf(raw: string): Row {
  const line = (raw.startsWith(byteOrderMark) ? raw.slice(1) : raw).trim();
  if (line === '') return { raw, kind: 'blank', body: null };
  try {
    const body = parseExactly(line);
    if (!isJsonObject(body)) return { raw, kind: 'row', body: null };
    // JSON.parse takes the last of two properties with one name; whoever wrote them may mean the first. This parser refuses.
    if (line.split(nameMark).length - 1 > namesIn(body)) parse(line);
    return line.includes('"$number"')
      ? { raw, kind: 'row', body, opaque: 'it has a property $number, which stands for numbers here' }
      : { raw, kind: 'row', body };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { raw, kind: 'row', body: null };
  }
}

/** After each name, and in a few texts. */
const nameMark = /"\s*:/;

function namesIn(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  const items: readonly Json[] = Object.values(value) as Json[];
  let names = Array.isArray(value) ? 0 : items.length;
  for (const item of items) if (typeof item === 'object') names += namesIn(item);
  return names;
}

/**
 * Something that looks like a number with many digits, an exponent, a zero at its end, a negative zero or a tiny fraction:
 * JSON.parse might change it. A text that only looks so costs time and nothing else.
 */
const mayLose = /[0-9.]{16}|[0-9][eE]|\.[0-9]*0(?![0-9])|-0|0\.00000/;

export function parseExactly(text: string): Json {
  if (!mayLose.test(text)) return JSON.parse(text) as Json;
  return parse(text, (_name, value) => (isLosslessNumber(value) ? exactNumber(value.value) : value)) as Json;
}

/** `{ $number }` is written as the number that it stands for. */
export function jsonText(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => jsonText(item)).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const names = Object.keys(value);
  const number = value['$number'];
  if (names.length === 1 && typeof number === 'string' && /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(number))
    return number;
  return `{${names.map((name) => `${JSON.stringify(name)}:${jsonText(value[name] ?? null)}`).join(',')}}`;
}

export function jsonLine(body: JsonObject, lineEnd: string): string {
  return `${jsonText(body)}${lineEnd}`;
}
