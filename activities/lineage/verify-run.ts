/**
 * Verifies a run with public keys alone, from the objects of its export: reads every signed message, makes the plan, the
 * permit, the next base and the candidate again, and says in words what was signed by whom. What an export is made of is
 * found by doing this over the exchange store and keeping what was read.
 */
import { ClockReset, clockResetType } from '../../core/clock/reset.js';
import { Correlation, type Assignment } from '../../core/correlate.js';
import { ConcordatError } from '../../core/errors.js';
import { Configuration } from '../../core/federation/configuration.js';
import { HopRoot, hopRootType } from '../../core/lineage/hop.js';
import {
  ReceiptsBody,
  ReceiptsStatement,
  receiptsType,
  Seal,
  type Candidate,
  type Proposal,
  type Ref,
  type RunInputs,
} from '../../core/messages.js';
import { countReceipts, hadEffect } from '../../core/receipt.js';
import { digestOf, type Digest } from '../../core/digest.js';
import { authoredDocuments } from '../document-authors.js';
import { findDocument, getDocument, getMessage } from '../exchange.js';
import { verifyCompact } from '../keys/verify.js';
import { nextAgreement } from '../next-agreement.js';
import { recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import { authorityOfRef } from '../run-messages.js';
import { verifySeal, type VerifiedSeal } from '../seals.js';
import type { ObjectStore } from '../store.js';
import { ErasedObjectsOf } from './erased-objects.js';
import type { VerifiedErasure } from './erasures.js';
import type { RunLog } from './export-file.js';
import { Findings } from './findings.js';
import type { TrustedKeys } from './trusted-keys.js';
import type { OverlayStore } from './overlay-store.js';
import { verifyApproval } from './verify-approval.js';
import { isLogged, verifyLog } from './verify-log.js';
import { stampText } from './words.js';

export interface RunEvidence {
  readonly dataset: string;
  readonly sequence: number;
  readonly seal: Ref;
  readonly logs: readonly RunLog[];
}

/** Never throws for what an export may hold; what does not hold is a finding. */
export async function verifyRun(
  store: OverlayStore,
  evidence: RunEvidence,
  keys: TrustedKeys,
  findings: Findings,
  erasures: readonly VerifiedErasure[] = [],
): Promise<void> {
  const attemptIn = attemptsOver(store, evidence.dataset, erasures);
  const attempt = attemptIn(findings);
  const sealed = await attempt('the seal', async () =>
    verifySeal(keys.asFederation, store, evidence.dataset, await getDocument(store, evidence.seal, Seal)),
  );
  if (!sealed) return;
  // Who signed the base and logged it stands, also where the run cannot be made again.
  await tellRun(store, sealed, evidence, keys, findings, attemptIn);
  await tellLogged(sealed, evidence, keys, findings, attempt);
}

/** What does not hold, or is not there, becomes a finding; what was erased is told as erased. */
export function attemptsOver(store: OverlayStore, dataset: string, erasures: readonly VerifiedErasure[]): AttemptIn {
  const gone = new ErasedObjectsOf(
    store,
    erasures.filter(({ receipt }) => receipt.dataset === dataset),
  );
  return (target) => (what, work) => attempted(target, gone, what, work);
}

export type Attempt = <Result>(what: string, work: () => Promise<Result>) => Promise<Result | undefined>;
export type AttemptIn = (findings: Findings) => Attempt;

async function tellRun(
  store: OverlayStore,
  sealed: VerifiedSeal,
  evidence: RunEvidence,
  keys: TrustedKeys,
  findings: Findings,
  attemptIn: AttemptIn,
): Promise<void> {
  const attempt = attemptIn(findings);
  const { candidate, proposal } = sealed;
  if (candidate.sequence !== evidence.sequence)
    findings.add('wrong', null, `it holds base ${candidate.sequence} and not ${evidence.sequence}`);
  const recomputed = await attempt('the plan', () =>
    recomputePlan(keys.asFederation, store, proposal.inputs, 'opened'),
  );
  if (!recomputed) return tellSigned(sealed, findings);
  tellObserved(recomputed, findings);
  await tellResets(store, recomputed, keys, attempt, findings);
  if (proposal.plan.sha256 !== recomputed.planDigest)
    findings.add('wrong', null, 'another plan follows from what was signed than the one that was approved');
  const settled = await attempt('the reviews', () =>
    recomputePermit(keys.asFederation, store, proposal.reviews, recomputed),
  );
  if (!settled) return tellSigned(sealed, findings);
  await verifyPeople(store, proposal, recomputed, settled, keys, attemptIn, findings);
  const next = await attempt('the next base', () =>
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
  if (!next) return tellSigned(sealed, findings);
  tellAgreed(sealed, next.candidate, findings);
}

async function attempted<Result>(
  findings: Findings,
  gone: ErasedObjectsOf,
  what: string,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const isMissing =
      error.code === 'storeFault' || / is not in the exchange store$|no member holds/.test(error.message);
    const by = isMissing ? await gone.explain() : null;
    if (by === null) findings.add(isMissing ? 'missing' : 'wrong', null, `${what}: ${error.message}`);
    else findings.add('erased', null, `${what} cannot be made again: ${by}`);
    return undefined;
  }
}

/** Of a run that cannot be made again because something of it was erased. */
function tellSigned({ opened, candidate }: VerifiedSeal, findings: Findings): void {
  if (!findings.hasErased) return;
  findings.add(
    'agreed',
    null,
    `base ${candidate.sequence} (${candidate.next.slice(0, 12)}), signed by ${opened.members.join(', ')}; not made again here`,
  );
}

export function tellObserved({ messages, snapshots }: Recomputed, findings: Findings): void {
  for (const [authority, snapshot] of Object.entries(snapshots)) {
    const counts = snapshot.types.map(({ type, count }) => `${count} ${type}`).join(', ');
    const open = snapshot.scopes.filter(({ complete }) => !complete);
    const whole = open.length === 0 ? 'all of it' : `not to the end of ${open.map(({ scope }) => scope).join(', ')}`;
    findings.add('observed', authority, `read ${counts || 'nothing'} at ${stampText(snapshot.hlc)}, ${whole}`);
  }
  for (const absent of messages.shape.absent) findings.add('absent', absent, 'took no part in this run');
}

/** Clocks that were set back: the order of stamps says nothing across that, and its authority signed why. */
export async function tellResets(
  store: ObjectStore,
  { messages }: Recomputed,
  keys: TrustedKeys,
  attempt: Attempt,
  findings: Findings,
): Promise<void> {
  for (const [authority, { clockReset }] of Object.entries(messages.opens)) {
    if (!clockReset) continue;
    const read = await attempt(`the reset of ${authority}'s clock`, () =>
      getMessage(store, clockReset, { typ: clockResetType, schema: ClockReset, keys: keys.ofMessages(authority) }),
    );
    if (!read) continue;
    const { payload } = read;
    if (payload.authority === authority)
      findings.add(
        'observed',
        authority,
        `had set its clock back to ${stampText(payload.restart)} (reset ${payload.number}: ${payload.reason})`,
      );
    else findings.add('wrong', authority, 'the reset of its clock speaks for somebody else');
  }
}

/** Who approved, in the order in which they signed, and whether that was enough for what receipts say was written. */
export async function verifyPeople(
  store: ObjectStore,
  { inputs, receipts }: Pick<Proposal, 'inputs' | 'receipts'>,
  recomputed: Recomputed,
  { permit, reviews }: Awaited<ReturnType<typeof recomputePermit>>,
  keys: TrustedKeys,
  attemptIn: AttemptIn,
  findings: Findings,
): Promise<void> {
  const told = new Findings();
  const written = new Set<Digest>();
  for (const ref of receipts)
    for (const id of (await attemptIn(told)('the receipts', () => tellWritten(store, ref, keys, told))) ?? [])
      written.add(id);
  const { shape, members, base } = recomputed.messages;
  const { federation } = keys;
  const evidence = await attemptIn(findings)('the terms', async () => ({
    recomputed,
    permit,
    written,
    configuration: await findDocument(store, members, shape.configuration, Configuration),
    assignments: await appliedAssignments(store, inputs, recomputed),
    causes: (await authoredDocuments({ federation, shape, base })).causes,
  }));
  if (evidence) for (const { review } of reviews) await verifyApproval(review, evidence, keys, findings);
  findings.all.push(...told.all);
}

/** Who is behind a link is told from it, so it counts only as what the members' signed snapshots applied. */
async function appliedAssignments(
  store: ObjectStore,
  { correlation }: Pick<RunInputs, 'correlation'>,
  { snapshots }: Recomputed,
): Promise<readonly Assignment[]> {
  const applied = new Set(Object.values(snapshots).flatMap((snapshot) => snapshot.correlation ?? []));
  if (applied.size === 0) return [];
  if (applied.size > 1 || !correlation || !applied.has(correlation.sha256))
    throw new ConcordatError('planNotReproduced', 'the run names another correlation than its snapshots applied');
  return (await getDocument(store, correlation, Correlation)).assignments;
}

/** Gives the operations that had an effect. */
async function tellWritten(
  store: ObjectStore,
  ref: Ref,
  keys: TrustedKeys,
  findings: Findings,
): Promise<readonly Digest[]> {
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
  return receipts.filter(({ outcome }) => hadEffect(outcome)).map(({ operation }) => operation);
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
  attempt: Attempt,
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
    const signed = await attempt(`the signed root of ${authority}'s hops`, () =>
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
