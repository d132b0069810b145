/** The rows of one file, each with the text that it was read from, so that a write leaves all others as they stand. */
import type { JsonObject } from '../../core/json.js';
import { csvRows } from './csv.js';
import { jsonLines } from './json-lines.js';

/** How a file holds its rows, and what tells them apart. */
export interface RowFormat {
  readonly format: 'jsonLines' | 'csv';
  readonly key: readonly string[];
  /** Between the columns of a CSV file; a comma where left out. */
  readonly delimiter?: string | undefined;
}

export interface Row {
  /** With its line end, where it has one. */
  readonly raw: string;
  /** `blank`: nothing on the line. `header`: the first row of a CSV file. */
  readonly kind: 'row' | 'blank' | 'header';
  /** Null where the row cannot be read. */
  readonly body: JsonObject | null;
  /** Why the row cannot be represented as it stands, in words without values. */
  readonly opaque?: string;
  /** Of a header. */
  readonly columns?: readonly string[];
}

export const twice = 'its key stands in more than one row';

/** Throws the TypeError of TextDecoder where the bytes are not UTF-8. */
export function rowsOf(bytes: AsyncIterable<Uint8Array>, { format, delimiter }: RowFormat): AsyncIterable<Row> {
  const text = textOf(bytes);
  return format === 'csv' ? csvRows(text, delimiter ?? ',') : jsonLines(text);
}

async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  // A byte order mark is kept: what is not ours to change is written back as it was.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** Not UTF-8, or quotes of a CSV file that do not pair. */
export function isUnreadable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' || error.constructor.name === 'CsvError';
}
