/**
 * Documents and signed messages in the exchange store: content-addressed, each authority under its own prefix, readers
 * check the digest. What passes through workflows is a Ref to one of them. A large document lies in pieces (documents/).
 */
import type { z } from 'zod';
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { Json } from '../core/json.js';
import type { Ref } from '../core/messages.js';
import { objectBytes, openDocument, openPieces } from './documents/open-document.js';
import { listBytesMax, pieceListIn } from './documents/piece-list.js';
import { putInPieces } from './documents/put-in-pieces.js';
import { readInParts, type ListPlaces } from './documents/read-in-parts.js';
import { isTooDeep, parseCanonical } from './keys/canonical-text.js';
import { sha256Hex } from './sealing/sha256.js';
import { verifyCompact, type VerifyingKey } from './keys/verify.js';
import type { ObjectStore } from './store.js';

/** Of one object: nothing that a peer writes is read beyond this. What is larger lies in pieces. */
const documentBytesMax = 256 * 1024 * 1024;
/** The largest is the head of a table of lineage, which names 4,096 buckets. */
const publishedBytesMax = 4 * 1024 * 1024;

/** Of any size: its canonical text is written as it is made, and never is one text. */
export async function putDocument(store: ObjectStore, prefix: string, value: Json | object): Promise<Ref> {
  return putInPieces(store, prefix, value);
}

export async function putMessage(store: ObjectStore, prefix: string, jws: string): Promise<Ref> {
  const sha256 = sha256Hex(jws);
  const ref = `${prefix}/messages/${sha256}`;
  await store.putIfAbsent(ref, new TextEncoder().encode(jws));
  return { ref, sha256 };
}

/**
 * Throws inputNotAuthentic where the document is missing, altered, too large or of another shape, heapTooSmall where it is in
 * pieces and has no place in memory.
 */
export async function getDocument<Schema extends z.ZodType>(
  store: ObjectStore,
  ref: Ref,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const bytes = await getBytes(store, ref);
  if (sha256Hex(bytes) === ref.sha256) return parseDocument(textOf(bytes, ref), schema, ref);
  const list = bytes.length <= listBytesMax ? pieceListIn(bytes) : null;
  if (list?.sha256 !== ref.sha256)
    throw new ConcordatError('inputNotAuthentic', `${ref.ref} does not hash to its name`);
  return readInParts(openPieces(store, ref, list), ref, schema);
}

/** Beyond this a document is read part by part also where it is one object. */
const longBytesMin = 4 * 1024 * 1024;

/**
 * As getDocument, with its lists where `places` has them: what it gives is held by who knows that. Small ones are arrays all the
 * same.
 */
export async function getLongDocument<Held>(
  store: ObjectStore,
  ref: Ref,
  schema: z.ZodType,
  places: ListPlaces,
): Promise<Held> {
  const document = await openDocument(store, ref);
  if (document === null) throw new ConcordatError('inputNotAuthentic', `${ref.ref} is not in the exchange store`);
  return (
    document.list === null && document.bytes <= longBytesMin
      ? getDocument(store, ref, schema)
      : readInParts(document, ref, schema, places)
  ) as Promise<Held>;
}

/**
 * What somebody published under a name that says nothing of its bytes: a head, or an object that is found by a number.
 * Nothing in it is signed, so it only says where to look. Throws inputNotAuthentic.
 */
export function parsePublished<Schema extends z.ZodType>(
  name: string,
  bytes: Uint8Array,
  schema: Schema,
): z.infer<Schema> {
  const refuse = (why: string): ConcordatError => new ConcordatError('inputNotAuthentic', `${name} ${why}`);
  if (bytes.length > publishedBytesMax) throw refuse('is larger than allowed');
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!isTooDeep(text)) value = JSON.parse(text);
  } catch {
    // Below: undefined has no shape that is known.
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refuse('has another shape than this version knows');
  return parsed.data;
}

/** A document by its digest alone, under whichever of the prefixes holds it. */
export async function findDocument<Schema extends z.ZodType>(
  store: ObjectStore,
  prefixes: readonly string[],
  sha256: Digest,
  schema: Schema,
): Promise<z.infer<Schema>> {
  for (const prefix of prefixes) {
    const ref = { ref: `${prefix}/documents/${sha256}`, sha256 };
    if ((await objectBytes(store, ref.ref)) !== null) return getDocument(store, ref, schema);
  }
  throw new ConcordatError('inputNotAuthentic', `no member holds the document ${sha256.slice(0, 12)}`);
}

export interface VerifiedMessage<Payload> {
  readonly payload: Payload;
  /** SHA-256 of the signing input: by this a message is known, because its signature part is malleable. */
  readonly id: Digest;
  /** Thumbprint of the key that signed. */
  readonly kid: string;
}

/**
 * Throws inputNotAuthentic unless one of the keys signed it as this type and it has this shape, keyNotValid where that key
 * did not count when it was signed.
 */
export async function getMessage<Schema extends z.ZodType>(
  store: ObjectStore,
  ref: Ref,
  expected: {
    readonly typ: string;
    readonly schema: Schema;
    readonly keys: readonly VerifyingKey[];
    /** A time by which peers had cosigned a log that holds the message; nothing shows that where absent. */
    readonly cosignedBeforeMs?: number;
  },
): Promise<VerifiedMessage<z.infer<Schema>>> {
  const { schema: _schema, ...verifying } = expected;
  const { payload, id, kid } = await verifyCompact(await getText(store, ref), verifying);
  const parsed = expected.schema.safeParse(payload);
  if (!parsed.success)
    throw new ConcordatError(
      'inputNotAuthentic',
      `a message of type ${expected.typ} has another shape than this version knows`,
    );
  return { payload: parsed.data, id, kid };
}

/** What a reference names, as it lies there. HAZARD: that it hashes to its name says nothing about who wrote it. */
export async function getText(store: ObjectStore, ref: Ref): Promise<string> {
  const bytes = await getBytes(store, ref);
  if (sha256Hex(bytes) !== ref.sha256)
    throw new ConcordatError('inputNotAuthentic', `${ref.ref} does not hash to its name`);
  return textOf(bytes, ref);
}

/** HAZARD: what lies there may be of any size, so its size is asked before it is read. */
async function getBytes(store: ObjectStore, { ref }: Ref): Promise<Uint8Array> {
  const bytes = store.size && ((await store.size(ref)) ?? 0) > documentBytesMax ? 'large' : await store.get(ref);
  if (bytes === null) throw new ConcordatError('inputNotAuthentic', `${ref} is not in the exchange store`);
  if (bytes === 'large' || bytes.length > documentBytesMax)
    throw new ConcordatError('inputNotAuthentic', `${ref} is larger than allowed`);
  return bytes;
}

function textOf(bytes: Uint8Array, { ref }: Ref): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ConcordatError('inputNotAuthentic', `${ref} is not UTF-8`);
  }
}

function parseDocument<Schema extends z.ZodType>(text: string, schema: Schema, ref: Ref): z.infer<Schema> {
  // HAZARD: a document is known by its bytes, and members of one name twice would be two documents to two readers.
  const value = parseCanonical(text);
  if (value === undefined) throw new ConcordatError('inputNotAuthentic', `${ref.ref} is not canonical JSON`);
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new ConcordatError('inputNotAuthentic', `${ref.ref} has another shape than this version knows`);
  return parsed.data;
}
