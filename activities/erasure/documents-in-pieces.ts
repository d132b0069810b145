/** Documents that lie in pieces, as an erasure sees them: whether one holds the record, and what goes with it. */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Json } from '../../core/json.js';
import type { Ref } from '../../core/messages.js';
import { partsOf } from '../documents/document-parts.js';
import { openPieces } from '../documents/open-document.js';
import { pieceListIn, pieceName, type PieceList } from '../documents/piece-list.js';
import type { ObjectStore } from '../store.js';
import { payloadsOf, type MarkFinder } from './marks.js';

export interface LargeDocument<Kind> {
  readonly name: string;
  readonly list: PieceList;
  /** Null where it does not hold the record. */
  readonly kind: Kind | null;
}

/** Null where the object is the document itself. */
export function listOfPieces(name: string, bytes: Uint8Array): PieceList | null {
  const list = pieceListIn(bytes);
  return list?.sha256 === name.slice(name.lastIndexOf('/') + 1) ? list : null;
}

export interface LookedThrough {
  /** The names of its members, for whoever tells documents apart by them. */
  readonly members: Readonly<Record<string, Json>>;
  readonly holds: boolean;
  /** Whether it names one of the operations. */
  readonly names: boolean;
}

/** Part by part, because a mark may lie across the border of two pieces. */
export async function lookThrough(
  store: ObjectStore,
  { name, list }: Pick<LargeDocument<unknown>, 'name' | 'list'>,
  finder: MarkFinder,
  operations: ReadonlySet<Digest>,
  heartbeat: () => void,
): Promise<LookedThrough> {
  const ref: Ref = { ref: name, sha256: list.sha256 };
  const members: Record<string, Json> = {};
  let holds = false;
  let names = false;
  try {
    for await (const parts of partsOf(openPieces(store, ref, list), ref, () => true)) {
      heartbeat();
      for (const { member } of parts) members[member] = null;
      // As one list, so that signed messages in it are seen as such.
      const content = Buffer.from(`[${parts.map(({ text, inner }) => `${JSON.stringify(inner)},${text}`).join(',')}]`);
      holds ||= finder.isIn(content);
      names ||= namesOneOf(content, operations);
    }
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    // What is left of a document that is none any more may hold the record all the same; one without all of its pieces is
    // what an erasure left that was cut off.
    for (const piece of list.pieces) {
      const bytes = await store.get(pieceName(ref, piece));
      holds ||= bytes === null || finder.isIn(bytes);
    }
  }
  return { members, holds, names };
}

export function namesOneOf(bytes: Buffer, operations: ReadonlySet<Digest>): boolean {
  const all = [bytes, ...payloadsOf(bytes)];
  return [...operations].some((id) => all.some((text) => text.includes(id)));
}

/** The lists of what goes, and those of their pieces that no other document shares. */
export function largeObjects<Kind>(
  documents: readonly LargeDocument<Kind>[],
  kindOfPieces: Kind,
): readonly { readonly name: string; readonly kind: Kind }[] {
  const staying = new Set(
    documents.flatMap(({ name, kind, list }) =>
      kind === null ? list.pieces.map((piece) => pieceName({ ref: name }, piece)) : [],
    ),
  );
  const going = documents.flatMap(({ name, kind, list }) => (kind === null ? [] : [{ name, kind, list }]));
  const pieces = new Set(
    going.flatMap(({ name, list }) => list.pieces.map((piece) => pieceName({ ref: name }, piece))),
  );
  return [
    // HAZARD: pieces first. Whoever is cut off here finds the rest again by the list.
    ...[...pieces].filter((name) => !staying.has(name)).map((name) => ({ name, kind: kindOfPieces })),
    ...going.map(({ name, kind }) => ({ name, kind })),
  ];
}
