/**
 * How a read that died goes on in another transaction: not by trusting that nothing changed meanwhile, but by proof. Of the
 * rows up to the place where it stood as many must be there as were read, and each must be of a transaction that had ended
 * before the first read began. Such a row was there then, as it is now; where none is missing, what was read is what this
 * transaction would read too, and all of it is one moment again.
 *
 * HAZARD: a place in a table (ctid) says nothing after the table was rewritten, so its file and the definitions of its columns
 * must be the same, asked while the count holds the table against a rewrite.
 */
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';

const ReadTable = z.strictObject({
  type: z.string(),
  rows: z.int().nonnegative(),
  /** The ctid of the last row that was read, of a table that was not read to its end. */
  at: z.string().nullable(),
  isEnded: z.boolean(),
  /** Of its file and columns; null where nothing can be proven of the table. */
  fingerprint: z.string().nullable(),
});
export type ReadTable = z.infer<typeof ReadTable>;

export const ReadCursor = z.strictObject({
  /** Every transaction with a lower number had ended when the read began; null where the server does not say. */
  before: z.string().regex(/^\d+$/).nullable(),
  /** In the order in which they are read: all that were ended, and the one that is being read. */
  tables: z.array(ReadTable),
});
export type ReadCursor = z.infer<typeof ReadCursor>;

export function lost(why: string): ConcordatError {
  return new ConcordatError('cursorLost', why);
}

export function readCursorOf(text: string): ReadCursor {
  try {
    return ReadCursor.parse(JSON.parse(text));
  } catch (error) {
    throw new ConcordatError('cursorLost', 'the cursor of the read is not one', { cause: error });
  }
}

/** What may fail without ending the transaction: a server that only speaks like PostgreSQL lacks some of it. */
export async function ifTold<Answer>(client: PoolClient, ask: () => Promise<Answer>): Promise<Answer | null> {
  await client.query('SAVEPOINT asking');
  try {
    const answer = await ask();
    await client.query('RELEASE SAVEPOINT asking');
    return answer;
  } catch {
    await client.query('ROLLBACK TO SAVEPOINT asking');
    return null;
  }
}

/** Of the moment that the transaction sees. */
export async function endedBefore(client: PoolClient): Promise<string | null> {
  return ifTold(client, async () => {
    const { rows } = await client.query<string[]>({
      text: 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text',
      rowMode: 'array',
    });
    return rows[0]?.[0] ?? null;
  });
}

/**
 * Null of anything but a plain table, whose rows lie in one file in the order of their ctid, and of one with columns whose text
 * can change while the row does not (names that an oid is shown as, parts of composite types). `name` is in quotes.
 */
export async function fingerprintOf(client: PoolClient, name: string): Promise<string | null> {
  return ifTold(client, async () => {
    const { rows } = await client.query<(string | null)[]>({ text: fingerprintText, values: [name], rowMode: 'array' });
    return rows[0]?.[0] ?? null;
  });
}

// What a row of the catalogue was made by (its xmin) changes with every definition that changes.
const fingerprintText = `
  SELECT CASE WHEN c.relkind = 'r' AND NOT c.relhassubclass AND m.amname = 'heap' AND bool_and(
                e.typtype = 'e' OR (e.typtype = 'b' AND e.typname NOT LIKE 'reg%') OR (e.typtype IN ('r', 'm') AND e.oid < 16384))
              THEN md5(concat_ws(' ', c.oid, pg_relation_filenode(c.oid),
                string_agg(concat_ws(':', a.attnum, a.xmin, t.xmin, e.oid, e.xmin), ' ' ORDER BY a.attnum),
                (SELECT string_agg(concat_ws(':', l.oid, l.xmin), ' ' ORDER BY l.oid) FROM pg_enum l WHERE l.enumtypid = ANY (array_agg(e.oid))))) END
    FROM pg_class c
    JOIN pg_am m ON m.oid = c.relam
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type d ON d.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    JOIN pg_type e ON e.oid = CASE WHEN d.typcategory = 'A' AND d.typelem <> 0 THEN d.typelem ELSE d.oid END
   WHERE c.oid = to_regclass($1)
   GROUP BY c.oid, c.relkind, c.relhassubclass, m.amname`;

/**
 * Throws cursorLost unless all that was read of the table is there, and nothing else among it. A row tells 32 bits of the number
 * of its transaction: taken as the youngest that it can be, so that an old row may look new and a new one never looks old.
 */
export async function requireUnchanged(
  client: PoolClient,
  name: string,
  { rows, at, isEnded, fingerprint }: ReadTable,
  before: string,
): Promise<void> {
  if (fingerprint === null || (!isEnded && at === null)) throw lost('the transaction that the read began in is over');
  const told = await ifTold(client, async () => {
    const answer = await client.query<string[]>({
      text: `WITH moment AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS number)
             SELECT count(*), count(*) FILTER (WHERE moment.number - (moment.number - t.xmin::text::bigint + 4294967296) % 4294967296 < $1::bigint)
               FROM ${name} AS t, moment ${isEnded ? '' : 'WHERE t.ctid <= $2::tid'}`,
      values: isEnded ? [before] : [before, at],
      rowMode: 'array',
    });
    return answer.rows[0] ?? null;
  });
  const [there, known] = told ?? [];
  if (Number(there) !== rows || Number(known) !== rows || there === undefined)
    throw lost('the rows that were read are not as they were');
  if ((await fingerprintOf(client, name)) !== fingerprint)
    throw lost('the table is not the one that the read began with');
}
