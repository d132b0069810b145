/**
 * Putting an object anew where it still is the one that was copied (`If-Match`:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 */
import { createReadStream } from 'node:fs';
import { PutObjectCommand, type GetObjectCommandOutput, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { answerOf, answerWords, certainCode, isRefusal } from '../../aws-answers.js';
import type { Copy, ObjectFile, PutAnswer } from '../../record-objects/object-store.js';
import { failureOf, isThrottled, placeOf, type S3RecordsClient } from './client.js';
import type { OpenS3Object } from './read.js';

export async function putObject(
  { mesh, writer }: S3RecordsClient,
  file: ObjectFile,
  { etag, head }: OpenS3Object,
  { name, length }: Copy,
): Promise<PutAnswer> {
  return send(writer, { ...placeOf(mesh, file), ...keptOf(head), IfMatch: etag }, { name, length });
}

/** Under a name that nothing had. Metadata of the other object says what that one is, and is left out. */
export async function putNewObject(
  { mesh, writer }: S3RecordsClient,
  file: ObjectFile,
  { head }: OpenS3Object,
  copy: Copy,
): Promise<PutAnswer> {
  const { Metadata: _ofTheOther, ...kept } = keptOf(head);
  return send(writer, { ...placeOf(mesh, file), ...kept, IfNoneMatch: '*' }, copy);
}

async function send(
  writer: S3RecordsClient['writer'],
  put: Omit<PutObjectCommandInput, 'Body'>,
  { name, length }: Copy,
): Promise<PutAnswer> {
  const input = { ...put, ContentLength: length };
  const Body = length === 0 ? '' : createReadStream(name);
  try {
    await writer.send(new PutObjectCommand({ ...input, Body }));
    return 'applied';
  } catch (error) {
    const answer = answerOf(error);
    // 409: another put is at it this very moment, and this one did nothing.
    if (answer.status === 412 || answer.status === 409 || isThrottled(answer)) return 'again';
    const certain = certainCode(answer);
    const detail = answerWords('s3:PutObject', answer);
    if (certain !== undefined) return { kind: 'refused', code: certain, detail };
    if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
    return { kind: 'refused', code: failureOf('s3:PutObject', error).code, detail };
  } finally {
    if (typeof Body !== 'string') Body.destroy();
  }
}

type Kept = Omit<PutObjectCommandInput, 'Bucket' | 'Key' | 'Body'>;

/** What S3 keeps beside the bytes and forgets with a new object of the same name. Its tags are asked for apart, and lost. */
function keptOf(head: GetObjectCommandOutput): Kept {
  const all = {
    CacheControl: head.CacheControl,
    ContentDisposition: head.ContentDisposition,
    ContentEncoding: head.ContentEncoding,
    ContentLanguage: head.ContentLanguage,
    ContentType: head.ContentType,
    Metadata: head.Metadata,
    ServerSideEncryption: head.ServerSideEncryption,
    SSEKMSKeyId: head.SSEKMSKeyId,
    StorageClass: head.StorageClass,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Kept;
}
