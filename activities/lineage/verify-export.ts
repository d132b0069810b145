/** What an export proves to somebody who has public keys and nothing else. */
import { sha256Hex } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { isProven } from '../../core/operation-ranges.js';
import { readUnverified } from '../keys/verify.js';
import { decisionType } from '../../core/decision.js';
import type { RecordLineage, TravellingErasure } from '../../core/lineage/bundle.js';
import type { AuthorityId } from '../../core/record.js';
import { erasureEntry, verifyErasure, type VerifiedErasure } from './erasures.js';
import type { Exported, RecordHead } from './export-file.js';
import { Findings } from './findings.js';
import { OverlayStore } from './overlay-store.js';
import type { TrustedKeys } from './trusted-keys.js';
import { verifiedDecision } from './verify-approval.js';
import { verifyAttempt } from './verify-attempt.js';
import { verifyRecordLineage, type VerifiedHop } from './verify-record.js';
import { isLogged, verifyLog } from './verify-log.js';
import { verifyRun } from './verify-run.js';
import { stampText, timeText } from './words.js';

/** `receipts`: of erasures that are known besides those in the export, as compact JWS. */
export async function verifyExport(
  { head, objects }: Exported,
  keys: TrustedKeys,
  receipts: readonly string[] = [],
): Promise<Findings> {
  const findings = new Findings();
  const erasures = await verifiedErasures(head.erasures, receipts, keys, findings);
  if (head.kind !== 'record') {
    if (head.federation !== keys.federation)
      findings.add('wrong', null, `it is of federation ${head.federation}, the keys are of ${keys.federation}`);
    // Of a segment only what differs is read, so what is not read is held to its name here.
    for (const [name, bytes] of objects)
      if (sha256Hex(bytes) !== name.slice(name.lastIndexOf('/') + 1))
        findings.add('wrong', null, `${name} does not hash to its name`);
    const store = new OverlayStore((name) => Promise.resolve(objects.get(name) ?? null));
    if (head.kind === 'run') await verifyRun(store, head, keys, findings, erasures);
    else await verifyAttempt(store, head, keys, findings, erasures);
    return findings;
  }
  const hops = await verifyRecordLineage(head.lineage, keys, findings);
  const own = tellErasures(head.lineage, hops, erasures, head.erasures, keys, findings);
  await tellDecisions(hops, head, keys, findings, own);
  return findings;
}

/** What does not verify is a fault of the export that holds it. */
export async function verifiedErasures(
  travelling: readonly TravellingErasure[],
  receipts: readonly string[],
  keys: TrustedKeys,
  findings: Findings,
): Promise<readonly VerifiedErasure[]> {
  const found = new Map<string, VerifiedErasure>();
  for (const jws of [...travelling.map(({ receipt }) => receipt), ...receipts]) {
    try {
      const verified = await verifyErasure(jws, keys);
      found.set(verified.id, verified);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      findings.add('wrong', null, `a receipt of an erasure does not verify: ${error.message}`);
    }
  }
  return [...found.values()];
}

/** Says which members erased this record; gives those. A receipt that stands in an export must also stand in the log. */
export function tellErasures(
  lineage: RecordLineage,
  hops: readonly VerifiedHop[],
  erasures: readonly VerifiedErasure[],
  travelling: readonly TravellingErasure[],
  keys: TrustedKeys,
  findings: Findings,
): ReadonlySet<AuthorityId> {
  const { dataset, chains } = lineage;
  const erasedBy = new Set<AuthorityId>();
  for (const erasure of erasures) {
    const { authority, record } = erasure.receipt;
    if (record === null || erasure.receipt.dataset !== dataset || !hops.some(({ hop }) => hop.record === record))
      continue;
    const place = travelling.find(({ receipt }) => receipt === erasure.jws)?.log;
    const chain = chains.find((one) => one.authority === authority);
    const log = place && chain ? verifyLog(chain, keys, new Findings()) : null;
    if (place && !(log && isLogged(log, erasureEntry(erasure), place))) {
      findings.add('wrong', authority, 'its log does not hold its receipt of the erasure');
      continue;
    }
    erasedBy.add(authority);
    findings.add('erased', authority, erasureWords(erasure));
  }
  return erasedBy;
}

export function erasureWords({ receipt, askedBy }: VerifiedErasure): string {
  const people = askedBy.map(({ approver }) => approver).join(', ');
  const counts = Object.entries(receipt.removed).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []));
  return `removed ${counts.sort().join(', ') || 'nothing'} at ${stampText(receipt.hlc)}, as ${people} asked`;
}

/** Every decision that a hop names must be here, signed by an approver of that authority, and name what was written. */
export async function tellDecisions(
  hops: readonly VerifiedHop[],
  { decisions, named = [] }: Pick<RecordHead, 'decisions' | 'named'>,
  keys: TrustedKeys,
  findings: Findings,
  /** Who erased the record, and with it the reviews that its decisions were in. */
  erasedBy: ReadonlySet<AuthorityId> = new Set(),
): Promise<void> {
  const byId = new Map<string, string>();
  for (const jws of decisions) {
    try {
      byId.set(readUnverified(jws, { typ: decisionType }).id, jws);
    } catch (error) {
      if (!(error instanceof ConcordatError)) throw error;
      findings.add('wrong', null, `a decision cannot be read: ${error.message}`);
    }
  }
  for (const { authority, hop, root } of hops) {
    if (hop.cause.kind !== 'written') continue;
    const { cause } = hop;
    const where = `base ${root.sequence}`;
    if (cause.decisions.length === 0)
      findings.add('missing', authority, `${where}: no decision is named for what was written`);
    for (const id of cause.decisions) {
      const jws = byId.get(id);
      if (jws === undefined) {
        findings.add(
          erasedBy.has(authority) ? 'erased' : 'missing',
          authority,
          `${where}: decision ${id.slice(0, 12)} is not here`,
        );
        continue;
      }
      const decision = await verifiedDecision(jws, authority, keys, findings);
      if (!decision) continue;
      const { ranges } = decision;
      if (ranges && !named.some((one) => one.decision === id)) {
        findings.add(
          'missing',
          authority,
          `${where}: what ${decision.approver} approved stands in ranges of a plan, and the proof that this was among it is not here`,
        );
        continue;
      }
      const isAbout = cause.operations.some((operation) =>
        ranges
          ? named.some(
              ({ decision: by, operation: shown, proof }) =>
                by === id && shown === operation && isProven(ranges, operation, proof),
            )
          : decision.operations.includes(operation),
      );
      if (decision.kind !== 'approve' || (!isAbout && Object.keys(decision.choices).length === 0))
        findings.add('wrong', authority, `${where}: the decision of ${decision.approver} approves something else`);
      else
        findings.add(
          'approved',
          authority,
          `${where}: ${decision.approver} approved it at ${timeText(decision.issuedAtMs)}`,
        );
    }
  }
}
