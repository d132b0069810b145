/** Reads a seal: the proof that all members of one run signed a candidate. Everyone who has the keys can. */
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { keysOf } from '../core/federation/keys-of.js';
import { Candidate, Proposal, Witness, witnessType, type Seal } from '../core/messages.js';
import { isSealed } from '../core/rounds.js';
import { getDocument, getMessage } from './exchange.js';
import { memberOfRef, readOpened, type OpenedMessages } from './run-messages.js';
import type { ObjectStore } from './store.js';

export interface VerifiedSeal {
  /** The opens of the run that sealed it, which may be a later one than the run that made it. */
  readonly opened: OpenedMessages;
  readonly proposal: Proposal;
  readonly candidate: Candidate;
  readonly digest: Digest;
  readonly witnesses: readonly Witness[];
}

/** Throws unless exactly the members of the run that the opens make signed this candidate in it. */
export async function verifySeal(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  seal: Seal,
): Promise<VerifiedSeal> {
  if (seal.dataset !== dataset) throw new ConcordatError('inputNotAuthentic', 'the seal is of another dataset');
  const opened = await readOpened(federation, exchange, seal, 'opened');
  const proposal = await getDocument(exchange, seal.proposal, Proposal);
  const candidate = await getDocument(exchange, proposal.candidate, Candidate);
  const digest = proposal.candidate.sha256;
  const witnesses = await readWitnesses(federation, exchange, opened, seal, candidate, digest);
  const signers = witnesses.map(({ authority }) => authority);
  if (!isSealed(opened.members, signers))
    throw new ConcordatError(
      'notSealed',
      `of ${opened.members.join(', ')} only ${signers.join(', ') || 'nobody'} signed candidate ${candidate.sequence}`,
    );
  if (candidate.dataset !== dataset)
    throw new ConcordatError('inputNotAuthentic', 'the candidate is of another dataset');
  return { opened, proposal, candidate, digest, witnesses };
}

async function readWitnesses(
  federation: Federation,
  exchange: ObjectStore,
  opened: OpenedMessages,
  seal: Seal,
  candidate: Candidate,
  digest: string,
): Promise<readonly Witness[]> {
  const round = Object.values(opened.opens)[0]?.round;
  const witnesses: Witness[] = [];
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
    witnesses.push(payload);
  }
  return witnesses;
}
