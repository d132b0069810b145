/** The rows of one file, each with the text that it was read from, so that a write leaves all others as they stand. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ErrorCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { ParquetDamaged, parquetRows } from './parquet.js';
import { csvRows } from './csv.js';
import { jsonLines } from './json-lines.js';
import { rowId } from './row-id.js';

/** How a file holds its rows, and what tells them apart. */
export interface RowFormat {
  readonly format: 'jsonLines' | 'csv' | 'parquet';
  readonly key: readonly string[];
  /** Between the columns of a CSV file; a comma where left out. */
  readonly delimiter?: string | undefined;
}

export interface Row {
  /** With its line end, where it has one. Empty in Parquet, which has no lines. */
  readonly raw: string;
  /** `blank`: nothing on the line. `header`: the first row of a CSV file, the columns of a Parquet file. */
  readonly kind: 'row' | 'blank' | 'header';
  /** Null where the row cannot be read. */
  readonly body: JsonObject | null;
  /** Why the row cannot be represented as it stands, in words without values. */
  readonly opaque?: string;
  /** Of a header. */
  readonly columns?: readonly string[];
  /** Of a header that says of which type each column is, in the words of its format. */
  readonly declares?: Readonly<Record<string, string>>;
}

export const twice = 'its key stands in more than one row';

/** Throws the TypeError of TextDecoder where the bytes are not UTF-8, and ParquetDamaged. */
export function rowsOf(bytes: AsyncIterable<Uint8Array>, { format, delimiter, key }: RowFormat): AsyncIterable<Row> {
  if (format === 'parquet') return rowsOfCopy(bytes, key);
  const text = textOf(bytes);
  return format === 'csv' ? csvRows(text, delimiter ?? ',') : jsonLines(text);
}

/** A Parquet file says at its end where its rows are, so it has to be there as a whole. */
async function* rowsOfCopy(bytes: AsyncIterable<Uint8Array>, key: readonly string[]): AsyncGenerator<Row> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-parquet-'));
  try {
    const name = path.join(folder, 'copy');
    const copy = await open(name, 'wx', 0o600);
    try {
      for await (const chunk of bytes) await copy.write(chunk);
    } finally {
      await copy.close();
    }
    yield* parquetRows(name, key);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function* textOf(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  // A byte order mark is kept: what is not ours to change is written back as it was.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}

/** Not UTF-8, quotes of a CSV file that do not pair, or a Parquet file that is cut short or damaged. */
export function isUnreadable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof ParquetDamaged) return true;
  const code = 'code' in error ? String(error.code) : '';
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' || error.constructor.name === 'CsvError';
}

/** Of an error that isUnreadable. */
export function unreadableCode(error: unknown): ErrorCode {
  return error instanceof ParquetDamaged ? 'fileDamaged' : 'rowUnreadable';
}

/** Of an error that isUnreadable, for people: the name of the file and no word of what stands in it. */
export function unreadableWords(file: string, error: unknown): string {
  return error instanceof ParquetDamaged ? `${file} cannot be read: ${error.message}` : `${file} cannot be read`;
}

/** The rows with these ids, in one pass over the file. */
export async function rowsById(
  bytes: AsyncIterable<Uint8Array>,
  file: RowFormat,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, NativeObject>> {
  const wanted = new Set(ids);
  const found = new Map<string, NativeObject>();
  for await (const row of rowsOf(bytes, file)) {
    const id = row.kind === 'row' && row.body !== null ? rowId(row.body, file.key) : null;
    if (id === null || row.body === null || !wanted.has(id)) continue;
    const opaque = found.has(id) ? twice : row.opaque;
    found.set(id, { type, id, body: row.body, ...(opaque === undefined ? {} : { opaque }) });
  }
  return found;
}
