/**
 * Personal values are in no hop. What stands there instead is keyed by one random salt for each record, which all members
 * of a dataset share: whoever has it can check a value against a digest, and once it is gone nobody can, nor tell which
 * record a hop was about.
 *
 * Field salts come from the record's by HKDF-Expand (RFC 5869 section 2.3). Its first half, Extract, is left out as section
 * 3.3 allows: the record's salt is already 32 random bytes.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { canonicalJson, type Digest } from '../digest.js';
import type { Json } from '../json.js';

export const saltBytes = 32;

/** HMAC-SHA-256 over the UTF-8 of a text, in hexadecimal. Workers pass the one of their platform, which is faster. */
export type HmacSha256 = (key: Uint8Array, text: string) => Digest;

const ownHmac: HmacSha256 = (key, text) => bytesToHex(hmac(sha256, key, utf8ToBytes(text)));

export interface RecordName {
  readonly dataset: string;
  readonly type: string;
  readonly key: string;
}

/** What a record is called in hops: says nothing to whoever lacks its salt. */
export function opaqueId(salt: Uint8Array, { dataset, type, key }: RecordName, keyed: HmacSha256 = ownHmac): Digest {
  return keyed(salt, `concordat/record\n${dataset}\n${type}\n${key}`);
}

/** HKDF-Expand for one block: HMAC(salt, info ‖ 0x01). */
export function fieldSalt(salt: Uint8Array, type: string, field: string, keyed: HmacSha256 = ownHmac): Uint8Array {
  return hexToBytes(keyed(salt, `concordat/field\n${type}\n${field}\u0001`));
}

/** HMAC(field salt, canonical JSON of the value). */
export function valueDigest(ofField: Uint8Array, value: Json, keyed: HmacSha256 = ownHmac): Digest {
  return keyed(ofField, textOf(value));
}

/** As canonicalJson gives it; values that are flat go the short way. */
function textOf(value: Json): string {
  return value === null || typeof value === 'string' || typeof value === 'boolean'
    ? JSON.stringify(value)
    : canonicalJson(value);
}
