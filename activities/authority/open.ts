/**
 * Opens a run: a promise for its round, a fresh nonce, the configuration and base of this authority, what it signed and
 * has not seen sealed, and what its people have standing.
 */
import { randomBytes } from 'node:crypto';
import { configurationDigestOf, shapeOf } from '../../core/federation/configuration.js';
import { configurationOf } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { openType, type Open } from '../../core/messages.js';
import { versionsAlgorithm } from '../../core/agreed-under.js';
import { planAlgorithm } from '../../core/plan.js';
import { refuseOpen } from '../../core/rounds.js';
import { laterLinesAlgorithm } from '../../core/sealed.js';
import type { OpenInput, OpenResult } from '../../workflows/contract.js';
import { putDocument, putMessage } from '../exchange.js';
import { signCompact } from '../keys/sign.js';
import { readUnverified } from '../keys/verify.js';
import { takeUpDigestKey } from './digest-key.js';
import { publishRound } from '../round-hints.js';
import type { AuthorityContext } from './context.js';
import { readClockHead } from './clock.js';
import { readAgreement } from './agreements.js';
import { readRunState, writeRunState } from './live-run.js';
import { checkpointForOpen } from './log-observer.js';
import { currentStanding } from './standing.js';

/** Repeated for the same attempt it gives the same open. Throws baseReserved while a commit of another run is writing. */
export async function openRun(context: AuthorityContext, input: OpenInput): Promise<OpenResult> {
  await context.refreshTerms?.();
  const dataset = context.federation.datasets[input.dataset];
  if (!dataset)
    throw new ConcordatError('invalidFederation', `this authority's federation folder has no dataset ${input.dataset}`);
  if (!dataset.members.includes(context.id))
    throw new ConcordatError('invalidFederation', `${context.id} is no member of dataset ${input.dataset}`);
  const { state, version } = await readRunState(context, input.dataset);
  const { live } = state;
  if (live?.attempt === input.attempt) return { kind: 'opened', open: live.open, id: live.openId };
  const members = [...input.members].sort(byCodeUnit);
  const refusal = refuseOpen(state.promised, { round: input.round, members }, context.id, dataset.members);
  if (refusal?.kind === 'notMembers' || refusal?.kind === 'noMajority')
    throw new ConcordatError(
      'wrongRun',
      `a run of ${input.dataset} needs more than half of its members, this authority among them; asked for ${members.join(', ')}`,
    );
  if (refusal) return { kind: refusal.kind, promised: refusal.promised };
  const nowMs = context.now();
  if (live?.reservedFor && live.reservedFor.untilMs > nowMs)
    throw new ConcordatError('baseReserved', `a plan is being written to ${input.dataset}`);
  const { agreement } = await readAgreement(context, input.dataset);
  const configuration = configurationOf(context.federation, dataset);
  const digestKey = await takeUpDigestKey(context, shapeOf(configuration));
  await putDocument(context.exchange, context.id, configuration);
  const standing = await putDocument(context.exchange, context.id, await currentStanding(context, input.dataset));
  const payload: Open = {
    authority: context.id,
    dataset: input.dataset,
    members,
    nonce: randomBytes(24).toString('base64url'),
    round: input.round,
    configuration: configurationDigestOf(configuration),
    algorithms: [planAlgorithm, versionsAlgorithm, laterLinesAlgorithm],
    base: agreement
      ? { sequence: agreement.sequence, digest: agreement.digest, ref: agreement.ref, seal: agreement.seal }
      : null,
    pending: state.pending,
    standing,
    digestKey,
    log: await checkpointForOpen(context),
    hlc: await context.clock.stamp(),
    clockReset: (await readClockHead(context.privateStore)).head?.reset ?? null,
  };
  const jws = await signCompact(payload, { typ: openType, key: context.signingKey });
  const { id } = readUnverified(jws, { typ: openType });
  const open = await putMessage(context.exchange, context.id, jws);
  // Persisted before it is sent: after a crash this authority knows what it promised and which nonce is its live one.
  const kept = await writeRunState(context, input.dataset, version, {
    ...state,
    promised: input.round,
    live: {
      attempt: input.attempt,
      round: input.round,
      members,
      nonce: payload.nonce,
      open,
      openId: id,
      openedAtMs: nowMs,
      reservedFor: null,
    },
  });
  if (!kept)
    throw new ConcordatError('baseReserved', `another worker of this authority has just opened ${input.dataset}`);
  await publishRound(context.exchange, context.id, input.dataset, input.round);
  return { kind: 'opened', open, id };
}
