/**
 * The manifest of sealed records: which segments hold one type of one snapshot or base, under which digests.
 *
 * A segment holds the records whose key hash begins with the bits of its bucket, in order of (hash, key):
 *
 *   body     lines `<16 hex of xxh64(key)>\t<canonical JSON of {key, fields}>\n`
 *   keys     8 bytes a record: the key hash, big-endian
 *   groups   one column per field group, 32 bytes a record: SHA-256 of groupText (core/record-digest.ts)
 *   offsets  4 bytes a record: where its line begins in the body, big-endian
 *
 * `keys` and `groups` together are the digest index, and they are normative: a body must hash to its entry. Each column
 * is an object of its own, known by its SHA-256, because meshes that hold different fields share columns and not whole
 * indexes: a column with one digest everywhere is never read.
 *
 * What is sealed is a function of type, groups and records alone: the order of arrival and the machine do not show. Of a base
 * of format 2 it is one of the base before as well: lines that were put later lie apart (LaterLines), so that a base after a few
 * changes names the large object of before. Its keys, groups and offsets are those of format 1, so both compare as they are.
 */
import { z } from 'zod';
import { Digest, digestOf } from './digest.js';
import type { FieldGroup } from './federation/federation.js';
import { byCodeUnit } from './json.js';
import { AuthorityId } from './record.js';

/** More would make manifests larger than what they save: 4,096 segments hold 400 million records. */
export const bucketsMax = 4096;
const recordsPerSegmentMax = 100_000;

export const SealedGroup = z
  .strictObject({ id: z.string(), fields: z.array(z.string()).readonly(), members: z.array(AuthorityId).readonly() })
  .readonly();
export type SealedGroup = z.infer<typeof SealedGroup>;

/** Opens name it where their worker reads format 2; a base is sealed so once all opens of its run do. */
export const laterLinesAlgorithm = 'concordat-later-lines/1';

/**
 * `places` says where each stretch of the body lies, 8 bytes each: where it begins in the body, and where in its object,
 * big-endian. In turns they lie in the object of the earlier lines and in that of the later ones, beginning with the earlier.
 */
export const LaterLines = z
  .strictObject({
    earlierBytes: z.int().positive().describe('of the object that the segment names as its body'),
    body: Digest,
    bodyBytes: z.int().positive(),
    places: Digest,
    placesCount: z.int().min(2),
  })
  .readonly();
export type LaterLines = z.infer<typeof LaterLines>;

const segment = z.strictObject({
  bucket: z.int().nonnegative(),
  count: z.int().positive(),
  bodyBytes: z.int().positive().describe('of all lines, wherever they lie'),
  body: Digest,
  keys: Digest,
  groups: z.array(Digest).readonly().describe('one column per group, in the order of the groups of the type'),
  offsets: Digest,
});

export const SealedSegment = segment.extend({ later: LaterLines.optional() }).readonly();
export type SealedSegment = z.infer<typeof SealedSegment>;

export const SealedType = sealedAs(z.union([z.literal(1), z.literal(2)]), SealedSegment);
export type SealedType = z.infer<typeof SealedType>;

/** What a member seals: each body is one object. */
export const WholeSeal: z.ZodType<SealedType> = sealedAs(z.literal(1), segment.readonly());

interface Listed {
  readonly format: 1 | 2;
  readonly count: number;
  readonly bucketCount: number;
  readonly groups: readonly SealedGroup[];
  readonly segments: readonly SealedSegment[];
}

function sealedAs<Format extends z.ZodType<1 | 2>, Segment extends z.ZodType<SealedSegment>>(
  format: Format,
  ofSegments: Segment,
) {
  return z
    .strictObject({
      format,
      type: z.string().min(1),
      count: z.int().nonnegative(),
      bucketCount: z
        .int()
        .min(1)
        .max(bucketsMax)
        .refine((count) => (count & (count - 1)) === 0, 'must be a power of two'),
      groups: z.array(SealedGroup).min(1).readonly(),
      segments: z.array(ofSegments).readonly().describe('ascending by bucket; an empty bucket has none'),
    })
    .readonly()
    .superRefine((given, context) => {
      const sealed = given as unknown as Listed;
      const refuse = (message: string): void => {
        context.addIssue({ code: 'custom', message });
      };
      if (sealed.segments.reduce((sum, one) => sum + one.count, 0) !== sealed.count)
        refuse('count must be the sum of the segments');
      sealed.segments.forEach((one, index) => {
        const before = sealed.segments[index - 1];
        if (before && before.bucket >= one.bucket) refuse('segments must ascend by bucket');
        if (one.bucket >= sealed.bucketCount) refuse('a segment lies outside the buckets');
        if (one.groups.length !== sealed.groups.length) refuse('a segment must have one column per group');
      });
      if (sealed.segments.some(({ later }) => later !== undefined) !== (sealed.format === 2))
        refuse('lines lie apart in format 2 and in no other');
      if (new Set(sealed.groups.map((group) => group.id)).size !== sealed.groups.length) refuse('a group stands twice');
      const fields = sealed.groups.flatMap((group) => group.fields);
      if (new Set(fields).size !== fields.length) refuse('a field stands in two groups');
    });
}

/** Whether all who opened a run read a base of format 2: none else can sign it. */
export function mayLieApart(opens: Iterable<{ readonly algorithms: readonly string[] }>): boolean {
  return [...opens].every(({ algorithms }) => algorithms.includes(laterLinesAlgorithm));
}

/** The objects in which the lines of a segment lie. */
export function bodiesOf({ body, later }: SealedSegment): readonly Digest[] {
  return later ? [body, later.body] : [body];
}

/** The one name of a whole snapshot or base: a digest over the manifests of its types, in whatever order they are given. */
export function sealedRoot(types: readonly SealedType[]): Digest {
  return digestOf({ sealed: 1, types: [...types].sort((a, b) => byCodeUnit(a.type, b.type)) });
}

/** How many buckets a type of that many records gets. Powers of two nest: a base of one bucket compares with a member of four. */
export function bucketCountFor(count: number, recordsPerSegment = recordsPerSegmentMax): number {
  let buckets = 1;
  while (buckets < bucketsMax && count > buckets * recordsPerSegment) buckets *= 2;
  return buckets;
}

/** Groups in the one order and spelling in which they are sealed. */
export function sealedGroups(groups: readonly FieldGroup[]): readonly SealedGroup[] {
  return groups
    .map((group) => ({
      id: group.id,
      fields: [...group.fields].sort(byCodeUnit),
      members: [...group.members].sort(byCodeUnit),
    }))
    .sort((a, b) => byCodeUnit(a.id, b.id));
}

/** Of the groups of a type, those a member holds. The base holds all of them. */
export function groupsHeldBy(groups: readonly FieldGroup[], member: AuthorityId): readonly FieldGroup[] {
  return groups.filter((group) => group.members.includes(member));
}
