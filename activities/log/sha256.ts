/** SHA-256 and HMAC-SHA-256 of the platform: the same results as core's, in a fraction of the time. */
import { createHash, createHmac, hash as hashAtOnce } from 'node:crypto';

/** Node 20.12 and later. Measured: a text from it, made bytes again, costs two thirds of a Buffer from it. */
const hashText = typeof hashAtOnce === 'function' ? hashAtOnce : undefined;

export function sha256(bytes: Uint8Array): Uint8Array {
  return hashText
    ? Buffer.from(hashText('sha256', bytes, 'binary'), 'latin1')
    : createHash('sha256').update(bytes).digest();
}

const blockBytes = 64;
const textBytesMax = 4_096;
const inner = Buffer.alloc(blockBytes + textBytesMax);
const outer = Buffer.alloc(blockBytes + 32);

/** RFC 2104 by two hashes at once: an object of createHmac for each of a million fields costs twice that. */
export function hmacSha256(key: Uint8Array, text: string): string {
  // A character is three bytes of UTF-8 at most.
  if (!hashText || key.length > blockBytes || text.length * 3 > textBytesMax)
    return createHmac('sha256', key).update(text).digest('hex');
  inner.fill(0x36, 0, blockBytes);
  outer.fill(0x5c, 0, blockBytes);
  for (let at = 0; at < key.length; at += 1) {
    const byte = key[at] ?? 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  const length = inner.write(text, blockBytes, 'utf8');
  outer.write(hashText('sha256', inner.subarray(0, blockBytes + length), 'binary'), blockBytes, 'latin1');
  return hashText('sha256', outer, 'hex');
}
