/** What an export proves to somebody who has public keys and nothing else. */
import { sha256Hex } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { readUnverified } from '../keys/verify.js';
import { decisionType } from '../../core/decision.js';
import type { Exported } from './export-file.js';
import { Findings } from './findings.js';
import { OverlayStore } from './overlay-store.js';
import type { TrustedKeys } from './trusted-keys.js';
import { verifiedDecision } from './verify-approval.js';
import { verifyRecordLineage, type VerifiedHop } from './verify-record.js';
import { verifyRun } from './verify-run.js';
import { timeText } from './words.js';

export async function verifyExport({ head, objects }: Exported, keys: TrustedKeys): Promise<Findings> {
  const findings = new Findings();
  if (head.kind === 'run') {
    if (head.federation !== keys.federation)
      findings.add('wrong', null, `it is of federation ${head.federation}, the keys are of ${keys.federation}`);
    // Of a segment only what differs is read, so what is not read is held to its name here.
    for (const [name, bytes] of objects)
      if (sha256Hex(bytes) !== name.slice(name.lastIndexOf('/') + 1))
        findings.add('wrong', null, `${name} does not hash to its name`);
    const store = new OverlayStore((name) => Promise.resolve(objects.get(name) ?? null));
    await verifyRun(store, head, keys, findings);
    return findings;
  }
  const hops = await verifyRecordLineage(head.lineage, keys, findings);
  await tellDecisions(hops, head.decisions, keys, findings);
  return findings;
}

/** Every decision that a hop names must be here, signed by an approver of that authority, and name what was written. */
export async function tellDecisions(
  hops: readonly VerifiedHop[],
  decisions: readonly string[],
  keys: TrustedKeys,
  findings: Findings,
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
        findings.add('missing', authority, `${where}: decision ${id.slice(0, 12)} is not here`);
        continue;
      }
      const decision = await verifiedDecision(jws, authority, keys, findings);
      if (!decision) continue;
      const isAbout = decision.operations.some((operation) => cause.operations.includes(operation));
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
