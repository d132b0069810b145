/**
 * The head of a large table of links: which buckets hold them. The links of a type lie in buckets by the hash of their key, each a
 * small table of its own in the form of link-table-json.ts; so all holders of one key lie together, in the order in which they were
 * set. Beside them a second set of buckets, by the hash of the native id, says under which hash of a key each native id is found.
 */
import { z } from 'zod';
import { ConcordatError } from '../core/errors.js';
import { byCodeUnit } from '../core/json.js';

const format = 'concordat-links/2';

/** Of one bucket the last part of its name; empty where it holds nothing. */
const Bucket = z.string();

const TypeBuckets = z
  .strictObject({
    count: z.int().nonnegative(),
    /** A power of two each. */
    byKey: z.array(Bucket),
    byId: z.array(Bucket),
  })
  .refine(({ byKey, byId }) => [byKey, byId].every(({ length }) => length > 0 && Number.isInteger(Math.log2(length))));
export type TypeBuckets = z.infer<typeof TypeBuckets>;

const LinkManifest = z.strictObject({ format: z.literal(format), types: z.record(z.string(), TypeBuckets) });
export type LinkManifest = z.infer<typeof LinkManifest>;

export const noBuckets: TypeBuckets = { count: 0, byKey: [''], byId: [''] };

/** Null for a table that lies in the head as a whole, of whose members each is an object. Throws storeFault where it is neither. */
export function manifestIn(head: Uint8Array): LinkManifest | null {
  const begin = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, formatBegin.length));
  if (!begin.equals(formatBegin)) return null;
  try {
    return LinkManifest.parse(JSON.parse(new TextDecoder().decode(head)));
  } catch {
    throw new ConcordatError(
      'storeFault',
      'the head of the links in the private store is not what this authority wrote there',
    );
  }
}
const formatBegin = Buffer.from('{"format":"');

export function manifestBytes(types: ReadonlyMap<string, TypeBuckets>): Uint8Array {
  const manifest: LinkManifest = {
    format,
    types: Object.fromEntries([...types].sort(([left], [right]) => byCodeUnit(left, right))),
  };
  return new TextEncoder().encode(JSON.stringify(manifest));
}

export type BucketKind = 'keys' | 'ids';

export function bucketsPrefix(dataset: string): string {
  return `links-buckets/${dataset}/`;
}

export function bucketName(dataset: string, type: string, kind: BucketKind, bucket: string): string {
  return `${bucketsPrefix(dataset)}${type}/${kind}/${bucket}`;
}

/** `version`: of the head that is to name it. `index` only serves people who look. */
export function bucketPart(version: number, index: number, digest: string): string {
  return `${version}-${index}-${digest.slice(0, 32)}`;
}

/** Whether a bucket was put there with this content, at whatever version. */
export function isOfDigest(bucket: string, digest: string): boolean {
  return bucket.endsWith(`-${digest.slice(0, 32)}`);
}

export function versionOfBucket(name: string): number {
  return Number(/^(\d+)-/.exec(name.slice(name.lastIndexOf('/') + 1))?.[1] ?? Number.POSITIVE_INFINITY);
}

export function namesIn(dataset: string, { types }: LinkManifest): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [type, { byKey, byId }] of Object.entries(types)) {
    for (const bucket of byKey) if (bucket !== '') names.add(bucketName(dataset, type, 'keys', bucket));
    for (const bucket of byId) if (bucket !== '') names.add(bucketName(dataset, type, 'ids', bucket));
  }
  return names;
}
