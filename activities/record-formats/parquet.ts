/**
 * The rows of a Parquet file (https://parquet.apache.org/docs/file-format/), a part of a row group at a time.
 *
 * hyparquet makes binary fractions of decimals and dates without microseconds of moments, and takes bytes for texts. So it
 * is shown a schema in which every column is what it physically is, and what a column means is worked out here, where
 * nothing is rounded (parquet-values.ts).
 */
import { open, type FileHandle } from 'node:fs/promises';
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
  type SchemaElement,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { Json, JsonObject } from '../../core/json.js';
import { declaredType } from './parquet-types.js';
import { bodyOf } from './parquet-values.js';
import type { Row } from './rows.js';

/** A file that is cut short, damaged, or of a kind that cannot be read. Its message names no value. */
export class ParquetDamaged extends Error {}

/** Of so many rows, all columns are in memory at once. */
const rowsAtOnce = 16_384;

interface Bytes extends AsyncBuffer {
  /** Whether bytes were asked for that are not there. */
  isShort(): boolean;
}

/**
 * HAZARD: hyparquet asks for bytes ahead, and a promise that fails while nobody waits for it ends the process. So bytes that
 * are not there are answered with none, and told afterwards.
 */
function bytesOf(handle: FileHandle, byteLength: number): Bytes {
  let short = false;
  return {
    byteLength,
    isShort: () => short,
    async slice(start, end = byteLength) {
      const length = end - start;
      if (length === 0) return new ArrayBuffer(0);
      if (start >= 0 && length > 0 && end <= byteLength) {
        const bytes = new ArrayBuffer(length);
        const read = await handle.read(new Uint8Array(bytes), 0, length, start).catch(() => null);
        if (read?.bytesRead === length) return bytes;
      }
      short = true;
      return new ArrayBuffer(0);
    },
  };
}

/** What hyparquet needs to put columns together, and nothing by which it would change a value. */
function physical(element: SchemaElement): SchemaElement {
  const { converted_type: converted, logical_type: logical, ...bare } = element;
  return element.type === undefined && (converted === 'LIST' || logical?.type === 'LIST')
    ? { ...bare, converted_type: 'LIST' }
    : bare;
}

/** Of INT96, the nanoseconds since 1970; every other parser would need an annotation that is gone. */
const parsers = { timestampFromNanoseconds: (nanoseconds: bigint) => nanoseconds };

async function metadataOf(file: AsyncBuffer): Promise<FileMetaData> {
  const metadata = await parquetMetadataAsync(file, { geoparquet: false });
  const rows = metadata.row_groups.reduce((sum, group) => sum + group.num_rows, 0n);
  if (rows !== metadata.num_rows) throw new ParquetDamaged('its parts have not as many rows as it says');
  return metadata;
}

const columnsOf = (tree: SchemaTree): readonly string[] => tree.children.map(({ element }) => element.name);

/** Throws ParquetDamaged. `name`: of a whole file of this machine that nobody changes meanwhile. */
export async function* parquetRows(name: string, key: readonly string[]): AsyncGenerator<Row> {
  const handle = await open(name, 'r');
  try {
    const file = bytesOf(handle, (await handle.stat()).size);
    const metadata = await damagedOr(() => metadataOf(file));
    const schema = await damagedOr(() => parquetSchema(metadata));
    const columns = await damagedOr(() => columnsOf(schema));
    if (new Set(columns).size !== columns.length) throw new ParquetDamaged('two of its columns have one name');
    const declares = Object.fromEntries(schema.children.map((column) => [column.element.name, declaredType(column)]));
    yield { raw: '', kind: 'header', body: null, columns, declares };
    if (!key.every((column) => columns.includes(column))) return;
    const shown: FileMetaData = { ...metadata, schema: metadata.schema.map(physical) };
    let groupStart = 0;
    for (const { num_rows: count } of metadata.row_groups) {
      const groupEnd = groupStart + Number(count);
      for (let rowStart = groupStart; rowStart < groupEnd; rowStart += rowsAtOnce) {
        const rowEnd = Math.min(rowStart + rowsAtOnce, groupEnd);
        const reading = { file, metadata: shown, rowStart, rowEnd, compressors, parsers, utf8: false };
        const rows = await damagedOr(() => parquetReadObjects({ ...reading, geoparquet: false, useOffsetIndex: true }));
        if (file.isShort()) throw new ParquetDamaged('it points behind its own end');
        if (rows.length !== rowEnd - rowStart) throw new ParquetDamaged('a part of it has not as many rows as it says');
        const bodies = await damagedOr(() => rows.map((row) => rowBody(schema, row)));
        for (const body of bodies) yield { raw: '', kind: 'row', body };
      }
      groupStart = groupEnd;
    }
  } finally {
    await handle.close();
  }
}

function rowBody(tree: SchemaTree, row: Readonly<Record<string, unknown>>): JsonObject {
  const body: Record<string, Json> = {};
  for (const column of tree.children) {
    const { name } = column.element;
    if (!Object.hasOwn(row, name)) throw new ParquetDamaged('a column of it has not as many rows as it says');
    body[name] = bodyOf(column, row[name]);
  }
  return body;
}

/** The reader answers bytes that are no Parquet with errors of every kind, and its words may hold a value. */
async function damagedOr<Result>(read: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ParquetDamaged) throw error;
    throw new ParquetDamaged('it is cut short, damaged, or no Parquet file');
  }
}
