/**
 * ObjectStore on S3 and what speaks its API: one object per name, put with `If-None-Match: *`, which S3 answers for one of
 * several writers at once (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). Reads and lists
 * show what was put last. A head is a row of numbered objects; moving it puts the next number if absent, as in files.
 */
import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { performance } from 'node:perf_hooks';
import { ConcordatError } from '../core/errors.js';
import { byCodeUnit } from '../core/json.js';
import { ReadPace } from './read-pace.js';
import type { S3Location } from './store-location.js';
import { folderOfPrefix, partsOfName, versionName, versionOf } from './store-names.js';
import type { Head, ObjectStore, PieceRequests } from './store.js';

/** Metadata of an object: which put made it. */
const writerName = 'concordat-put';
const attemptsMax = 5;
/** From so many bytes on, whether an object is there is asked before it is sent. */
const lookFirstBytes = 256 * 1024;
/** Of one body: those of three members are read together, and the SDK opens up to 50 connections. */
const requestsAtOnce = 16;

export function createS3Store(location: S3Location): ObjectStore {
  // The SDK warns of the Node versions to come on standard error, where commands say what people must read.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const settings: S3ClientConfig = {
    maxAttempts: attemptsMax,
    // Servers that are not AWS know neither the checksums that the SDK adds by itself nor a bucket in the host name.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(location.region === undefined ? {} : { region: location.region }),
    ...(location.endpoint === undefined ? {} : { endpoint: location.endpoint, forcePathStyle: true }),
    ...(location.profile === undefined ? {} : { profile: location.profile }),
  };
  return new S3Store(new S3Client(settings), location);
}

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  /** Versions only grow and none is left out, so a version once seen is a safe place to look on from. */
  readonly #versionSeen = new Map<string, number>();
  readonly #pace = new ReadPace();
  readonly requests: PieceRequests = { atOnce: requestsAtOnce, gapBytes: () => this.#pace.gapBytes(requestsAtOnce) };

  constructor(client: S3Client, { bucket, prefix }: S3Location) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = prefix;
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    const at = this.#at(name);
    // HAZARD: a server may refuse what is there while it is still being sent, and end the connection: that reads as a fault of
    // the network, at every attempt. What an earlier attempt of a step put is put again by the next.
    if (bytes.length >= lookFirstBytes && (await this.#writerOf(name)) !== null) return false;
    return await asStoreFault(`cannot write ${name}`, async () => {
      const writer = randomUUID();
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.#client.send(
            new PutObjectCommand({ ...at, Body: bytes, IfNoneMatch: '*', Metadata: { [writerName]: writer } }),
          );
          return true;
        } catch (error) {
          // HAZARD: the SDK repeats a request whose answer was lost, and then the server refuses its own success.
          if (statusOf(error) === 412) return (await this.#writerOf(name)) === writer;
          // A server may refuse a large object by its head and close the connection before it has read the body.
          if (statusOf(error) === undefined) {
            const there = await this.#writerOf(name);
            if (there !== null) return there === writer;
          }
          // Another writer is at it this very moment; S3 asks to try again (409 ConditionalRequestConflict).
          if (statusOf(error) !== 409 || attempt >= attemptsMax) throw error;
        }
      }
    });
  }

  async get(name: string): Promise<Uint8Array | null> {
    return (await this.#read(name))?.bytes ?? null;
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const at = this.#at(name);
    return await asStoreFault(`cannot read ${name}`, async () => {
      if (length === 0) {
        const { ContentLength: size = 0 } = await this.#client.send(new HeadObjectCommand(at));
        if (size < start) throw shorter(name, start);
        return new Uint8Array();
      }
      try {
        const Range = `bytes=${start}-${start + length - 1}`;
        const began = performance.now();
        const { Body } = await this.#client.send(new GetObjectCommand({ ...at, Range }));
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        this.#pace.note(bytes.length, performance.now() - began);
        if (bytes.length !== length) throw shorter(name, start + length);
        return bytes;
      } catch (error) {
        if (statusOf(error) === 416) throw shorter(name, start + length);
        throw error;
      }
    });
  }

  async size(name: string): Promise<number | null> {
    const at = this.#at(name);
    return await asStoreFault(`cannot look at ${name}`, async () => {
      try {
        return (await this.#client.send(new HeadObjectCommand(at))).ContentLength ?? null;
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    });
  }

  async list(prefix: string): Promise<readonly string[]> {
    folderOfPrefix(prefix);
    return await asStoreFault(`cannot list ${prefix}`, async () => {
      const names: string[] = [];
      for await (const key of this.#keys(prefix)) names.push(key);
      // S3 orders by UTF-8 bytes, which is another order than by code unit beyond the basic plane.
      return names.sort(byCodeUnit);
    });
  }

  async readHead(name: string): Promise<Head | null> {
    const version = await this.#latestVersion(name);
    if (version === 0) return null;
    const bytes = await this.get(versionName(name, version));
    if (bytes === null) throw new ConcordatError('storeFault', `version ${version} of ${name} was there and is gone`);
    return { version, bytes };
  }

  async compareAndSetHead(name: string, fromVersion: number, bytes: Uint8Array): Promise<boolean> {
    if (!Number.isSafeInteger(fromVersion) || fromVersion < 0)
      throw new ConcordatError('storeFault', `a head cannot move from version ${fromVersion}`);
    // A number beyond the next one would leave a gap in which a slower writer could still succeed.
    if (fromVersion > 0 && (this.#versionSeen.get(name) ?? 0) < fromVersion) {
      if ((await this.#writerOf(versionName(name, fromVersion))) === null) return false;
    }
    return await this.putIfAbsent(versionName(name, fromVersion + 1), bytes);
  }

  async remove(name: string): Promise<void> {
    const at = this.#at(name);
    await asStoreFault(`cannot remove ${name}`, async () => {
      const { DeleteMarker } = await this.#client.send(new DeleteObjectCommand(at));
      // HAZARD: where the bucket keeps versions, a removal only hides the object, and erasure promises more than that.
      if (DeleteMarker === true) await this.#removeVersions(name, () => true);
    });
  }

  async rewriteOlder(name: string, rewrite: (bytes: Uint8Array) => Uint8Array | null): Promise<number> {
    const latest = await this.#latestVersion(name);
    let rewritten = 0;
    for (let version = 1; version < latest; version += 1) {
      const older = versionName(name, version);
      const read = await this.#read(older);
      const changed = read && rewrite(read.bytes);
      if (!read || !changed) continue;
      await asStoreFault(`cannot rewrite ${older}`, async () => {
        // The name stays taken all the while, so that nobody can put a version that was there before.
        const put = { ...this.#at(older), Body: changed, IfMatch: read.etag };
        const { VersionId } = await this.#client.send(new PutObjectCommand(put));
        if (VersionId !== undefined) await this.#removeVersions(older, (id) => id !== VersionId);
      });
      rewritten += 1;
    }
    return rewritten;
  }

  /** A put is whole or not there at all. */
  removeUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  async #read(name: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string } | null> {
    const at = this.#at(name);
    return await asStoreFault(`cannot read ${name}`, async () => {
      try {
        const began = performance.now();
        const { Body, ETag } = await this.#client.send(new GetObjectCommand(at));
        const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
        this.#pace.note(bytes.length, performance.now() - began);
        return { bytes, etag: ETag ?? '' };
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
  }

  /** Which put made an object; '' where it does not say, null where there is none. */
  async #writerOf(name: string): Promise<string | null> {
    const at = this.#at(name);
    return await asStoreFault(`cannot read ${name}`, async () => {
      try {
        const { Metadata } = await this.#client.send(new HeadObjectCommand(at));
        return Metadata?.[writerName] ?? '';
      } catch (error) {
        if (isMissing(error)) return null;
        throw error;
      }
    });
  }

  async #latestVersion(name: string): Promise<number> {
    partsOfName(name);
    const seen = this.#versionSeen.get(name) ?? 0;
    let version = seen;
    const after = seen === 0 ? undefined : versionName(name, seen);
    await asStoreFault(`cannot read ${name}`, async () => {
      for await (const key of this.#keys(`${name}/`, after))
        version = Math.max(version, versionOf(key.slice(name.length + 1)) ?? 0);
    });
    if (version > 0) this.#versionSeen.set(name, version);
    return version;
  }

  async *#keys(prefix: string, after?: string): AsyncGenerator<string> {
    const within = { Bucket: this.#bucket, Prefix: this.#prefix + prefix, EncodingType: 'url' as const };
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({
          ...within,
          ...(after === undefined ? {} : { StartAfter: this.#prefix + after }),
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      for (const { Key } of page.Contents ?? []) {
        const name = decodeURIComponent((Key ?? '').replaceAll('+', '%20')).slice(this.#prefix.length);
        // What a console calls a folder is an object whose name ends with a slash; nothing of ours is called so.
        if (name !== '' && !name.endsWith('/') && !name.split('/').some((part) => part.startsWith('.'))) yield name;
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async #removeVersions(name: string, goes: (versionId: string) => boolean): Promise<void> {
    const at = this.#at(name);
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectVersionsCommand({
          Bucket: at.Bucket,
          Prefix: at.Key,
          ...(KeyMarker === undefined ? {} : { KeyMarker }),
          ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }),
        }),
      );
      for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
        if (Key === at.Key && VersionId !== undefined && goes(VersionId))
          await this.#client.send(new DeleteObjectCommand({ ...at, VersionId }));
      KeyMarker = page.IsTruncated === true ? page.NextKeyMarker : undefined;
      VersionIdMarker = page.IsTruncated === true ? page.NextVersionIdMarker : undefined;
    } while (KeyMarker !== undefined);
  }

  /** Names become keys only here. */
  #at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + partsOfName(name).join('/') };
  }
}

function shorter(name: string, end: number): ConcordatError {
  return new ConcordatError('storeFault', `${name} is shorter than ${end} bytes`);
}

function isMissing(error: unknown): boolean {
  // HAZARD: a bucket that is not there is a 404 as well, and an empty answer would read as an empty store.
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket';
}

function statusOf(error: unknown): number | undefined {
  const metadata = error instanceof Error && '$metadata' in error ? error.$metadata : undefined;
  return (metadata as { readonly httpStatusCode?: number } | undefined)?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unexpected fault';
}

/** The words of a server may hold a key; its code and status say enough. */
async function asStoreFault<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof ConcordatError) throw cause;
    const status = statusOf(cause);
    const words = status === undefined ? nameOf(cause) : `${nameOf(cause)} (${status})`;
    throw new ConcordatError('storeFault', `${doing}: ${words}`, { cause });
  }
}
