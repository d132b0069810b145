/** Opens bodies: finds them, reads those that lie near each other in one go, and holds each to its index entry. */
import { isDeeper, isJsonObject, type Json } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { hashBytes } from './entry-buffer.js';
import type { RecordLayout, RecordTexts } from './record-layout.js';
import { notAuthentic, type SegmentColumns } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';
import { sha256Binary } from './sha256.js';

export interface OpenBody {
  readonly key: string;
  readonly fields: Fields;
}

/** No field of a taxonomy is deeper than a list; what recurses over records must not overflow on a peer's. */
const depthMax = 16;
export const lineHeadBytes = 2 * hashBytes + 1;
export const readBytesMax = 1024 * 1024;
const readBytesAtOnce = 4 * readBytesMax;

interface Stretch {
  /** Positions within the list of entries. */
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

const nowhere: Stretch = { from: 0, to: 0, start: 0, end: 0 };

/** The bodies of ascending entries of one segment whose columns are all loaded. Throws inputNotAuthentic on the first that is forged. */
export async function openBodies(
  columns: SegmentColumns,
  entries: readonly number[],
  reader: SegmentReader,
): Promise<readonly OpenBody[]> {
  const opened: OpenBody[] = [];
  for (const some of bounded(nearStretches(columns, entries, reader.coalesceGapBytes))) {
    const ranges = some.map(({ start, end }) => ({ start, length: end - start }));
    await reader.pieces(columns.segment.body, ranges, (bytes, index) => {
      const { from, to, start } = some[index] ?? nowhere;
      for (let position = from; position < to; position += 1)
        opened[position] = openBody(columns, entries[position] ?? 0, bytes, start, reader);
    });
  }
  return opened;
}

/** As many as lie in memory at once. */
function* bounded(stretches: readonly Stretch[]): Generator<readonly Stretch[]> {
  let some: Stretch[] = [];
  let bytes = 0;
  for (const stretch of stretches) {
    if (some.length > 0 && bytes + stretch.end - stretch.start > readBytesAtOnce) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(stretch);
    bytes += stretch.end - stretch.start;
  }
  if (some.length > 0) yield some;
}

function nearStretches(columns: SegmentColumns, entries: readonly number[], gapBytes: number): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  let start = 0;
  let end = 0;
  for (let position = 0; position < entries.length; position += 1) {
    const entry = entries[position] ?? 0;
    const bodyStart = columns.bodyStart(entry);
    const bodyEnd = columns.bodyStart(entry + 1);
    if (position > from && (bodyStart - end > gapBytes || bodyEnd - start > readBytesMax)) {
      stretches.push({ from, to: position, start, end });
      from = position;
    }
    if (position === from) start = bodyStart;
    end = bodyEnd;
  }
  if (entries.length > 0) stretches.push({ from, to: entries.length, start, end });
  return stretches;
}

/**
 * One line of a body, of which `bytes` is the piece that begins at `pieceStart`. The index is normative: the text must
 * be the canonical JSON of what it says, and hash to the entry in the key column and in every group column. Otherwise
 * two readers could take one signed line for two records.
 */
export function openBody(
  columns: SegmentColumns,
  entry: number,
  bytes: Buffer,
  pieceStart: number,
  reader: SegmentReader,
): OpenBody {
  const start = columns.bodyStart(entry) - pieceStart;
  const end = columns.bodyStart(entry + 1) - pieceStart;
  const { keys, layout } = columns;
  if (end - start < lineHeadBytes + 2 || bytes[start + lineHeadBytes - 1] !== 0x09 || bytes[end - 1] !== 0x0a)
    throw notAuthentic('a line of its body is malformed');
  const hashAt = entry * hashBytes;
  if (bytes.toString('latin1', start, start + 2 * hashBytes) !== keys.toString('hex', hashAt, hashAt + hashBytes))
    throw notAuthentic('a line of its body stands at the wrong place');
  const text = bytes.toString('utf8', start + lineHeadBytes, end - 1);
  const record = parsedRecord(text);
  if (reader.hashKey(record.key) !== keys.readBigUInt64BE(hashAt)) throw notAuthentic('a key does not have its hash');
  const texts = textsOrNull(layout, record);
  if (texts === null || texts.whole !== text) throw notAuthentic('a line of its body is not canonical');
  for (let group = 0; group < texts.groups.length; group += 1) {
    if (!columns.isDigestAt(group, entry, sha256Binary(texts.groups[group] ?? '')))
      throw notAuthentic('a body does not hash to its index entry');
  }
  return record;
}

/** What parses need not be JSON that has a canonical form: a lone surrogate, escaped, parses. */
function textsOrNull(layout: RecordLayout, { key, fields }: OpenBody): RecordTexts | null {
  try {
    return layout.texts(key, fields);
  } catch {
    return null;
  }
}

function parsedRecord(text: string): OpenBody {
  let parsed: Json;
  try {
    parsed = JSON.parse(text) as Json;
  } catch {
    throw notAuthentic('a line of its body is not JSON');
  }
  const fields = isJsonObject(parsed) ? parsed['fields'] : undefined;
  const key = isJsonObject(parsed) ? parsed['key'] : undefined;
  if (!isJsonObject(fields) || typeof key !== 'string' || key === '' || isDeeper(fields, depthMax))
    throw notAuthentic('a line of its body is not a record');
  return { key, fields };
}
