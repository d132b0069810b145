/** One step through the lists of collections.ts: a page, what became of it, and where the read then stands. */
import { ConcordatError, type ErrorCode } from '../../../../core/errors.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { AccessPosition } from '../cursor.js';
import { pageOf } from '../odata.js';
import { collections, type Collection, type Made, type Part, type Reading } from './collections.js';
import { lacksPim } from './pim.js';

/** What one step of a read tells, if anything, and where it then stands; `ended` where the collection has no more. */
export interface AccessStep {
  readonly objects: readonly NativeObject[];
  readonly position: AccessPosition;
  readonly ended: boolean;
}

export function collectionOf(scope: string): Collection {
  const found = collections.find((collection) => collection.scope === scope);
  // A cursor names it: text that another version of the connector made.
  if (!found) throw new ConcordatError('cursorLost', 'the cursor names a list that the entra connector does not read');
  return found;
}

type Page =
  { readonly entries: readonly JsonObject[]; readonly next: string | undefined } | { readonly reason: ErrorCode };

const nothing: Page = { entries: [], next: undefined };

async function pageAt(reading: Reading, collection: Collection, part: Part, next: string | undefined): Promise<Page> {
  if (part.path === undefined) return nothing;
  const path = next ?? (await part.path());
  if (path === null) return { reason: 'scopeNotFound' };
  const allow = collection.licensed || next !== undefined ? [400, 404, 410] : [];
  const { status, body } = await reading.graph.read(path, { allow, signal: reading.signal });
  if (collection.licensed && lacksPim(status, body)) return nothing;
  // A $skiptoken lives for a while only.
  if (status !== 200 && next !== undefined)
    throw new ConcordatError('cursorLost', 'Graph no longer knows the nextLink of this read');
  if (status !== 200) throw new ConcordatError('unexpectedAnswer', `Graph answered ${status} to a list`);
  const page = pageOf(body);
  if (next !== undefined && page.next === next)
    throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
  return { entries: page.value, next: page.next };
}

/** What Graph forbids is incomplete; any other failure is thrown. */
async function unlessForbidden(work: () => Promise<Page>): Promise<Page> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'forbidden') return { reason: 'forbidden' };
    throw error;
  }
}

async function madeOf(part: Part, entries: readonly JsonObject[]): Promise<Made> {
  try {
    return await part.make(entries);
  } catch (error) {
    // Without what the entries refer to they cannot be told, and none of them is told wrongly.
    if (error instanceof ConcordatError && error.code === 'forbidden') return { objects: [], reason: 'forbidden' };
    throw error;
  }
}

export async function accessStep(reading: Reading, position: AccessPosition): Promise<AccessStep> {
  const collection = collectionOf(position.scope);
  const part = collection.parts(reading)[position.part];
  if (!part) return { objects: [], position, ended: true };
  const page = await unlessForbidden(() => pageAt(reading, collection, part, position.next));
  const { next: _, ...rest } = position;
  const following = { ...rest, part: position.part + 1 };
  if ('reason' in page) return { objects: [], position: { ...following, reason: page.reason }, ended: false };
  const { objects, reason = position.reason } = await madeOf(part, page.entries);
  const because = reason === undefined ? {} : { reason };
  return {
    objects,
    position: page.next === undefined ? { ...following, ...because } : { ...rest, ...because, next: page.next },
    ended: false,
  };
}
