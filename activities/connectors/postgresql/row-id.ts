/** The id of a row: the text of its key, or of several key columns their JSON list. */
import type { JsonObject } from '../../../core/json.js';

/** Null where a part of the key is null or no single value. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  const parts: string[] = [];
  for (const column of key) {
    const part = Object.hasOwn(body, column) ? body[column] : undefined;
    if (typeof part === 'boolean') parts.push(String(part));
    else if (typeof part === 'string' && part !== '') parts.push(part);
    else return null;
  }
  return parts.length === 1 ? (parts[0] ?? null) : JSON.stringify(parts);
}

/** The texts of the key columns; null where the id is of another key. */
export function keyTexts(id: string, key: readonly string[]): readonly string[] | null {
  if (key.length === 1) return [id];
  try {
    const parts: unknown = JSON.parse(id);
    return Array.isArray(parts) && parts.length === key.length && parts.every((part) => typeof part === 'string')
      ? parts
      : null;
  } catch {
    return null;
  }
}
