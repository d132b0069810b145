/** Opens a run: a fresh nonce, the configuration and base of this authority, and what its people have standing. */
import { randomBytes } from 'node:crypto';
import { configurationDigest } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';
import { openType, type Open } from '../../core/messages.js';
import { planAlgorithm } from '../../core/plan.js';
import type { OpenInput, OpenResult } from '../../workflows/contract.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { readUnverified } from '../keys/verify.js';
import type { AuthorityContext } from './context.js';
import { readAgreement } from './agreements.js';
import { readLiveRun, writeLiveRun } from './live-run.js';
import { currentStanding } from './standing.js';

/** Repeated for the same attempt it gives the same open. Throws baseReserved while a commit of another run is writing. */
export async function openRun(context: AuthorityContext, input: OpenInput): Promise<OpenResult> {
  const dataset = context.federation.datasets[input.dataset];
  if (!dataset)
    throw new ConcordatError('invalidFederation', `this authority's federation folder has no dataset ${input.dataset}`);
  if (!dataset.members.includes(context.id))
    throw new ConcordatError('invalidFederation', `${context.id} is no member of dataset ${input.dataset}`);
  const { live, version } = await readLiveRun(context, input.dataset);
  if (live?.attempt === input.attempt) return { open: live.open, id: live.openId };
  const nowMs = context.now();
  if (live?.reservedFor && live.reservedFor.untilMs > nowMs)
    throw new ConcordatError('baseReserved', `a plan is being written to ${input.dataset}`);
  const { agreement } = await readAgreement(context, input.dataset);
  const standing = await putDocument(context.exchange, context.id, await currentStanding(context, input.dataset));
  const payload: Open = {
    authority: context.id,
    dataset: input.dataset,
    members: [...dataset.members].sort(),
    nonce: randomBytes(24).toString('base64url'),
    round: (live?.round ?? 0) + 1,
    configuration: configurationDigest(context.federation, dataset),
    algorithms: [planAlgorithm],
    base: agreement ? { sequence: agreement.sequence, digest: agreement.digest, ref: agreement.ref } : null,
    standing,
    atMs: nowMs,
  };
  const jws = await signCompact(payload, { typ: openType, key: context.signingKey });
  const { id } = readUnverified(jws, { typ: openType });
  const open = await putMessage(context.exchange, context.id, jws);
  // Persisted before it is sent: after a crash this authority knows which nonce is its live one.
  const kept = await writeLiveRun(context, input.dataset, version, {
    attempt: input.attempt,
    round: payload.round,
    nonce: payload.nonce,
    open,
    openId: id,
    openedAtMs: nowMs,
    reservedFor: null,
  });
  if (!kept)
    throw new ConcordatError('baseReserved', `another worker of this authority has just opened ${input.dataset}`);
  return { open, id };
}
