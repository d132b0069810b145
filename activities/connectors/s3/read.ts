/** Opening one version of an object of S3, whatever is put under its name meanwhile, and listing a prefix. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3';
import { ConcordatError } from '../../../core/errors.js';
import {
  wholeOf,
  type ListedObject,
  type ObjectFile,
  type ObjectVersion,
  type OpenObject,
} from '../../record-objects/object-store.js';
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

/** Throws ConcordatError. */
export async function versionOf(
  { mesh, reader }: S3RecordsClient,
  file: ObjectFile,
  signal: AbortSignal | undefined,
): Promise<ObjectVersion> {
  let head: HeadObjectCommandOutput;
  try {
    head = await reader.send(new HeadObjectCommand(placeOf(mesh, file)), signal ? { abortSignal: signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf('s3:GetObject', error);
  }
  if (head.ETag === undefined) throw new ConcordatError('unexpectedAnswer', 's3:HeadObject answered without an ETag');
  return {
    etag: head.ETag,
    bytes: head.ContentLength ?? null,
    changedAtMs: head.LastModified?.getTime() ?? null,
    version: head.VersionId ?? null,
  };
}

/** Throws ConcordatError. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export async function* listObjects(
  { mesh: { bucket, prefix: start }, reader, limits }: S3RecordsClient,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  // As a URL: XML cannot hold every name.
  const asked = { Bucket: bucket, Prefix: start + prefix, MaxKeys: limits.listPageSize, EncodingType: 'url' as const };
  let ContinuationToken: string | undefined;
  do {
    let page: ListObjectsV2CommandOutput;
    try {
      const from = ContinuationToken === undefined ? {} : { ContinuationToken };
      page = await reader.send(new ListObjectsV2Command({ ...asked, ...from }), signal ? { abortSignal: signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw failureOf('s3:ListObjectsV2', error);
    }
    yield (page.Contents ?? []).map(({ Key, ETag, Size, LastModified }) => {
      if (Key === undefined || ETag === undefined)
        throw new ConcordatError('unexpectedAnswer', 's3:ListObjectsV2 listed an object without a name or ETag');
      const name = decodeURIComponent(Key.replaceAll('+', '%20')).slice(start.length);
      return { name, etag: ETag, bytes: Size ?? null, changedAtMs: LastModified?.getTime() ?? null, version: null };
    });
    // HAZARD: a list that ends for want of its token is no shorter list.
    if (page.IsTruncated === true && page.NextContinuationToken === undefined)
      throw new ConcordatError('truncated', 's3:ListObjectsV2 cut its list short');
    ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (ContinuationToken !== undefined);
}
