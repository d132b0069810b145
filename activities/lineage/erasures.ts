/** Receipts of erasures: where they lie in the exchange store, and what it takes to believe one. */
import { z } from 'zod';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import {
  ErasureReceipt,
  erasureReceiptType,
  ErasureRequest,
  erasureRequestType,
  type ErasedObjects,
} from '../../core/lineage/erasure.js';
import type { LogEntry } from '../../core/lineage/hop.js';
import type { AuthorityId } from '../../core/record.js';
import { verifyCompact } from '../keys/verify.js';
import type { ObjectStore } from '../store.js';
import { lineagePrefix } from './record-table.js';
import type { TrustedKeys } from './trusted-keys.js';

/** What an authority publishes of an erasure, under the subject of its receipt. */
export const PublishedErasure = z.strictObject({
  receipt: z.string().max(1_048_576),
  /** Where its log holds the receipt. */
  position: z.int().nonnegative(),
});
export type PublishedErasure = z.infer<typeof PublishedErasure>;

const publishedBytesMax = 2 * 1_048_576;

export function erasuresFolder(authority: AuthorityId, dataset: string): string {
  return `${lineagePrefix(authority, dataset)}/erased/`;
}

export interface VerifiedErasure {
  readonly receipt: ErasureReceipt;
  /** Known by this, and named so by the log entry. */
  readonly id: Digest;
  readonly jws: string;
  /** Whose signed words it rests on. */
  readonly askedBy: readonly { readonly approver: string; readonly reason: string; readonly atMs: number }[];
  /** Where it was read from the exchange store. */
  readonly position: number | null;
}

type ErasureKeys = Pick<TrustedKeys, 'authorities' | 'federation' | 'ofMessages' | 'ofApprovers' | 'ofApprover'>;

/** Throws inputNotAuthentic unless the authority signed it and its own people asked for it. */
export async function verifyErasure(
  jws: string,
  keys: ErasureKeys,
  position: number | null = null,
): Promise<VerifiedErasure> {
  const { receipt, id } = await signedReceipt(jws, keys);
  const askedBy: VerifiedErasure['askedBy'][number][] = [];
  for (const request of receipt.requests) {
    const known = keys.ofApprovers(receipt.authority);
    const claimed = ErasureRequest.safeParse(
      (await verifyCompact(request, { typ: erasureRequestType, keys: known })).payload,
    );
    if (
      !claimed.success ||
      claimed.data.federation !== keys.federation ||
      claimed.data.authority !== receipt.authority ||
      claimed.data.dataset !== receipt.dataset ||
      claimed.data.subject !== receipt.subject
    )
      throw new ConcordatError('inputNotAuthentic', `the erasure of ${receipt.authority} was asked for something else`);
    const { approver, reason, issuedAtMs } = claimed.data;
    await verifyCompact(request, { typ: erasureRequestType, keys: keys.ofApprover(receipt.authority, approver) });
    askedBy.push({ approver, reason, atMs: issuedAtMs });
  }
  return { receipt, id, jws, askedBy, position };
}

async function signedReceipt(jws: string, keys: ErasureKeys): Promise<{ receipt: ErasureReceipt; id: Digest }> {
  const all = keys.authorities.flatMap((authority) => keys.ofMessages(authority));
  const claimed = ErasureReceipt.safeParse((await verifyCompact(jws, { typ: erasureReceiptType, keys: all })).payload);
  if (!claimed.success)
    throw new ConcordatError('inputNotAuthentic', 'a receipt of an erasure has another shape than this version knows');
  const { authority, federation } = claimed.data;
  if (federation !== keys.federation)
    throw new ConcordatError('inputNotAuthentic', `a receipt of an erasure is of federation ${federation}`);
  const { id } = await verifyCompact(jws, { typ: erasureReceiptType, keys: keys.ofMessages(authority) });
  return { receipt: claimed.data, id };
}

/** The entry of the authority's log that a receipt is under. */
export function erasureEntry({ receipt, id }: Pick<VerifiedErasure, 'receipt' | 'id'>): LogEntry {
  return { kind: 'erasure', dataset: receipt.dataset, record: receipt.record ?? receipt.subject, message: id };
}

/** The receipt that an authority published for a record; null where it has none that verifies. */
export async function readErasure(
  exchange: ObjectStore,
  keys: ErasureKeys,
  authority: AuthorityId,
  dataset: string,
  subject: Digest,
): Promise<VerifiedErasure | null> {
  const bytes = await exchange.get(`${erasuresFolder(authority, dataset)}${subject}`);
  const published =
    bytes && bytes.length <= publishedBytesMax && PublishedErasure.safeParse(parsed(new TextDecoder().decode(bytes)));
  if (!published || !published.success) return null;
  try {
    const verified = await verifyErasure(published.data.receipt, keys, published.data.position);
    const { receipt } = verified;
    const isThis = receipt.authority === authority && receipt.dataset === dataset && receipt.subject === subject;
    return isThis ? verified : null;
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    return null;
  }
}

/** All erasures that the members published for a dataset. */
export async function readErasures(
  exchange: ObjectStore,
  keys: ErasureKeys,
  dataset: string,
): Promise<readonly VerifiedErasure[]> {
  const found: VerifiedErasure[] = [];
  for (const authority of keys.authorities) {
    const folder = erasuresFolder(authority, dataset);
    for (const name of await exchange.list(folder)) {
      const one = await readErasure(exchange, keys, authority, dataset, name.slice(folder.length));
      if (one) found.push(one);
    }
  }
  return found;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether any of these members has published an erasure for a dataset: then older objects may be gone. */
export async function anyErasure(
  exchange: ObjectStore,
  members: readonly AuthorityId[],
  dataset: string,
): Promise<boolean> {
  for (const member of members) if ((await exchange.list(erasuresFolder(member, dataset))).length > 0) return true;
  return false;
}

/** Digests of what a list of erased objects names. */
export function digestsOf({ names }: ErasedObjects): readonly string[] {
  return names.map((name) => name.slice(name.lastIndexOf('/') + 1));
}
