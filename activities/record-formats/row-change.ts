/** The copy of a file with one row other than it was; all other rows keep their bytes. */
import type { ErrorCode } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import { sameJson } from '../../core/lens/same-json.js';
import { csvLine } from './csv.js';
import { jsonLine } from './json-lines.js';
import { rowId } from './row-id.js';
import { rowsOf, type Row, type RowFormat } from './rows.js';

export type RowChange =
  | { readonly kind: 'create'; readonly after: JsonObject }
  | { readonly kind: 'update'; readonly before: JsonObject; readonly after: JsonObject }
  | { readonly kind: 'delete'; readonly before: JsonObject };

/** Why there is no copy: what stands there is not as expected, or the file cannot hold what is wanted. */
export interface NotChanged {
  readonly kind: 'conflict' | 'refused';
  readonly code: ErrorCode;
  readonly detail: string;
}

const refused = (code: ErrorCode, detail: string): NotChanged => ({ kind: 'refused', code, detail });
const conflict = (code: ErrorCode, detail: string): NotChanged => ({ kind: 'conflict', code, detail });

const cannotHold = 'the file cannot hold the row: a CSV file holds texts in the columns of its header, and no other';
const neverWritten = 'a Parquet file is read and never written';
const pendingMax = 256 * 1024;

/** Null where `write` was given a whole copy that holds what is wanted. `id` is that of the row that changes. */
export async function copyWithChange(
  bytes: AsyncIterable<Uint8Array>,
  file: RowFormat,
  change: RowChange,
  id: string,
  write: (text: string) => Promise<void>,
): Promise<NotChanged | null> {
  if (file.format === 'parquet') return refused('valueNotRepresentable', neverWritten);
  let pending = '';
  let columns: readonly string[] = [];
  let lineEnd = '\n';
  let last: string | null = null;
  let found = 0;
  const put = async (text: string): Promise<void> => {
    pending += text;
    if (pending.length < pendingMax) return;
    await write(pending);
    pending = '';
  };
  const lineOf = (end: string): string | null =>
    change.kind === 'delete'
      ? ''
      : file.format === 'csv'
        ? csvLine(change.after, columns, file.delimiter ?? ',', end)
        : jsonLine(change.after, end);
  const isIt = (row: Row): boolean => row.kind === 'row' && row.body !== null && rowId(row.body, file.key) === id;
  for await (const row of rowsOf(bytes, file)) {
    if (row.kind === 'header') columns = row.columns ?? [];
    if (row.raw.endsWith('\n')) lineEnd = row.raw.endsWith('\r\n') ? '\r\n' : '\n';
    last = row.raw;
    if (!isIt(row)) {
      await put(row.raw);
      continue;
    }
    found += 1;
    if (change.kind === 'create') return conflict('nameTaken', 'a row with this key is there already');
    if (found > 1 || row.opaque !== undefined) return refused('opaqueRecord', row.opaque ?? 'the key stands twice');
    if (!sameJson(row.body ?? undefined, change.before))
      return conflict('expectationFailed', 'the row is not as it was read');
    const line = lineOf(row.raw.endsWith('\n') ? lineEnd : '');
    if (line === null) return refused('valueNotRepresentable', cannotHold);
    last = line;
    await put(line);
  }
  if (change.kind !== 'create' && found === 0) return conflict('expectationFailed', 'the row is gone');
  if (change.kind === 'create') {
    if (file.format === 'csv' && columns.length === 0)
      return refused('valueNotRepresentable', 'the CSV file has no header');
    const line = lineOf(lineEnd);
    if (line === null) return refused('valueNotRepresentable', cannotHold);
    if (last !== null && last !== '' && !last.endsWith('\n')) await put(lineEnd);
    await put(line);
  }
  if (pending !== '') await write(pending);
  return null;
}
