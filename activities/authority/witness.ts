/**
 * Signs a candidate: the one that its own run made, or the one that this run has to finish. What it signed is durable
 * before it is sent, and signing spends the live open (core/rounds.ts).
 */
import { canonicalJson, digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { Candidate, Proposal, witnessType, type Witness } from '../../core/messages.js';
import { isMajorityOf, refuseWitness } from '../../core/rounds.js';
import type { WitnessInput, WitnessResult } from '../../workflows/contract.js';
import { getDocument, putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { agreedOn, nextAgreement, type AgreedOn, type NextAgreement } from '../next-agreement.js';
import { recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit, type ReadReview } from '../reviews.js';
import { appendAgreement } from '../lineage/run-hops.js';
import { readOpened, type Terms } from '../run-messages.js';
import { readAgreement } from './agreements.js';
import { watchedBy, type AuthorityContext } from './context.js';
import { readRunState, requireLive, writeRunState } from './live-run.js';
import { logObserver, observePeers } from './log-observer.js';
import { noticeInputs, noticeOpens } from './peer-clocks.js';
import { requireVersionsApproved } from './version-gate.js';

export async function witnessCandidate(context: AuthorityContext, input: WitnessInput): Promise<WitnessResult> {
  const { dataset, run } = input;
  const signed = await witnessOf(context, input);
  if (signed) return signed;
  const live = await requireLive(context, input);
  const opened = await readOpened(context.federation, context.exchange, input);
  if (opened.run !== run) throw new ConcordatError('wrongRun', 'the run id is not made of these opens');
  await noticeOpens(context, dataset, opened.opens);
  await observePeers(context, opened.opens);
  const proposal = await getDocument(context.exchange, input.proposal, Proposal);
  const candidate = await getDocument(context.exchange, proposal.candidate, Candidate);
  const { agreement } = await readAgreement(context, dataset);
  const base = agreement ? { sequence: agreement.sequence, digest: agreement.digest } : null;
  const refusal = refuseWitness({ live, base }, live, opened.duty, {
    digest: proposal.candidate.sha256,
    sequence: candidate.sequence,
    previous: candidate.previous,
  });
  if (refusal === 'notLive')
    throw new ConcordatError('wrongRun', 'the run is not the one that this authority opened last');
  if (refusal === 'finishFirst')
    throw new ConcordatError('pendingFirst', 'another candidate may be sealed already and comes first');
  if (refusal === 'staleBase')
    throw new ConcordatError('staleBase', 'the candidate starts from another base than this authority holds');
  // What only finishes an earlier run is made again under the terms which that run had.
  const finishes = opened.duty.kind === 'finish' && opened.duty.pending.candidate === proposal.candidate.sha256;
  if (!finishes && (candidate.run !== run || proposal.inputs.run !== run))
    throw new ConcordatError('wrongRun', 'the candidate is of another run, and this one has nothing to finish');
  const { recomputed, next } = await recomputeCandidate(context, proposal, finishes ? 'opened' : 'own');
  // HAZARD: who colludes could hand over a candidate made among themselves, and be the only members from then on.
  if (!isMajorityOf(recomputed.messages.members, opened.before ?? opened.shape.dataset.members))
    throw new ConcordatError(
      'membershipNotFollowed',
      `the candidate was made by ${recomputed.messages.members.join(', ')}, not more than half of the members of the base before`,
    );
  if (!next.candidate || !next.sealed || digestOf(next.candidate) !== proposal.candidate.sha256)
    throw new ConcordatError(
      'planNotReproduced',
      `this authority computes another next base from the sealed inputs and receipts: ${otherThan(candidate, next.candidate)}`,
    );
  // What only finishes an earlier run was counted when this authority signed the review that the candidate names.
  if (!finishes) await requireVersionsApproved(context, proposal.inputs, recomputed);
  await putDocument(context.exchange, context.id, next.sealed.base);
  await putDocument(context.exchange, context.id, next.candidate);
  const own = await putDocument(context.exchange, context.id, proposal);
  const position = await appendAgreement(logObserver(context), {
    dataset,
    sequence: candidate.sequence,
    candidate: proposal.candidate.sha256,
    run: candidate.run,
    base: candidate.next,
  });
  const statement: Witness = {
    authority: context.id,
    dataset,
    run,
    round: live.round,
    sequence: candidate.sequence,
    candidate: proposal.candidate.sha256,
    position,
    hlc: await context.clock.stamp(),
  };
  const jws = await signCompact(statement, { typ: witnessType, key: context.signingKey });
  // HAZARD: first durable, then sent. A signature that this authority does not remember could seal what it forgot.
  const { state, version } = await readRunState(context, dataset);
  if (state.live?.open.ref !== live.open.ref)
    throw new ConcordatError('wrongRun', 'a newer run of this dataset was opened with this authority');
  const pending = {
    round: live.round,
    sequence: candidate.sequence,
    candidate: proposal.candidate.sha256,
    proposal: own,
  };
  const witness = { run, proposal: input.proposal.sha256, jws };
  if (!(await writeRunState(context, dataset, version, { ...state, live: null, pending, witness })))
    throw new ConcordatError('baseReserved', `another worker of this authority is at work on ${dataset}`);
  return { authority: context.id, witness: await putMessage(context.exchange, context.id, jws) };
}

/**
 * Asked again after a crash, an authority answers with what it has already signed in this run.
 *
 * HAZARD: only with what was written together with `pending`. A signature kept by itself could be handed out after a newer
 * open had said that nothing is pending, and seal what nobody else would then finish.
 */
async function witnessOf(context: AuthorityContext, input: WitnessInput): Promise<WitnessResult | null> {
  const { witness } = (await readRunState(context, input.dataset)).state;
  if (witness?.run !== input.run || witness.proposal !== input.proposal.sha256) return null;
  return { authority: context.id, witness: await putMessage(context.exchange, context.id, witness.jws) };
}

interface Again {
  readonly recomputed: Recomputed;
  readonly reviews: readonly ReadReview[];
}

/** From a proposal's references to its next base, made again from what was signed. */
export async function recomputeCandidate(
  context: AuthorityContext,
  proposal: Proposal,
  terms: Terms,
): Promise<Again & { readonly next: NextAgreement }> {
  return again(context, proposal, terms, (from) =>
    nextAgreement({ ...from, prefix: context.id, heartbeat: () => context.heartbeat() }),
  );
}

/** The same without the base: for a candidate that this authority made again and signed, whose base it keeps since. */
export async function recomputeAgreedOn(
  context: AuthorityContext,
  proposal: Proposal,
  terms: Terms,
): Promise<Again & { readonly next: AgreedOn }> {
  return again(context, proposal, terms, agreedOn);
}

async function again<Next extends AgreedOn>(
  context: AuthorityContext,
  proposal: Proposal,
  terms: Terms,
  nextFrom: (from: Parameters<typeof agreedOn>[0]) => Promise<Next>,
): Promise<Again & { readonly next: Next }> {
  const { federation, exchange } = context;
  const recomputed = await recomputePlan(federation, exchange, proposal.inputs, terms, watchedBy(context));
  const { permit, reviews } = await recomputePermit(federation, exchange, proposal.reviews, recomputed);
  const { inputs, receipts } = proposal;
  const next = await nextFrom({ federation, exchange, run: inputs.run, recomputed, permit, receipts });
  await noticeInputs(context, recomputed, terms);
  await context.clock.receive(
    [...reviews.map(({ review }) => review), ...next.receipts],
    terms === 'own' ? 'refuse' : 'leave',
  );
  return { recomputed, next, reviews };
}

/** What a candidate says otherwise than the one that follows: `next` is the base itself. */
function otherThan(named: Candidate, made: Candidate | null): string {
  if (!made) return 'nothing follows from them that could be agreed on';
  const parts = Object.keys(named).filter(
    (part) => canonicalJson(named[part as keyof Candidate]) !== canonicalJson(made[part as keyof Candidate]),
  );
  return `the candidate has another ${parts.join(', ')}`;
}
