/** The id of a row: the text of its key, or of several key columns their JSON list. */
import { exactNumberText } from '../../core/lens/decimal.js';
import type { Json, JsonObject } from '../../core/json.js';
import { rowId as idOf, textOnly } from '../row-key.js';

function keyText(value: Json | undefined): string | null {
  if (typeof value === 'string') return textOnly(value);
  if (typeof value === 'boolean') return String(value);
  return value === undefined || value === null ? null : exactNumberText(value);
}

/** Null where a part of the key is empty, missing, or no single value. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  return idOf(body, key, keyText);
}
