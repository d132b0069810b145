/**
 * A hop: one link of a record's lineage, made by one authority when a change of the agreed record was witnessed.
 *
 * What is the same for all hops of a run (authority, dataset, run, plan, candidate, clock) is said once, in the signed root
 * whose leaves they are; a hop is read as its body together with what its root says. Nothing in either is a personal value.
 */
import { z } from 'zod';
import { Hlc } from '../clock/hlc.js';
import { canonicalJson, Digest } from '../digest.js';
import { AuthorityId } from '../record.js';

/** Field → salted digest (core/lineage/salted.ts). Only fields that changed; all of them where a record begins or ends. */
export const SaltedFields = z.record(z.string(), Digest);
export type SaltedFields = z.infer<typeof SaltedFields>;

export const Cause = z.discriminatedUnion('kind', [
  /** This mesh showed it so: its own people or systems changed it, or it was like this at first contact. */
  z.strictObject({ kind: z.literal('observed') }),
  /** No value moved: the members sealed their `digest` fields under a new key. */
  z.strictObject({ kind: z.literal('resealed') }),
  /** Concordat wrote it here: by these operations of the plan, which these signed decisions approved. */
  z.strictObject({ kind: z.literal('written'), operations: z.array(Digest).min(1), decisions: z.array(Digest) }),
]);
export type Cause = z.infer<typeof Cause>;

/** The hop before this one of the same record by the same authority. */
export const PreviousHop = z.strictObject({
  sequence: z.int().positive(),
  index: z.int().nonnegative(),
  /** The hash of its leaf. */
  hop: Digest,
});
export type PreviousHop = z.infer<typeof PreviousHop>;

export const Hop = z.strictObject({
  /** Keyed by the record's salt: the same for all authorities, and for nobody else. */
  record: Digest,
  type: z.string(),
  /** HMAC of the native id under the authority's own link key: its engineers find the record from their console. */
  native: Digest.nullable(),
  /** What this authority held when the record was last agreed; null where it held none. */
  before: SaltedFields.nullable(),
  /** What it holds by this agreement; null where the record is gone. */
  after: SaltedFields.nullable(),
  cause: Cause,
  previous: PreviousHop.nullable(),
});
export type Hop = z.infer<typeof Hop>;

export const hopRootType = 'concordat-hop+jwt';
export const HopRoot = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  run: Digest,
  /** The sequence of the base that the change made. */
  sequence: z.int().positive(),
  candidate: Digest,
  plan: Digest,
  /** The authority's hybrid clock. Its physical part says which of its keys counted. */
  hlc: Hlc,
  /** RFC 6962 tree over the bodies of the hops, in the order of their opaque record ids. */
  hops: z.strictObject({ count: z.int().positive(), root: Digest }),
});
export type HopRoot = z.infer<typeof HopRoot>;

/**
 * The canonical JSON of a hop, at the price of JSON.stringify: members are put in the order that RFC 8785 gives them.
 * `before` and `after` must have theirs in order already. A property test holds it to canonicalJson.
 */
export function hopText({ record, type, native, before, after, cause, previous }: Hop): string {
  return JSON.stringify({
    after,
    before,
    cause:
      cause.kind === 'written'
        ? { decisions: cause.decisions, kind: cause.kind, operations: cause.operations }
        : { kind: cause.kind },
    native,
    previous: previous && { hop: previous.hop, index: previous.index, sequence: previous.sequence },
    record,
    type,
  });
}

/** Null unless the text is the one canonical form of a hop. */
export function parseHop(text: string): Hop | null {
  try {
    const parsed = Hop.safeParse(JSON.parse(text));
    return parsed.success && canonicalJson(parsed.data) === text ? parsed.data : null;
  } catch {
    return null;
  }
}

/** What an authority appends to its log, as canonical JSON. */
export const LogEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('hops'),
    dataset: z.string(),
    sequence: z.int().positive(),
    candidate: Digest,
    hops: z.strictObject({ count: z.int().positive(), root: Digest }),
    /** The id of the signed root: SHA-256 of its signing input. */
    message: Digest,
  }),
  z.strictObject({
    kind: z.literal('agreement'),
    dataset: z.string(),
    sequence: z.int().positive(),
    candidate: Digest,
    run: Digest,
    base: Digest,
  }),
  z.strictObject({
    kind: z.literal('erasure'),
    dataset: z.string(),
    /** Opaque: what the record is called in hops, or the subject of the receipt where it never was in one. */
    record: Digest,
    /** The id of the signed receipt (erasure.ts). */
    message: Digest,
  }),
]);
export type LogEntry = z.infer<typeof LogEntry>;
