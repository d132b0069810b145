/** The keys that a verification believes, and nothing else of the folder they come from: the one place that takes them. */
import { ConcordatError } from '../../core/errors.js';
import type { PublicKey } from '../../core/public-key.js';
import type { KeyState } from '../../core/key-state.js';
import type { Federation } from '../../core/federation/federation.js';
import { keysOf } from '../../core/federation/keys-of.js';
import type { AuthorityId } from '../../core/record.js';
import { loadSignedFederation } from '../federation-folder/load-signed.js';

export interface TrustedKeys {
  readonly federation: string;
  readonly authorities: readonly AuthorityId[];
  /** For messages and roots of hops, each with the time for which it counts. Empty for somebody unknown. */
  readonly ofMessages: (authority: AuthorityId) => readonly KeyState[];
  readonly ofLog: (authority: AuthorityId) => readonly KeyState[];
  readonly ofApprovers: (authority: AuthorityId) => readonly PublicKey[];
  readonly ofApprover: (authority: AuthorityId, approver: string) => readonly PublicKey[];
  /** The same as the functions that read a run want it. */
  readonly asFederation: Federation;
}

/**
 * Reads the manifests of a federation folder, verified by the keys that its federation.yaml pins. Throws notSigned or
 * invalidFederation where they do not hold.
 */
export async function trustedKeysOf(folder: string, nowMs: number): Promise<TrustedKeys> {
  const loaded = await loadSignedFederation(folder, { nowMs });
  if (loaded.kind === 'valid') return keysOfFederation(loaded.federation);
  const faults = loaded.faults.slice(0, 3).map(({ file, line, message }) => `${file}:${line} ${message}`);
  throw new ConcordatError(
    loaded.faults.every(({ code }) => code === 'notSigned') ? 'notSigned' : 'invalidFederation',
    `the keys cannot be taken from ${folder}: ${faults.join('; ')}`,
  );
}

export function keysOfFederation(federation: Federation): TrustedKeys {
  const authorities = federation.file.members.map(({ id }) => id);
  return {
    federation: federation.file.federation,
    authorities,
    ofMessages: (authority) => (authorities.includes(authority) ? keysOf(federation, authority, 'messages') : []),
    ofLog: (authority) => (authorities.includes(authority) ? keysOf(federation, authority, 'log') : []),
    ofApprovers: (authority) =>
      (federation.authorities[authority]?.approvers ?? []).flatMap(({ key }) => (key ? [key] : [])),
    ofApprover: (authority, approver) =>
      (federation.authorities[authority]?.approvers ?? []).flatMap(({ id, key }) =>
        id === approver && key ? [key] : [],
      ),
    asFederation: federation,
  };
}
