/**
 * A document in pieces as a value: each part of its lists is parsed and held against its schema by itself, so that no text of all
 * of it exists. What is given is what parsing the whole would give.
 */
import { z } from 'zod';
import type { Ref } from '../../core/messages.js';
import { letOthersRun } from '../event-loop.js';
import { requireHeap } from '../heap.js';
import { parsePart, partsOf } from './document-parts.js';
import type { OpenDocument } from './open-document.js';
import { refusedDocument } from './piece-list.js';

/** Where the elements of a list are put that may be too many for an array. */
export interface ListPlace {
  /** `text`: its canonical JSON. */
  readonly put: (element: unknown, text: string) => void;
  /** What stands in the document in the place of the array. */
  readonly finish: () => unknown;
}

/** By member, and by the name in it where the member is a map itself; undefined for an array. */
export type ListPlaces = (member: string, inner: string | null) => ListPlace | undefined;

/** Throws inputNotAuthentic where the bytes are not the document, heapTooSmall where it has no place here. */
export async function readInParts<Schema extends z.ZodType>(
  document: OpenDocument,
  ref: Ref,
  schema: Schema,
  places: ListPlaces = () => undefined,
): Promise<z.infer<Schema>> {
  const otherShape = refusedDocument(ref.ref, 'has another shape than this version knows');
  // Documents that can be so large are maps with their lists right below, or one level deeper, and no rule is over the whole.
  if (!(schema instanceof z.ZodObject) || (schema.def.checks ?? []).length > 0) throw otherShape;
  /** By member, and by the name in it where the member is a map itself. */
  const lists = new Map<string, Map<string | null, ListPlace>>();
  const others = new Map<string, Map<string | null, unknown>>();
  for await (const parts of partsOf(document, ref, () => true)) {
    await letOthersRun();
    requireHeap(`${ref.ref}, a document of ${Math.ceil(document.bytes / 1e6)} MB,`);
    for (const { member, inner, isElement, text } of parts) {
      const value = parsePart(text);
      if (value === undefined) throw refusedDocument(ref.ref, 'is not canonical JSON');
      if (!isElement) {
        put(others, member, inner, value);
        continue;
      }
      const parsed = elementAt(schema.shape[member] as z.ZodType | undefined, inner)?.safeParse(value);
      if (!parsed?.success) throw otherShape;
      let list = lists.get(member)?.get(inner);
      if (!list) put(lists, member, inner, (list = places(member, inner) ?? inArray()));
      list.put(parsed.data, text);
    }
  }
  // Everything but the lists, which are there and empty: whatever is missing, too much or of another kind is found here.
  for (const [member, ofMember] of lists) for (const inner of ofMember.keys()) put(others, member, inner, []);
  const skeleton = schema.safeParse(Object.fromEntries([...others].map(([member, own]) => [member, joined(own)])));
  if (!skeleton.success) throw otherShape;
  const made = skeleton.data as Record<string, unknown>;
  for (const [member, ofMember] of lists)
    for (const [inner, list] of ofMember) {
      const whole = await list.finish();
      if (inner === null) made[member] = whole;
      else (made[member] as Record<string, unknown>)[inner] = whole;
    }
  return made as z.infer<Schema>;
}

function inArray(): ListPlace {
  const elements: unknown[] = [];
  return { put: (element) => void elements.push(element), finish: () => elements };
}

function put<Value>(
  into: Map<string, Map<string | null, Value>>,
  member: string,
  inner: string | null,
  value: Value,
): void {
  const known = into.get(member) ?? new Map<string | null, Value>();
  into.set(member, known);
  known.set(inner, value);
}

function joined(own: ReadonlyMap<string | null, unknown>): unknown {
  return own.has(null) ? own.get(null) : Object.fromEntries(own as ReadonlyMap<string, unknown>);
}

/** The schema of an element of the list at that place; undefined where no list may be. */
function elementAt(schema: z.ZodType | undefined, inner: string | null): z.ZodType | undefined {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return elementAt(schema.unwrap() as z.ZodType, inner);
  if (inner === null) return schema instanceof z.ZodArray ? (schema.element as z.ZodType) : undefined;
  if (schema instanceof z.ZodRecord) return elementAt(schema.valueType as z.ZodType, null);
  return schema instanceof z.ZodObject ? elementAt(schema.shape[inner] as z.ZodType | undefined, null) : undefined;
}
