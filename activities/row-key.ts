/** The id of a row, whatever store holds it: the text of its key, or the JSON list of the texts of several key columns. */
import type { Json, JsonObject } from '../core/json.js';

/** null: what is no part of a key in this store. */
type KeyText = (value: Json | undefined) => string | null;

export const textOnly: KeyText = (value) => (typeof value === 'string' && value !== '' ? value : null);

/** Null where a part of the key is missing, empty, or nothing that `textOf` knows. */
export function rowId(body: JsonObject, key: readonly string[], textOf: KeyText): string | null {
  const parts: string[] = [];
  for (const column of key) {
    const part = textOf(Object.hasOwn(body, column) ? body[column] : undefined);
    if (part === null) return null;
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] ?? null) : JSON.stringify(parts);
}

/** The texts of a key of `count` columns; null where no row has this id. */
export function keyTexts(id: string, count: number): readonly string[] | null {
  if (count === 1) return [id];
  try {
    const parts: unknown = JSON.parse(id);
    const isKey = Array.isArray(parts) && parts.length === count && parts.every((part) => typeof part === 'string');
    // Spelled otherwise it would be another id of the same row.
    return isKey && JSON.stringify(parts) === id ? parts : null;
  } catch {
    return null;
  }
}
