/** The person who signs: whose key it is, and for which authorities it counts. */
import path from 'node:path';
import { readKeyFile, type PrivateKey } from '../../activities/keys/private-key.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { byCodeUnit } from '../../core/json.js';
import type { AuthorityId } from '../../core/record.js';
import type { Layout } from '../local/layout.js';
import { listWords } from '../showing/words.js';

export interface Approver {
  /** HAZARD: the private key; only ever handed to signCompact. */
  readonly key: PrivateKey;
  /** Where this key counts, and under which name. */
  readonly listings: readonly { readonly authority: AuthorityId; readonly approver: string }[];
}

/**
 * `word` is the id of an approver, whose key lies in the keys folder, or the path of a key file. Throws notFound where
 * the key is not here, decisionSignature where it is not the pinned one, notAnApprover where nobody lists it.
 */
export async function findApprover(
  federation: Federation,
  layout: Layout,
  workingFolder: string,
  word: string,
  onlyAuthority: AuthorityId | undefined,
): Promise<Approver> {
  if (onlyAuthority !== undefined && !federation.authorities[onlyAuthority])
    throw new ConcordatError(
      'usage',
      `there is no authority ${onlyAuthority}; the federation has ${Object.keys(federation.authorities).join(', ')}`,
    );
  const listings = allListings(federation);
  const isPath = word.includes('/') || word.includes(path.sep) || word.endsWith('.json');
  const own = isPath ? undefined : listings.filter(({ approver }) => approver === word);
  if (own?.length === 0) throw notListed(word, listings);
  const file = isPath
    ? path.resolve(workingFolder, word)
    : path.join(layout.keysFolder, 'approvers', `${word}.key.json`);
  const key = await readKeyFile(file);
  if (!key)
    throw new ConcordatError(
      'notFound',
      isPath
        ? `there is no key at ${word}`
        : `the key of ${word} is not on this machine (${file}); give the path of the key file with --as`,
    );
  const pinned = listings.filter((listing) => listing.x === key.x && (own === undefined || listing.approver === word));
  if (pinned.length === 0 && own)
    throw new ConcordatError(
      'decisionSignature',
      `${file} is not the key that ${listWords([...new Set(own.map(({ authority }) => authority))])} list for ${word}`,
    );
  if (pinned.length === 0) throw notListed(`the key at ${word}`, listings);
  const chosen = pinned.filter(({ authority }) => onlyAuthority === undefined || authority === onlyAuthority);
  if (chosen.length === 0)
    throw new ConcordatError(
      'notAnApprover',
      `${word} is no approver of ${onlyAuthority}, which lists ${listWords(federation.authorities[onlyAuthority ?? '']?.approvers.map(({ id }) => id) ?? [])}`,
    );
  return { key, listings: chosen.map(({ authority, approver }) => ({ authority, approver })) };
}

function allListings({ authorities }: Federation) {
  return Object.keys(authorities)
    .sort(byCodeUnit)
    .flatMap((authority) =>
      (authorities[authority]?.approvers ?? []).map(({ id, key }) => ({ authority, approver: id, x: key?.x })),
    );
}

function notListed(who: string, listings: ReturnType<typeof allListings>): ConcordatError {
  const known = [...new Set(listings.map(({ approver }) => approver))];
  return new ConcordatError('notAnApprover', `no authority lists ${who} as an approver; they list ${listWords(known)}`);
}
