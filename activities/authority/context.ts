/** What an authority's activities work with: made once by its worker, and by nobody else. */
import type { Authority } from '../../core/federation/authority.js';
import type { Federation } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityId } from '../../core/record.js';
import type { Watched } from '../differing-records.js';
import type { AuthorityClock } from './clock.js';
import type { Connector } from '../connectors/connector.js';
import type { PrivateKey } from '../keys/private-key.js';
import type { SigningKey } from '../keys/signer.js';
import type { ObjectStore } from '../store.js';

export interface AuthorityContext {
  readonly id: AuthorityId;
  /** With the terms and keys that count now: it changes between two runs where a manifest did. */
  readonly federation: Federation;
  /** Reads manifests again where they changed. Throws where they do not hold or are older than before: nothing may go on. */
  readonly refreshTerms?: () => Promise<void>;
  readonly exchange: ObjectStore;
  readonly privateStore: ObjectStore;
  /** Signs messages: the one that counts now. HAZARD: held by this worker only. */
  readonly signingKey: SigningKey;
  /** Signs the checkpoints of this authority's log, and those of peers that it cosigns. HAZARD: as above. */
  readonly logKey: PrivateKey;
  /**
   * Open what peers encrypted to this authority, those of earlier days too. Without them it can take part in no dataset
   * with `digest` fields. HAZARD: held by this worker only.
   */
  readonly encryptionKeys?: readonly PrivateKey[];
  /** Keys the digests that peers see instead of native ids. */
  readonly linkKey: Uint8Array;
  readonly connector: Connector;
  /** The one logical clock of this authority: stamps what it signs. */
  readonly clock: AuthorityClock;
  /** Milliseconds since the epoch; an argument, so that tests can move it. */
  readonly now: () => number;
  /** Operations that a review sheet lists one by one; beyond them it counts (sheetOperationsUsually where absent). */
  readonly sheetOperationsMax?: number;
  /** As in Watched, and of records that changed since the last observation: only tests give another. */
  readonly viewsInMemoryMax?: number;
  readonly heartbeat: (details?: unknown) => void;
  /** Aborted where the activity that runs is cancelled; absent where nobody can cancel it. */
  readonly signal?: () => AbortSignal;
  /** Names the point that a commit has reached; a crash test kills the process at one of them. */
  readonly checkpoint?: (point: string) => Promise<void>;
}

/** What a computation of this authority tells, and how it is ended: what a compare says of itself is what heartbeats tell. */
export function watchedBy({
  heartbeat,
  signal,
  viewsInMemoryMax,
}: Pick<AuthorityContext, 'heartbeat' | 'signal' | 'viewsInMemoryMax'>): Watched {
  return {
    onProgress: heartbeat,
    ...(signal ? { signal: signal() } : {}),
    ...(viewsInMemoryMax === undefined ? {} : { viewsInMemoryMax }),
  };
}

export function authorityOf(context: AuthorityContext): Authority {
  const authority = context.federation.authorities[context.id];
  if (!authority)
    throw new ConcordatError('invalidFederation', `the federation folder has no authorities/${context.id}.yaml`);
  return authority;
}
