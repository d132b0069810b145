/** The id of an item: the text of its key, or of partition and sort key their JSON list. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { DynamodbAttribute } from '../../../core/federation/authority.js';
import type { JsonObject } from '../../../core/json.js';
import { keyTexts, rowId as idOf, textOnly } from '../../row-key.js';
import { attributeOf } from './values.js';

export interface KeyAttribute {
  readonly name: string;
  readonly type: 'S' | 'N' | 'B';
  /** The second half of a key of two. */
  readonly isSort: boolean;
}

/** What the bodies of keys are made of; the table itself says it. */
export function declaredOf({ type }: KeyAttribute): DynamodbAttribute | undefined {
  return type === 'N' ? 'number' : type === 'B' ? 'binary' : undefined;
}

/** Null where a part of the key is missing, empty, or no text. */
export function rowId(body: JsonObject, key: readonly string[]): string | null {
  return idOf(body, key, textOnly);
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const partitionBytesMax = 2_048;
const sortBytesMax = 1_024;

/** The key of the item with this id; null where no item of such a table can have it. */
export function keyOf(id: string, key: readonly KeyAttribute[]): Record<string, AttributeValue> | null {
  const texts = keyTexts(id, key.length);
  if (!texts) return null;
  const entries: (readonly [string, AttributeValue])[] = [];
  for (const [at, part] of key.entries()) {
    const text = texts[at] ?? '';
    const value = text === '' ? null : attributeOf(text, declaredOf(part));
    // A number that is spelled otherwise would be another id of the same item.
    if (value === null || (value.N !== undefined && value.N !== text)) return null;
    const bytes = value.B?.length ?? Buffer.byteLength(text);
    if (bytes > (part.isSort ? sortBytesMax : partitionBytesMax)) return null;
    entries.push([part.name, value]);
  }
  return Object.fromEntries(entries);
}
