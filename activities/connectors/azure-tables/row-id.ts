/** The id of an entity: the text of its key, or of partition key and row key their JSON list. */
import type { JsonObject } from '../../../core/json.js';
import { keyTexts, rowId as idOf, textOnly } from '../../row-key.js';
import { isWellFormed } from '../../../core/lens/text.js';
import type { TableMesh } from './config.js';

export interface EntityKey {
  readonly partitionKey: string;
  readonly rowKey: string;
}

/** Null where a part of the key is missing, empty, or no text. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  return idOf(body, key, textOnly);
}

/** https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model#characters-disallowed-in-key-fields */
const disallowed = /[/\\#?\p{Cc}]/u;
/** 1 KiB of UTF-16. */
const unitsMax = 512;

/** The keys of the entity with this id; null where no entity of such a table can have it. */
export function keyOf(id: string, { key, partition }: TableMesh): EntityKey | null {
  const texts = keyTexts(id, key.length);
  if (!texts?.every((text) => text !== '' && text.length <= unitsMax && isWellFormed(text) && !disallowed.test(text)))
    return null;
  const [first = '', second = ''] = texts;
  if (key.length === 2) return { partitionKey: first, rowKey: second };
  return partition === undefined ? { partitionKey: first, rowKey: '' } : { partitionKey: partition, rowKey: first };
}

/** What the two keys are called in a body; null where the entity is none that the authority file speaks of. */
export function namedKey({ key, partition }: TableMesh, { partitionKey, rowKey }: EntityKey): JsonObject | null {
  const [first = '', second = ''] = key;
  if (key.length === 2)
    return partitionKey === '' || rowKey === '' ? null : { [first]: partitionKey, [second]: rowKey };
  if (partition !== undefined) return partitionKey === partition && rowKey !== '' ? { [first]: rowKey } : null;
  return rowKey === '' && partitionKey !== '' ? { [first]: partitionKey } : null;
}
