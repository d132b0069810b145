/** Bytes of a document, whichever way it lies: from one object, or from pieces, each of them verified when it is read. */
import type { Ref } from '../../core/messages.js';
import { sha256Hex } from '../sealing/sha256.js';
import type { ObjectStore } from '../store.js';
import { listBytesMax, pieceListIn, pieceName, refusedDocument, type PieceList } from './piece-list.js';

export interface OpenDocument {
  readonly bytes: number;
  /** Null where it is one object: nothing of it is verified before all of it has been read. */
  readonly list: PieceList | null;
  /** From a place on, at least one byte and at most so many. Throws inputNotAuthentic where a piece is missing or another. */
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
}

/** Null where there is no such object. */
export async function objectBytes(store: ObjectStore, name: string): Promise<number | null> {
  return store.size ? store.size(name) : ((await store.get(name))?.length ?? null);
}

/** Null where the store does not hold the document. */
export async function openDocument(store: ObjectStore, ref: Ref): Promise<OpenDocument | null> {
  const bytes = await objectBytes(store, ref.ref);
  if (bytes === null) return null;
  const list = bytes <= listBytesMax ? await listOf(store, ref) : null;
  if (list) return openPieces(store, ref, list);
  return { bytes, list, read: (start, length) => store.getRange(ref.ref, start, Math.min(length, bytes - start)) };
}

/** The bytes under the name where they are not the document itself but the list of its pieces. */
async function listOf(store: ObjectStore, ref: Ref): Promise<PieceList | null> {
  const found = await store.get(ref.ref);
  if (!found || sha256Hex(found) === ref.sha256) return null;
  const list = pieceListIn(found);
  return list?.sha256 === ref.sha256 ? list : null;
}

export function openPieces(store: ObjectStore, ref: Ref, list: PieceList): OpenDocument {
  let held: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  return {
    bytes: list.bytes,
    list,
    read: async (start, length) => {
      const at = Math.floor(start / list.pieceBytes);
      if (held?.at !== at) held = { at, bytes: await readPiece(store, ref, list, at) };
      const from = start - at * list.pieceBytes;
      return held.bytes.subarray(from, from + length);
    },
  };
}

async function readPiece(store: ObjectStore, ref: Ref, list: PieceList, at: number): Promise<Uint8Array> {
  const { pieces, pieceBytes, bytes } = list;
  const piece = pieces[at];
  if (piece === undefined) throw refusedDocument(ref.ref, `has no piece ${at + 1}`);
  const name = pieceName(ref, piece);
  const which = `piece ${at + 1} of ${pieces.length}, ${piece.slice(0, 12)},`;
  const wanted = at === pieces.length - 1 ? bytes - at * pieceBytes : pieceBytes;
  // HAZARD: what lies there may be of any size, so its size is asked before it is read.
  const size = store.size ? await store.size(name) : undefined;
  const found = size === null || (size !== undefined && size !== wanted) ? null : await store.get(name);
  if (!found && (size === null || size === undefined)) throw refusedDocument(ref.ref, `lacks ${which} of its bytes`);
  if (found?.length !== wanted) throw refusedDocument(ref.ref, `has ${which} of another length than its list says`);
  if (sha256Hex(found) !== piece) throw refusedDocument(ref.ref, `has ${which} that does not hash to its name`);
  return found;
}
