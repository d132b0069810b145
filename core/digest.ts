/** Canonical JSON (RFC 8785) and the SHA-256 over it: how everything that is signed, planned or compared is named. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { Json } from './json.js';

/** 64 lower-case hexadecimal characters. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal characters');
export type Digest = z.infer<typeof Digest>;

/** The RFC 8785 text of a value. Throws on NaN, infinities and lone surrogates: none of them is JSON. */
export function canonicalJson(value: Json | object): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('undefined has no canonical JSON');
  return text;
}

export function sha256Hex(bytes: Uint8Array | string): Digest {
  return bytesToHex(sha256(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes));
}

/** The name of a value: SHA-256 over its canonical JSON. */
export function digestOf(value: Json | object): Digest {
  return sha256Hex(canonicalJson(value));
}
