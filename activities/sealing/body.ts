/** Opens bodies: finds them, reads those that lie near each other in one go, and holds each to its index entry. */
import { isDeeper, isJsonObject, type Json } from '../../core/json.js';
import type { Fields } from '../../core/record.js';
import { hashBytes } from './entry-buffer.js';
import type { RecordLayout, RecordTexts } from './record-layout.js';
import { notAuthentic, type SegmentColumns } from './segment-columns.js';
import type { SegmentReader } from './segment-reader.js';
import type { ByteRange } from '../store.js';
import { bodyPieces } from './segment-body.js';
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

interface Stretch extends ByteRange {
  /** Positions within the list of entries. */
  readonly from: number;
  readonly to: number;
}

/** The bodies of ascending entries of one segment whose columns are all loaded. Throws inputNotAuthentic on the first that is forged. */
export async function openBodies(
  columns: SegmentColumns,
  entries: readonly number[],
  reader: SegmentReader,
): Promise<readonly OpenBody[]> {
  const opened: OpenBody[] = [];
  for (const some of bounded(nearStretches(columns, entries, reader.coalesceGapBytes))) {
    await bodyPieces(columns.segment, some, reader, (bytes, index) => {
      const stretch = some[index];
      if (!stretch) throw new Error('a piece came that nobody asked for');
      // Pieces that one prefix spoiled come again from the next.
      opened.length = stretch.from;
      for (let position = stretch.from; position < stretch.to; position += 1)
        opened.push(openBody(columns, entries[position] ?? 0, bytes, stretch.start, reader));
    });
  }
  return opened;
}

/** As many as lie in memory at once. */
function* bounded(stretches: readonly Stretch[]): Generator<readonly Stretch[]> {
  let some: Stretch[] = [];
  let bytes = 0;
  for (const stretch of stretches) {
    if (some.length > 0 && bytes + stretch.length > readBytesAtOnce) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(stretch);
    bytes += stretch.length;
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
      stretches.push({ from, to: position, start, length: end - start });
      from = position;
    }
    if (position === from) start = bodyStart;
    end = bodyEnd;
  }
  if (entries.length > 0) stretches.push({ from, to: entries.length, start, length: end - start });
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
  if (!isHashWritten(bytes, start, keys, entry)) throw notAuthentic('a line of its body stands at the wrong place');
  const from = start + lineHeadBytes;
  const isPlain = layout.plain?.isCanonical(bytes, from, end - 1) === true;
  const record = isPlain
    ? (JSON.parse(bytes.toString('latin1', from, end - 1)) as OpenBody)
    : parsedRecord(bytes.toString('utf8', from, end - 1));
  if (!isKeyHash(reader.hashKey(record.key), keys, entry)) throw notAuthentic('a key does not have its hash');
  // What was found canonical by its bytes is hashed from them; else it is written again and held to them.
  const texts = isPlain ? null : canonicalTexts(layout, record, bytes.toString('utf8', from, end - 1));
  for (let group = 0; group < layout.groups.length; group += 1) {
    const text = texts?.[group] ?? layout.plain?.groupText(group, bytes) ?? '';
    if (!columns.isDigestAt(group, entry, sha256Binary(text)))
      throw notAuthentic('a body does not hash to its index entry');
  }
  return record;
}

/** Whether the hash of a key column stands in hexadecimal where a line begins. */
function isHashWritten(bytes: Buffer, start: number, keys: Buffer, entry: number): boolean {
  for (let at = 0; at < hashBytes; at += 1) {
    const byte = keys[entry * hashBytes + at] ?? 0;
    if (bytes[start + 2 * at] !== hexDigits[byte >>> 4] || bytes[start + 2 * at + 1] !== hexDigits[byte & 15])
      return false;
  }
  return true;
}

const hexDigits = Buffer.from('0123456789abcdef', 'latin1');
const hashRead = new DataView(new ArrayBuffer(hashBytes));

function isKeyHash(hash: bigint, keys: Buffer, entry: number): boolean {
  hashRead.setBigUint64(0, hash);
  for (let at = 0; at < hashBytes; at += 1) if (hashRead.getUint8(at) !== keys[entry * hashBytes + at]) return false;
  return true;
}

/** The texts of its groups. What parses need not be JSON that has a canonical form: a lone surrogate, escaped, parses. */
function canonicalTexts(layout: RecordLayout, { key, fields }: OpenBody, text: string): readonly string[] {
  let texts: RecordTexts | null;
  try {
    texts = layout.texts(key, fields);
  } catch {
    texts = null;
  }
  if (texts?.whole !== text) throw notAuthentic('a line of its body is not canonical');
  return texts.groups;
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
