/**
 * The form in which the value of a `digest` field leaves its authority: HMAC-SHA-256 under a key that the authorities of
 * the dataset share and the coordinator does not know. An object is no clear value of any kind of field (text, boolean,
 * set, null), so neither can be taken for the other.
 */
import { z } from 'zod';
import { canonicalJson, Digest, sha256Hex } from './digest.js';
import { isJsonObject, type Json } from './json.js';

/** Names a key without telling it: the first 32 digits of a SHA-256 over it. */
export const DigestKeyId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lower-case hexadecimal characters');
export type DigestKeyId = z.infer<typeof DigestKeyId>;

export const SealedValue = z.strictObject({ hmac: Digest, key: DigestKeyId });
export type SealedValue = z.infer<typeof SealedValue>;

/** Where a value stands: part of what is hashed, so that equal values of two records or fields have nothing in common. */
export interface ValuePlace {
  readonly dataset: string;
  readonly type: string;
  /** The federated key of the record. */
  readonly key: string;
  readonly field: string;
}

/** What is hashed. Null is not: "held and empty" is the same everywhere, and says nothing of a value. */
export function sealedText({ dataset, type, key, field }: ValuePlace, value: Exclude<Json, null>): string {
  return canonicalJson({ dataset, field, key, type, value });
}

export function digestKeyId(key: Uint8Array): DigestKeyId {
  return sha256Hex(Uint8Array.from([...new TextEncoder().encode('concordat-digest-key\n'), ...key])).slice(0, 32);
}

export function isSealedValue(value: Json | undefined): value is SealedValue {
  return (
    isJsonObject(value) &&
    typeof value['hmac'] === 'string' &&
    typeof value['key'] === 'string' &&
    Object.keys(value).length === 2
  );
}
