/**
 * Follows the seals from a base that an authority is shown down to the one that it holds (core/seal-chain.ts). Every open
 * names the base that its run stands on with its seal, so the chain is in what members signed.
 */
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { Seal, type HeldBase } from '../core/messages.js';
import type { AuthorityId } from '../core/record.js';
import { refuseChain, refuseFirst, type ChainEnd, type ChainRefusal, type SealLink } from '../core/seal-chain.js';
import { getDocument } from './exchange.js';
import { membershipOf, membershipOfCandidate } from './membership.js';
import { authorityOfRef } from './run-messages.js';
import { verifySeal, type VerifiedSeal } from './seals.js';
import type { ObjectStore } from './store.js';

/** The newest seal, verified, once it is known to follow from what `held` says. Throws membershipNotFollowed where it does not. */
export async function verifyChain(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  seal: Seal,
  options: {
    readonly self: AuthorityId;
    readonly held: Pick<HeldBase, 'sequence' | 'digest' | 'seal'> | null;
    /** The candidate that this authority signed last, where it has not seen it sealed. */
    readonly signed: Digest | null;
    readonly heartbeat?: () => void;
  },
): Promise<VerifiedSeal> {
  const newest = await verifySeal(federation, exchange, dataset, seal);
  const { self, held } = options;
  if (held && newest.candidate.sequence <= held.sequence) return newest;
  const link = await linkOf(exchange, newest);
  if (!held) {
    requireFit(
      refuseFirst(self, federation.datasets[dataset]?.members ?? [], link, options.signed === newest.digest),
      link,
    );
    return newest;
  }
  const links = [link];
  let below = newest;
  while (below.candidate.sequence > held.sequence + 1) {
    below = await sealBelow(federation, exchange, dataset, below);
    links.unshift(await linkOf(exchange, below));
    options.heartbeat?.();
  }
  const end: ChainEnd = {
    sequence: held.sequence,
    base: held.digest,
    membership: await membershipOf(exchange, held.seal, held.digest),
  };
  const refusal = refuseChain(end, links);
  requireFit(refusal, links.find(({ sequence }) => sequence === refusal?.sequence) ?? link);
  return newest;
}

function requireFit(refusal: ChainRefusal | null, { sequence, signers }: SealLink): void {
  if (!refusal) return;
  const who = signers.join(', ');
  const why: Readonly<Record<ChainRefusal['kind'], string>> = {
    gap: `the seals below number ${sequence} are not one after the other`,
    otherBase: `base ${sequence}, signed by ${who}, stands on another base than the one below it`,
    membershipNotFollowed: `base ${sequence} was signed by ${who}, not more than half of the members of the base before`,
    notByTheOthers: `base ${sequence} was signed by ${who}, not more than half of the other members of the dataset`,
  };
  throw new ConcordatError('membershipNotFollowed', why[refusal.kind]);
}

/** All members of the run stand on one base; who names a seal of it that does not hold is passed over for the others. */
async function sealBelow(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  { opened, candidate }: VerifiedSeal,
): Promise<VerifiedSeal> {
  let fault: unknown = null;
  for (const { base } of Object.values(opened.opens)) {
    if (!base) continue;
    try {
      const seal = await verifySeal(federation, exchange, dataset, await getDocument(exchange, base.seal, Seal));
      if (seal.candidate.sequence === candidate.sequence - 1 && seal.candidate.next === candidate.previous) return seal;
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      fault = error;
    }
  }
  throw new ConcordatError(
    'membershipNotFollowed',
    `no member holds a seal that shows how base ${candidate.sequence - 1} of ${dataset} came about`,
    { cause: fault },
  );
}

async function linkOf(exchange: ObjectStore, { opened, proposal, candidate }: VerifiedSeal): Promise<SealLink> {
  return {
    sequence: candidate.sequence,
    base: candidate.next,
    previous: candidate.previous,
    signers: opened.members,
    makers: proposal.inputs.opens.map((ref) => authorityOfRef(ref)),
    membership: await membershipOfCandidate(exchange, proposal, candidate),
  };
}
