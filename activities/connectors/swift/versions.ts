/**
 * The versions of an object, and whether one of them was overwritten unseen.
 *
 * Swift has no condition for taking the place of a version: `If-Match` counts for reading alone, and `If-None-Match: *` is
 * looked at before the bytes arrive. So each object that is put here says which version it was meant to take the place of,
 * and the container keeps all: what came between the two was written by somebody else, and is not in the newer one.
 * https://docs.openstack.org/swift/latest/middleware.html#object-versioning
 */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { ObjectFile } from '../../record-objects/object-store.js';
import { containerPath, objectName, type SwiftClient } from './client.js';

/** The version that this one was put over, knowingly. */
export const overHeader = 'x-object-meta-concordat-over';

const Listing = z.array(z.object({ name: z.string().optional(), version_id: z.string().optional() }));

const listedMax = 1_000;
/** Seconds since 1970 with five places after the point, and a count where two fell together: ids of one length sort by time. */
const isVersion = (id: string | null | undefined): id is string =>
  typeof id === 'string' && /^[0-9]{10}\.[0-9]{5}(_[0-9a-f]{16})?$/.test(id);

/** Of an object that was put before its container kept versions it is the time of that put. */
export function versionOf({ headers }: Response): string {
  const id = headers.get('x-object-version-id');
  const version = isVersion(id) ? id : headers.get('x-timestamp');
  if (!isVersion(version)) throw new ConcordatError('unexpectedAnswer', 'Swift answered without the time of an object');
  return version;
}

/** The newest ones first. Throws ConcordatError. */
export async function versionsOf(
  client: SwiftClient,
  file: ObjectFile,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const name = objectName(client.mesh, file);
  const query = new URLSearchParams({ versions: '', format: 'json', prefix: name, limit: String(listedMax) });
  const path = `${containerPath(client.mesh)}?${query.toString()}`;
  const answer = await client.read('GET of versions', { method: 'GET', path, signal });
  const listing = Listing.safeParse(await answer.json().catch(() => undefined));
  if (!listing.success)
    throw new ConcordatError('unexpectedAnswer', 'Swift answered with something that is no listing');
  return listing.data
    .flatMap((item) => (item.name === name && isVersion(item.version_id) ? [item.version_id] : []))
    .sort((left, right) => (left < right ? 1 : left > right ? -1 : 0));
}

/** What came between `version` and the one that it was put over: it is in no newer version. */
export function betweenIn(versions: readonly string[], over: string, version: string): readonly string[] {
  return versions.filter((each) => each > over && each < version);
}

export const crossedWords =
  'two writers put the object at once, and what one of them changed is in an older version only';

/** Throws versionsCrossed where the object took the place of a version that nobody looked at. */
export async function requireNotCrossed(
  client: SwiftClient,
  file: ObjectFile,
  answer: Response,
  signal?: AbortSignal,
): Promise<void> {
  const over = answer.headers.get(overHeader);
  if (over === null) return;
  if (betweenIn(await versionsOf(client, file, signal), over, versionOf(answer)).length > 0)
    throw new ConcordatError('versionsCrossed', crossedWords);
}
