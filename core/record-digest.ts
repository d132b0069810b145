/** The text of one field group of a record: what seal, plan and base hash to name a record. */
import { canonicalJson } from './digest.js';
import type { Json } from './json.js';
import type { Fields } from './record.js';

/**
 * The canonical JSON that is hashed for one field group: `{ key, fields }` with only those fields of the group that the
 * record has. An absent field (not read, not held) leaves another text than one that is held and empty (null).
 * The order of `groupFieldNames` does not matter.
 */
export function groupText(key: string, fields: Fields, groupFieldNames: readonly string[]): string {
  const present: Record<string, Json> = {};
  for (const name of groupFieldNames) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value !== undefined) present[name] = value;
  }
  return canonicalJson({ key, fields: present });
}
