/**
 * Verifies a run with public keys alone, from the objects of its export: reads every signed message, makes the plan, the
 * permit, the next base and the candidate again, and says in words what was signed by whom. What an export is made of is
 * found by doing this over the exchange store and keeping what was read.
 */
import { Decision, decisionType } from '../../core/decision.js';
import { ConcordatError } from '../../core/errors.js';
import { HopRoot, hopRootType } from '../../core/lineage/hop.js';
import { ReceiptsBody, ReceiptsStatement, receiptsType, Seal, type Candidate, type Ref } from '../../core/messages.js';
import { countReceipts } from '../../core/receipt.js';
import { digestOf, type Digest } from '../../core/digest.js';
import type { Review } from '../../core/review.js';
import type { AuthorityId } from '../../core/record.js';
import { getDocument, getMessage } from '../exchange.js';
import { verifyCompact } from '../keys/verify.js';
import { nextAgreement } from '../next-agreement.js';
import { recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import { authorityOfRef } from '../run-messages.js';
import { verifySeal, type VerifiedSeal } from '../seals.js';
import type { ObjectStore } from '../store.js';
import type { RunLog } from './export-file.js';
import type { Findings } from './findings.js';
import type { TrustedKeys } from './trusted-keys.js';
import { isLogged, verifyLog } from './verify-log.js';
import { stampText, timeText } from './words.js';

export interface RunEvidence {
  readonly dataset: string;
  readonly sequence: number;
  readonly seal: Ref;
  readonly logs: readonly RunLog[];
}

/** Never throws for what an export may hold; what does not hold is a finding. */
export async function verifyRun(
  store: ObjectStore,
  evidence: RunEvidence,
  keys: TrustedKeys,
  findings: Findings,
): Promise<void> {
  const sealed = await attempt(findings, 'the seal', async () =>
    verifySeal(keys.asFederation, store, evidence.dataset, await getDocument(store, evidence.seal, Seal)),
  );
  if (!sealed) return;
  const { candidate, proposal } = sealed;
  if (candidate.sequence !== evidence.sequence)
    findings.add('wrong', null, `it holds base ${candidate.sequence} and not ${evidence.sequence}`);
  const recomputed = await attempt(findings, 'the plan', () =>
    recomputePlan(keys.asFederation, store, proposal.inputs, 'opened'),
  );
  if (!recomputed) return;
  tellObserved(recomputed, findings);
  if (proposal.plan.sha256 !== recomputed.planDigest)
    findings.add('wrong', null, 'another plan follows from what was signed than the one that was approved');
  const settled = await attempt(findings, 'the reviews', () =>
    recomputePermit(keys.asFederation, store, proposal.reviews, recomputed),
  );
  if (!settled) return;
  for (const { review } of settled.reviews) await tellApproved(review, recomputed, keys, findings);
  for (const ref of proposal.receipts)
    await attempt(findings, 'the receipts', () => tellWritten(store, ref, keys, findings));
  const next = await attempt(findings, 'the next base', () =>
    nextAgreement({
      federation: keys.asFederation,
      exchange: store,
      prefix: 'verification',
      run: proposal.inputs.run,
      recomputed,
      permit: settled.permit,
      receipts: proposal.receipts,
    }),
  );
  if (!next) return;
  tellAgreed(sealed, next.candidate, findings);
  await tellLogged(sealed, evidence, keys, findings);
}

async function attempt<Result>(
  findings: Findings,
  what: string,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const isMissing =
      error.code === 'storeFault' || / is not in the exchange store$|no member holds/.test(error.message);
    findings.add(isMissing ? 'missing' : 'wrong', null, `${what}: ${error.message}`);
    return undefined;
  }
}

function tellObserved({ messages, snapshots }: Recomputed, findings: Findings): void {
  for (const [authority, snapshot] of Object.entries(snapshots)) {
    const counts = snapshot.types.map(({ type, count }) => `${count} ${type}`).join(', ');
    const open = snapshot.scopes.filter(({ complete }) => !complete);
    const whole = open.length === 0 ? 'all of it' : `not to the end of ${open.map(({ scope }) => scope).join(', ')}`;
    findings.add('observed', authority, `read ${counts || 'nothing'} at ${stampText(snapshot.hlc)}, ${whole}`);
  }
  for (const absent of messages.shape.absent) findings.add('absent', absent, 'took no part in this run');
}

async function tellApproved(
  review: Review,
  { plan }: Recomputed,
  keys: TrustedKeys,
  findings: Findings,
): Promise<void> {
  const { authority } = review;
  const named = new Set<Digest>();
  for (const jws of review.decisions) {
    const decision = await verifiedDecision(jws, authority, keys, findings);
    if (!decision) continue;
    if (decision.kind === 'approve') {
      for (const operation of decision.operations) named.add(operation);
      for (const [conflict, chosen] of Object.entries(decision.choices))
        for (const candidate of plan.conflicts.find(({ id }) => id === conflict)?.candidates ?? [])
          if (candidate.digest === chosen) for (const { id } of candidate.operations) named.add(id);
    }
    findings.add('approved', authority, decisionWords(decision));
  }
  const unnamed = review.operations.filter((operation) => !named.has(operation));
  if (unnamed.length > 0)
    findings.add('missing', authority, `${unnamed.length} approved operations are in no signed decision here`);
  if (review.decisions.length === 0)
    findings.add('approved', authority, `its review ended ${review.outcome}, with no decision`);
}

function decisionWords({ kind, approver, operations, choices, conflicts, issuedAtMs }: Decision): string {
  const chosen = Object.keys(choices).length;
  const parts = [
    ...(operations.length > 0 ? [`${operations.length} operation${operations.length === 1 ? '' : 's'}`] : []),
    ...(chosen > 0 ? [`a value for ${chosen} conflict${chosen === 1 ? '' : 's'}`] : []),
    ...(conflicts.length > 0 ? [`${conflicts.length} conflict${conflicts.length === 1 ? '' : 's'} as they are`] : []),
  ];
  return `${approver} ${kind === 'approve' ? 'approved' : 'rejected'} ${parts.join(' and ') || 'nothing by name'} at ${timeText(issuedAtMs)}`;
}

/** Null, with a finding, where no trusted key of that approver signed it. */
export async function verifiedDecision(
  jws: string,
  authority: AuthorityId,
  keys: TrustedKeys,
  findings: Findings,
): Promise<Decision | null> {
  try {
    const claimed = Decision.safeParse(
      (await verifyCompact(jws, { typ: decisionType, keys: keys.ofApprovers(authority) })).payload,
    );
    if (!claimed.success || claimed.data.authority !== authority) {
      findings.add('wrong', authority, 'a decision has another shape, or is for another authority');
      return null;
    }
    await verifyCompact(jws, { typ: decisionType, keys: keys.ofApprover(authority, claimed.data.approver) });
    return claimed.data;
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    findings.add('wrong', authority, `a decision does not verify with the keys of its approvers: ${error.message}`);
    return null;
  }
}

async function tellWritten(store: ObjectStore, ref: Ref, keys: TrustedKeys, findings: Findings): Promise<void> {
  const authority = authorityOfRef(ref);
  const { payload } = await getMessage(store, ref, {
    typ: receiptsType,
    schema: ReceiptsStatement,
    keys: keys.ofMessages(authority),
  });
  const body = { ref: `${authority}/documents/${payload.body}`, sha256: payload.body };
  const { receipts } = await getDocument(store, body, ReceiptsBody);
  const counts = Object.entries(countReceipts(receipts)).filter(([, count]) => count > 0);
  const words = counts.map(([outcome, count]) => `${count} ${outcome}`).join(', ') || 'nothing';
  findings.add(
    'wrote',
    authority,
    `${words} at ${stampText(payload.hlc)}${payload.complete ? '' : ', not all that was permitted'}`,
  );
}

function tellAgreed({ opened, candidate, digest }: VerifiedSeal, made: Candidate | null, findings: Findings): void {
  if (!made || digestOf(made) !== digest) {
    findings.add('wrong', null, 'another base follows from what was signed and written than the one that was sealed');
    return;
  }
  findings.add(
    'agreed',
    null,
    `base ${candidate.sequence} (${candidate.next.slice(0, 12)}), signed by ${opened.members.join(', ')}; made again here, to the same digest`,
  );
}

async function tellLogged(
  { opened, candidate, digest }: VerifiedSeal,
  { dataset, logs }: RunEvidence,
  keys: TrustedKeys,
  findings: Findings,
): Promise<void> {
  for (const authority of opened.members) {
    const log = logs.find((one) => one.authority === authority);
    if (!log) {
      findings.add('missing', authority, 'nothing of its log is here');
      continue;
    }
    const verified = verifyLog(log, keys, findings);
    if (!verified) continue;
    const { sequence, run, next: base } = candidate;
    const about = { dataset, sequence, candidate: digest };
    if (!log.agreement)
      findings.add('missing', authority, `its log is not shown to hold its witness of base ${sequence}`);
    else if (!isLogged(verified, { kind: 'agreement', ...about, run, base }, log.agreement))
      findings.add('wrong', authority, `its log does not hold its witness of base ${sequence}`);
    if (!log.hops) continue;
    const { root: jws, ...place } = log.hops;
    const signed = await attempt(findings, `the signed root of ${authority}'s hops`, () =>
      verifyCompact(jws, { typ: hopRootType, keys: keys.ofMessages(authority) }),
    );
    const root = HopRoot.safeParse(signed?.payload);
    if (!signed || !root.success) continue;
    const { hops } = root.data;
    const isRight =
      root.data.authority === authority && root.data.candidate === digest && root.data.dataset === dataset;
    if (!isRight || !isLogged(verified, { kind: 'hops', ...about, hops, message: signed.id }, place))
      findings.add('wrong', authority, `its log does not hold the root of its hops of base ${sequence}`);
    else
      findings.add('logged', authority, `signed ${hops.count} hop${hops.count === 1 ? '' : 's'} of base ${sequence}`);
  }
}
