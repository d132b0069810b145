/** The rows of a table as objects, through a cursor. */
import Cursor from 'pg-cursor';
import type { PoolClient } from 'pg';
import type { NativeObject } from '../../../core/record.js';
import type { ReadObjects } from '../connector.js';
import { quoted } from './client.js';
import { rowId } from './row-id.js';
import { bodyOf, columnList, type RowPage, type RowsWanted, type TextRow } from './rows.js';

export const twice = 'its key stands in more than one row';

export async function* objectPages(
  client: PoolClient,
  { type, table, behind, hasPlace, pageSize }: RowsWanted,
): AsyncGenerator<RowPage<ReadObjects>> {
  const place = hasPlace ? ', ctid' : '';
  const from = behind === null ? '' : ' WHERE ctid > $1::tid';
  const order = table.isUnique ? '' : ` ORDER BY ${table.key.map((name) => quoted(name)).join(', ')}`;
  const fetched = client.query(
    new Cursor<TextRow>(
      `SELECT ${columnList(table)}${place} FROM ${table.name}${from}${order}`,
      behind === null ? [] : [behind],
      { rowMode: 'array' },
    ),
  );
  // The last row waits for the next one, which may have its key.
  const waiting: { object: NativeObject | null } = { object: null };
  for (;;) {
    const some = await fetched.read(pageSize);
    const objects: NativeObject[] = [];
    let unreadable = 0;
    for (const row of some) {
      const body = bodyOf(table, row);
      const id = rowId(body, table.key);
      if (id === null) {
        unreadable += 1;
        continue;
      }
      if (waiting.object?.id === id) waiting.object = { ...waiting.object, opaque: twice };
      else {
        if (waiting.object) objects.push(waiting.object);
        waiting.object = { type, id, body };
      }
    }
    // Nobody waits for another row with a key that is unique.
    if ((some.length < pageSize || table.isUnique) && waiting.object) {
      objects.push(waiting.object);
      waiting.object = null;
    }
    yield {
      rows: some.length,
      place: hasPlace ? (some.at(-1)?.[table.columns.length] ?? null) : null,
      unreadable,
      page: objects.length === 0 ? null : (cursor) => ({ kind: 'objects', scope: type, objects, cursor }),
    };
    if (some.length < pageSize) break;
  }
  await fetched.close();
}
