/** Opening one version of an object of S3, whatever is put under its name meanwhile. */
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { ConcordatError } from '../../../core/errors.js';
import { wholeOf, type ObjectFile, type OpenObject } from '../../record-objects/object-store.js';
import { failureOf, placeOf, type S3RecordsClient } from './client.js';

export interface OpenS3Object extends OpenObject {
  readonly head: GetObjectCommandOutput;
}

/** Throws ConcordatError. */
export async function openObject(
  { mesh, reader }: S3RecordsClient,
  file: ObjectFile,
  { etag, signal }: { readonly etag?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenS3Object> {
  const left = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  let head: GetObjectCommandOutput;
  try {
    const wanted = { ...placeOf(mesh, file), ...(etag === undefined ? {} : { IfMatch: etag }) };
    head = await reader.send(new GetObjectCommand(wanted), { abortSignal });
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf('s3:GetObject', error);
  }
  const body = head.Body as AsyncIterable<Uint8Array> | undefined;
  if (body === undefined || head.ETag === undefined)
    throw new ConcordatError('unexpectedAnswer', 's3:GetObject answered without an object');
  const bytes = wholeOf(body, head.ContentLength, 's3:GetObject', signal);
  return { etag: head.ETag, bytes, head, close: () => left.abort() };
}
