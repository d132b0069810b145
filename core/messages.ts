/**
 * The signed messages of a run.
 *
 * Each is a compact JWS over canonical JSON, known by the SHA-256 of its signing input. The run id is the digest of the
 * sorted ids of the opens: it holds every member's nonce, so nothing old fits into it. How opens, witnesses and seals
 * keep the base from forking is in core/rounds.ts.
 */
import { z } from 'zod';
import { AgreedUnder } from './agreed-under.js';
import { greatestHlc, Hlc } from './clock/hlc.js';
import { Digest, digestOf } from './digest.js';
import { byCodeUnit } from './json.js';
import { StandingLink } from './correlate.js';
import { DigestKeyId } from './sealed-value.js';
import { Rejection } from './acceptance.js';
import { StandingAcceptance } from './acceptance-statement.js';
import { StandingIgnore } from './ignored.js';
import { OpenLog } from './log/open-log.js';
import { Receipt } from './receipt.js';
import { AuthorityId } from './record.js';
import { Pending } from './rounds.js';
import { SealedType, WholeSeal } from './sealed.js';
import { SchemaDrift } from './drift/schema-drift.js';
import { UnsettledWrite } from './unsettled.js';
import { StandingUndo } from './undo.js';

/** Where a document lies in the exchange store and what it must hash to. The only form in which data passes through a history. */
export const Ref = z.strictObject({ ref: z.string().max(300), sha256: Digest });
export type Ref = z.infer<typeof Ref>;

/** What an authority's people have said that outlives a run: part of the plan, so published by digest in the open. */
export const Standing = z.strictObject({
  authority: AuthorityId,
  links: z.array(StandingLink),
  rejections: z.array(Rejection),
  // Absent where there are none.
  acceptances: z.array(StandingAcceptance).optional(),
  ignored: z.array(StandingIgnore).optional(),
  /** Left out where nobody undoes anything. */
  undos: z.array(StandingUndo).optional(),
});
export type Standing = z.infer<typeof Standing>;

/** A base that was sealed: its number, its digest, and where it and the proof of its sealing lie. */
export const HeldBase = z.strictObject({ sequence: z.int().positive(), digest: Digest, ref: Ref, seal: Ref });
export type HeldBase = z.infer<typeof HeldBase>;

export const openType = 'concordat-open+jws';
export const Open = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  /** Exactly those taking part in the run, sorted; more than half of the members of the dataset. */
  members: z.array(AuthorityId),
  nonce: z.string().min(22),
  round: z.int().positive(),
  /** Digest of a Configuration document under the prefix of this authority. */
  configuration: Digest,
  algorithms: z.array(z.string()),
  /** The last sealed base that this authority holds; null before the first. */
  base: HeldBase.nullable(),
  /** What this authority signed and has not seen sealed, with the Proposal that it signed. */
  pending: Pending.extend({ proposal: Ref }).nullable(),
  standing: Ref,
  /** The key under which this authority seals `digest` fields; null where the dataset has none. */
  digestKey: DigestKeyId.nullable().default(null),
  /** Of its log, and of those of its peers as far as it has cosigned them. */
  log: OpenLog,
  /** Given by the clock of this authority when it opened. */
  hlc: Hlc,
  /** The last reset of that clock, where there was one. */
  clockReset: Ref.nullable(),
});
export type Open = z.infer<typeof Open>;

/** `since`: the round in which this type was first observed as it is read now. */
export const SealedVersions = z.strictObject({ type: z.string(), since: z.int().positive(), sealed: WholeSeal });
export type SealedVersions = z.infer<typeof SealedVersions>;

/**
 * What this authority says of a base that holds values under an older digest key: each `digest` field that it shows is the
 * one of the base, except those in `changed`, where the fields of a record are true. Sealed like records.
 */
export const Reseal = z.strictObject({ from: DigestKeyId, changed: z.array(WholeSeal) });
export type Reseal = z.infer<typeof Reseal>;

export const snapshotType = 'concordat-snapshot+jws';
export const ScopeReport = z.strictObject({
  scope: z.string(),
  type: z.string(),
  complete: z.boolean(),
  reason: z.string().nullable(),
});
export type ScopeReport = z.infer<typeof ScopeReport>;
/** How a store of records that tells its changes was read; `missed`: what a full read proved of the increments before it. */
export const ReadReport = z.strictObject({
  type: z.string(),
  read: z.enum(['increment', 'full']),
  why: z.enum(['changes', 'first', 'scheduled', 'expired', 'doubtful', 'many', 'notOffered', 'missed']),
  /** Objects that were read from the store: those that changed or went, or all. */
  objects: z.int().nonnegative(),
  missed: z.int().nonnegative().optional(),
});
export type ReadReport = z.infer<typeof ReadReport>;

export const SnapshotStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  run: Digest,
  configuration: Digest,
  base: Digest.nullable(),
  /** null for the first snapshot; the correlation that a translated-again one applied and this authority made again itself. */
  correlation: Digest.nullable(),
  types: z.array(WholeSeal),
  root: Digest,
  /** Per type, what this authority knows of changes since the base (core/record-versions.ts), sealed like records. */
  versions: z.array(SealedVersions),
  /** Per type that is matched by `digest` fields, the tokens of its records (core/match-tokens.ts), sealed like records. */
  matches: z.array(WholeSeal).default([]),
  /** Of the salts that this authority proposes for records which have none yet; null where all have theirs. */
  salts: Digest.nullable(),
  /** Where the base holds values under older digest keys that this authority has; empty at all other times. */
  reseals: z.array(Reseal).default([]),
  scopes: z.array(ScopeReport),
  /** Counted and shown, never silently dropped. */
  untranslatable: z.array(
    z.strictObject({ type: z.string(), field: z.string(), reason: z.string(), count: z.int().positive() }),
  ),
  unmapped: z.array(z.strictObject({ type: z.string(), property: z.string(), count: z.int().positive() })),
  lossy: z.array(z.strictObject({ type: z.string(), count: z.int().positive() })),
  /** Kept back by the row filter of the surface: there, and neither read as deleted nor shown. */
  hiddenRows: z.array(z.strictObject({ type: z.string(), count: z.int().positive() })).default([]),
  /** Not of the dataset: a field of the natural key leads outside of it. Counted, and nothing is wrong with it. */
  outside: z
    .array(z.strictObject({ type: z.string(), field: z.string(), reason: z.string(), count: z.int().positive() }))
    .default([]),
  /** Native objects beyond the first under one natural key. */
  doubled: z.array(z.strictObject({ type: z.string(), count: z.int().positive() })).default([]),
  /** Digest of an OpaqueRecords document under the prefix of this authority; null where nothing is opaque. */
  opaque: Digest.nullable().default(null),
  /** Writes of earlier runs whose effect nobody knows yet, and those that this read settled; absent where there are none. */
  unsettled: z.array(UnsettledWrite).optional(),
  /** Where the schema of a store is not the agreed one any more; absent where there is nothing to say. */
  drifts: z.array(SchemaDrift).optional(),
  /** Absent where the mesh declares no changes. */
  reads: z.array(ReadReport).optional(),
  hlc: Hlc,
});
export type SnapshotStatement = z.infer<typeof SnapshotStatement>;

export const receiptsType = 'concordat-receipts+jws';
export const ReceiptsStatement = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  run: Digest,
  plan: Digest,
  permit: Digest,
  /** Whether every permitted operation has a receipt that is not unknown. */
  complete: z.boolean(),
  /** The list of receipts: a document of its own, because it has one for every operation. */
  body: Digest,
  hlc: Hlc,
});
export type ReceiptsStatement = z.infer<typeof ReceiptsStatement>;
export const ReceiptsBody = z.strictObject({ receipts: z.array(Receipt) });
export type ReceiptsBody = z.infer<typeof ReceiptsBody>;

/** The agreed state: the common ancestor for the next comparison. Its digest is the base that plans and opens name. */
export const Base = z.strictObject({
  dataset: z.string(),
  sequence: z.int().positive(),
  previous: Digest.nullable(),
  types: z.array(SealedType),
  /** Under which its `digest` fields may be sealed, sorted; left out where the dataset has none. */
  digestKeys: z.array(DigestKeyId).optional(),
  /** Of types that are beyond their first version, the one whose fields it holds; left out where there is none. */
  versions: z.record(z.string(), z.int().positive()).optional(),
  /** The taxonomy and maps of each type when it was agreed; left out in bases of before that was remembered. */
  agreedUnder: AgreedUnder.optional(),
  /** The documents under which it was agreed, and those of which something is still open; left out where nobody signed any. */
  authored: z.strictObject({ documents: z.record(z.string(), Digest), fresh: z.array(z.string()) }).optional(),
});
export type Base = z.infer<typeof Base>;

export const Candidate = z.strictObject({
  dataset: z.string(),
  run: Digest,
  sequence: z.int().positive(),
  previous: Digest.nullable(),
  plan: Digest,
  permit: Digest,
  receipts: z.array(Digest),
  next: Digest,
});
export type Candidate = z.infer<typeof Candidate>;

/** What ties a step to its run: everything else is found from here and checked against signatures. */
export const RunInputs = z.strictObject({
  dataset: z.string(),
  run: Digest,
  opens: z.array(Ref),
  /** The latest snapshot of each member; empty before the first. */
  snapshots: z.array(Ref),
  /** The correlation that the first snapshots gave and a second translation applied; null where nothing was new. */
  correlation: Ref.nullable(),
  /** The first snapshots, which the correlation was made from; empty where `correlation` is null. */
  firstSnapshots: z.array(Ref),
});
export type RunInputs = z.infer<typeof RunInputs>;

/** Everything that a candidate is made from: whoever has it makes the candidate again, in this run or a later one. */
export const Proposal = z.strictObject({
  inputs: RunInputs,
  plan: Ref,
  reviews: z.array(Ref),
  permit: Ref,
  receipts: z.array(Ref),
  candidate: Ref,
});
export type Proposal = z.infer<typeof Proposal>;

export const witnessType = 'concordat-witness+jws';
export const Witness = z.strictObject({
  authority: AuthorityId,
  dataset: z.string(),
  /** The run in which it was signed: the one that made the candidate, or a later one that finishes it. */
  run: Digest,
  round: z.int().positive(),
  sequence: z.int().positive(),
  candidate: Digest,
  /** Where its entry lies in the log of this authority. */
  position: z.int().nonnegative(),
  hlc: Hlc,
});
export type Witness = z.infer<typeof Witness>;

/** The proof that a candidate is sealed: the opens of one run and the witness of every member that took part in it. */
export const Seal = z.strictObject({
  dataset: z.string(),
  opens: z.array(Ref),
  witnesses: z.array(Ref),
  proposal: Ref,
});
export type Seal = z.infer<typeof Seal>;

export function runIdOf(openIds: readonly Digest[]): Digest {
  return digestOf({ opens: [...openIds].sort(byCodeUnit) });
}

/** The time of a run: the greatest stamp of its opens. No snapshot of it was read before its own open. */
export function asOfRun(opens: readonly Pick<Open, 'hlc'>[]): Hlc {
  return greatestHlc(opens.map(({ hlc }) => hlc));
}

/** The digest of all members' standings, in the order of their ids: part of the plan. */
export function standingDigest(standings: readonly Standing[]): Digest {
  return digestOf([...standings].sort((a, b) => byCodeUnit(a.authority, b.authority)));
}
