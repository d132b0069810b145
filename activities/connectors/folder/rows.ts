/** The rows of one file, each with the text that it was read from, so that a write leaves all others as they stand. */
import type { FileHandle } from 'node:fs/promises';
import type { JsonObject } from '../../../core/json.js';
import type { FileMesh } from './config.js';
import { csvRows } from './csv.js';
import { jsonLines } from './json-lines.js';

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

/** Throws the TypeError of TextDecoder where the file is not UTF-8. */
export function rowsOf(handle: FileHandle, file: FileMesh): AsyncIterable<Row> {
  const text = textOf(handle);
  return file.format === 'csv' ? csvRows(text, file.delimiter ?? ',') : jsonLines(text);
}

const chunkBytes = 256 * 1024;

async function* textOf(handle: FileHandle): AsyncIterable<string> {
  // A byte order mark is kept: what is not ours to change is written back as it was.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let position = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    yield decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
  }
  const rest = decoder.decode();
  if (rest !== '') yield rest;
}
