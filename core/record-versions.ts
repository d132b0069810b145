/**
 * What is known of one record at one member beyond its values: per field the version vector, and when its last change was
 * seen. Kept for what changed since the base only; the rules are in docs/clocks.md.
 *
 * Vectors stand beside each field, not beside the whole record: a member that took over one field of a peer's change knows
 * nothing of the others, and a vector for all of them would pass a conflict off as an order.
 *
 * A dot is numbered by the round of the run in which the new state was seen: rounds of an authority only ascend, it keeps
 * them before it sends them, and every peer sees them in its opens, so nobody can know a dot that is not there yet.
 */
import { z } from 'zod';
import { Hlc } from './clock/hlc.js';
import { SeenInterval } from './clock/seen-interval.js';
import { joinVectors, VersionVector } from './clock/version-vector.js';
import type { Json } from './json.js';
import { sameJson } from './lens/same-json.js';
import type { AuthorityId, Fields } from './record.js';

/** When a value came to be here, as far as its own authority can tell. */
export const FieldTimes = z.strictObject({
  /** Null for the echo of what Concordat wrote: that change was made elsewhere. */
  changed: SeenInterval.nullable(),
  /** The first observation that shows the value as it is now. */
  stands: Hlc,
});
export type FieldTimes = z.infer<typeof FieldTimes>;

/** What is sealed for a record in a versions document, as its one field `versions`. */
export const RecordVersions = z.strictObject({
  /** Of value fields that changed here, or were carried here, since they were last agreed on. */
  vectors: z.record(z.string(), VersionVector),
  /** The last new state that was observed here; null where all came by operations of Concordat. */
  seen: SeenInterval.nullable(),
  /** Per value field that differs from the base or did: for rules that a dataset may declare (docs/resolution.md). */
  times: z.record(z.string(), FieldTimes).optional(),
  /** When the record was first seen gone; absent where it is there. */
  gone: Hlc.optional(),
});
export type RecordVersions = z.infer<typeof RecordVersions>;

/** The one field under which versions are sealed. */
export const versionsField = 'versions';

/** The versions of one record at one member, as they take part in the comparison. */
export interface KnownVersions {
  readonly vectors: Readonly<Record<string, VersionVector>>;
  /** The dot of what differed from the base when this member was first observed. */
  readonly since: number;
  readonly times?: Readonly<Record<string, FieldTimes>>;
  readonly gone?: Hlc;
}

/** Per member; one that is left out has said nothing that can be believed, so what it holds is concurrent to all. */
export type VersionsOfRecord = Readonly<Record<AuthorityId, KnownVersions | undefined>>;

/**
 * The vector of a field of one member: empty where it stands at the base and never moved, since all know the base. Null
 * where nothing is known.
 */
export function vectorOf(
  versions: VersionsOfRecord | undefined,
  member: AuthorityId,
  field: string,
  isAtBase: boolean,
): VersionVector | null {
  const known = versions?.[member];
  if (!known) return null;
  return known.vectors[field] ?? (isAtBase ? {} : { [member]: known.since });
}

/** Equal values converge: their vectors join. Null where one of the holders is not known. */
export function joinedVector(
  versions: VersionsOfRecord | undefined,
  holders: readonly AuthorityId[],
  field: string,
  isAtBase: boolean,
): VersionVector | null {
  const vectors: VersionVector[] = [];
  for (const member of holders) {
    const vector = vectorOf(versions, member, field, isAtBase);
    if (vector === null) return null;
    vectors.push(vector);
  }
  return joinVectors(vectors);
}

/** A value that an operation of Concordat wrote into a field, with the vector of the value at its source. */
export interface AppliedValue {
  readonly value: Json;
  readonly vector: VersionVector;
  /** False where no receipt says that it had an effect: then only finding it there does. */
  readonly hadEffect: boolean;
}

export interface Observation {
  readonly member: AuthorityId;
  /** The round of the run that observes. */
  readonly round: number;
  /** Null where the member did not hold the record when it was observed before. */
  readonly before: Fields | null;
  readonly now: Fields;
  readonly known: RecordVersions | undefined;
  /** Fields of the record whose base moved since: all members agreed on them, so their vectors are the base's. */
  readonly agreed: (field: string) => boolean;
  /** In the order in which they were written since the observation before. */
  readonly applied: (field: string) => readonly AppliedValue[];
  /** Value fields; sets merge element by element and need no vectors. */
  readonly fields: readonly string[];
  readonly seen: SeenInterval;
}

/**
 * The versions after one more observation; undefined where all is as the base says. A new value makes a dot; the echo of
 * what Concordat itself wrote makes none, but knows what the value's source knew.
 */
export function observeRecord(observation: Observation): RecordVersions | undefined {
  const { member, round, before, now, known } = observation;
  const vectors: Record<string, VersionVector> = {};
  const times: Record<string, FieldTimes> = {};
  let seen = known?.seen ?? null;
  for (const field of observation.fields) {
    const value = now[field];
    // A run writes before it agrees, so what was written for an agreement is known to all that agreed.
    const agreed = observation.agreed(field);
    const held = agreed ? undefined : known?.vectors[field];
    const time = agreed ? undefined : known?.times?.[field];
    if (time) times[field] = time;
    // What could not be read says nothing; what was known of it stays.
    if (value === undefined) {
      if (held) vectors[field] = held;
      continue;
    }
    const applied = observation.applied(field);
    const written = applied.filter(({ hadEffect }) => hadEffect);
    const unchanged = before?.[field] !== undefined && sameJson(before[field], value);
    if (unchanged && written.length === 0) {
      if (held) vectors[field] = held;
      continue;
    }
    // Where no receipt says so, only a changed value that is the very one shows that an operation had its effect.
    const echo = [applied.at(-1), written.at(-1)].find(
      (one) => one && sameJson(one.value, value) && (one.hadEffect || !unchanged),
    );
    const carried = agreed ? [] : [...written, ...(echo ? [echo] : [])].map(({ vector }) => vector);
    const vector = joinVectors([held ?? {}, ...carried, ...(echo ? [] : [{ [member]: round }])]);
    if (Object.keys(vector).length > 0) vectors[field] = vector;
    // What was written for an agreement is no longer different from the base, so nothing asks when it came.
    if (!unchanged && !(agreed && echo))
      times[field] = { changed: echo ? null : observation.seen, stands: observation.seen.until };
    if (!echo) seen = observation.seen;
  }
  if (Object.keys(vectors).length === 0 && Object.keys(times).length === 0) return undefined;
  return { vectors, seen, ...(Object.keys(times).length > 0 ? { times } : {}) };
}
