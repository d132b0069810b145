/** Recomputes the next base, signs it, and keeps this authority's own copy with the links that it made firm. */
import { digestOf } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { witnessType, type Witness } from '../../core/messages.js';
import type { WitnessInput, WitnessResult } from '../../workflows/contract.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { saveLinks } from '../links.js';
import { nextAgreement, type NextAgreement } from '../next-agreement.js';
import { recomputePlan, type Recomputed } from '../recompute.js';
import { recomputePermit } from '../reviews.js';
import { readAgreement, writeAgreement } from './agreements.js';
import type { AuthorityContext } from './context.js';
import { OwnRecords } from './own-records.js';
import { requireLive } from './snapshot.js';
import { datasetShape, mapOf } from '../../core/federation/federation.js';
import { isProvisional } from '../../core/record.js';
import { storedPages } from './pages.js';

export async function witnessCandidate(context: AuthorityContext, input: WitnessInput): Promise<WitnessResult> {
  const { inputs } = input;
  const kept = await readAgreement(context, inputs.dataset);
  // Asked again after a crash, it answers with what it has already signed.
  if (kept.agreement?.candidate === input.candidate.sha256)
    return {
      authority: context.id,
      witness: kept.agreement.witness,
      sequence: kept.agreement.sequence,
      base: kept.agreement.digest,
    };
  await requireLive(context, inputs);
  const recomputed = await recomputePlan(context.federation, context.exchange, inputs);
  if ((kept.agreement?.digest ?? null) !== recomputed.messages.baseDigest)
    throw new ConcordatError('staleBase', 'the candidate starts from another base than this authority witnessed last');
  const { permit } = await recomputePermit(context.federation, context.exchange, input.reviews, recomputed);
  const next = await nextAgreement({
    federation: context.federation,
    exchange: context.exchange,
    prefix: context.id,
    run: inputs.run,
    recomputed,
    permit,
    receipts: input.receipts,
    heartbeat: () => context.heartbeat(),
  });
  if (!next.candidate || !next.sealed || digestOf(next.candidate) !== input.candidate.sha256) {
    throw new ConcordatError(
      'planNotReproduced',
      'this authority computes another next base from the sealed inputs and receipts',
    );
  }
  const ref = await putDocument(context.exchange, context.id, next.sealed.base);
  const statement: Witness = {
    authority: context.id,
    dataset: inputs.dataset,
    run: inputs.run,
    sequence: next.candidate.sequence,
    candidate: input.candidate.sha256,
    atMs: context.now(),
  };
  const witness = await putMessage(
    context.exchange,
    context.id,
    await signCompact(statement, { typ: witnessType, key: context.signingKey }),
  );
  await firmLinks(context, input, recomputed, next);
  const agreement = {
    sequence: next.candidate.sequence,
    digest: next.sealed.digest,
    ref,
    candidate: input.candidate.sha256,
    witness,
    atMs: context.now(),
  };
  if (!(await writeAgreement(context, inputs.dataset, kept.version, agreement)))
    throw new ConcordatError('baseReserved', 'another worker of this authority has just witnessed a base');
  return { authority: context.id, witness, sequence: agreement.sequence, base: agreement.digest };
}

/** Links of records that are now agreed are kept; links of records that all have let go are dropped. */
async function firmLinks(
  context: AuthorityContext,
  input: WitnessInput,
  recomputed: Recomputed,
  next: NextAgreement,
): Promise<void> {
  const own = await OwnRecords.load(context, input.inputs);
  const agreed = new Set(next.changes.filter(({ kind }) => kind === 'put').map(({ type, key }) => `${type} ${key}`));
  const gone = new Set(next.changes.filter(({ kind }) => kind === 'remove').map(({ type, key }) => `${type} ${key}`));
  const inBase = new Set(
    Object.entries(recomputed.views).flatMap(([type, views]) =>
      views.filter(({ base }) => base !== undefined).map(({ key }) => `${type} ${key}`),
    ),
  );
  for (const type of datasetShape(context.federation, input.inputs.dataset).types) {
    const name = type.taxonomy.type;
    const map = mapOf(context.federation, context.id, name);
    if (!map) continue;
    for await (const item of storedPages(context, input.inputs.dataset, input.inputs.run)) {
      if (item.kind !== 'objects') continue;
      for (const object of item.objects) {
        if (object.type !== map.native) continue;
        const key = own.keyOf(name, object.id);
        const record = `${name} ${key}`;
        // A native object that took the place of a vanished one is linked anew; its predecessor's link goes.
        if (!isProvisional(key) && (agreed.has(record) || inBase.has(record))) own.links.set(name, object.id, key);
      }
    }
    for (const [nativeId, key] of own.links.entries(name))
      if (gone.has(`${name} ${key}`)) own.links.remove(name, nativeId);
  }
  await saveLinks(context.privateStore, recomputed.plan.dataset, own.links);
}
