/** The id of an item: its `id` where the container is partitioned by that, else the JSON list of partition key and `id`. */
import type { JsonObject } from '../../../core/json.js';
import { isWellFormed } from '../../../core/lens/text.js';
import { keyTexts, rowId as idOf, textOnly } from '../../row-key.js';

export interface ItemKey {
  readonly partition: string;
  readonly id: string;
}

/** Null where a part of the key is missing, empty, or no text. */
export const rowId = (body: JsonObject, key: readonly string[]): string | null => idOf(body, key, textOnly);

/** The id stands in the address of an item. https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits */
const disallowed = /[/\\?#\p{Cc}]|\s$/u;
const idBytesMax = 1_023;
/** Of a container with large partition keys, which is every one that is made today. */
const partitionBytesMax = 2_048;

const holds = (text: string, bytesMax: number): boolean =>
  text !== '' && isWellFormed(text) && Buffer.byteLength(text) <= bytesMax;

/** Null where no item of such a container can have it. */
export function keyOf(id: string, key: readonly string[]): ItemKey | null {
  const texts = keyTexts(id, key.length);
  const [first = '', last = first] = texts ?? [];
  if (!holds(first, partitionBytesMax) || !holds(last, idBytesMax) || disallowed.test(last)) return null;
  return { partition: first, id: last };
}
