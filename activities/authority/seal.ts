/**
 * Takes up a sealed base: checks that all members of one run signed it, keeps this authority's own copy, and makes the
 * links firm that it agreed on. Also how an authority that was away learns what the others sealed meanwhile.
 */
import { ConcordatError } from '../../core/errors.js';
import { datasetShape, mapOf } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { Base, Candidate, Proposal, Seal, Witness, witnessType } from '../../core/messages.js';
import { isProvisional, type AuthorityId } from '../../core/record.js';
import { isSealed } from '../../core/rounds.js';
import type { SealInput, SealResult } from '../../workflows/contract.js';
import { findDocument, getDocument, getMessage, putDocument } from '../exchange.js';
import { saveLinks } from '../links.js';
import type { NextAgreement } from '../next-agreement.js';
import type { Recomputed } from '../recompute.js';
import { memberOfRef, readOpened, type OpenedMessages } from '../run-messages.js';
import { readAgreement, writeAgreement } from './agreements.js';
import type { AuthorityContext } from './context.js';
import { readRunState, writeRunState } from './live-run.js';
import { OwnRecords } from './own-records.js';
import { storedPages } from './pages.js';
import { recomputeCandidate } from './witness.js';

/** Shown again, or shown one that is older than what it holds, an authority answers with what it holds. */
export async function acceptSeal(context: AuthorityContext, input: SealInput): Promise<SealResult> {
  const { dataset } = input;
  const seal = await getDocument(context.exchange, input.seal, Seal);
  const { proposal, candidate, digest } = await verifySeal(context, dataset, seal);
  const kept = await readAgreement(context, dataset);
  if (kept.agreement && kept.agreement.sequence >= candidate.sequence) {
    if (kept.agreement.sequence === candidate.sequence && kept.agreement.candidate !== digest)
      throw new ConcordatError('baseForked', `two candidates of number ${candidate.sequence} are sealed`);
    await forgetPending(context, dataset, kept.agreement.sequence);
    return { authority: context.id, sequence: kept.agreement.sequence, base: kept.agreement.digest };
  }
  const members = context.federation.file.members.map(({ id }) => id);
  const base = await findDocument(context.exchange, [context.id, ...members], candidate.next, Base);
  if (proposal.inputs.snapshots.some(({ ref }) => ref.startsWith(`${context.id}/`))) {
    const { recomputed, next } = await recomputeCandidate(context, proposal, 'opened');
    await firmLinks(context, proposal, recomputed, next);
  }
  const agreement = {
    sequence: candidate.sequence,
    digest: candidate.next,
    ref: await putDocument(context.exchange, context.id, base),
    candidate: digest,
    seal: await putDocument(context.exchange, context.id, seal),
    atMs: context.now(),
  };
  if (!(await writeAgreement(context, dataset, kept.version, agreement)))
    throw new ConcordatError('baseReserved', `another worker of this authority takes up a base of ${dataset}`);
  await forgetPending(context, dataset, agreement.sequence);
  return { authority: context.id, sequence: agreement.sequence, base: agreement.digest };
}

/** Throws unless exactly the members of the run that the opens make signed this candidate in it. */
async function verifySeal(
  context: AuthorityContext,
  dataset: string,
  seal: Seal,
): Promise<{ readonly proposal: Proposal; readonly candidate: Candidate; readonly digest: string }> {
  const { federation, exchange } = context;
  if (seal.dataset !== dataset) throw new ConcordatError('inputNotAuthentic', 'the seal is of another dataset');
  const opened = await readOpened(federation, exchange, seal, 'opened');
  const proposal = await getDocument(exchange, seal.proposal, Proposal);
  const candidate = await getDocument(exchange, proposal.candidate, Candidate);
  const digest = proposal.candidate.sha256;
  const signers = await signersOf(context, opened, seal, candidate, digest);
  if (!isSealed(opened.members, signers))
    throw new ConcordatError(
      'notSealed',
      `of ${opened.members.join(', ')} only ${signers.join(', ') || 'nobody'} signed candidate ${candidate.sequence}`,
    );
  if (candidate.dataset !== dataset)
    throw new ConcordatError('inputNotAuthentic', 'the candidate is of another dataset');
  return { proposal, candidate, digest };
}

async function signersOf(
  { federation, exchange }: AuthorityContext,
  opened: OpenedMessages,
  seal: Seal,
  candidate: Candidate,
  digest: string,
): Promise<readonly AuthorityId[]> {
  const round = Object.values(opened.opens)[0]?.round;
  const signers: AuthorityId[] = [];
  for (const ref of seal.witnesses) {
    const authority = memberOfRef(ref, opened.members);
    const { payload } = await getMessage(exchange, ref, {
      typ: witnessType,
      schema: Witness,
      keys: keysOf(federation, authority, 'messages'),
    });
    const isOfThis =
      payload.authority === authority &&
      payload.dataset === seal.dataset &&
      payload.run === opened.run &&
      payload.round === round &&
      payload.sequence === candidate.sequence &&
      payload.candidate === digest;
    if (!isOfThis)
      throw new ConcordatError('inputNotAuthentic', `the witness of ${authority} is of another run or candidate`);
    signers.push(authority);
  }
  return signers;
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
): Promise<void> {
  const own = await OwnRecords.load(context, inputs);
  const agreed = new Set(next.changes.filter(({ kind }) => kind === 'put').map(({ type, key }) => `${type} ${key}`));
  const gone = new Set(next.changes.filter(({ kind }) => kind === 'remove').map(({ type, key }) => `${type} ${key}`));
  const inBase = new Set(
    Object.entries(recomputed.views).flatMap(([type, views]) =>
      views.filter(({ base }) => base !== undefined).map(({ key }) => `${type} ${key}`),
    ),
  );
  for (const type of datasetShape(context.federation, inputs.dataset).types) {
    const name = type.taxonomy.type;
    const map = mapOf(context.federation, context.id, name);
    if (!map) continue;
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
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
