/** Keystone's JSON for a user or group, and the native body made of it. */
import { z } from 'zod';
import { byCodeUnit, type Json, type JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';

/**
 * The least that is needed of a record; everything else passes through as it is, so that a schema which gained, lost or
 * retyped a property shows as a divergence instead of stopping the read.
 */
export const KeystoneRecord = z.looseObject({ id: z.string().min(1), domain_id: z.string().nullish() });
export type KeystoneRecord = z.infer<typeof KeystoneRecord>;

export const UserAnswer = z.object({ user: KeystoneRecord });
export const GroupAnswer = z.object({ group: KeystoneRecord });

/** What Keystone writes itself, and secrets. */
const neverInBody = ['id', 'links', 'password', 'original_password', 'password_expires_at'];

/** Present on every user and saying nothing while empty. */
const leftOutWhileEmpty = ['options', 'federated'];

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Everything that Keystone shows of a record, but for what it writes itself, secrets, and what is empty in `emptyOnes`. */
export function plainBody(record: KeystoneRecord, emptyOnes: readonly string[] = []): JsonObject {
  const leftOut = [...leftOutWhileEmpty, ...emptyOnes];
  const kept = Object.entries(record).filter(
    ([name, value]) => !neverInBody.includes(name) && !(leftOut.includes(name) && isEmpty(value)),
  );
  // The record came out of JSON.parse, so its values are JSON.
  return Object.fromEntries(kept as [string, Json][]);
}

export function nativeUser(record: KeystoneRecord): NativeObject {
  return { type: 'user', id: record.id, body: plainBody(record) };
}

/**
 * `members` holds the users of the mesh's own domain; `otherMembers` those of other domains, as far as the cloud shows
 * them: Keystone 22 hides them from a token that is scoped to a domain. Both are left out where `members` is undefined.
 */
export function nativeGroup(
  record: KeystoneRecord,
  members: readonly KeystoneRecord[] | undefined,
  domain: string,
): NativeObject {
  const body = plainBody(record);
  if (members === undefined) return { type: 'group', id: record.id, body };
  const ids = (own: boolean): readonly string[] =>
    [...new Set(members.filter((user) => ((user.domain_id ?? domain) === domain) === own).map((user) => user.id))].sort(
      byCodeUnit,
    );
  return { type: 'group', id: record.id, body: { ...body, members: ids(true), otherMembers: ids(false) } };
}
