/** Opening one version of a blob, whatever is put under its name meanwhile. */
import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse } from '@azure/storage-blob';
import { ConcordatError } from '../../../core/errors.js';
import type { ObjectVersion } from '../../record-objects/changes.js';
import { wholeOf, type ObjectFile, type OpenObject } from '../../record-objects/object-store.js';
import { failureOf, type AzureBlobClient } from './client.js';

export interface OpenBlob extends OpenObject {
  readonly head: BlobDownloadResponseParsed;
}

/** Throws ConcordatError. */
export async function openBlob(
  { reader }: AzureBlobClient,
  file: ObjectFile,
  { etag, signal }: { readonly etag?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenBlob> {
  const left = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  let head: BlobDownloadResponseParsed;
  try {
    const conditions = etag === undefined ? {} : { ifMatch: etag };
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
  { reader }: AzureBlobClient,
  file: ObjectFile,
  signal: AbortSignal | undefined,
): Promise<ObjectVersion> {
  let head: BlobGetPropertiesResponse;
  try {
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
