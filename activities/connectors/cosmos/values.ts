/**
 * What an item of Cosmos DB can hold: JSON, whose numbers are binary fractions of 64 bits there
 * (https://learn.microsoft.com/azure/cosmos-db/nosql/query/constants). A number that such a fraction would change is never
 * sent: write whole numbers beyond 2^53 and decimals of more than 15 digits as text.
 */
import { isJsonObject, type Json, type JsonObject } from '../../../core/json.js';
import { canonicalDecimal, exactNumberText } from '../../../core/lens/decimal.js';
import { isWellFormed } from '../../../core/lens/text.js';

/** Cosmos DB adds them to each item. */
const ofTheService: ReadonlySet<string> = new Set(['_rid', '_self', '_etag', '_attachments', '_ts', '_lsn']);

/** 2 MB of JSON. */
export const itemBytesMax = 2 * 1024 * 1024;
const depthMax = 128;

/** The properties that somebody gave it. */
export function bodyOf(item: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !ofTheService.has(name)));
}

/** Whether it has a property that stands for a number here, wherever it is. */
export function hasMark(value: Json): boolean {
  if (Array.isArray(value)) return (value as readonly Json[]).some(hasMark);
  return isJsonObject(value) && (Object.hasOwn(value, '$number') || Object.values(value).some(hasMark));
}

/** Undefined where Cosmos DB would show another value. */
function held(value: Json, depth: number): Json | undefined {
  if (depth > depthMax) return undefined;
  const number = exactNumberText(value);
  if (number !== null) {
    const plain = canonicalDecimal(number);
    const near = Number(number);
    if (plain === null || !Number.isFinite(near) || canonicalDecimal(String(near)) !== plain) return undefined;
    return near === 0 ? 0 : near;
  }
  if (typeof value === 'string') return isWellFormed(value) ? value : undefined;
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((item) => held(item, depth + 1));
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(
    ([name, item]) => [name, isWellFormed(name) ? held(item, depth + 1) : undefined] as const,
  );
  return entries.some(([, item]) => item === undefined) ? undefined : (Object.fromEntries(entries) as JsonObject);
}

/** The item of a body in which its `id` is called something else, or the words for what Cosmos DB cannot hold of it. */
export function itemOf(body: JsonObject, called: string): JsonObject | string {
  const item: Record<string, Json> = {};
  for (const [name, value] of Object.entries(body)) {
    if (name === called) {
      item['id'] = value;
      continue;
    }
    if (ofTheService.has(name) || name === 'id') return `Cosmos DB keeps the name ${name} for itself`;
    const given = isWellFormed(name) ? held(value, 1) : undefined;
    if (given === undefined)
      return `Cosmos DB cannot hold the value of ${name}: its numbers are binary fractions of 64 bits, so write this one as text`;
    item[name] = given;
  }
  const bytes = Buffer.byteLength(JSON.stringify(item));
  return bytes > itemBytesMax
    ? `the item would have ${bytes} bytes, and Cosmos DB holds ${itemBytesMax} at most`
    : item;
}
