/** The id of a row: the text of its key, or of several key columns their JSON list. */
import { exactNumberText } from '../../core/lens/decimal.js';
import type { Json, JsonObject } from '../../core/json.js';

function keyText(value: Json | undefined): string | null {
  if (typeof value === 'string') return value === '' ? null : value;
  if (typeof value === 'boolean') return String(value);
  return value === undefined || value === null ? null : exactNumberText(value);
}

/** Null where a part of the key is empty, missing, or no single value. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  const parts: string[] = [];
  for (const column of key) {
    const part = keyText(Object.hasOwn(body, column) ? body[column] : undefined);
    if (part === null) return null;
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] ?? null) : JSON.stringify(parts);
}
