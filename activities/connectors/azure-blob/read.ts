/** Opening one version of a blob, whatever is put under its name meanwhile, and listing a prefix. */
import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse } from '@azure/storage-blob';
import { ConcordatError } from '../../../core/errors.js';
import {
  wholeOf,
  type ListedObject,
  type ObjectFile,
  type ObjectVersion,
  type OpenObject,
} from '../../record-objects/object-store.js';
import { failureOf, type AzureBlobClient } from './client.js';

export interface OpenBlob extends OpenObject {
  readonly head: BlobDownloadResponseParsed;
}

/** Throws ConcordatError. */
export async function openBlob(
  { reader, paces }: AzureBlobClient,
  file: ObjectFile,
  { etag, signal }: { readonly etag?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenBlob> {
  const left = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  let head: BlobDownloadResponseParsed;
  try {
    const conditions = etag === undefined ? {} : { ifMatch: etag };
    await paces.read.turn(1, signal);
    head = await reader(file).download(0, undefined, { abortSignal, conditions });
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf('GetBlob', error);
  }
  const body = head.readableStreamBody as AsyncIterable<Uint8Array> | undefined;
  if (body === undefined || head.etag === undefined)
    throw new ConcordatError('unexpectedAnswer', 'GetBlob answered without a blob');
  // Its stream tells of the end of a request that nobody waits for any more.
  head.readableStreamBody?.on('error', () => undefined);
  const bytes = wholeOf(body, head.contentLength, 'GetBlob', signal);
  return { etag: head.etag, bytes, head, close: () => left.abort() };
}

/** Throws ConcordatError. */
export async function versionOf(
  { reader, paces }: AzureBlobClient,
  file: ObjectFile,
  signal: AbortSignal | undefined,
): Promise<ObjectVersion> {
  let head: BlobGetPropertiesResponse;
  try {
    await paces.read.turn(1, signal);
    head = await reader(file).getProperties(signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf('GetBlobProperties', error);
  }
  if (head.etag === undefined)
    throw new ConcordatError('unexpectedAnswer', 'GetBlobProperties answered without an ETag');
  return {
    etag: head.etag,
    bytes: head.contentLength ?? null,
    changedAtMs: head.lastModified?.getTime() ?? null,
    version: head.versionId ?? null,
  };
}

/** Throws ConcordatError. https://learn.microsoft.com/rest/api/storageservices/list-blobs */
export async function* listBlobs(
  { container, mesh: { prefix: start }, limits, paces }: AzureBlobClient,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  const asked = { prefix: start + prefix, includeMetadata: true, ...(signal ? { abortSignal: signal } : {}) };
  try {
    await paces.read.turn(1, signal);
    for await (const { segment } of container.listBlobsFlat(asked).byPage({ maxPageSize: limits.listPageSize })) {
      yield (
        segment.blobItems
          // A folder of an account with a hierarchical namespace is listed as a blob of no bytes.
          .filter(({ metadata = {} }) => !Object.keys(metadata).some((name) => name.toLowerCase() === 'hdi_isfolder'))
          .map(({ name, properties: { etag, contentLength, lastModified }, versionId }) => ({
            name: name.slice(start.length),
            // In a list it stands without the quotes that the header of a blob has.
            etag: etag.startsWith('"') ? etag : `"${etag}"`,
            bytes: contentLength ?? null,
            changedAtMs: lastModified.getTime(),
            version: versionId ?? null,
          }))
      );
      await paces.read.turn(1, signal);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf('ListBlobs', error);
  }
}
