/** Canonical JSON (RFC 8785) and the SHA-256 over it: how everything that is signed, planned or compared is named. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
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
  return hexOf(sha256(typeof bytes === 'string' ? utf8ToBytes(bytes) : bytes));
}

const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** At once: a text that is put together digit by digit is kept as a tree of its parts until somebody reads it, ten times as large. */
function hexOf(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (const byte of bytes) codes.push(digits[byte >> 4] ?? 0, digits[byte & 15] ?? 0);
  return String.fromCharCode(...codes);
}

/** The name of a value: SHA-256 over its canonical JSON. */
export function digestOf(value: Json | object): Digest {
  return sha256Hex(canonicalJson(value));
}
