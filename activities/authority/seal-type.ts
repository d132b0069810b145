/** One type of a snapshot: its native objects translated, keyed, filtered by the surface and sealed. */
import type { ErrorCode } from '../../core/errors.js';
import { mapOf, surfaceIn, type DatasetType } from '../../core/federation/federation.js';
import { exposedFields } from '../../core/federation/surface.js';
import type { RunInputs } from '../../core/messages.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../core/sealed.js';
import { translate, type Translation } from '../../core/translate.js';
import { letOthersRun } from '../event-loop.js';
import type { Links } from '../links.js';
import type { SaltProposals } from '../lineage/salts.js';
import type { RunMessages } from '../run-messages.js';
import { createSealer } from '../sealing/sealer.js';
import { sealedRecord, type FieldDigests } from '../surface/field-digests.js';
import type { AuthorityContext } from './context.js';
import type { IncrementSeals } from './increments/seals.js';
import type { Effects } from './effects/effects.js';
import { createMatchSeal } from './match-seal.js';
import { preferenceRank, type NaturalKeys } from './natural-keys.js';
import type { OpaqueSeen } from './opaque.js';
import { storedPages } from './pages.js';
import type { ResealClaims } from './reseal-claims.js';
import type { SchemaSeen } from './schema-seen.js';
import type { SetAside } from './set-aside.js';

export interface SealContext {
  readonly dataset: RunMessages['shape']['dataset'];
  readonly links: Links;
  /** By link, assignment or provisionally; not for types with a natural key. */
  readonly keyOf: (type: string, nativeId: string) => string;
  readonly naturals: NaturalKeys;
  readonly resolve: (type: string, nativeId: string) => string | null;
  /** Whether a type that was sealed before was not read to its end. */
  readonly isIncomplete: (type: string) => boolean;
  readonly inScope: ReadonlyMap<string, ReadonlySet<string>>;
  readonly counters: SetAside;
  readonly opaque: OpaqueSeen;
  /** null where this authority works out no effect. */
  readonly effects: Effects | null;
  readonly salts: SaltProposals;
  readonly digests: FieldDigests | null;
  readonly claims: ResealClaims | null;
  /** null where the mesh has the schema of an API. */
  readonly schema: SchemaSeen | null;
  /** null where the mesh declares no changes. */
  readonly increments: IncrementSeals | null;
  /** The row filter of the type; null where every row is exposed. */
  readonly isExposed: ((object: NativeObject) => boolean) | null;
}

export interface SealedHere {
  readonly sealed: SealedType;
  readonly matches: SealedType | undefined;
  readonly unlinked: number;
  /** Why the type is incomplete although all its pages were read. */
  readonly doubts: readonly Doubt[];
}
interface Doubt {
  readonly scope: 'references' | 'setAside' | 'schema';
  readonly reason: ErrorCode;
}

export async function sealType(
  context: AuthorityContext,
  inputs: RunInputs,
  type: DatasetType,
  sealing: SealContext,
): Promise<SealedHere | undefined> {
  const { dataset, links, naturals, inScope, counters, opaque, effects, salts, digests, claims, isExposed, schema } =
    sealing;
  const { increments } = sealing;
  const name = type.taxonomy.type;
  const map = mapOf(context.federation, context.id, name);
  const surface = surfaceIn(context.federation, context.id, name);
  if (!map || !surface || !type.held[context.id]) return undefined;
  const expectedCount = inScope.get(map.native)?.size ?? increments?.expectedCount(map.native) ?? 0;
  const part = { type, map, surface, isExposed, schema, links };
  const touched = (await increments?.touched(part)) ?? null;
  const sealer =
    touched ??
    createSealer({
      store: context.exchange,
      prefix: context.id,
      type: name,
      groups: groupsHeldBy(type.groups, context.id),
      expectedCount,
    });
  const matches = createMatchSeal({
    store: context.exchange,
    authority: context.id,
    dataset,
    type,
    digests,
    expectedCount,
  });
  const claimed = claims?.beginType(type, expectedCount);
  const isNatural = type.taxonomy.key !== undefined;
  // A list that changes while it is paged may show an object twice: the later sight counts.
  const counter = touched ? undefined : schema?.counter(name, expectedCount);
  const latest = touched
    ? null
    : await latestPositions(context, inputs, map.native, (object) => counter?.add(object.id, object.body));
  const shape = counter?.shape() ?? null;
  const drifted = touched ? touched.held : schema && shape ? schema.take(map, shape, type.taxonomy.key) : null;
  const whole = touched ? null : (increments?.whole(part, drifted, shape) ?? null);
  const proof = touched ? null : ((await increments?.proof(part, drifted)) ?? null);
  const recorder = touched ?? whole;
  // What is held is not even translated: a column of another kind must not keep back the rest of its record.
  const told = exposedFields(surface).filter((field) => drifted?.fields.has(field) !== true);
  const given = { map, taxonomy: type.taxonomy, surface: told, resolve: sealing.resolve };
  const translated = (object: NativeObject): Translation =>
    isNatural
      ? naturals.keyed({ object, ...given })
      : translate({ object, ...given, key: sealing.keyOf(name, object.id) });
  const seen = async function* (): AsyncIterable<NativeObject> {
    let position = 0;
    // HAZARD: of what nothing may be told, nothing is sealed; the type is incomplete then, so nothing looks deleted.
    if (drifted?.isStopped) return;
    if (touched) yield* touched.objects();
    if (!latest) return;
    for await (const object of objectsOf(context, inputs, map.native)) {
      position += 1;
      if (position % 2_000 === 0) context.heartbeat({ translated: position });
      await letOthersRun();
      if (latest.get(object.id) !== position) continue;
      yield object;
    }
  };
  if (isNatural) {
    naturals.take(name);
    for await (const object of seen()) {
      const translation = isExposed && !isExposed(object) ? null : translated(object);
      if (translation?.kind === 'record')
        naturals.learn(name, object.id, translation.record.key, preferenceRank(map, object));
      // HAZARD: peers know this record, hidden or no longer told: what refers to it must not look deleted.
      else if (links.isLinked(name, object.id) && (translation === null || object.opaque !== undefined))
        naturals.learn(name, object.id, links.keyOf(name, object.id), Number.MAX_SAFE_INTEGER);
    }
  }
  let unlinked = 0;
  const doubts = new Map<Doubt['scope'], Doubt>();
  if (schema?.isHeld(name)) doubts.set('schema', { scope: 'schema', reason: 'schemaDrifted' });
  const silent = new Set<string>();
  const addSilent = async (key: string): Promise<void> => {
    if (silent.has(key)) return;
    silent.add(key);
    sealer.add({ type: name, key, fields: {} });
    await salts.add(name, key);
  };
  const isPreferred = (object: NativeObject, key: string): boolean =>
    !isNatural || naturals.nativeIdsOf(name, key)[0] === object.id;
  try {
    for await (const object of seen()) {
      const isLinked = links.isLinked(name, object.id);
      const known = isNatural ? (isLinked ? links.keyOf(name, object.id) : '~') : sealing.keyOf(name, object.id);
      if (isExposed && !isExposed(object)) {
        counters.hidden(name);
        recorder?.apart(object, isProvisional(known) || !isPreferred(object, known) ? null : known);
        // HAZARD: peers know this record. Left out, it would look deleted; so it is there, and says nothing.
        if (!isProvisional(known) && isPreferred(object, known)) await addSilent(known);
        continue;
      }
      const translation = translated(object);
      if (translation.kind === 'setAside') {
        counters.outside(name, translation.field, translation.reason);
        recorder?.apart(object, null);
        // HAZARD: what was not read may be what it refers to, and what peers know may only have got another name.
        if (translation.type !== null && sealing.isIncomplete(translation.type))
          doubts.set('references', { scope: 'references', reason: 'referenceUnread' });
        else if (translation.type === null && isLinked)
          doubts.set('setAside', { scope: 'setAside', reason: 'leftDataset' });
        continue;
      }
      if (translation.kind === 'untranslatable') {
        if (object.opaque === undefined) {
          counters.untranslatable(name, translation.field, translation.reason);
          recorder?.apart(object, null);
          continue;
        }
        const key = isProvisional(known) ? links.provisionalKeyOf(name, object.id) : known;
        opaque.add(name, key, object);
        // Which of the federation's people or teams it is, nobody can tell: none may be created beside it.
        if (!isNatural && isProvisional(key)) counters.untranslatable(name, translation.field, translation.reason);
        if (!isProvisional(key) && isPreferred(object, key)) await addSilent(key);
        recorder?.apart(object, isProvisional(key) || !isPreferred(object, key) ? null : key);
        continue;
      }
      const { key } = translation.record;
      if (object.opaque !== undefined) opaque.add(name, key, object);
      if (!isPreferred(object, key)) {
        counters.doubled(name);
        recorder?.doubled();
        continue;
      }
      if (isProvisional(key)) unlinked += 1;
      for (const property of translation.unmapped) counters.unmapped(name, property);
      if (!translation.roundTrips) counters.lossy(name);
      const ids = isNatural ? naturals.nativeIdsOf(name, key) : [object.id];
      const record = effects
        ? effects.added(translation.record, map, ids, given.surface, sealing.resolve)
        : translation.record;
      sealer.add(sealedRecord(digests, type, record));
      matches?.add(key, record.fields);
      claimed?.add(record);
      await salts.add(name, key);
      if (object.opaque !== undefined) recorder?.apart(object, key);
      else
        await recorder?.plain(object.id, { key, unmapped: [...translation.unmapped], lossy: !translation.roundTrips });
    }
    await claimed?.finish();
    if (touched) {
      for (const [property, count] of Object.entries(touched.rest.unmapped))
        counters.unmappedBefore(name, property, count);
      counters.lossyBefore(name, touched.rest.lossy);
    }
    const sealed = await sealer.finish();
    increments?.keep(name, (await touched?.state(sealed)) ?? (await whole?.finish(sealed)) ?? null);
    if (proof) {
      for await (const object of seen()) proof.visit(object);
      await increments?.prove(part, proof, whole, sealed);
    }
    return {
      sealed,
      matches: await matches?.finish(),
      unlinked,
      doubts: [...doubts.values()],
    };
  } finally {
    claimed?.discard();
    sealer.discard();
    whole?.discard();
    matches?.discard();
  }
}

async function* objectsOf(context: AuthorityContext, inputs: RunInputs, native: string): AsyncIterable<NativeObject> {
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'objects') continue;
    for (const object of item.objects) if (object.type === native) yield object;
  }
}

async function latestPositions(
  context: AuthorityContext,
  inputs: RunInputs,
  native: string,
  visit: (object: NativeObject) => void,
): Promise<ReadonlyMap<string, number>> {
  const positions = new Map<string, number>();
  let position = 0;
  for await (const object of objectsOf(context, inputs, native)) {
    positions.set(object.id, (position += 1));
    visit(object);
  }
  return positions;
}
