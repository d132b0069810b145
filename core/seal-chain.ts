/**
 * How the right to move a base passes from one membership to the next. Pure; the simulation
 * (test/core/membership-simulation.test.ts) runs the same functions.
 *
 * A base belongs to the members that the configuration named under which its candidate was made: the candidate names its
 * run, the run is made of opens, and every open names the configuration, so the digest of a candidate binds them. The base
 * above it is sealed by a run that has more than half of exactly those. Two runs that could seal the same number then
 * share an authority whatever their own configurations say, and nobody can leave the members of before out of a change.
 */
import type { Digest } from './digest.js';
import type { AuthorityId } from './record.js';
import { isMajorityOf } from './rounds.js';

/** A sealed base, as far as the next one must fit on it. */
export interface ChainEnd {
  readonly sequence: number;
  readonly base: Digest;
  /** The members of its dataset under the configuration that its candidate was made with. */
  readonly membership: readonly AuthorityId[];
}

/** A seal whose signatures were checked. */
export interface SealLink extends ChainEnd {
  readonly previous: Digest | null;
  /** Exactly those who took part in the run that sealed it. */
  readonly signers: readonly AuthorityId[];
  /** And of the run that made its candidate, which may be an earlier one. */
  readonly makers: readonly AuthorityId[];
}

export interface ChainRefusal {
  readonly kind: 'gap' | 'otherBase' | 'membershipNotFollowed' | 'notByTheOthers';
  /** Of the link that does not fit. */
  readonly sequence: number;
}

/**
 * Whether an authority that holds `held` may take up the last of these seals; null where it may. The links stand in order
 * and begin above what it holds.
 */
export function refuseChain(held: ChainEnd, links: readonly SealLink[]): ChainRefusal | null {
  let below = held;
  for (const link of links) {
    const { sequence } = link;
    if (sequence !== below.sequence + 1) return { kind: 'gap', sequence };
    if (link.previous !== below.base) return { kind: 'otherBase', sequence };
    if (!isMajorityOf(link.signers, below.membership) || !isMajorityOf(link.makers, below.membership))
      return { kind: 'membershipNotFollowed', sequence };
    below = link;
  }
  return null;
}

/**
 * Who holds no base yet has nothing that a chain could begin at: it takes up what it signed itself, and otherwise what
 * more than half of the others sealed whom its own folder names.
 */
export function refuseFirst(
  self: AuthorityId,
  ownMembers: readonly AuthorityId[],
  link: Pick<SealLink, 'sequence' | 'signers'>,
  signedIt: boolean,
): ChainRefusal | null {
  if (signedIt) return null;
  const others = ownMembers.filter((member) => member !== self);
  return isMajorityOf(link.signers, others) ? null : { kind: 'notByTheOthers', sequence: link.sequence };
}
