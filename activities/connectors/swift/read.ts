/** Opening one version of an object of Swift, whatever is put under its name meanwhile, and listing a prefix. */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import {
  wholeOf,
  type ListedObject,
  type ObjectFile,
  type ObjectVersion,
  type OpenObject,
} from '../../record-objects/object-store.js';
import { containerPath, objectPath, pause, type SwiftClient } from './client.js';
import { requireNotCrossed, versionOf } from './versions.js';

export interface OpenSwiftObject extends OpenObject {
  readonly version: string;
  readonly headers: Headers;
}

/** Of replicas that differ the newest counts. */
export const newest = { 'x-newest': 'true' } as const;

interface Wanted {
  readonly etag?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Another version than the newest. */
  readonly version?: string;
}

/** Throws ConcordatError. */
export async function openObject(client: SwiftClient, file: ObjectFile, wanted: Wanted = {}): Promise<OpenSwiftObject> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openOnce(client, file, wanted);
    } catch (error) {
      const isCrossed = error instanceof ConcordatError && error.code === 'versionsCrossed';
      if (!isCrossed || wanted.version !== undefined || attempt >= client.limits.readAttemptsMax) throw error;
      // Its writer may be about to put it right.
      await pause(client.limits, attempt);
    }
  }
}

async function openOnce(
  client: SwiftClient,
  file: ObjectFile,
  { etag, signal, version }: Wanted,
): Promise<OpenSwiftObject> {
  const left = new AbortController();
  const both = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const path = `${objectPath(client.mesh, file)}${version === undefined ? '' : `?version-id=${version}`}`;
  const headers = {
    ...newest,
    'accept-encoding': 'identity',
    ...(etag === undefined ? {} : { 'if-match': `"${etag}"` }),
  };
  const answer = await client.read('GET', { method: 'GET', path, headers, signal: both });
  try {
    const tag = answer.headers.get('etag')?.replace(/"/g, '');
    if (answer.body === null || tag === undefined)
      throw new ConcordatError('unexpectedAnswer', 'Swift answered without an object');
    if (isOfParts(answer.headers))
      throw new ConcordatError('objectNotPlain', 'the object is made of segments, or compressed');
    await requireNotCrossed(client, file, answer, signal);
    const length = answer.headers.get('content-length');
    const body = answer.body as unknown as AsyncIterable<Uint8Array>;
    return {
      etag: tag,
      version: versionOf(answer),
      headers: answer.headers,
      bytes: wholeOf(body, length === null ? undefined : Number(length), 'GET', signal),
      close: () => left.abort(),
    };
  } catch (error) {
    left.abort();
    throw error;
  }
}

/** A large object has no version of its own: its segments may be put anew one by one. fetch would unpack what is compressed. */
function isOfParts(headers: Headers): boolean {
  const encoding = headers.get('content-encoding') ?? 'identity';
  return headers.has('x-static-large-object') || headers.has('x-object-manifest') || encoding !== 'identity';
}

/** Null where there is none, it may not be seen, or another was overwritten unseen. Throws ConcordatError. */
export async function seenVersion(
  client: SwiftClient,
  file: ObjectFile,
  signal: AbortSignal | undefined,
): Promise<ObjectVersion | null> {
  try {
    const path = objectPath(client.mesh, file);
    const answer = await client.read('HEAD', { method: 'HEAD', path, headers: newest, signal });
    await requireNotCrossed(client, file, answer, signal);
    const length = answer.headers.get('content-length');
    const version = versionOf(answer);
    return {
      etag: answer.headers.get('etag')?.replace(/"/g, '') ?? '',
      bytes: length === null ? null : Number(length),
      // Of that very moment, and the version itself.
      changedAtMs: Math.round(Number(version.slice(0, 16)) * 1_000),
      version,
    };
  } catch (error) {
    const unseen = ['scopeNotFound', 'forbidden', 'versionsCrossed'];
    if (error instanceof ConcordatError && unseen.includes(error.code)) return null;
    throw error;
  }
}

const Listing = z.array(
  z.object({ name: z.string(), hash: z.string(), bytes: z.int().nonnegative(), last_modified: z.string() }),
);

/**
 * Throws ConcordatError. https://docs.openstack.org/api-ref/object-store/#show-container-details-and-list-objects
 *
 * HAZARD: the list of a container may lack what was put a moment ago, until all of its replicas agree; the newest of those
 * that answer is taken.
 */
export async function* listObjects(
  client: SwiftClient,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<readonly ListedObject[]> {
  const { mesh, limits } = client;
  let marker = '';
  for (;;) {
    const asked = { format: 'json', prefix: mesh.prefix + prefix, limit: String(limits.listPageSize), marker };
    const path = `${containerPath(mesh)}?${new URLSearchParams(asked).toString()}`;
    const answer = await client.read('GET of the list', { method: 'GET', path, headers: newest, signal });
    const listing = Listing.safeParse(await answer.json().catch(() => undefined));
    if (!listing.success)
      throw new ConcordatError('unexpectedAnswer', 'Swift answered with something that is no listing');
    const last = listing.data.at(-1);
    if (!last) return;
    yield listing.data.map(({ name, hash, bytes, last_modified: changedAt }) => ({
      name: name.slice(mesh.prefix.length),
      etag: hash,
      bytes,
      // Without a zone, and in UTC.
      changedAtMs: Date.parse(`${changedAt}Z`),
      version: null,
    }));
    marker = last.name;
  }
}
