/** What the connector of records in Swift takes from the authority file and from the environment of its worker. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';
import type { MakePace } from '../../pace.js';
import { usualPartBytesMax, type ObjectLimits } from '../../record-objects/object-store.js';

export type SwiftMesh = Extract<Mesh, { readonly kind: 'swift' }>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits extends ObjectLimits {
  /** Until the headers of an answer are there; a body may take longer. */
  readonly requestTimeoutMs: number;
  readonly readAttemptsMax: number;
  /** What Swift takes in one request: `max_file_size` of `/info`, 5 GiB and 2 bytes where nobody changed it. */
  readonly objectBytesMax: number;
}

export const standardLimits: Limits = {
  pageSize: 1_000,
  listPageSize: 1_000,
  partBytesMax: usualPartBytesMax,
  requestTimeoutMs: 60_000,
  readAttemptsMax: 8,
  writeAttemptsMax: 20,
  backOffBaseMs: 50,
  backOffMaxMs: 10_000,
  objectBytesMax: 5_368_709_122,
};

export interface SwiftConnectorOptions {
  readonly mesh: SwiftMesh;
  /** Holds the variables that `userFrom` and `passwordFrom` name. */
  readonly environment: Environment;
  readonly limits?: Partial<Limits>;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}

/** Read at each authentication, so that a rotated secret is found. Throws credentialsMissing. */
export function credentialsIn(
  { userFrom, passwordFrom }: SwiftMesh,
  environment: Environment,
): { readonly name: string; readonly password: string } {
  const variable = (name: string): string => {
    const value = environment[name];
    if (!value) throw new ConcordatError('credentialsMissing', `set ${name} for the worker of this authority`);
    return value;
  };
  return { name: variable(userFrom), password: variable(passwordFrom) };
}
