/**
 * A segment after a few changes: lines and columns that no change touches are copied as bytes, never parsed, so that what
 * it costs beyond the changes is reading, copying and hashing.
 *
 * HAZARD: nothing that is copied is opened. Its digests say that it is what was sealed; whoever opens a line holds it to
 * its index entry, as always.
 */
import { byCodeUnit } from '../../core/json.js';
import type { SealedSegment, SealedType } from '../../core/sealed.js';
import { openBody } from './body.js';
import { wholeBody } from './segment-body.js';
import { digestBytes, entryShape, hashBytes, jsonLength, offsetBytes, type EntryShape } from './entry-buffer.js';
import { firstEntryWithHash } from './bucket.js';
import type { RecordLayout } from './record-layout.js';
import type { SegmentBytes } from './segment-builder.js';
import { SegmentColumns } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';
import type { Workspace } from './workspace.js';

/** A record as it now is (entry-buffer.ts), or null where it goes. */
export interface EntryChange {
  readonly key: string;
  readonly hash: bigint;
  readonly entry: Buffer | null;
}

export interface SpliceOptions {
  readonly sealed: SealedType;
  readonly layout: RecordLayout;
  readonly segment: SealedSegment;
  /** All of this bucket, one for each key. */
  readonly changes: readonly EntryChange[];
  readonly reader: SegmentReader;
  readonly workspace: Workspace;
}

/** What stands at a place, instead of so many entries that stood there (0 or 1). */
export interface Splice {
  readonly at: number;
  readonly drops: 0 | 1;
  readonly entry: Buffer | null;
}

/**
 * `same` where the changes change nothing, null where no record is left. The bytes lie in the workspace: they are good
 * until it builds the next segment. Throws inputNotAuthentic where what is there is not what was sealed.
 */
export async function splicedSegment(options: SpliceOptions): Promise<SegmentBytes | 'same' | null> {
  const { sealed, layout, segment, reader, workspace } = options;
  const columns = new SegmentColumns(sealed, layout, segment, (digest, bytes) => reader.whole(digest, bytes));
  await columns.loadAll();
  const shape = entryShape(layout.groups.length);
  const changes = options.changes.filter((change) => !isThereAlready(columns, change));
  if (changes.length === 0) return 'same';
  const body = await wholeBody(segment, reader, () => workspace.take('body before', segment.bodyBytes));
  const keyAt = (entry: number): string => openBody(columns, entry, body, 0, reader).key;
  const splices = splicesOf(columns, changes.sort(byHashAndKey), keyAt);
  if (splices.length === 0) return 'same';
  return laidOut(columns, body, splices, shape, workspace);
}

export function byHashAndKey(left: EntryChange, right: EntryChange): number {
  return left.hash < right.hash ? -1 : left.hash > right.hash ? 1 : byCodeUnit(left.key, right.key);
}

/** Told by the columns alone: equal digests of all groups mean the same record, as its key is hashed with each. */
export function isThereAlready(columns: SegmentColumns, { hash, entry }: EntryChange): boolean {
  const [first, last] = entriesWithHash(columns, hash);
  if (entry === null) return first === last;
  if (last - first !== 1) return false;
  return columns.segment.groups.every((_, group) => {
    const at = hashBytes + group * digestBytes;
    const own = first * digestBytes;
    return columns.groupColumn(group).compare(entry, at, at + digestBytes, own, own + digestBytes) === 0;
  });
}

export function entriesWithHash(
  { keys, segment }: SegmentColumns,
  hash: bigint,
): readonly [first: number, after: number] {
  const first = firstEntryWithHash(keys, hash);
  let after = first;
  while (after < segment.count && keys.readBigUInt64BE(after * hashBytes) === hash) after += 1;
  return [first, after];
}

/** Of changes in the order of hash and key. `keyAt`: of an entry that has the hash of one of them. */
export function splicesOf(
  columns: SegmentColumns,
  changes: readonly EntryChange[],
  keyAt: (entry: number) => string,
): readonly Splice[] {
  return changes.flatMap((change) => spliceOf(columns, change, keyAt) ?? []);
}

/** Null where what goes is not there. */
function spliceOf(
  columns: SegmentColumns,
  { key, hash, entry }: EntryChange,
  keyAt: (entry: number) => string,
): Splice | null {
  const [first, after] = entriesWithHash(columns, hash);
  let at = first;
  for (; at < after; at += 1) {
    const known = keyAt(at);
    if (known === key) return { at, drops: 1, entry };
    if (byCodeUnit(known, key) > 0) break;
  }
  return entry ? { at, drops: 0, entry } : null;
}

const lineHeadBytes = 2 * hashBytes + 1;
export const bodyBytesMax = 2 ** 32 - 1;

function laidOut(
  columns: SegmentColumns,
  body: Buffer,
  splices: readonly Splice[],
  shape: EntryShape,
  workspace: Workspace,
): SegmentBytes | null {
  const { segment } = columns;
  let count = segment.count;
  let bodyBytes = segment.bodyBytes;
  for (const { at, drops, entry } of splices) {
    count += (entry ? 1 : 0) - drops;
    if (drops === 1) bodyBytes -= columns.bodyStart(at + 1) - columns.bodyStart(at);
    if (entry) bodyBytes += lineHeadBytes + jsonLength(entry, 0, shape) + 1;
  }
  if (count === 0) return null;
  if (bodyBytes > bodyBytesMax) throw new Error(`a segment of ${bodyBytes} bytes is larger than its offsets reach`);
  const target: Target = {
    position: 0,
    bodyAt: 0,
    body: workspace.take('body', bodyBytes),
    keys: workspace.take('keys', count * hashBytes),
    groups: segment.groups.map((_, group) => workspace.take(`group ${group}`, count * digestBytes)),
    offsets: workspace.take('offsets', count * offsetBytes),
  };
  let from = 0;
  for (const { at, drops, entry } of splices) {
    copyEntries(columns, body, from, at, target);
    if (entry) writeEntry(entry, shape, target);
    from = at + drops;
  }
  copyEntries(columns, body, from, segment.count, target);
  return { ...target, count, repeated: [] };
}

/** The columns that are being put together, and how far they and the body have come. */
export interface ColumnsTarget {
  position: number;
  bodyAt: number;
  readonly keys: Buffer;
  readonly groups: readonly Buffer[];
  readonly offsets: Buffer;
}

interface Target extends ColumnsTarget {
  readonly body: Buffer;
}

function copyEntries(columns: SegmentColumns, body: Buffer, from: number, to: number, target: Target): void {
  body.copy(target.body, target.bodyAt, columns.bodyStart(from), columns.bodyStart(to));
  copyColumns(columns, from, to, target);
}

export function copyColumns(columns: SegmentColumns, from: number, to: number, target: ColumnsTarget): void {
  if (from === to) return;
  const start = columns.bodyStart(from);
  const shift = target.bodyAt - start;
  columns.keys.copy(target.keys, target.position * hashBytes, from * hashBytes, to * hashBytes);
  for (const [group, column] of target.groups.entries())
    columns.groupColumn(group).copy(column, target.position * digestBytes, from * digestBytes, to * digestBytes);
  moveOffsets(columns.offsets, from * offsetBytes, target.offsets, target.position * offsetBytes, to - from, shift);
  target.position += to - from;
  target.bodyAt += columns.bodyStart(to) - start;
}

/** On views: over a million offsets the methods of Buffer cost ten times as much. */
function moveOffsets(old: Buffer, from: number, target: Buffer, to: number, count: number, shift: number): void {
  const source = new DataView(old.buffer, old.byteOffset + from, count * offsetBytes);
  const moved = new DataView(target.buffer, target.byteOffset + to, count * offsetBytes);
  for (let at = 0; at < count * offsetBytes; at += offsetBytes) moved.setUint32(at, source.getUint32(at) + shift);
}

function writeEntry(entry: Buffer, shape: EntryShape, target: Target): void {
  writeLine(entry, shape, target.body, target.bodyAt);
  writeColumns(entry, shape, target);
}

/** Its line as it stands in a body. */
export function lineOf(entry: Buffer, shape: EntryShape): Buffer {
  const line = Buffer.allocUnsafe(lineHeadBytes + jsonLength(entry, 0, shape) + 1);
  writeLine(entry, shape, line, 0);
  return line;
}

export function writeColumns(entry: Buffer, shape: EntryShape, target: ColumnsTarget): void {
  entry.copy(target.keys, target.position * hashBytes, 0, hashBytes);
  for (const [group, column] of target.groups.entries()) {
    const at = hashBytes + group * digestBytes;
    entry.copy(column, target.position * digestBytes, at, at + digestBytes);
  }
  target.offsets.writeUInt32BE(target.bodyAt, target.position * offsetBytes);
  target.position += 1;
  target.bodyAt += lineHeadBytes + jsonLength(entry, 0, shape) + 1;
}

function writeLine(entry: Buffer, shape: EntryShape, body: Buffer, bodyAt: number): void {
  body.write(entry.toString('hex', 0, hashBytes), bodyAt, 'latin1');
  body[bodyAt + lineHeadBytes - 1] = 0x09;
  const length = jsonLength(entry, 0, shape);
  entry.copy(body, bodyAt + lineHeadBytes, shape.headBytes, shape.headBytes + length);
  body[bodyAt + lineHeadBytes + length] = 0x0a;
}
