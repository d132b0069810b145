/** From entries that may differ to records that do: reads the bodies, tells keys apart, looks at each key alone. */
import { byCodeUnit } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { openBodies, type OpenBody } from './body.js';
import type { CandidateBatch } from './candidate-batch.js';
import type { Comparison } from './participants.js';
import { cursorAt, digestsEqual, type RangeCursor } from './range-cursor.js';
import { notAuthentic } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';

export interface Differing {
  readonly key: string;
  /** Every participant's id; undefined where it lacks the record. */
  readonly present: Readonly<Record<string, Fields | undefined>>;
}

/** Of one key: each participant's entry (-1 where it lacks the record) and fields. */
interface Row {
  readonly key: string;
  readonly entries: number[];
  readonly fields: (Fields | undefined)[];
}

export async function readCandidates(
  comparison: Comparison,
  cursors: readonly RangeCursor[],
  batch: CandidateBatch,
  reader: SegmentReader,
): Promise<readonly Differing[]> {
  // Together: a store across a network lets all of them wait only once.
  const bodies = await Promise.all(
    cursors.map(async ({ columns }, index): Promise<readonly OpenBody[]> => {
      const entries = batch.entriesOf(index);
      return columns && entries.length > 0 ? await openBodies(columns, entries, reader) : [];
    }),
  );
  const differing: Differing[] = [];
  for (let run = 0; run < batch.count; run += 1) {
    const only = batch.isSingle(run) ? onlyRecord(comparison, cursors, batch, run, bodies) : 'several keys';
    if (only === null) continue;
    if (only !== 'several keys') {
      differing.push(only);
      continue;
    }
    const rows = rowsOf(cursors, batch, run, bodies);
    if (rows.length > 1) rows.sort((a, b) => byCodeUnit(a.key, b.key));
    for (const row of rows) if (differs(comparison, cursors, row)) differing.push(differingOf(comparison, row));
  }
  return differing;
}

/** Of a run in which no participant has two entries, nearly always of one key; null where nothing differs. */
function onlyRecord(
  comparison: Comparison,
  cursors: readonly RangeCursor[],
  batch: CandidateBatch,
  run: number,
  bodies: readonly (readonly OpenBody[])[],
): Differing | null | 'several keys' {
  const { participants, shared, everyRecord } = comparison;
  const { starts, ends, bodyFrom } = batch;
  const first = batch.place(run, 0);
  let differs = everyRecord;
  let key: string | undefined;
  const present: Record<string, Fields | undefined> = {};
  for (let index = 0; index < participants.length; index += 1) {
    const place = first + index;
    let fields: Fields | undefined;
    if (starts[place] === ends[place]) differs = true;
    else {
      const from = bodyFrom[place] ?? 0;
      const body = bodyAt(bodies, from, batch.bodyAt[place] ?? 0);
      if (key !== undefined && body.key !== key) return 'several keys';
      ({ key, fields } = body);
      if (from !== index) fields = fieldsHeldBy(cursorAt(cursors, index), cursorAt(cursors, from), fields);
    }
    present[participants[index]?.id ?? ''] = fields;
  }
  if (key === undefined) throw new Error('a run without an entry came to be read');
  for (let at = 0; !differs && at < shared.length; at += 1) {
    const pair = shared[at];
    if (pair) differs = !digestsEqual(cursors, pair, starts[first + pair.left] ?? 0, starts[first + pair.right] ?? 0);
  }
  return differs ? { key, present } : null;
}

function rowsOf(
  cursors: readonly RangeCursor[],
  batch: CandidateBatch,
  run: number,
  bodies: readonly (readonly OpenBody[])[],
): Row[] {
  const rows: Row[] = [];
  const put = (index: number, entry: number, key: string, fields: Fields): void => {
    let row = rows.find((candidate) => candidate.key === key);
    if (!row) rows.push((row = { key, entries: cursors.map(() => -1), fields: cursors.map(() => undefined) }));
    if (row.fields[index]) throw notAuthentic('it holds one key twice');
    row.entries[index] = entry;
    row.fields[index] = fields;
  };
  // Those that tell their fields themselves come first: others join their rows.
  for (const joins of [false, true])
    for (let index = 0; index < cursors.length; index += 1) {
      const place = batch.place(run, index);
      const from = batch.bodyFrom[place] ?? 0;
      if ((from !== index) !== joins) continue;
      const start = batch.starts[place] ?? 0;
      for (let entry = start; entry < (batch.ends[place] ?? 0); entry += 1) {
        const { key, fields } = bodyAt(bodies, from, (batch.bodyAt[place] ?? 0) + entry - start);
        const held = joins ? fieldsHeldBy(cursorAt(cursors, index), cursorAt(cursors, from), fields) : fields;
        put(index, entry, key, held);
      }
    }
  return rows;
}

function bodyAt(bodies: readonly (readonly OpenBody[])[], participant: number, at: number): OpenBody {
  const body = bodies[participant]?.[at];
  if (!body) throw new Error('a body that was asked for is missing');
  return body;
}

function fieldsHeldBy(cursor: RangeCursor, from: RangeCursor, fields: Fields): Fields {
  if (cursor.layout.groups.length === from.layout.groups.length) return fields;
  return Object.fromEntries(
    cursor.layout.groups.flatMap((group) =>
      group.fields.flatMap((name) => {
        const value = fields[name];
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
  );
}

function differs(comparison: Comparison, cursors: readonly RangeCursor[], row: Row): boolean {
  if (comparison.everyRecord || row.entries.includes(-1)) return true;
  return !comparison.shared.every((pair) =>
    digestsEqual(cursors, pair, row.entries[pair.left] ?? 0, row.entries[pair.right] ?? 0),
  );
}

function differingOf(comparison: Comparison, row: Row): Differing {
  const present: Record<string, Fields | undefined> = {};
  comparison.participants.forEach(({ id }, index) => {
    present[id] = row.fields[index];
  });
  return { key: row.key, present };
}
