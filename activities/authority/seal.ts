/**
 * Takes up a sealed base: checks that all members of one run signed it, keeps this authority's own copy, and makes the
 * links firm that it agreed on. Also how an authority that was away learns what the others sealed meanwhile.
 */
import { ConcordatError } from '../../core/errors.js';
import { datasetShape, mapOf } from '../../core/federation/federation.js';
import { Base, Seal, type Proposal } from '../../core/messages.js';
import { isProvisional } from '../../core/record.js';
import type { SealInput, SealResult } from '../../workflows/contract.js';
import { findDocument, getDocument, putDocument } from '../exchange.js';
import { keepFormerLink, saveLinks } from '../links.js';
import type { NextAgreement } from '../next-agreement.js';
import type { Recomputed } from '../recompute.js';
import { verifyChain } from '../seal-chain.js';
import { xxh64 } from '../sealing/key-hash.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { unanimousHashes } from '../unanimous.js';
import { readAgreement, writeAgreement } from './agreements.js';
import type { AuthorityContext } from './context.js';
import { forgetDigestKeys } from './digest-key.js';
import { adoptSealedHops, hopsOfCandidate } from './hops.js';
import { readRunState, writeRunState } from './live-run.js';
import { agreeOnOpaque } from './opaque.js';
import { agreeOnSchema } from './schema-seen.js';
import { OwnRecords } from './own-records.js';
import { storedPages } from './pages.js';
import { recomputeCandidate } from './witness.js';

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
    const { recomputed, next, reviews } = await recomputeCandidate(context, proposal, 'opened');
    const own = await OwnRecords.load(context, proposal.inputs, null);
    await hopsOfCandidate(context, {
      run: proposal.inputs.run,
      candidate: digest,
      sequence: candidate.sequence,
      recomputed,
      next,
      reviews,
      own,
      hlc: await context.clock.stamp(),
    });
    await firmLinks(context, proposal, recomputed, next, own);
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

/** Links of records that are now agreed are kept; links of records that all have let go are dropped. */
async function firmLinks(
  context: AuthorityContext,
  { inputs }: Proposal,
  recomputed: Recomputed,
  next: NextAgreement,
  own: OwnRecords,
): Promise<void> {
  const agreed = new Set(next.changes.filter(({ kind }) => kind === 'put').map(({ type, key }) => `${type} ${key}`));
  const gone = new Set(next.changes.filter(({ kind }) => kind === 'remove').map(({ type, key }) => `${type} ${key}`));
  const inBase = new Set(
    Object.entries(recomputed.views).flatMap(([type, views]) =>
      views.filter(({ base }) => base !== undefined).map(({ key }) => `${type} ${key}`),
    ),
  );
  const reader = createSegmentReader({
    store: context.exchange,
    prefixes: [context.id, ...recomputed.messages.members],
  });
  for (const type of datasetShape(context.federation, inputs.dataset).types) {
    const name = type.taxonomy.type;
    const map = mapOf(context.federation, context.id, name);
    if (!map) continue;
    const unanimous = next.unanimous[name];
    const isUnanimous = unanimous && (await unanimousHashes(unanimous, context.id, reader));
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
      if (item.kind !== 'objects') continue;
      for (const object of item.objects) {
        if (object.type !== map.native) continue;
        const key = own.keyOf(name, object.id);
        const record = `${name} ${key}`;
        const isAgreed = agreed.has(record) || inBase.has(record) || isUnanimous?.(xxh64(key)) === true;
        // A native object that took the place of a vanished one is linked anew; its predecessor's link goes.
        if (!isProvisional(key) && isAgreed) own.links.set(name, object.id, key);
      }
    }
    const isGone = (key: string): boolean => gone.has(`${name} ${key}`);
    for (const [nativeId, key] of gone.size > 0 ? own.links.linkedTo(name, isGone) : []) {
      if (type.taxonomy.key === undefined)
        await keepFormerLink(context.privateStore, inputs.dataset, name, nativeId, key);
      own.links.remove(name, nativeId);
    }
  }
  await saveLinks(context.privateStore, recomputed.plan.dataset, own.links);
}
