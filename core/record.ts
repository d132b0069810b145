/** Records: what a mesh holds natively, and what the federation compares. */
import { z } from 'zod';
import { Json, JsonObject } from './json.js';

/** Authority ids name namespaces, endpoints and folders, so they keep to what all of these allow. */
export const AuthorityId = z
  .string()
  .max(63)
  .regex(/^[a-z][a-z0-9-]*[a-z0-9]$/, 'must start with a letter and hold only a-z, 0-9 and inner hyphens');
export type AuthorityId = z.infer<typeof AuthorityId>;

/**
 * One object as its own cloud describes it. `id` never changes while the object lives (AIDA…, object id, uuid);
 * names do. `members` of a group are native ids inside `body`, sorted by code unit; the property is left out
 * where they could not be read, which is not the same as an empty list.
 */
export const NativeObject = z
  .object({
    type: z.string(),
    id: z.string().min(1),
    body: JsonObject,
    /** Why the connector cannot fully represent it, in words without values: shown, and never written over or deleted. */
    opaque: z.string().optional(),
  })
  .readonly();
export type NativeObject = z.infer<typeof NativeObject>;

export type Fields = Readonly<Record<string, Json>>;

/** Of values in the order of their names; undefined where the record does not have the field. */
export function fieldsOf(names: readonly string[], values: readonly (Json | undefined)[]): Fields {
  const fields: Record<string, Json> = {};
  for (let at = 0; at < names.length; at += 1) {
    const [name, value] = [names[at], values[at]];
    if (name !== undefined && value !== undefined) fields[name] = value;
  }
  return fields;
}

/**
 * One record in federated words. A field that is absent was not read or is not held; null means held and empty.
 * Sets are arrays sorted by code unit without duplicates. References are federated keys.
 */
export const FederatedRecord = z
  .object({ type: z.string(), key: z.string().min(1), fields: z.record(z.string(), Json) })
  .readonly();
export type FederatedRecord = z.infer<typeof FederatedRecord>;

/**
 * A record that no link joins to a federated key yet carries a provisional one: `~` and the authority's keyed
 * digest of the native id. It is stable for that authority and says nothing to a peer.
 */
export function isProvisional(key: string): boolean {
  return key.startsWith('~');
}
