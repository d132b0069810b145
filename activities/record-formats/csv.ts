/**
 * CSV (RFC 4180) with a header. A cell is a text; an empty cell without quotes is null, `""` is the empty text, as
 * PostgreSQL's COPY writes them, so that neither is taken for the other.
 */
import { pipeline, Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { Json, JsonObject } from '../../core/json.js';
import { byteOrderMark } from './json-lines.js';
import type { Row } from './rows.js';

interface Parsed {
  readonly record: readonly (string | null)[];
  readonly raw: string;
}

export async function* csvRows(text: AsyncIterable<string>, delimiter: string): AsyncIterable<Row> {
  const parser = parse({
    raw: true,
    info: true,
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: false,
    cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
  });
  // HAZARD: `pipe` hands on no failure of what it reads from: nobody would hear of it, and it would end the process.
  pipeline(Readable.from(text), parser, () => undefined);
  let columns: readonly string[] | null = null;
  let start = '';
  for await (const { record, raw: told } of parser as AsyncIterable<Parsed>) {
    // Of CR LF, csv-parse tells only the CR.
    const raw = told.endsWith('\r') && record.at(-1)?.endsWith('\r') !== true ? `${told}\n` : told;
    if (record.length === 1 && record[0] === null) {
      yield { raw, kind: 'blank', body: null };
      continue;
    }
    if (columns === null) {
      start = record[0]?.startsWith(byteOrderMark) === true ? byteOrderMark : '';
      columns = record.map((name, at) => (at === 0 ? (name ?? '').slice(start.length) : (name ?? '')));
      yield { raw, kind: 'header', body: null, columns };
      continue;
    }
    const body: Record<string, Json> = {};
    for (const [at, name] of columns.entries()) if (at < record.length) body[name] = record[at] ?? null;
    yield record.length === columns.length && new Set(columns).size === columns.length
      ? { raw, kind: 'row', body }
      : { raw, kind: 'row', body, opaque: 'its cells are not those of the header' };
  }
}

function cell(value: Json, delimiter: string): string | null {
  if (value === null) return '';
  if (typeof value !== 'string') return null;
  const needsQuotes = value === '' || value.includes(delimiter) || /["\r\n]|^\s|\s$/.test(value);
  return needsQuotes ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Null where a CSV file cannot hold the body: a value that is no text, or a property without a column. */
export function csvLine(
  body: JsonObject,
  columns: readonly string[],
  delimiter: string,
  lineEnd: string,
): string | null {
  if (Object.keys(body).some((name) => !columns.includes(name))) return null;
  const cells = columns.map((name) => cell(body[name] ?? null, delimiter));
  if (cells.includes(null)) return null;
  // A single empty cell would be an empty line, which is no row.
  return cells.length === 1 && cells[0] === '' ? null : `${cells.join(delimiter)}${lineEnd}`;
}
