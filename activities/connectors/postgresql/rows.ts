/** A row as texts, and the body that it makes. */
import type { Json, JsonObject } from '../../../core/json.js';
import type { Table } from './catalog.js';
import { quoted } from './client.js';
import { bodyValue } from './values.js';

export interface RowsWanted {
  readonly type: string;
  readonly table: Table;
  /** Only rows that lie behind this ctid; null for all. */
  readonly behind: string | null;
  /** Whether pages tell where their last row lies. */
  readonly hasPlace: boolean;
  readonly pageSize: number;
}

/** Some rows of a table, as they lie there. */
export interface RowPage<Page> {
  readonly rows: number;
  /** The ctid of the last one; null where that was not asked for. */
  readonly place: string | null;
  /** Rows without an id: they are not in the page. */
  readonly unreadable: number;
  /** With the cursor that goes on behind it; null where no row has an id. */
  readonly page: ((cursor: string) => Page) | null;
}

export type TextRow = readonly (string | null)[];

export const columnList = ({ columns }: Table, of = ''): string =>
  columns.map(({ name }) => `${of}${quoted(name)}`).join(', ');

export function bodyOf({ columns }: Table, row: TextRow): JsonObject {
  const body: Record<string, Json> = {};
  for (let at = 0; at < columns.length; at += 1) {
    const column = columns[at];
    if (!column) continue;
    const value = bodyValue(column, row[at] ?? null);
    // HAZARD: a column of this name would change what the body is made of, and not be in it.
    if (column.name === '__proto__') Object.defineProperty(body, column.name, { value, enumerable: true });
    else body[column.name] = value;
  }
  return body;
}
