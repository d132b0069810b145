/** Opening one version of an object of S3, whatever is put under its name meanwhile. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
} from '@aws-sdk/client-s3';
import { ConcordatError } from '../../../core/errors.js';
import type { ObjectVersion } from '../../record-objects/changes.js';
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
