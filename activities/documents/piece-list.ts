/**
 * How a document lies that is too large for one object: its canonical bytes cut into pieces of one size, each under its own
 * digest, and under the name of the document a list of them. What is signed stays the digest of the whole.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Ref } from '../../core/messages.js';

/** Documents up to here are one object, as they always were. */
export const wholeBytesUsually = 32 * 1024 * 1024;
export const pieceBytesUsually = 8 * 1024 * 1024;
/**
 * HAZARD: a list is written by whoever holds the prefix. A reader holds one piece at a time, never more than this, and reads no
 * document that says it is larger than that.
 */
export const pieceBytesMax = 16 * 1024 * 1024;
export const piecesMax = 4_096;
export const documentBytesMax = 8 * 1024 * 1024 * 1024;
/** 4,096 digests with their quotes and commas, and the rest. */
export const listBytesMax = 300 * 1024;

export const PieceList = z
  .strictObject({
    format: z.literal('concordat-pieces/1'),
    /** Of the whole document. */
    sha256: Digest,
    bytes: z.int().positive().max(documentBytesMax),
    /** Of every piece but the last, which is as long as what is left. */
    pieceBytes: z.int().positive().max(pieceBytesMax),
    pieces: z.array(Digest).min(1).max(piecesMax),
  })
  .refine(({ bytes, pieceBytes, pieces }) => pieces.length === Math.ceil(bytes / pieceBytes));
export type PieceList = z.infer<typeof PieceList>;

/** `<prefix>/documents/<digest>` has its pieces under `<prefix>/pieces/<digest of the piece>`. */
export function pieceName({ ref }: Pick<Ref, 'ref'>, piece: Digest): string {
  const folder = ref.slice(0, ref.lastIndexOf('/'));
  return `${folder.slice(0, folder.lastIndexOf('/') + 1)}pieces/${piece}`;
}

/** Whether these bytes, which do not hash to the name under which they lie, say where the document lies. */
export function pieceListIn(bytes: Uint8Array): PieceList | null {
  if (bytes.length > listBytesMax) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const parsed = PieceList.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export function refusedDocument(ref: string, why: string): ConcordatError {
  return new ConcordatError('inputNotAuthentic', `${ref} ${why}`);
}
