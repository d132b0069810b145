/** The id of a row: the text of its key, or of several key columns their JSON list. */
import type { Json, JsonObject } from '../../../core/json.js';
import { keyTexts as textsOf, rowId as idOf, textOnly } from '../../row-key.js';

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'boolean' ? String(value) : textOnly(value);

/** Null where a part of the key is null or no single value. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  return idOf(body, key, textOf);
}

/** The texts of the key columns; null where the id is of another key. */
export function keyTexts(id: string, key: readonly string[]): readonly string[] | null {
  return textsOf(id, key.length);
}
