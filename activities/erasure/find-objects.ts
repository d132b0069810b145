/**
 * What of one prefix of the exchange store holds a record: found by reading all of it, because a list of what was written
 * would be a second memory that could be wrong. Objects are immutable and known by their digest, so what holds the record
 * goes as a whole, with whatever it says of others; the live base and what the next run reads hold it nowhere.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit, isJsonObject, type Json } from '../../core/json.js';
import { bodiesOf, type SealedSegment } from '../../core/sealed.js';
import type { ObjectStore } from '../store.js';
import { largeObjects, listOfPieces, lookThrough, namesOneOf, type LargeDocument } from './documents-in-pieces.js';
import { MarkFinder, payloadsOf, type Marks } from './marks.js';
import { columnsOf, segmentsIn } from './segments-of.js';

export type ErasedKind =
  | 'segments'
  | 'indexes'
  | 'salts'
  | 'plans'
  | 'correlations'
  | 'standings'
  | 'reviews'
  | 'permits'
  | 'receipts'
  | 'disclosures'
  | 'documents'
  | 'pieces'
  | 'comparisons'
  | 'messages';

export interface FoundObject {
  readonly name: string;
  readonly kind: ErasedKind;
}

export interface WhereToLook {
  readonly exchange: ObjectStore;
  readonly prefix: string;
  readonly marks: Marks;
  /** tableId of the record: proposals of salts know it by this. */
  readonly tableId: Buffer;
  /** Ids of operations, their pieces and conflicts that were about the record. */
  readonly operations: ReadonlySet<Digest>;
  /** Segments that the next run reads. They must not go, so if one holds the record the erasure is refused. */
  readonly needed: readonly SealedSegment[];
  readonly heartbeat: () => void;
}

/** Sorted by name. Throws recordStillAgreed where something that is needed holds the record. */
export async function findObjects(where: WhereToLook): Promise<readonly FoundObject[]> {
  const { exchange, prefix, marks, needed } = where;
  const finder = new MarkFinder(marks);
  const found: FoundObject[] = [];
  const known: SealedSegment[] = [];
  const holding = new Set<Digest>();
  const envelopes = new Set<string>();
  const inPieces: LargeDocument<ErasedKind>[] = [];
  // Messages first: they say which documents are the envelopes of values that were sent to peers.
  for (const folder of ['messages', 'documents', 'salts', 'compared', 'segments'] as const) {
    for (const name of await exchange.list(`${prefix}/${folder}/`)) {
      const bytes = await exchange.get(name);
      if (!bytes) continue;
      where.heartbeat();
      if (folder === 'segments') {
        if (finder.isIn(bytes)) holding.add(digestIn(name));
        continue;
      }
      if (folder === 'compared') {
        // Of no further use to anybody but a run under way, which compares again.
        if (finder.isIn(bytes)) found.push({ name, kind: 'comparisons' });
        continue;
      }
      if (folder === 'salts') {
        if (Buffer.from(bytes).includes(where.tableId)) found.push({ name, kind: 'salts' });
        continue;
      }
      const list = folder === 'documents' ? listOfPieces(name, bytes) : null;
      if (list) {
        const { members, holds, names } = await lookThrough(
          exchange,
          { name, list },
          finder,
          where.operations,
          where.heartbeat,
        );
        const kind = kindOf(members);
        inPieces.push({ name, list, kind: holds || (names && namesOperations.has(kind)) ? kind : null });
        continue;
      }
      const texts = folder === 'messages' ? payloadsOf(Buffer.from(bytes)) : [Buffer.from(bytes)];
      const values = texts.flatMap((text) => parsed(text));
      known.push(...values.flatMap((value) => segmentsIn(value)));
      if (folder === 'messages')
        for (const value of values) for (const one of envelopesIn(value, marks.name.dataset)) envelopes.add(one);
      const kind = folder === 'messages' ? 'messages' : envelopes.has(name) ? 'disclosures' : kindOf(values[0]);
      if (kind === 'disclosures' || finder.isIn(bytes) || isAbout(kind, bytes, where.operations))
        found.push({ name, kind });
    }
  }
  if (needed.some((segment) => isHolding(segment, holding)))
    throw new ConcordatError('recordStillAgreed', 'the agreed base still refers to this record');
  return [...found, ...largeObjects(inPieces, 'pieces'), ...segmentObjects(prefix, holding, known, needed)].sort(
    (left, right) => byCodeUnit(left.name, right.name),
  );
}

/** The bodies that hold the record, and those columns of theirs that no other segment shares. */
function segmentObjects(
  prefix: string,
  holding: ReadonlySet<Digest>,
  known: readonly SealedSegment[],
  needed: readonly SealedSegment[],
): readonly FoundObject[] {
  const staying = [...needed, ...known].filter((segment) => !isHolding(segment, holding));
  const shared = new Set(staying.flatMap((segment) => [...bodiesOf(segment), ...columnsOf(segment)]));
  const columns = new Set(known.filter((segment) => isHolding(segment, holding)).flatMap(columnsOf));
  return [
    ...[...holding].map((digest) => ({ name: `${prefix}/segments/${digest}`, kind: 'segments' as const })),
    ...[...columns]
      .filter((digest) => !shared.has(digest) && !holding.has(digest))
      .map((digest) => ({ name: `${prefix}/segments/${digest}`, kind: 'indexes' as const })),
  ];
}

function isHolding(segment: SealedSegment, holding: ReadonlySet<Digest>): boolean {
  return bodiesOf(segment).some((body) => holding.has(body));
}

/** Which document it is, by the members that only that kind has. */
function kindOf(value: Json | undefined): ErasedKind {
  if (!isJsonObject(value)) return 'documents';
  if ('algorithm' in value && 'operations' in value) return 'plans';
  if ('assignments' in value) return 'correlations';
  if ('links' in value && 'rejections' in value) return 'standings';
  if ('settled' in value) return 'permits';
  if ('receipts' in value && !('proposal' in value) && !('candidate' in value) && !('next' in value)) return 'receipts';
  if ('decisions' in value) return 'reviews';
  return 'documents';
}

const namesOperations: ReadonlySet<ErasedKind> = new Set(['reviews', 'permits', 'receipts']);

function isAbout(kind: ErasedKind, bytes: Uint8Array, operations: ReadonlySet<Digest>): boolean {
  return namesOperations.has(kind) && namesOneOf(Buffer.from(bytes), operations);
}

/** What a disclosure of the dataset encrypted: nobody can see which records it speaks of, so all of it goes. */
function envelopesIn(value: Json, dataset: string): readonly string[] {
  if (!isJsonObject(value) || value['dataset'] !== dataset || !Array.isArray(value['envelopes'])) return [];
  return value['envelopes'].flatMap((envelope: Json) => {
    const document = isJsonObject(envelope) ? envelope['document'] : undefined;
    const ref = isJsonObject(document) ? document['ref'] : undefined;
    return typeof ref === 'string' ? [ref] : [];
  });
}

function parsed(text: Buffer): readonly Json[] {
  try {
    return [JSON.parse(text.toString('utf8')) as Json];
  } catch {
    return [];
  }
}

function digestIn(name: string): Digest {
  return name.slice(name.lastIndexOf('/') + 1);
}
