/**
 * The two ways of speaking to S3: reads that the SDK may repeat, and writes that are sent once.
 *
 * HAZARD: after a lost reply the SDK sends a request again. A repeated conditional put then fails its own condition and
 * looks like a change by somebody else, so writes have a client of their own with `maxAttempts: 1`.
 */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { ConcordatError } from '../../../core/errors.js';
import { answerOf, answerWords, certainCode, readFailure, type AwsAnswer } from '../../aws-answers.js';
import { pacesOf, type Pace } from '../../pace.js';
import type { ObjectFile } from '../../record-objects/object-store.js';
import { credentialsIn, standardLimits, type Limits, type S3ConnectorOptions, type S3Mesh } from './config.js';

export interface S3RecordsClient {
  readonly mesh: S3Mesh;
  readonly limits: Limits;
  readonly reader: S3Client;
  readonly writer: S3Client;
}

const nothing = (): void => undefined;
/** The SDK would tell the console of every put that is refused, and its own words of a request may hold a row. */
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Before a request is signed, because a signature ages. What the SDK sends again it slows down by itself. */
function taking(pace: Pace, client: S3Client): S3Client {
  client.middlewareStack.add(
    (next) => async (given) => {
      await pace.turn(1);
      return next(given);
    },
    { step: 'build', name: 'concordatPace' },
  );
  return client;
}

export function createS3RecordsClient({
  mesh,
  environment,
  limits: given,
  makePace,
}: S3ConnectorOptions): S3RecordsClient {
  // The SDK warns of the Node versions to come on standard error, where commands say what people must read.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const limits = { ...standardLimits, ...(mesh.pageSize ? { listPageSize: mesh.pageSize } : {}), ...given };
  const paces = pacesOf(mesh.requestsPerSecond, makePace);
  const credentials = credentialsIn(mesh, environment);
  const shared = {
    region: mesh.region,
    logger: silent,
    // Servers that are not AWS know neither the checksums that the SDK adds by itself nor a bucket in the host name.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(mesh.endpoint === undefined ? {} : { endpoint: mesh.endpoint, forcePathStyle: true }),
    ...(mesh.profile === undefined ? {} : { profile: mesh.profile }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      connectionTimeout: limits.connectionTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  } satisfies S3ClientConfig;
  const reader = new S3Client({ ...shared, maxAttempts: limits.readAttemptsMax, retryMode: 'adaptive' });
  const writer = new S3Client({ ...shared, maxAttempts: 1, retryMode: 'standard' });
  return { mesh, limits, reader: taking(paces.read, reader), writer: taking(paces.write, writer) };
}

export interface Place {
  readonly Bucket: string;
  readonly Key: string;
}

export const placeOf = ({ bucket, prefix }: S3Mesh, { file }: ObjectFile): Place => ({
  Bucket: bucket,
  Key: prefix + file,
});

export const nameOf = ({ bucket, prefix }: S3Mesh, { file }: Pick<ObjectFile, 'file'>): string =>
  `${bucket}/${prefix}${file}`;

/** The code of a read that failed. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export function failureOf(action: string, error: unknown): ConcordatError {
  if (error instanceof ConcordatError) return error;
  const answer = answerOf(error);
  if (answer.code === 'PermanentRedirect' || answer.status === 404 || answer.status === 301)
    return new ConcordatError('scopeNotFound', answerWords(action, answer));
  if (answer.status === 412)
    return new ConcordatError('cursorLost', 'the object is not the one that the read began with');
  // A HEAD has no body, so no code of AWS either.
  if (answer.status === 403 && certainCode(answer) === undefined)
    return new ConcordatError('forbidden', answerWords(action, answer));
  return readFailure(action, error);
}

export const isThrottled = ({ code, status }: AwsAnswer): boolean =>
  code === 'SlowDown' || code === 'Throttling' || status === 429;
