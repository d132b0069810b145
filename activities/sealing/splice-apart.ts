/**
 * A segment after a few changes, of which only the changed lines are written: those that stay are named where they lie. What it
 * costs beyond the changes is its index and the lines that changed since the large object was written.
 */
import type { SealedSegment } from '../../core/sealed.js';
import { openBodies } from './body.js';
import { digestBytes, entryShape, hashBytes, offsetBytes, type EntryShape } from './entry-buffer.js';
import { LinePlaces, LinePlacesWriter } from './line-places.js';
import { placesOf } from './segment-body.js';
import type { SegmentBytes } from './segment-builder.js';
import { SegmentColumns } from './segment-columns.js';
import {
  bodyBytesMax,
  byHashAndKey,
  copyColumns,
  entriesWithHash,
  isThereAlready,
  lineOf,
  splicesOf,
  writeColumns,
  type Splice,
  type SpliceOptions,
} from './splice-segment.js';

export interface ApartOptions extends SpliceOptions {
  /** A large object that is smaller is written anew. */
  readonly earlierBytesMin: number;
}

/** So many times as large as its later lines the large object is at least: then a segment is written whole. */
const earlierOverLater = 16;

/** The columns of a segment, its later lines, and where all lie. */
export interface ApartBytes extends Omit<SegmentBytes, 'body' | 'repeated'> {
  readonly bodyBytes: number;
  readonly earlier: { readonly body: string; readonly bytes: number };
  readonly laterBody: Buffer;
  readonly places: Buffer;
}

/**
 * `same` where the changes change nothing, `whole` where the segment must be written as one object.
 *
 * HAZARD: where a record goes it must. What a large object holds of a record that is agreed on no more could not be erased, because
 * the base needs the object.
 */
export async function splicedApart(options: ApartOptions): Promise<ApartBytes | 'same' | 'whole'> {
  const { sealed, layout, segment, reader, workspace } = options;
  const earlierBytes = segment.later?.earlierBytes ?? segment.bodyBytes;
  if (earlierBytes < options.earlierBytesMin) return 'whole';
  const columns = new SegmentColumns(sealed, layout, segment, (digest, bytes) => reader.whole(digest, bytes));
  await columns.loadAll();
  const changes = options.changes.filter((change) => !isThereAlready(columns, change)).sort(byHashAndKey);
  if (changes.length === 0) return 'same';
  if (changes.some(({ entry }) => entry === null)) return 'whole';
  const near = new Set<number>();
  for (const { hash } of changes) {
    const [first, after] = entriesWithHash(columns, hash);
    for (let entry = first; entry < after; entry += 1) near.add(entry);
  }
  const entries = [...near];
  const opened = await openBodies(columns, entries, reader);
  const keys = new Map(entries.map((entry, at) => [entry, opened[at]?.key ?? '']));
  const splices = splicesOf(columns, changes, (entry) => keys.get(entry) ?? '');
  const lines = await linesOf(options, columns, splices);
  if (lines.laterBytes * earlierOverLater > earlierBytes || lines.bodyBytes > bodyBytesMax) return 'whole';
  const count = segment.count + splices.reduce((sum, { drops }) => sum + 1 - drops, 0);
  const target = {
    position: 0,
    bodyAt: 0,
    keys: workspace.take('keys', count * hashBytes),
    groups: segment.groups.map((_, group) => workspace.take(`group ${group}`, count * digestBytes)),
    offsets: workspace.take('offsets', count * offsetBytes),
  };
  const shape = entryShape(layout.groups.length);
  let from = 0;
  for (const { at, drops, entry } of splices) {
    copyColumns(columns, from, at, target);
    if (entry) writeColumns(entry, shape, target);
    from = at + drops;
  }
  copyColumns(columns, from, segment.count, target);
  return {
    ...target,
    count,
    bodyBytes: lines.bodyBytes,
    earlier: { body: segment.body, bytes: earlierBytes },
    laterBody: lines.laterBody(),
    places: lines.places(),
  };
}

async function linesOf(
  { segment, layout, reader }: ApartOptions,
  columns: SegmentColumns,
  splices: readonly Splice[],
): Promise<LinePlacesWriter> {
  const before = await linesBefore(segment, reader);
  const lines = new LinePlacesWriter();
  const shape: EntryShape = entryShape(layout.groups.length);
  const keep = (from: number, to: number): void => {
    const start = columns.bodyStart(from);
    for (const { isLater, start: at, length } of before.places.within(start, columns.bodyStart(to) - start))
      if (isLater) lines.later(before.later.subarray(at, at + length));
      else lines.earlier(at, length);
  };
  let from = 0;
  for (const { at, drops, entry } of splices) {
    keep(from, at);
    if (entry) lines.later(lineOf(entry, shape));
    from = at + drops;
  }
  keep(from, segment.count);
  return lines;
}

async function linesBefore(
  segment: SealedSegment,
  reader: SpliceOptions['reader'],
): Promise<{ readonly places: LinePlaces; readonly later: Buffer }> {
  const { later, bodyBytes } = segment;
  if (!later) return { places: LinePlaces.ofOne(bodyBytes), later: Buffer.alloc(0) };
  return {
    places: await placesOf(segment, later, reader),
    later: await reader.whole(later.body, later.bodyBytes),
  };
}
