/** Writes a document as its canonical text passes by: as one object where it is small, as pieces and their list where it is not. */
import { createHash } from 'node:crypto';
import { canonicalPieces } from '../../core/canonical-pieces.js';
import { canonicalJson, type Digest } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import type { Ref } from '../../core/messages.js';
import { letOthersRun } from '../event-loop.js';
import { sha256Hex } from '../sealing/sha256.js';
import type { ObjectStore } from '../store.js';
import {
  documentBytesMax,
  pieceBytesUsually,
  pieceName,
  piecesMax,
  refusedDocument,
  wholeBytesUsually,
  type PieceList,
} from './piece-list.js';

/** As digestOf in core/digest.ts, of values whose text may be longer than a text can be. */
export async function digestInPieces(value: Json | object): Promise<Digest> {
  const hash = createHash('sha256');
  for (const text of canonicalPieces(value)) {
    hash.update(text, 'utf8');
    await letOthersRun();
  }
  return hash.digest('hex');
}

/**
 * Puts the document under `<prefix>/documents/<its digest>`. Pieces come before the list that names them: whoever finds the
 * list finds them all. Throws inputNotAuthentic for a document that no reader would take.
 */
export async function putInPieces(store: ObjectStore, prefix: string, value: Json | object): Promise<Ref> {
  return putTexts(store, prefix, canonicalPieces(value));
}

/** The same of a canonical text that comes in parts. */
export async function putTexts(store: ObjectStore, prefix: string, texts: Iterable<string>): Promise<Ref> {
  const wholeBytesMax = store.documentPieceBytes ?? wholeBytesUsually;
  const pieceBytes = store.documentPieceBytes ?? pieceBytesUsually;
  const hash = createHash('sha256');
  const pieces: Digest[] = [];
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  const place = `${prefix}/documents/`;
  const cut = async (length: number): Promise<void> => {
    const all = Buffer.concat(waiting);
    const piece = all.subarray(0, length);
    const sha256 = sha256Hex(piece);
    await store.putIfAbsent(pieceName({ ref: place }, sha256), piece);
    pieces.push(sha256);
    waitingBytes = all.length - piece.length;
    waiting = waitingBytes === 0 ? [] : [all.subarray(length)];
  };
  for (const text of texts) {
    const part = Buffer.from(text, 'utf8');
    hash.update(part);
    waiting.push(part);
    waitingBytes += part.length;
    bytes += part.length;
    if (bytes > wholeBytesMax) while (waitingBytes >= pieceBytes) await cut(pieceBytes);
    await letOthersRun();
  }
  const sha256 = hash.digest('hex');
  const ref: Ref = { ref: place + sha256, sha256 };
  if (bytes <= wholeBytesMax) {
    await store.putIfAbsent(ref.ref, Buffer.concat(waiting));
    return ref;
  }
  if (waitingBytes > 0) await cut(waitingBytes);
  if (pieces.length > piecesMax || bytes > documentBytesMax)
    throw refusedDocument(ref.ref, `has ${bytes} bytes, more than a document may have`);
  const list: PieceList = { format: 'concordat-pieces/1', sha256, bytes, pieceBytes, pieces };
  await store.putIfAbsent(ref.ref, Buffer.from(canonicalJson(list), 'utf8'));
  return ref;
}
