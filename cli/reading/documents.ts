/** Plans, snapshots and receipts as they lie in the exchange store: checked against digest and signature before anything is shown. */
import { documentParts, parsePart } from '../../activities/documents/document-parts.js';
import { openDocument } from '../../activities/documents/open-document.js';
import { inFile, letGo } from '../../activities/documents/long-lists.js';
import { getDocument, getLongDocument, getMessage } from '../../activities/exchange.js';
import type { ObjectStore } from '../../activities/store.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import {
  ReceiptsBody,
  ReceiptsStatement,
  receiptsType,
  snapshotType,
  SnapshotStatement,
  type Ref,
} from '../../core/messages.js';
import type { Operation } from '../../core/operation.js';
import { Plan, planAlgorithm } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import type { HeldPlan } from './open-plan.js';

/** The coordinator's prefix (activities/federation/activities.ts), where plans lie. */
const planPrefix = 'federation/documents/';

/** Throws notFound where the store of this machine does not hold the plan. */
export async function planRef(exchange: ObjectStore, digest: Digest): Promise<Ref & { readonly bytes: number }> {
  const ref = `${planPrefix}${digest}`;
  const document = await openDocument(exchange, { ref, sha256: digest });
  if (document === null)
    throw new ConcordatError(
      'notFound',
      `plan ${digest.slice(0, 12)} is not in the exchange store of this machine; CONCORDAT_EXCHANGE says where that is`,
    );
  return { ref, sha256: digest, bytes: document.bytes };
}

/** Throws notFound where the store of this machine does not hold the plan. */
export async function readPlan(exchange: ObjectStore, digest: Digest): Promise<Plan> {
  const { ref, sha256 } = await planRef(exchange, digest);
  return getDocument(exchange, { ref, sha256 }, Plan);
}

/** The same of any size without its divergences, which are looked through and let go; many operations lie in a file. */
export async function readPlanToDecide(exchange: ObjectStore, digest: Digest): Promise<HeldPlan> {
  const { ref, sha256 } = await planRef(exchange, digest);
  return getLongDocument<HeldPlan>(exchange, { ref, sha256 }, Plan, (member) =>
    member === 'operations' ? inFile<Operation>() : member === 'divergences' ? letGo() : undefined,
  );
}

/** What a plan of any size is about; null where the document is none. Throws inputNotAuthentic where it is not what its name says. */
export async function planHead(exchange: ObjectStore, ref: Ref): Promise<{ readonly dataset: string } | null> {
  const head = new Map<string, unknown>();
  for await (const parts of documentParts(exchange, ref, (member) => member === 'algorithm' || member === 'dataset'))
    for (const { member, text } of parts) head.set(member, parsePart(text));
  const dataset = head.get('dataset');
  return head.get('algorithm') === planAlgorithm && typeof dataset === 'string' ? { dataset } : null;
}

/** Digests of plans that begin with these characters. Other documents of the coordinator are passed over. */
export async function plansWith(exchange: ObjectStore, prefix: string): Promise<readonly Digest[]> {
  const names = await exchange.list(`${planPrefix}${prefix}`);
  const digests: Digest[] = [];
  for (const name of names.slice(0, 50)) {
    const sha256 = name.slice(planPrefix.length);
    try {
      if (await planHead(exchange, { ref: name, sha256 })) digests.push(sha256);
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code !== 'inputNotAuthentic') throw error;
    }
  }
  return digests;
}

export type Snapshots = Readonly<Record<AuthorityId, SnapshotStatement>>;

/** Each is verified with the keys that the manifest of whoever it speaks for names. */
export async function readSnapshots(
  federation: Federation,
  exchange: ObjectStore,
  refs: readonly Ref[],
): Promise<Snapshots> {
  const snapshots: Record<AuthorityId, SnapshotStatement> = {};
  for (const ref of refs) {
    const authority = authorityOfRef(ref);
    const { payload } = await getMessage(exchange, ref, {
      typ: snapshotType,
      schema: SnapshotStatement,
      keys: keysOf(federation, authority, 'messages'),
    });
    if (payload.authority !== authority)
      throw new ConcordatError('inputNotAuthentic', `the snapshot under ${authority} speaks for ${payload.authority}`);
    snapshots[authority] = payload;
  }
  return snapshots;
}

export interface AuthorityReceipts {
  readonly authority: AuthorityId;
  readonly complete: boolean;
  readonly permit: Digest;
  readonly receipts: ReceiptsBody['receipts'];
}

export async function readReceipts(
  federation: Federation,
  exchange: ObjectStore,
  refs: readonly Ref[],
): Promise<readonly AuthorityReceipts[]> {
  return Promise.all(
    refs.map(async (ref) => {
      const authority = authorityOfRef(ref);
      const { payload } = await getMessage(exchange, ref, {
        typ: receiptsType,
        schema: ReceiptsStatement,
        keys: keysOf(federation, authority, 'messages'),
      });
      const body = { ref: `${authority}/documents/${payload.body}`, sha256: payload.body };
      const { receipts } = await getDocument(exchange, body, ReceiptsBody);
      return { authority, complete: payload.complete, permit: payload.permit, receipts };
    }),
  );
}

function authorityOfRef({ ref }: Ref): AuthorityId {
  return ref.slice(0, ref.indexOf('/'));
}
