/** From entries that may differ to records that do: reads the bodies, tells keys apart, looks at each key alone. */
import type { Fields } from '../../core/record.js';
import { byCodeUnit } from '../../core/json.js';
import { openBodies, type OpenBody } from './body.js';
import type { Comparison } from './participants.js';
import type { RangeCursor } from './range-cursor.js';
import { cursorAt, digestsEqual, type Candidate } from './range-walk.js';
import { notAuthentic } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';

export interface Differing {
  readonly key: string;
  /** Every participant's id; undefined where it lacks the record. */
  readonly present: Readonly<Record<string, Fields | undefined>>;
}

/** One participant's entry of one key. */
interface Found {
  readonly entry: number;
  readonly fields: Fields;
}

export async function readCandidates(
  comparison: Comparison,
  cursors: readonly RangeCursor[],
  candidates: readonly Candidate[],
  reader: SegmentReader,
): Promise<readonly Differing[]> {
  const bodies: (readonly OpenBody[])[] = [];
  for (const [index, cursor] of cursors.entries()) {
    const entries = candidates.flatMap((candidate) => entriesToRead(candidate, index));
    bodies.push(cursor.columns && entries.length > 0 ? await openBodies(cursor.columns, entries, reader) : []);
  }
  const taken = cursors.map(() => 0);
  return candidates.flatMap((candidate) => {
    const byKey = new Map<string, (Found | undefined)[]>();
    const put = (index: number, entry: number, key: string, fields: Fields): void => {
      const row = byKey.get(key) ?? cursors.map((): Found | undefined => undefined);
      if (row[index]) throw notAuthentic('it holds one key twice');
      row[index] = { entry, fields };
      byKey.set(key, row);
    };
    const firstBody: (OpenBody | undefined)[] = [];
    cursors.forEach((_, index) => {
      for (const entry of entriesToRead(candidate, index)) {
        const body = bodies[index]?.[taken[index] ?? 0];
        if (!body) throw new Error('a body that was asked for is missing');
        taken[index] = (taken[index] ?? 0) + 1;
        firstBody[index] ??= body;
        put(index, entry, body.key, body.fields);
      }
    });
    cursors.forEach((cursor, index) => {
      const from = candidate.bodyFrom[index] ?? index;
      const start = candidate.starts[index] ?? 0;
      const body = firstBody[from];
      if (from === index || start === candidate.ends[index] || !body) return;
      put(index, start, body.key, fieldsHeldBy(cursor, cursorAt(cursors, from), body.fields));
    });
    return [...byKey.entries()]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .filter(([, row]) => differs(comparison, cursors, row))
      .map(([key, row]) => ({ key, present: presentIn(comparison, row) }));
  });
}

function entriesToRead(candidate: Candidate, index: number): readonly number[] {
  const start = candidate.starts[index] ?? 0;
  const end = candidate.ends[index] ?? 0;
  if (candidate.bodyFrom[index] !== index || start === end) return [];
  if (end === start + 1) return [start];
  return Array.from({ length: end - start }, (_, offset) => start + offset);
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

function differs(
  comparison: Comparison,
  cursors: readonly RangeCursor[],
  row: readonly (Found | undefined)[],
): boolean {
  if (comparison.everyRecord || row.includes(undefined)) return true;
  return !comparison.shared.every((pair) =>
    digestsEqual(cursors, pair, row[pair.left]?.entry ?? 0, row[pair.right]?.entry ?? 0),
  );
}

function presentIn(comparison: Comparison, row: readonly (Found | undefined)[]): Differing['present'] {
  return Object.fromEntries(comparison.participants.map(({ id }, index) => [id, row[index]?.fields]));
}
