/**
 * What a snapshot must say of what was read, the slow way: every object is held, every key is learned before the first
 * record is sealed, and each step goes over all of them again.
 */
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { NaturalKeys, preferenceRank } from '../../../activities/authority/natural-keys.js';
import { OpaqueSeen } from '../../../activities/authority/opaque.js';
import { rowFilterOf } from '../../../activities/authority/row-filter.js';
import { SetAside } from '../../../activities/authority/set-aside.js';
import type { Links } from '../../../activities/links.js';
import { tableId } from '../../../activities/lineage/record-table.js';
import { createSealer } from '../../../activities/sealing/sealer.js';
import { datasetShape, mapOf, surfaceIn } from '../../../core/federation/federation.js';
import { exposedFields } from '../../../core/federation/surface.js';
import type { SnapshotStatement } from '../../../core/messages.js';
import { isProvisional, type FederatedRecord, type NativeObject } from '../../../core/record.js';
import { groupsHeldBy, type SealedType } from '../../../core/sealed.js';
import type { Translation } from '../../../core/translate.js';
import { dataset } from '../../support/local-federation.js';

export type Said = Pick<
  SnapshotStatement,
  'types' | 'untranslatable' | 'unmapped' | 'lossy' | 'hiddenRows' | 'outside' | 'doubled' | 'opaque'
> & {
  /** Ids of the records that a salt is proposed for, sorted. */
  readonly salted: readonly string[];
  readonly doubts: readonly string[];
};

/** For types with natural keys of a mesh of records. `held`: fields that nobody is told. */
export async function naiveSnapshot(
  context: AuthorityContext,
  run: string,
  sights: readonly NativeObject[],
  links: Links,
  held: ReadonlySet<string> = new Set(),
): Promise<Said> {
  const counters = new SetAside();
  const opaque = await OpaqueSeen.load(context, dataset);
  const naturals = new NaturalKeys(links);
  const types: SealedType[] = [];
  const salted = new Set<string>();
  const doubts: string[] = [];
  const resolve = (type: string, id: string): string | null => naturals.keyOf(type, id) ?? null;
  for (const type of datasetShape(context.federation, dataset).types) {
    const name = type.taxonomy.type;
    const map = mapOf(context.federation, context.id, name);
    const surface = surfaceIn(context.federation, context.id, name);
    if (!map || !surface) throw new Error(`no map of ${name}`);
    const told = exposedFields(surface).filter((field) => !held.has(field));
    const filter = rowFilterOf(context, name);
    const latest = new Map<string, NativeObject>();
    for (const object of sights) {
      if (object.type !== map.native) continue;
      latest.delete(object.id);
      latest.set(object.id, object);
    }
    const translated = (object: NativeObject): Translation | null =>
      filter && !filter(object)
        ? null
        : naturals.keyed({ object, map, taxonomy: type.taxonomy, surface: told, resolve });
    naturals.take(name);
    for (const object of latest.values()) {
      const translation = translated(object);
      if (translation?.kind === 'record')
        naturals.learn(name, object.id, translation.record.key, preferenceRank(map, object));
      else if (links.isLinked(name, object.id) && (translation === null || object.opaque !== undefined))
        naturals.learn(name, object.id, links.keyOf(name, object.id), Number.MAX_SAFE_INTEGER);
    }
    const records = new Map<string, FederatedRecord>();
    for (const object of latest.values()) {
      const translation = translated(object);
      const linked = links.isLinked(name, object.id) ? links.keyOf(name, object.id) : null;
      const isPreferred = (key: string): boolean => naturals.nativeIdsOf(name, key)[0] === object.id;
      const silent = (key: string): void => {
        if (isPreferred(key)) records.set(key, { type: name, key, fields: {} });
      };
      if (translation === null) {
        counters.hidden(name);
        if (linked !== null) silent(linked);
      } else if (translation.kind === 'setAside') {
        counters.outside(name, translation.field, translation.reason);
        if (translation.type === null && linked !== null) doubts.push(`${name}/setAside`);
        if (translation.type !== null && counters.hasUntranslatable(translation.type))
          doubts.push(`${name}/references`);
      } else if (translation.kind === 'untranslatable') {
        if (object.opaque === undefined) counters.untranslatable(name, translation.field, translation.reason);
        else {
          opaque.add(name, linked ?? links.provisionalKeyOf(name, object.id), object);
          if (linked !== null) silent(linked);
        }
      } else {
        const { record } = translation;
        if (object.opaque !== undefined) opaque.add(name, record.key, object);
        if (!isPreferred(record.key)) counters.doubled(name);
        else {
          for (const property of translation.unmapped) counters.unmapped(name, property);
          if (!translation.roundTrips) counters.lossy(name);
          records.set(record.key, record);
        }
      }
    }
    const { exchange: store, id } = context;
    const groups = groupsHeldBy(type.groups, id);
    const sealer = createSealer({ store, prefix: id, type: name, groups, expectedCount: records.size });
    for (const record of records.values()) sealer.add(record);
    for (const key of records.keys()) if (!isProvisional(key)) salted.add(tableId({ type: name, key }).toString('hex'));
    types.push(await sealer.finish());
  }
  const { untranslatable, unmapped, lossy, hiddenRows, outside, doubled } = counters.report();
  return {
    types,
    untranslatable,
    unmapped,
    lossy,
    hiddenRows,
    outside,
    doubled,
    opaque: await opaque.put(context, dataset, run),
    salted: [...salted].sort(),
    doubts: [...new Set(doubts)].sort(),
  };
}
