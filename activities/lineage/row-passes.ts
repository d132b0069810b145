/** Very many rows that begin with hashes, taken in some passes: each pass holds those whose hashes begin with some bits. */

/** Rows one behind another, in pieces that may be gone over again. */
export interface PiecedRows {
  readonly count: number;
  readonly read: () => AsyncIterable<Buffer> | Iterable<Buffer>;
  /** Of those that are held at once; only tests give another one. */
  readonly bytesMax?: number;
}

export const passBytesUsually = 48 * 1024 * 1024;

/** So many passes that each has about as many bytes as it may hold, and whole buckets. */
export function passBitsFor(bytes: number, bytesMax: number, bits: number): number {
  let passBits = 0;
  while (passBits < bits && bytes > bytesMax * 2 ** passBits) passBits += 1;
  return passBits;
}

/** Whether hashes that begin with the bits of a bucket may begin with those of a pass. */
export function isInPass(bucket: number, bits: number, pass: number, passBits: number): boolean {
  const shared = Math.min(bits, passBits);
  return bucket >>> (bits - shared) === pass >>> (passBits - shared);
}

/** A copy of those of a pass, in their order. At least one bit says which pass it is. */
export function rowsOfPass(rows: Buffer, rowBytes: number, pass: number, passBits: number): Buffer {
  const isOf = (at: number): boolean => rows.readUInt32BE(at) >>> (32 - passBits) === pass;
  let length = 0;
  for (let at = 0; at < rows.length; at += rowBytes) if (isOf(at)) length += rowBytes;
  const own = Buffer.allocUnsafeSlow(length);
  let to = 0;
  for (let at = 0; at < rows.length; at += rowBytes) if (isOf(at)) to += rows.copy(own, to, at, at + rowBytes);
  return own;
}
