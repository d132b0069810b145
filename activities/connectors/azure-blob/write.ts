/**
 * Putting a blob anew where it still is the one that was copied (`If-Match`:
 * https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations).
 * A blob of more than 256 MB is staged in blocks, and the condition is on the request that makes a blob of them.
 */
import type { BlobDownloadResponseParsed, BlockBlobParallelUploadOptions } from '@azure/storage-blob';
import { answerOf, answerWords, certainCode, isRefusal, isThrottling } from '../../azure-storage.js';
import type { Copy, ObjectFile, PutAnswer } from '../../record-objects/object-store.js';
import { failureOf, type AzureBlobClient } from './client.js';
import type { OpenBlob } from './read.js';

export async function putBlob(
  client: AzureBlobClient,
  file: ObjectFile,
  opened: OpenBlob,
  { name, length }: Copy,
): Promise<PutAnswer> {
  const { etag, head } = opened;
  let kept: BlockBlobParallelUploadOptions;
  try {
    kept = { ...keptOf(head), ...(await askedOf(client, file, opened)), conditions: { ifMatch: etag } };
  } catch (error) {
    const answer = answerOf(error);
    if (answer.status === 412) return 'again';
    return {
      kind: 'refused',
      code: failureOf('GetBlobProperties', error).code,
      detail: answerWords('GetBlobProperties', answer),
    };
  }
  return send(client, file, kept, { name, length });
}

/** Under a name that nothing had. Metadata, tier and tags of the other blob say what that one is, and are left out. */
export async function putNewBlob(
  client: AzureBlobClient,
  file: ObjectFile,
  { head }: OpenBlob,
  copy: Copy,
): Promise<PutAnswer> {
  const { metadata: _ofTheOther, ...kept } = keptOf(head);
  return send(client, file, { ...kept, conditions: { ifNoneMatch: '*' } }, copy);
}

async function send(
  client: AzureBlobClient,
  file: ObjectFile,
  kept: BlockBlobParallelUploadOptions,
  { name, length }: Copy,
): Promise<PutAnswer> {
  const blob = client.writer(file);
  const { write: pace } = client.paces;
  try {
    await pace.turn(1);
    if (length === 0) await blob.upload('', 0, kept);
    else await blob.uploadFile(name, kept);
    return 'applied';
  } catch (error) {
    const answer = answerOf(error);
    if (isThrottling(answer) && answer.waitMs !== undefined) pace.hold(answer.waitMs);
    // Other refusals with this status are leases, which last.
    if (answer.code === 'ConditionNotMet' || isThrottling(answer)) return 'again';
    const certain = certainCode(answer);
    const detail = answerWords('PutBlob', answer);
    if (certain !== undefined) return { kind: 'refused', code: certain, detail };
    if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
    return { kind: 'refused', code: answer.status === 404 ? 'scopeNotFound' : 'refusedByCloud', detail };
  }
}

/** What Azure keeps beside the bytes and forgets with a new blob of the same name. */
function keptOf(head: BlobDownloadResponseParsed): BlockBlobParallelUploadOptions {
  const headers = {
    blobCacheControl: head.cacheControl,
    blobContentDisposition: head.contentDisposition,
    blobContentEncoding: head.contentEncoding,
    blobContentLanguage: head.contentLanguage,
    blobContentType: head.contentType,
  };
  return {
    blobHTTPHeaders: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    ...(head.metadata === undefined ? {} : { metadata: head.metadata }),
    ...(head.encryptionScope === undefined ? {} : { encryptionScope: head.encryptionScope }),
  };
}

/** Tier and tags are told only when asked for. */
async function askedOf(
  { reader, paces }: AzureBlobClient,
  file: ObjectFile,
  { etag, head }: OpenBlob,
): Promise<Pick<BlockBlobParallelUploadOptions, 'tier' | 'tags'>> {
  await paces.read.turn(1);
  const { accessTier, accessTierInferred } = await reader(file).getProperties({ conditions: { ifMatch: etag } });
  const hasTags = (head.tagCount ?? 0) > 0;
  if (hasTags) await paces.read.turn(1);
  const tags = hasTags ? (await reader(file).getTags()).tags : undefined;
  return {
    ...(accessTier === undefined || accessTierInferred === true ? {} : { tier: accessTier }),
    ...(tags === undefined ? {} : { tags }),
  };
}
