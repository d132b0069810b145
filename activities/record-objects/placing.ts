/**
 * Which part a row is written to: one that is there, to the part that holds it; a new one, to the last part that has room,
 * or to a new part of our own. Each part is put anew under its own condition.
 *
 * HAZARD: no store holds a condition over several objects. Where somebody puts a row with the same key into another part
 * between the look and the put, both stand there: the next read tells them as opaque, and neither is compared or written.
 */
import { randomBytes } from 'node:crypto';
import { ConcordatError, type ErrorCode } from '../../core/errors.js';
import type { RowChange } from '../record-formats/row-change.js';
import { rowId } from '../record-formats/row-id.js';
import { isUnreadable, rowsOf, twice } from '../record-formats/rows.js';
import type { BatchAnswer, BatchWatch, WriteAnswer } from '../connectors/connector.js';
import type { ObjectFile, ObjectStore, OpenObject, PartFiles } from './object-store.js';
import { openListed, partsOf, type Part, type Parts } from './parts.js';
import { putNewRows, putRows, type RowChanges } from './put-rows.js';

const refused = (code: ErrorCode, detail: string): WriteAnswer => ({ kind: 'refused', code, detail });

/** What was not applied, by the id of its row. */
export async function writeToParts<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  declared: PartFiles,
  changes: RowChanges,
  { announce, mayGoOn }: Required<BatchWatch>,
): Promise<ReadonlyMap<string, BatchAnswer>> {
  const told = new Map<string, BatchAnswer>();
  const all = (answer: WriteAnswer): ReadonlyMap<string, BatchAnswer> => {
    for (const id of changes.keys()) told.set(id, answer);
    return told;
  };
  let source: Parts;
  let places: ReadonlyMap<string, readonly Part[]>;
  try {
    source = await partsOf(store, declared);
    places = await placesOf(store, source, changes);
  } catch (error) {
    if (error instanceof ConcordatError) return all(refused(error.code, error.message));
    if (isUnreadable(error))
      return all(refused('rowUnreadable', `a part of ${declared.parts} cannot be read, so none is written`));
    throw error;
  }
  const byPart = new Map<Part, Map<string, RowChange>>();
  const created = new Map<string, RowChange>();
  for (const [id, change] of changes) {
    const [place, another] = places.get(id) ?? [];
    if (another) told.set(id, refused('opaqueRecord', twice));
    else if (place) {
      const ofPart = byPart.get(place) ?? new Map<string, RowChange>();
      byPart.set(place, ofPart.set(id, change));
    } else if (change.kind === 'create') created.set(id, change);
    else told.set(id, { kind: 'conflict', code: 'expectationFailed', detail: 'the row is gone' });
  }
  const target = created.size === 0 ? undefined : placeOfNew(store, declared, source.parts);
  if (target?.kind === 'part') {
    const ofPart = byPart.get(target.part) ?? new Map<string, RowChange>();
    byPart.set(target.part, new Map([...ofPart, ...created]));
  } else if (target?.kind === 'none') for (const id of created.keys()) told.set(id, target.answer);
  const send = async (ofPart: RowChanges, put: () => Promise<ReadonlyMap<string, WriteAnswer>>): Promise<void> => {
    const answers = mayGoOn() ? await put() : null;
    for (const id of ofPart.keys()) {
      const answer = answers ? answers.get(id) : ({ kind: 'notSent' } as const);
      if (answer) told.set(id, answer);
    }
  };
  for (const [{ file }, ofPart] of byPart) await send(ofPart, () => putRows(store, file, ofPart, announce));
  if (target?.kind === 'new') await send(created, () => putNewRows(store, target, created, announce));
  return told;
}

/** The parts in which each id stands. All of them are looked at: a row must not come to stand in two. */
async function placesOf<Opened extends OpenObject>(
  store: ObjectStore<Opened>,
  { parts }: Parts,
  changes: RowChanges,
): Promise<ReadonlyMap<string, readonly Part[]>> {
  const places = new Map<string, Part[]>();
  for (const part of parts) {
    const { file } = part;
    const opened = await openListed(store, part);
    try {
      for await (const row of rowsOf(opened.bytes, file)) {
        const id = row.kind === 'row' && row.body !== null ? rowId(row.body, file.key) : null;
        if (id === null || !changes.has(id)) continue;
        const known = places.get(id) ?? [];
        if (known.at(-1) !== part) places.set(id, [...known, part]);
      }
    } finally {
      opened.close();
    }
  }
  return places;
}

type Target =
  | { readonly kind: 'part'; readonly part: Part }
  | { readonly kind: 'new'; readonly file: ObjectFile; readonly like: ObjectFile }
  | { readonly kind: 'none'; readonly answer: WriteAnswer };

const ownName = /^concordat-[0-9a-f]{16}\.[a-z]+$/;
const extensionOf = { jsonLines: 'jsonl', csv: 'csv', parquet: 'parquet' } as const;

/** Our own part before those of others, so that theirs are touched as little as can be. */
function placeOfNew(
  { limits }: Pick<ObjectStore, 'limits'>,
  { parts: prefix, ...format }: PartFiles,
  parts: readonly Part[],
): Target {
  const inFolders = parts.some(({ file }) => /(^|\/)[^/]+=[^/]*\//.test(file.file.slice(prefix.length)));
  if (inFolders)
    return {
      kind: 'none',
      answer: refused(
        'valueNotRepresentable',
        'the folders of the parts say a value (name=value), and nothing says into which a new row belongs',
      ),
    };
  const hasRoom = ({ bytes }: Part): boolean => bytes !== null && bytes < limits.partBytesMax;
  const own = parts.findLast((part) => ownName.test(part.file.file.slice(prefix.length)) && hasRoom(part));
  const last = parts.at(-1);
  if (own) return { kind: 'part', part: own };
  if (last && hasRoom(last)) return { kind: 'part', part: last };
  const name = `concordat-${randomBytes(8).toString('hex')}.${extensionOf[format.format]}`;
  const file = { ...format, file: prefix + name };
  return { kind: 'new', file, like: last?.file ?? file };
}
