/**
 * What this authority observed of its own records, run after run: which ones show a new state, which ones only echo what
 * Concordat wrote, and what follows for their version vectors (core/record-versions.ts, docs/clocks.md).
 *
 * Kept is one small head: it names the seal of the last observation, the base it was made over, and the sealed versions
 * of those records that changed since. The records themselves lie in the seals already, so a run reads what differs
 * between two of its own seals and rewrites the segments that hold touched versions; the rest of a million records costs
 * nothing.
 */
import { z } from 'zod';
import { Hlc } from '../../core/clock/hlc.js';
import type { SeenInterval } from '../../core/clock/seen-interval.js';
import { ConcordatError } from '../../core/errors.js';
import type { DatasetType, FieldGroup } from '../../core/federation/federation.js';
import { canonicalJson } from '../../core/digest.js';
import { byCodeUnit, type Json } from '../../core/json.js';
import { SealedVersions } from '../../core/messages.js';
import { isProvisional, type AuthorityId, type FederatedRecord, type Fields } from '../../core/record.js';
import { versionsField, type RecordVersions } from '../../core/record-versions.js';
import { groupsHeldBy, SealedType } from '../../core/sealed.js';
import type { OpenedMessages, RunMessages } from '../run-messages.js';
import { letOthersRun } from '../event-loop.js';
import { readAll } from '../sealing/read-records.js';
import { RecordsInOrder } from '../sealing/records-in-order.js';
import { resealChanged } from '../sealing/reseal-changed.js';
import { createSealer } from '../sealing/sealer.js';
import { createSegmentReader, type SegmentReader } from '../sealing/segment-reader.js';
import { anyErasure } from '../lineage/erasures.js';
import { appliedSince, forgetApplied } from './applied-values.js';
import type { AuthorityContext } from './context.js';
import { asFields, nextVersions, versionsIn } from './next-versions.js';
import { changesBetween, differing, standing, type Difference } from './observed-differences.js';

const Observed = z.strictObject({
  round: z.int().positive(),
  /** Stamp of the open of that run: what it read was read later. */
  openedAt: Hlc,
  types: z.array(SealedType),
  base: z.array(SealedType),
  versions: z.array(SealedVersions),
});
type Observed = z.infer<typeof Observed>;

/** A run may seal twice, and an attempt may be repeated: both start again from the observation of the run before. */
const ObservationHead = z.strictObject({ current: Observed, before: Observed.nullable() });
type ObservationHead = z.infer<typeof ObservationHead>;

const versionsGroup = (member: AuthorityId): readonly FieldGroup[] => [
  { id: versionsField, fields: [versionsField], members: [member] },
];

/**
 * Compares this seal with the one of the last run, and seals what is now known. `types` are those of the snapshot that
 * is about to be signed.
 */
export async function observeSeal(
  context: AuthorityContext,
  dataset: string,
  messages: RunMessages,
  types: readonly SealedType[],
): Promise<readonly SealedVersions[]> {
  const own = ownOpen(context, messages);
  const name = `observations/${dataset}`;
  const found = await context.privateStore.readHead(name);
  const head = found ? ObservationHead.parse(JSON.parse(new TextDecoder().decode(found.bytes))) : null;
  const last = head && head.current.round >= own.round ? head.before : (head?.current ?? null);
  const seen: SeenInterval | null = last ? { after: last.openedAt, until: await context.clock.stamp() } : null;
  const reader = createSegmentReader({ store: context.exchange, prefixes: [context.id, ...messages.members] });
  const versions: SealedVersions[] = [];
  for (const type of messages.shape.types) {
    const now = types.find((sealed) => sealed.type === type.taxonomy.type);
    const given = { dataset, messages, round: own.round, last, seen, reader, type };
    if (now) versions.push(await observeWhatIsThere(context, { ...given, now }));
  }
  const current: Observed = {
    round: own.round,
    openedAt: own.hlc,
    types: [...types],
    base: [...(messages.base?.types ?? [])],
    versions,
  };
  const next: ObservationHead = { current, before: last };
  const bytes = new TextEncoder().encode(JSON.stringify(next));
  if (!(await context.privateStore.compareAndSetHead(name, found?.version ?? 0, bytes)))
    throw new ConcordatError('storeFault', `another worker of this authority seals ${dataset} at this moment`);
  if (last) await forgetApplied(context, dataset, last.round);
  return versions;
}

function ownOpen(context: AuthorityContext, messages: OpenedMessages): { readonly round: number; readonly hlc: Hlc } {
  const open = messages.opens[context.id];
  if (!open) throw new ConcordatError('wrongRun', `the run lacks the open of ${context.id}`);
  return open;
}

/**
 * A peer may have erased what this authority observed while it was away: segments that only that peer kept. Then nothing
 * can be held against what was read before, and it is a first observation.
 */
async function observeWhatIsThere(context: AuthorityContext, given: TypeObservation): Promise<SealedVersions> {
  try {
    return await observeType(context, given);
  } catch (error) {
    const isGone = error instanceof ConcordatError && error.code === 'storeFault' && given.last !== null;
    const members = context.federation.file.members.map(({ id }) => id);
    if (!isGone || !(await anyErasure(context.exchange, members, given.dataset))) throw error;
    return observeType(context, { ...given, last: null });
  }
}

interface TypeObservation {
  readonly dataset: string;
  readonly messages: RunMessages;
  readonly round: number;
  readonly last: Observed | null;
  readonly seen: SeenInterval | null;
  readonly reader: SegmentReader;
  readonly type: DatasetType;
  readonly now: SealedType;
}

async function observeType(context: AuthorityContext, given: TypeObservation): Promise<SealedVersions> {
  const { last, type, now, round, reader } = given;
  const name = type.taxonomy.type;
  const before = last?.types.find((sealed) => sealed.type === name);
  const known = last?.versions.find((one) => one.type === name);
  // Read in another way than before, nothing can be held against what was read then: it is a first observation.
  const comparable = before && known && canonicalJson(fieldsOf(before)) === canonicalJson(fieldsOf(now));
  if (!last || !comparable || !given.seen)
    return { type: name, since: round, sealed: await sealAll(context, name, []) };

  const most = context.viewsInMemoryMax ?? changedInMemoryMax;
  const changed = await differing(before, now, groupsHeldBy(type.groups, context.id), reader, most);
  if (changed === null) {
    const sealed = await sealObserved(context, { ...given, last, seen: given.seen, known: known.sealed, before });
    return { type: name, since: known.since, sealed };
  }
  const entries = await entriesOf(known.sealed, reader);
  const agreed = entries.size === 0 ? new Map<string, Difference>() : await baseMoves(given, last);
  const applied = await appliedSince(context, given.dataset, name, last.round, round);
  const touched = new Set([
    ...changed.keys(),
    ...[...agreed.keys()].filter((key) => entries.has(key)),
    ...applied.keys(),
  ]);
  const changes = new Map<string, Fields | null>();
  const nextOf = nextVersions(context.id, { ...given, seen: given.seen }, agreed, applied);
  for (const key of [...touched].sort(byCodeUnit)) {
    // What no link joins yet has no versions that a peer could ask for.
    if (isProvisional(key)) continue;
    const entry = entries.get(key);
    const next = nextOf(key, changed.get(key) ?? (await standing(now, key, reader)), entry);
    if (next === entry) continue;
    if (next) changes.set(key, asFields(next));
    else changes.set(key, null);
  }
  return { type: name, since: known.since, sealed: await reseal(context, name, known.sealed, changes, reader) };
}

/** Beyond so many records that changed since the last observation, none of them is held: all that is known is sealed anew. */
const changedInMemoryMax = 25_000;

/**
 * The same, record by record in the order of what is sealed: what changed, beside what was known. HAZARD: what Concordat itself
 * wrote, and what was agreed on since, are held.
 */
async function sealObserved(
  context: AuthorityContext,
  given: TypeObservation & {
    readonly last: Observed;
    readonly seen: SeenInterval;
    readonly known: SealedType;
    readonly before: SealedType;
  },
): Promise<SealedType> {
  const { last, type, before, now, known, round, reader } = given;
  const name = type.taxonomy.type;
  const agreed = known.count === 0 ? new Map<string, Difference>() : await baseMoves(given, last);
  const applied = await appliedSince(context, given.dataset, name, last.round, round);
  const written = new Set(applied.keys());
  const nextOf = nextVersions(context.id, given, agreed, applied);
  const sealer = createSealer({
    store: context.exchange,
    prefix: context.id,
    type: name,
    groups: versionsGroup(context.id),
    expectedCount: known.count + now.count,
  });
  const put = (key: string, next: RecordVersions | undefined): void => {
    if (next) sealer.add({ type: name, key, fields: asFields(next) });
  };
  const keep = async (record: FederatedRecord): Promise<void> => {
    const { key } = record;
    await letOthersRun();
    written.delete(key);
    if (isProvisional(key) || !(agreed.has(key) || applied.has(key))) sealer.add(record);
    else put(key, nextOf(key, await standing(now, key, reader), versionsIn(record.fields)));
  };
  try {
    const entries = new RecordsInOrder(readAll(known, reader));
    for await (const { key, difference } of changesBetween(
      before,
      now,
      groupsHeldBy(type.groups, context.id),
      reader,
    )) {
      await letOthersRun();
      for await (const record of entries.before(key)) await keep(record);
      const fields = await entries.take(key);
      written.delete(key);
      if (!isProvisional(key)) put(key, nextOf(key, difference, fields && versionsIn(fields)));
      else if (fields) sealer.add({ type: name, key, fields });
    }
    for await (const record of entries.rest()) await keep(record);
    for (const key of [...written].sort(byCodeUnit))
      if (!isProvisional(key)) put(key, nextOf(key, await standing(now, key, reader), undefined));
    return await sealer.finish();
  } finally {
    sealer.discard();
  }
}

/** Groups change with the members that take part in a run; what is read of a record does not. */
function fieldsOf({ groups }: SealedType): readonly string[] {
  return groups.flatMap(({ fields }) => fields).sort(byCodeUnit);
}

/** Where the base moved since the last observation: what it says now all members agreed on. */
async function baseMoves(
  { messages, reader, type }: TypeObservation,
  last: Observed,
): Promise<ReadonlyMap<string, Difference>> {
  const name = type.taxonomy.type;
  const [before, now] = [last.base, messages.base?.types ?? []].map((types) => types.find((one) => one.type === name));
  if (!now) return new Map();
  const empty: SealedType = { ...now, count: 0, bucketCount: 1, segments: [] };
  return (
    (await differing(before ?? empty, now, type.groups, reader, Number.MAX_SAFE_INTEGER)) ??
    new Map<string, Difference>()
  );
}

async function entriesOf(sealed: SealedType, reader: SegmentReader): Promise<ReadonlyMap<string, RecordVersions>> {
  const entries = new Map<string, RecordVersions>();
  for await (const { key, fields } of readAll(sealed, reader)) entries.set(key, versionsIn(fields));
  return entries;
}

/** Only the segments that hold touched records are written; all of them where their number of buckets changes. */
async function reseal(
  context: AuthorityContext,
  type: string,
  previous: SealedType,
  changes: ReadonlyMap<string, Fields | null>,
  reader: SegmentReader,
): Promise<SealedType> {
  if (changes.size === 0) return previous;
  const { exchange: store, id: prefix } = context;
  const resealed = await resealChanged({ previous, changes, groups: versionsGroup(prefix), reader, store, prefix });
  if (resealed) return resealed;
  const records: FederatedRecord[] = [];
  for await (const record of readAll(previous, reader)) if (!changes.has(record.key)) records.push(record);
  for (const [key, fields] of changes) if (fields) records.push({ type, key, fields });
  return sealAll(context, type, records);
}

async function sealAll(
  context: AuthorityContext,
  type: string,
  records: readonly FederatedRecord[],
): Promise<SealedType> {
  const sealer = createSealer({
    store: context.exchange,
    prefix: context.id,
    type,
    groups: versionsGroup(context.id),
    expectedCount: records.length,
  });
  try {
    for (const record of records) sealer.add(record);
    return await sealer.finish();
  } finally {
    sealer.discard();
  }
}

/**
 * Takes a record out of what this authority observed last, and out of the sets of other records: the next observation is
 * then held against a past in which it never was. Nothing else of that past changes. What peers erased already cannot be
 * read any more; then the next observation is a first one.
 */
export async function forgetObserved(
  context: AuthorityContext,
  dataset: string,
  holds: (value: Json) => boolean,
): Promise<void> {
  const name = `observations/${dataset}`;
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const found = await context.privateStore.readHead(name);
    if (!found) return;
    const head = ObservationHead.parse(JSON.parse(new TextDecoder().decode(found.bytes)));
    const next: ObservationHead = {
      current: await withoutRecord(context, head.current, holds),
      before: head.before && (await withoutRecord(context, head.before, holds)),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(next));
    if (Buffer.from(found.bytes).equals(bytes)) return;
    if (await context.privateStore.compareAndSetHead(name, found.version, bytes)) return;
  }
  throw new ConcordatError('storeFault', `another worker of this authority seals ${dataset} at this moment`);
}

/** The sealed types that the next observation reads. */
export async function observedTypes(context: AuthorityContext, dataset: string): Promise<readonly SealedType[]> {
  const found = await context.privateStore.readHead(`observations/${dataset}`);
  if (!found) return [];
  const { current, before } = ObservationHead.parse(JSON.parse(new TextDecoder().decode(found.bytes)));
  return [current, before].flatMap((one) =>
    one ? [...one.types, ...one.base, ...one.versions.map(({ sealed }) => sealed)] : [],
  );
}

async function withoutRecord(
  context: AuthorityContext,
  observed: Observed,
  holds: (value: Json) => boolean,
): Promise<Observed> {
  const without = (sealed: SealedType): Promise<SealedType> => typeWithout(context, sealed, holds);
  try {
    return {
      ...observed,
      types: await Promise.all(observed.types.map(without)),
      base: await Promise.all(observed.base.map(without)),
      versions: await Promise.all(
        observed.versions.map(async (one) => ({ ...one, sealed: await without(one.sealed) })),
      ),
    };
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'storeFault') throw error;
    return { ...observed, types: [], base: [], versions: [] };
  }
}

async function typeWithout(
  context: AuthorityContext,
  sealed: SealedType,
  holds: (value: Json) => boolean,
): Promise<SealedType> {
  const { exchange: store, id: prefix, federation } = context;
  const prefixes = [prefix, ...federation.file.members.map(({ id }) => id)];
  const reader = createSegmentReader({ store, prefixes });
  const changes = new Map<string, Fields | null>();
  for await (const { key, fields } of readAll(sealed, reader)) {
    await letOthersRun();
    if (holds(key)) changes.set(key, null);
    else if (holds(fields)) changes.set(key, fieldsWithout(fields, holds));
  }
  if (changes.size === 0) return sealed;
  const { type, groups } = sealed;
  const resealed = await resealChanged({ previous: sealed, changes, groups, reader, store, prefix });
  if (resealed) return resealed;
  const sealer = createSealer({ store, prefix, type, groups, expectedCount: sealed.count });
  try {
    for await (const record of readAll(sealed, reader)) {
      await letOthersRun();
      const fields = changes.has(record.key) ? changes.get(record.key) : record.fields;
      if (fields) sealer.add({ ...record, fields });
    }
    return await sealer.finish();
  } finally {
    sealer.discard();
  }
}

/** A set without the elements that hold the record; any other value that does counts as empty. */
function fieldsWithout(fields: Fields, holds: (value: Json) => boolean): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.filter((element: Json) => !holds(element)) : holds(value) ? null : value,
    ]),
  );
}
