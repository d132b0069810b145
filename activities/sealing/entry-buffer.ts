/**
 * A record on its way into a segment, as bytes, so that the heap stays small and a spill file needs no other form:
 *
 *   key hash (8) | one SHA-256 per group (32 each) | length of the JSON (4) | canonical JSON of {key, fields}
 */
export const hashBytes = 8;
export const digestBytes = 32;
export const offsetBytes = 4;

export interface EntryShape {
  readonly groupCount: number;
  /** Bytes before the JSON. */
  readonly headBytes: number;
}

export function entryShape(groupCount: number): EntryShape {
  return { groupCount, headBytes: hashBytes + digestBytes * groupCount + 4 };
}

export function jsonLength(buffer: Buffer, entry: number, shape: EntryShape): number {
  return buffer.readUInt32BE(entry + shape.headBytes - 4);
}
