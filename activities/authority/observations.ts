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
import { sameJson } from '../../core/lens/same-json.js';
import { SealedVersions } from '../../core/messages.js';
import { isProvisional, type AuthorityId, type FederatedRecord, type Fields } from '../../core/record.js';
import { observeRecord, RecordVersions, versionsField } from '../../core/record-versions.js';
import { groupsHeldBy, SealedType } from '../../core/sealed.js';
import type { OpenedMessages, RunMessages } from '../run-messages.js';
import { readAll, readOne } from '../sealing/read-records.js';
import { resealChanged } from '../sealing/reseal-changed.js';
import { createSealer } from '../sealing/sealer.js';
import { createSegmentReader, type SegmentReader } from '../sealing/segment-reader.js';
import { walkDiffering } from '../sealing/walk-differing.js';
import { appliedSince, forgetApplied } from './applied-values.js';
import type { AuthorityContext } from './context.js';

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
    if (now)
      versions.push(await observeType(context, { dataset, messages, round: own.round, last, seen, reader, type, now }));
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

  const entries = await entriesOf(known.sealed, reader);
  const changed = await differing(before, now, groupsHeldBy(type.groups, context.id), reader);
  const agreed = entries.size === 0 ? new Map<string, Difference>() : await baseMoves(given, last);
  const applied = await appliedSince(context, given.dataset, name, last.round, round);
  const touched = new Set([
    ...changed.keys(),
    ...[...agreed.keys()].filter((key) => entries.has(key)),
    ...applied.keys(),
  ]);
  const changes = new Map<string, Fields | null>();
  const fields = Object.entries(type.taxonomy.fields).flatMap(([field, { kind }]) => (kind === 'set' ? [] : [field]));
  for (const key of [...touched].sort(byCodeUnit)) {
    // What no link joins yet has no versions that a peer could ask for.
    if (isProvisional(key)) continue;
    const entry = entries.get(key);
    const difference = changed.get(key) ?? (await standing(now, key, reader));
    const moved = agreed.get(key);
    if (!difference.now) {
      const next = observeGone(difference, moved, entry, given.seen);
      if (next !== entry) changes.set(key, next ? asFields(next) : null);
      continue;
    }
    const next = observeRecord({
      member: context.id,
      round,
      before: difference.before ?? null,
      now: difference.now,
      known: entry,
      agreed: (field) => moved !== undefined && !sameJson(moved.before?.[field], moved.now?.[field]),
      applied: (field) => applied.get(key)?.get(field) ?? [],
      fields,
      seen: given.seen,
    });
    if (next) changes.set(key, asFields(next));
    else if (entry) changes.set(key, null);
  }
  return { type: name, since: known.since, sealed: await reseal(context, name, known.sealed, changes, reader) };
}

function asFields(versions: RecordVersions): Fields {
  // Optional properties are left out where they are not there, never undefined.
  return { [versionsField]: versions as unknown as Json };
}

/** When a record was first seen gone, until all members agreed that it is. */
function observeGone(
  { before }: Difference,
  moved: Difference | undefined,
  known: RecordVersions | undefined,
  seen: SeenInterval,
): RecordVersions | undefined {
  if (moved && !moved.now) return undefined;
  return before ? { vectors: {}, seen: null, gone: seen.until } : known;
}

/** Groups change with the members that take part in a run; what is read of a record does not. */
function fieldsOf({ groups }: SealedType): readonly string[] {
  return groups.flatMap(({ fields }) => fields).sort(byCodeUnit);
}

/** Where groups changed, the walk yields every record. */
function isSame(before: Fields | undefined, now: Fields | undefined): boolean {
  return before === undefined || now === undefined ? before === now : canonicalJson(before) === canonicalJson(now);
}

interface Difference {
  readonly before: Fields | undefined;
  readonly now: Fields | undefined;
}

/** A record that stands as it stood. */
async function standing(now: SealedType, key: string, reader: SegmentReader): Promise<Difference> {
  const fields = (await readOne(now, key, reader))?.fields;
  return { before: fields, now: fields };
}

const beforeParticipant = '(before)';
const nowParticipant = '(now)';

async function differing(
  before: SealedType,
  now: SealedType,
  groups: readonly FieldGroup[],
  reader: SegmentReader,
): Promise<ReadonlyMap<string, Difference>> {
  const found = new Map<string, Difference>();
  const participants = [
    { id: beforeParticipant, sealed: before },
    { id: nowParticipant, sealed: now },
  ];
  for await (const { key, present } of walkDiffering({ participants, groups, reader }))
    if (!isSame(present[beforeParticipant], present[nowParticipant]))
      found.set(key, { before: present[beforeParticipant], now: present[nowParticipant] });
  return found;
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
  return differing(before ?? empty, now, type.groups, reader);
}

async function entriesOf(sealed: SealedType, reader: SegmentReader): Promise<ReadonlyMap<string, RecordVersions>> {
  const entries = new Map<string, RecordVersions>();
  for await (const { key, fields } of readAll(sealed, reader))
    entries.set(key, RecordVersions.parse(fields[versionsField]));
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
