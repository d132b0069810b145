/**
 * Takes up a sealed base: checks that all members of one run signed it, keeps this authority's own copy, and makes the
 * links firm that it agreed on. Also how an authority that was away learns what the others sealed meanwhile.
 */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { Base, Seal, type Proposal } from '../../core/messages.js';
import type { SealInput, SealResult } from '../../workflows/contract.js';
import { findDocument, getDocument, putDocument } from '../exchange.js';
import type { AgreedOn } from '../next-agreement.js';
import type { Recomputed } from '../recompute.js';
import { verifyChain } from '../seal-chain.js';
import { collectGarbage } from '../heap.js';
import { xxh64 } from '../sealing/key-hash.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { unanimousHashes } from '../unanimous.js';
import { readAgreement, writeAgreement } from './agreements.js';
import { askedAlso, askedOfPlan, askedRecordsMax, type AskedRecords } from './asked-records.js';
import type { AuthorityContext } from './context.js';
import { forgetDigestKeys } from './digest-key.js';
import { firmLinks } from './firm-links.js';
import { adoptSealedHops, hopsOfCandidate } from './hops.js';
import { readRunState, writeRunState } from './live-run.js';
import { agreeOnOpaque } from './opaque.js';
import { agreeOnSchema } from './schema-seen.js';
import { OwnRecords } from './own-records.js';
import { recomputeAgreedOn, recomputeCandidate } from './witness.js';

/** Shown again, or shown one that is older than what it holds, an authority answers with what it holds. */
export async function acceptSeal(context: AuthorityContext, input: SealInput): Promise<SealResult> {
  const { dataset } = input;
  const seal = await getDocument(context.exchange, input.seal, Seal);
  const kept = await readAgreement(context, dataset);
  const { state } = await readRunState(context, dataset);
  const { proposal, candidate, digest, witnesses } = await verifyChain(
    context.federation,
    context.exchange,
    dataset,
    seal,
    {
      self: context.id,
      held: kept.agreement,
      signed: state.pending?.candidate ?? null,
      heartbeat: () => context.heartbeat(),
    },
  );
  await context.clock.receive(witnesses, 'leave');
  if (kept.agreement && kept.agreement.sequence >= candidate.sequence) {
    if (kept.agreement.sequence === candidate.sequence && kept.agreement.candidate !== digest)
      throw new ConcordatError('baseForked', `two candidates of number ${candidate.sequence} are sealed`);
    await forgetPending(context, dataset, kept.agreement.sequence);
    await adoptSealedHops(context, dataset);
    return { authority: context.id, sequence: kept.agreement.sequence, base: kept.agreement.digest };
  }
  const members = context.federation.file.members.map(({ id }) => id);
  const base = await findDocument(context.exchange, [context.id, ...members], candidate.next, Base);
  if (proposal.inputs.snapshots.some(({ ref }) => ref.startsWith(`${context.id}/`))) {
    const hasSigned = state.pending?.candidate === digest;
    await takeUpOwn(context, proposal, digest, candidate.sequence, hasSigned);
    await agreeOnOpaque(context, dataset, proposal.inputs.run);
    await agreeOnSchema(context, dataset, proposal.inputs.run);
  }
  const agreement = {
    sequence: candidate.sequence,
    digest: candidate.next,
    ref: await putDocument(context.exchange, context.id, base),
    candidate: digest,
    seal: await putDocument(context.exchange, context.id, seal),
    hlc: await context.clock.stamp(),
  };
  if (!(await writeAgreement(context, dataset, kept.version, agreement)))
    throw new ConcordatError('baseReserved', `another worker of this authority takes up a base of ${dataset}`);
  await forgetPending(context, dataset, agreement.sequence);
  await adoptSealedHops(context, dataset);
  if (base.digestKeys) await forgetDigestKeys(context, dataset, base.digestKeys);
  return { authority: context.id, sequence: agreement.sequence, base: agreement.digest };
}

async function forgetPending(context: AuthorityContext, dataset: string, sequence: number): Promise<void> {
  const { state, version } = await readRunState(context, dataset);
  if (state.pending && state.pending.sequence <= sequence)
    await writeRunState(context, dataset, version, { ...state, pending: null });
}

/** What the agreement changes, and what it takes over as all show it. Null where that is much. */
async function askedOfAgreement(
  context: AuthorityContext,
  recomputed: Recomputed,
  { unanimous }: AgreedOn,
): Promise<AskedRecords | null> {
  const asked = askedOfPlan(recomputed);
  const types = Object.entries(unanimous);
  if (!asked || types.length === 0) return asked;
  if (types.reduce((sum, [, { count }]) => sum + count, 0) > askedRecordsMax) return null;
  const reader = createSegmentReader({
    store: context.exchange,
    prefixes: [context.id, ...recomputed.messages.members],
  });
  const hashes = new Map<string, (hash: bigint) => boolean>();
  for (const [type, records] of types) hashes.set(type, await unanimousHashes(records, context.id, reader));
  return askedAlso(asked, (type, key) => hashes.get(type)?.(xxh64(key)) === true);
}

/** Of more, what drafting them held is some megabytes, and links are still to be written. */
const hopsInPassing = 100_000;

/**
 * What it knows of its own records, some hundred bytes of each, is held no longer than this.
 *
 * HAZARD: only what this authority signed is in its part of the store already (witness.ts): that was durable before its signature.
 * Of an agreement that others ended without it, the base is made here for the first time.
 */
async function takeUpOwn(
  context: AuthorityContext,
  proposal: Proposal,
  candidate: Digest,
  sequence: number,
  hasSigned: boolean,
): Promise<void> {
  const { inputs } = proposal;
  const { recomputed, next, reviews } = await (hasSigned ? recomputeAgreedOn : recomputeCandidate)(
    context,
    proposal,
    'opened',
  );
  const own = await OwnRecords.load(context, inputs, null, await askedOfAgreement(context, recomputed, next));
  const hlc = await context.clock.stamp();
  const made = await hopsOfCandidate(context, {
    run: inputs.run,
    candidate,
    sequence,
    recomputed,
    next,
    reviews,
    own,
    hlc,
  });
  if ((made.hops?.count ?? 0) > hopsInPassing) collectGarbage();
  await firmLinks(context, inputs, recomputed, next, own);
}
