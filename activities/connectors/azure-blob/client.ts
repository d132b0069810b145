/**
 * The two ways of speaking to Azure blobs: reads that the SDK may repeat, and writes that are sent once.
 *
 * HAZARD: after a lost reply the SDK sends a request again. A repeated conditional put then fails its own condition and
 * looks like a change by somebody else, so writes have a client of their own with `maxTries: 1`.
 */
import {
  AnonymousCredential,
  ContainerClient,
  StorageSharedKeyCredential,
  type BlockBlobClient,
  type StoragePipelineOptions,
} from '@azure/storage-blob';
import { ConcordatError } from '../../../core/errors.js';
import { pacesOf, type Paces } from '../../pace.js';
import { answerOf, readFailure, storageAccount, type StorageAccount } from '../../azure-storage.js';
import type { ObjectFile } from '../../record-objects/object-store.js';
import { standardLimits, type AzureBlobConnectorOptions, type AzureBlobMesh, type Limits } from './config.js';

export interface AzureBlobClient {
  readonly mesh: AzureBlobMesh;
  readonly limits: Limits;
  /** HAZARD: the clients below take no turn by themselves. */
  readonly paces: Paces;
  readonly reader: (file: ObjectFile) => BlockBlobClient;
  readonly writer: (file: ObjectFile) => BlockBlobClient;
  /** For listing. */
  readonly container: ContainerClient;
}

export const nameOf = ({ account, container, prefix }: AzureBlobMesh, { file }: Pick<ObjectFile, 'file'>): string =>
  `${account}/${container}/${prefix}${file}`;

function containerClient(
  { account, endpoint, credential }: StorageAccount,
  container: string,
  options: StoragePipelineOptions,
): ContainerClient {
  const url = `${endpoint}/${container}`;
  switch (credential.kind) {
    case 'key':
      return new ContainerClient(url, new StorageSharedKeyCredential(account, credential.key), options);
    case 'signature':
      return new ContainerClient(`${url}?${credential.signature}`, new AnonymousCredential(), options);
    case 'chain':
      return new ContainerClient(url, credential.credential, options);
  }
}

export function createAzureBlobClient({
  mesh,
  environment,
  limits: given,
  makePace,
}: AzureBlobConnectorOptions): AzureBlobClient {
  const limits = { ...standardLimits, ...(mesh.pageSize ? { listPageSize: mesh.pageSize } : {}), ...given };
  const paces = pacesOf(mesh.requestsPerSecond, makePace);
  const account = storageAccount(mesh, environment, 'blob');
  const clientOf = (maxTries: number): ContainerClient =>
    containerClient(account, mesh.container, {
      retryOptions: {
        maxTries,
        tryTimeoutInMs: limits.requestTimeoutMs,
        retryDelayInMs: limits.backOffBaseMs,
        maxRetryDelayInMs: limits.backOffMaxMs,
      },
    });
  const [reader, writer] = [clientOf(limits.readAttemptsMax), clientOf(1)];
  const blobOf = (client: ContainerClient, { file }: ObjectFile): BlockBlobClient =>
    client.getBlockBlobClient(mesh.prefix + file);
  return {
    mesh,
    limits,
    paces,
    container: reader,
    reader: (file) => blobOf(reader, file),
    writer: (file) => blobOf(writer, file),
  };
}

/** https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes */
export function failureOf(action: string, error: unknown): ConcordatError {
  if (!(error instanceof ConcordatError) && answerOf(error).status === 412)
    return new ConcordatError('cursorLost', 'the blob is not the one that the read began with');
  return readFailure(action, error);
}
