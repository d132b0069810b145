/** What the aws-iam connector takes from the authority file and the environment of its worker. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';

export type AwsIamMesh = Extract<Mesh, { kind: 'aws-iam' }>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits {
  /** Objects asked for per page; IAM allows 1 to 1000 and may return fewer. */
  readonly pageSize: number;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly readAttemptsMax: number;
  /** How often a write is sent while the cloud answers that it did nothing (throttling, concurrent modification). */
  readonly throttledAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
  /** IAM is eventually consistent: how long something that this connector just made or renamed may seem absent. */
  readonly settleMs: number;
  /** How old a listing of names may be when it serves as a hint; what it hints at is verified before use. */
  readonly listingAgeMaxMs: number;
}

export const standardLimits: Limits = {
  pageSize: 1000,
  connectionTimeoutMs: 5_000,
  requestTimeoutMs: 30_000,
  readAttemptsMax: 8,
  throttledAttemptsMax: 8,
  backOffBaseMs: 250,
  backOffMaxMs: 20_000,
  settleMs: 60_000,
  listingAgeMaxMs: 60_000,
};

export interface StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsIamConfig {
  readonly mesh: AwsIamMesh;
  readonly limits: Limits;
  /** Absent: the SDK's standard chain, or the profile that the mesh names. */
  readonly credentials?: StaticCredentials;
}

/**
 * Keys found in `environment` are used as they are, because it need not be the environment of this process. Without
 * them the SDK's standard chain looks in the process environment, shared files, container and instance metadata.
 * Throws ConcordatError `credentialsMissing` for half a key pair.
 */
export function awsIamConfig(mesh: AwsIamMesh, environment: Environment, limits: Partial<Limits> = {}): AwsIamConfig {
  const config = { mesh, limits: { ...standardLimits, ...limits } };
  const accessKeyId = environment['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = environment['AWS_SECRET_ACCESS_KEY'];
  if (mesh.profile !== undefined || (!accessKeyId && !secretAccessKey)) return config;
  if (!accessKeyId || !secretAccessKey) {
    throw new ConcordatError(
      'credentialsMissing',
      'set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither and let the standard chain find credentials',
    );
  }
  const sessionToken = environment['AWS_SESSION_TOKEN'];
  return { ...config, credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) } };
}
