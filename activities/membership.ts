/** To whom a base belongs: the members that the configuration named under which its candidate was made. */
import { z } from 'zod';
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import { Configuration } from '../core/federation/configuration.js';
import { byCodeUnit } from '../core/json.js';
import { Candidate, Open, openType, Proposal, runIdOf, Seal, type Ref } from '../core/messages.js';
import type { AuthorityId } from '../core/record.js';
import { findDocument, getDocument, getText } from './exchange.js';
import { readUnverified } from './keys/verify.js';
import type { ObjectStore } from './store.js';

/**
 * The members to whom a base belongs. Asks for no signature: it is for the seal of a base that is held already, and all
 * that follows is bound by digests. So a key that was revoked since does not stop the dataset.
 */
export async function membershipOf(exchange: ObjectStore, seal: Ref, base: Digest): Promise<readonly AuthorityId[]> {
  const proposal = await getDocument(exchange, (await getDocument(exchange, seal, Seal)).proposal, Proposal);
  const candidate = await getDocument(exchange, proposal.candidate, Candidate);
  if (candidate.next !== base) throw new ConcordatError('inputNotAuthentic', 'the seal is of another base');
  return membershipOfCandidate(exchange, proposal, candidate);
}

export async function membershipOfCandidate(
  exchange: ObjectStore,
  { inputs }: Proposal,
  candidate: Candidate,
): Promise<readonly AuthorityId[]> {
  const opens = await Promise.all(
    inputs.opens.map(async (ref) => readUnverified(await getText(exchange, ref), { typ: openType })),
  );
  // HAZARD: what ties the opens to the candidate is this alone: nobody's signature is looked at here.
  if (runIdOf(opens.map(({ id }) => id)) !== candidate.run)
    throw new ConcordatError('inputNotAuthentic', 'the candidate was not made by the run that its proposal names');
  const named = opens.map(({ payload }) => NamesConfiguration.parse(payload).configuration);
  const [configuration] = named;
  if (configuration === undefined || named.some((other) => other !== configuration))
    throw new ConcordatError('inputNotAuthentic', 'the opens behind a base name different configurations');
  const prefixes = inputs.opens.map(({ ref }) => ref.slice(0, ref.indexOf('/')));
  return (await findDocument(exchange, prefixes, configuration, Configuration)).dataset.members;
}

const NamesConfiguration = z.looseObject({ configuration: Open.shape.configuration });

/**
 * Of a live run whose members all hold one base: as their seals of it say, each by itself. A candidate has one membership,
 * so who names another one has made its seal up; an authority's own open is among them, and its own seal it has verified.
 */
export async function membershipOfRun(
  exchange: ObjectStore,
  opens: readonly Pick<Open, 'authority' | 'base'>[],
): Promise<readonly AuthorityId[]> {
  const known = new Map<string, readonly AuthorityId[]>();
  let found: { readonly authority: AuthorityId; readonly members: readonly AuthorityId[] } | null = null;
  for (const { authority, base } of opens) {
    if (!base) throw new ConcordatError('staleBase', `${authority} holds no base`);
    const members = known.get(base.seal.sha256) ?? (await membershipOf(exchange, base.seal, base.digest));
    known.set(base.seal.sha256, members);
    const isSame = !found || [...found.members].sort(byCodeUnit).join(' ') === [...members].sort(byCodeUnit).join(' ');
    if (!isSame)
      throw new ConcordatError(
        'inputNotAuthentic',
        `${found?.authority} and ${authority} show seals of one base that belong to different members; one is made up`,
      );
    found ??= { authority, members };
  }
  if (!found) throw new ConcordatError('wrongRun', 'nobody takes part');
  return found.members;
}
