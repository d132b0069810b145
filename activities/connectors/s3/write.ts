/**
 * Writing one row: the object is put anew with that one row other than it was, where it still is the one that was copied
 * (`If-Match`: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). All other rows keep their bytes.
 * Where another row was changed meanwhile, the copy is made again from what stands there now.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PutObjectCommand, type GetObjectCommandOutput, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import { sameJson } from '../../../core/lens/same-json.js';
import { answerOf, answerWords, certainCode, isRefusal } from '../../aws-answers.js';
import { copyWithChange } from '../../record-formats/row-change.js';
import { rowId } from '../../record-formats/row-id.js';
import { isUnreadable } from '../../record-formats/rows.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { failureOf, fileOf, isThrottled, openObject, placeOf, type S3RecordsClient } from './client.js';
import type { S3Mesh } from './config.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls(mesh: S3Mesh, write: NativeWrite): readonly NativeCall[] {
  const { file, key } = fileOf(mesh, write.type);
  const target = (id: string | null): string => `${mesh.bucket}/${mesh.prefix}${file} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [
        { call: 's3:PutObject with a row more', target: target(rowId(write.after, key)), arguments: write.after },
      ];
    case 'update': {
      const { before, after } = write;
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !sameJson(before[name], after[name]),
      );
      const given = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
      const call = { call: 's3:PutObject with a row changed', target: target(write.id), arguments: given };
      return changed.length === 0 ? [] : [call];
    }
    case 'delete':
      return [{ call: 's3:PutObject with a row less', target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

export async function executeWrite(
  client: S3RecordsClient,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const { mesh, limits } = client;
  const file = fileOf(mesh, write.type);
  const id = write.kind === 'create' ? rowId(write.after, file.key) : write.id;
  if (id === null) return refused('valueNotRepresentable', 'a part of the key is empty or no single value');
  if (write.kind === 'update' && rowId(write.after, file.key) !== id)
    return refused('valueNotRepresentable', 'the key of a row never changes: it is another row');
  const calls = plannedCalls(mesh, write);
  if (calls.length === 0) return { kind: 'applied', id };
  let announced = false;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await putWithChange(client, write, id, async () => {
      if (announced) return;
      announced = true;
      for (const call of calls) await announce?.(call);
    });
    if (answer !== 'again') return answer;
    if (attempt >= limits.writeAttemptsMax) return refused('throttled', 'the object is changed by others all the time');
    const longestMs = Math.min(limits.backOffMaxMs, limits.backOffBaseMs * 2 ** Math.min(attempt, 20));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
  }
}

/** `again`: nothing was written, because the object is another one by now. */
async function putWithChange(
  client: S3RecordsClient,
  write: NativeWrite,
  id: string,
  announce: () => Promise<void>,
): Promise<WriteAnswer | 'again'> {
  const file = fileOf(client.mesh, write.type);
  // A put must know its length before its first byte, and an object need not fit into memory.
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-s3-'));
  const name = path.join(folder, 'copy');
  try {
    let etag: string;
    let head: GetObjectCommandOutput;
    let length: number;
    try {
      const opened = await openObject(client, file);
      ({ etag, head } = opened);
      const copy = await open(name, 'wx', 0o600);
      try {
        const fault = await copyWithChange(
          opened.bytes,
          file,
          write,
          id,
          async (text) => void (await copy.write(text)),
        );
        if (fault !== null) return fault;
        length = (await copy.stat()).size;
      } finally {
        opened.close();
        await copy.close();
      }
    } catch (error) {
      if (error instanceof ConcordatError) return refused(error.code, error.message);
      if (isUnreadable(error)) return refused('rowUnreadable', `${file.file} cannot be read, so it is not written`);
      throw error;
    }
    await announce();
    return await put(client, { ...placeOf(client.mesh, file), ...keptOf(head), IfMatch: etag }, name, length, id);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function put(
  { writer }: S3RecordsClient,
  input: PutObjectCommandInput,
  name: string,
  length: number,
  id: string,
): Promise<WriteAnswer | 'again'> {
  const Body = length === 0 ? '' : createReadStream(name);
  try {
    await writer.send(new PutObjectCommand({ ...input, Body, ContentLength: length }));
    return { kind: 'applied', id };
  } catch (error) {
    const answer = answerOf(error);
    // 409: another put is at it this very moment, and this one did nothing.
    if (answer.status === 412 || answer.status === 409 || isThrottled(answer)) return 'again';
    const certain = certainCode(answer);
    const detail = answerWords('s3:PutObject', answer);
    if (certain !== undefined) return refused(certain, detail);
    if (!isRefusal(answer)) return { kind: 'unknown', code: 'effectUnknown', detail };
    const { code } = failureOf('s3:PutObject', error);
    return refused(code, detail);
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
