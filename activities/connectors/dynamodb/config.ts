/** What the DynamoDB connector takes from the authority file and from the environment of its worker. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';
import type { MakePace } from '../../pace.js';

export type DynamodbMesh = Extract<Mesh, { readonly kind: 'dynamodb' }>;
export type TableMesh = DynamodbMesh['tables'][string];
export type Environment = Readonly<Record<string, string | undefined>>;

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits {
  /** Items asked for per page. DynamoDB ends a page at 1 MB whatever is asked for. */
  readonly pageSize: number;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly readAttemptsMax: number;
  /** How often a write is sent while DynamoDB answers that it did nothing because of throttling. */
  readonly throttledAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
}

export const standardLimits: Limits = {
  pageSize: 1_000,
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  readAttemptsMax: 10,
  throttledAttemptsMax: 10,
  backOffBaseMs: 50,
  backOffMaxMs: 10_000,
};

export interface DynamodbConnectorOptions {
  readonly mesh: DynamodbMesh;
  readonly environment: Environment;
  readonly limits?: Partial<Limits>;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}

export interface StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Keys found in `environment` are used as they are, because it need not be the environment of this process; undefined
 * leaves the search to the SDK's standard chain. Throws credentialsMissing for half a key pair.
 */
export function credentialsIn(mesh: DynamodbMesh, environment: Environment): StaticCredentials | undefined {
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  if (mesh.profile !== undefined || (!accessKeyId && !secretAccessKey)) return undefined;
  if (!accessKeyId || !secretAccessKey)
    throw new ConcordatError(
      'credentialsMissing',
      'set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither and let the standard chain find credentials',
    );
  const sessionToken = environment['AWS_SESSION_TOKEN'];
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
