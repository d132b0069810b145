/** The copy of a file with some rows other than they were; all other rows keep their bytes. */
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

/** Why a row is not in the copy as wanted: what stands there is not as expected, or the file cannot hold what is wanted. */
export interface NotChanged {
  readonly kind: 'conflict' | 'refused';
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface Copied {
  /** By the id of the row; every other change is in the copy. */
  readonly notChanged: ReadonlyMap<string, NotChanged>;
  /** The copy holds a change that is in `notChanged`, for its key stands twice: it must be made again without it. */
  readonly isSpoiled: boolean;
}

const refused = (code: ErrorCode, detail: string): NotChanged => ({ kind: 'refused', code, detail });
const conflict = (code: ErrorCode, detail: string): NotChanged => ({ kind: 'conflict', code, detail });

const cannotHold = 'the file cannot hold the row: a CSV file holds texts in the columns of its header, and no other';
const neverWritten = 'a Parquet file is read and never written';
const pendingMax = 256 * 1024;

/** `changes`: by the id of the row that changes. */
export async function copyWithChanges(
  bytes: AsyncIterable<Uint8Array>,
  file: RowFormat,
  changes: ReadonlyMap<string, RowChange>,
  write: (text: string) => Promise<void>,
): Promise<Copied> {
  if (file.format === 'parquet')
    return {
      notChanged: new Map([...changes.keys()].map((id) => [id, refused('valueNotRepresentable', neverWritten)])),
      isSpoiled: false,
    };
  let pending = '';
  let columns: readonly string[] = [];
  let lineEnd = '\n';
  let last: string | null = null;
  let isSpoiled = false;
  const found = new Set<string>();
  const notChanged = new Map<string, NotChanged>();
  const put = async (text: string): Promise<void> => {
    pending += text;
    if (pending.length < pendingMax) return;
    await write(pending);
    pending = '';
  };
  const lineOf = (change: RowChange, end: string): string | null =>
    change.kind === 'delete'
      ? ''
      : file.format === 'csv'
        ? csvLine(change.after, columns, file.delimiter ?? ',', end)
        : jsonLine(change.after, end);
  /** The line that takes the place of a row; null where the row stays. */
  const changed = (row: Row, id: string, change: RowChange): string | null => {
    const isFirst = !found.has(id);
    found.add(id);
    if (change.kind === 'create') {
      notChanged.set(id, conflict('nameTaken', 'a row with this key is there already'));
      return null;
    }
    if (!isFirst || row.opaque !== undefined) {
      isSpoiled ||= !notChanged.has(id) && !isFirst;
      notChanged.set(id, refused('opaqueRecord', row.opaque ?? 'the key stands twice'));
      return null;
    }
    if (!sameJson(row.body ?? undefined, change.before)) {
      notChanged.set(id, conflict('expectationFailed', 'the row is not as it was read'));
      return null;
    }
    const line = lineOf(change, row.raw.endsWith('\n') ? lineEnd : '');
    if (line === null) notChanged.set(id, refused('valueNotRepresentable', cannotHold));
    return line;
  };
  for await (const row of rowsOf(bytes, file)) {
    if (row.kind === 'header') columns = row.columns ?? [];
    if (row.raw.endsWith('\n')) lineEnd = row.raw.endsWith('\r\n') ? '\r\n' : '\n';
    const id = row.kind === 'row' && row.body !== null ? rowId(row.body, file.key) : null;
    const change = id === null ? undefined : changes.get(id);
    last = (id !== null && change ? changed(row, id, change) : null) ?? row.raw;
    await put(last);
  }
  for (const [id, change] of changes) {
    if (change.kind !== 'create') {
      if (!found.has(id)) notChanged.set(id, conflict('expectationFailed', 'the row is gone'));
      continue;
    }
    if (found.has(id)) continue;
    const line = lineOf(change, lineEnd);
    if (file.format === 'csv' && columns.length === 0)
      notChanged.set(id, refused('valueNotRepresentable', 'the CSV file has no header'));
    else if (line === null) notChanged.set(id, refused('valueNotRepresentable', cannotHold));
    else {
      if (last !== null && last !== '' && !last.endsWith('\n')) await put(lineEnd);
      await put(line);
      last = line;
    }
  }
  if (pending !== '') await write(pending);
  return { notChanged, isSpoiled };
}
