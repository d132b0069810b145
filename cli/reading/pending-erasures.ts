/**
 * Requests to erase a record that wait for more people of an authority, and records that peers have erased and it has not.
 * Requests lie in the private store, so they are seen where that is; receipts are in the exchange store.
 */
import { verifyCompact } from '../../activities/keys/verify.js';
import { readErasures } from '../../activities/lineage/erasures.js';
import { keysOfFederation } from '../../activities/lineage/trusted-keys.js';
import { createFileStore } from '../../activities/store-files.js';
import { hlcParts } from '../../core/clock/hlc.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { byCodeUnit } from '../../core/json.js';
import { ErasureRequest, erasureRequestType } from '../../core/lineage/erasure.js';
import type { AuthorityId } from '../../core/record.js';
import type { Approver } from '../deciding/approver.js';
import type { FederationSession } from './federation-session.js';

export interface PendingErasure {
  readonly authority: AuthorityId;
  /** The name of the person whose inbox it is, there. */
  readonly approver: string;
  readonly dataset: string;
  /** erasureSubject: tells one record from another without naming it. */
  readonly subject: string;
  /** Who asked here, in the order of their names. Empty where only peers have erased it. */
  readonly askedBy: readonly string[];
  readonly reasons: readonly string[];
  readonly sinceMs: number;
  /** When the first request runs out; null where nobody asked here. */
  readonly untilMs: number | null;
  readonly hasAsked: boolean;
  /** Peers that have erased it. */
  readonly erasedBy: readonly AuthorityId[];
}

/** The oldest first. */
export async function pendingErasures(
  { federation, layout, exchange }: Pick<FederationSession, 'federation' | 'layout' | 'exchange'>,
  { listings }: Pick<Approver, 'listings'>,
  nowMs: number,
): Promise<readonly PendingErasure[]> {
  const found: PendingErasure[] = [];
  const keys = keysOfFederation(federation);
  for (const { dataset, members } of Object.values(federation.datasets)) {
    const receipts = await readErasures(exchange, keys, dataset);
    for (const { authority, approver } of listings) {
      if (!members.includes(authority)) continue;
      const asked = await requestsAt(
        federation,
        createFileStore(layout.privateFolder(authority)),
        authority,
        dataset,
        nowMs,
      );
      const subjects = new Set([...asked.keys(), ...receipts.map(({ receipt }) => receipt.subject)]);
      for (const subject of subjects) {
        const done = receipts.filter(({ receipt }) => receipt.subject === subject);
        if (done.some(({ receipt }) => receipt.authority === authority)) continue;
        const requests = asked.get(subject) ?? [];
        const times = [
          ...requests.map(({ issuedAtMs }) => issuedAtMs),
          ...done.map(({ receipt }) => hlcParts(receipt.hlc).ms),
        ];
        const reasons = [...requests, ...done.flatMap(({ askedBy }) => askedBy)].map(({ reason }) => reason);
        found.push({
          authority,
          approver,
          dataset,
          subject,
          askedBy: requests.map((request) => request.approver).sort(byCodeUnit),
          reasons: [...new Set(reasons)],
          sinceMs: Math.min(...times),
          untilMs: requests.length === 0 ? null : Math.min(...requests.map(({ expiresAtMs }) => expiresAtMs)),
          hasAsked: requests.some((request) => request.approver === approver),
          erasedBy: done.map(({ receipt }) => receipt.authority).sort(byCodeUnit),
        });
      }
    }
  }
  return found.sort((left, right) => left.sinceMs - right.sinceMs || byCodeUnit(left.subject, right.subject));
}

/** By subject, those that still hold, as the authority itself counts them. */
async function requestsAt(
  federation: Federation,
  store: ReturnType<typeof createFileStore>,
  authority: AuthorityId,
  dataset: string,
  nowMs: number,
): Promise<ReadonlyMap<string, readonly ErasureRequest[]>> {
  const found = new Map<string, ErasureRequest[]>();
  const approvers = federation.authorities[authority]?.approvers ?? [];
  for (const place of await store.list(`erasures/${dataset}/`)) {
    const [, , subject = '', folder, approver] = place.split('/');
    const key = approvers.find(({ id }) => id === approver)?.key;
    const bytes = folder === 'requests' && key ? await store.get(place) : null;
    if (!bytes || !key) continue;
    try {
      const jws = new TextDecoder().decode(bytes);
      const parsed = ErasureRequest.safeParse(
        (await verifyCompact(jws, { typ: erasureRequestType, keys: [key] })).payload,
      );
      if (!parsed.success || parsed.data.subject !== subject || parsed.data.expiresAtMs <= nowMs) continue;
      found.set(subject, [...(found.get(subject) ?? []), parsed.data]);
    } catch (error) {
      // What does not verify counts for nobody; the authority drops it when it is asked next.
      if (!(error instanceof ConcordatError)) throw error;
    }
  }
  return found;
}
