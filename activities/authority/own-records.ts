/**
 * This authority's native objects behind the federated keys of a run: which is which, and how they refer to each other. Where
 * it is known what will be asked for, only what may stand behind that is looked at.
 */
import type { RunInputs } from '../../core/messages.js';
import { mapOf, surfaceIn, type DatasetType } from '../../core/federation/federation.js';
import { exposedFields } from '../../core/federation/surface.js';
import { inDependencyOrder, referredTypes, type TaxonomyType } from '../../core/federation/taxonomy.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { translate, type Translation } from '../../core/translate.js';
import { sealedRecord, type FieldDigests } from '../surface/field-digests.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import type { LinkPairs } from '../link-pairs.js';
import { loadLinks, type Links } from '../links.js';
import { askedObjects, type AskedObjects, type AskedType } from './asked-objects.js';
import { askedKeys, type AskedRecords } from './asked-records.js';
import type { AuthorityContext } from './context.js';
import { NaturalKeys, preferenceRank } from './natural-keys.js';
import { storedObjects, storedPages } from './pages.js';
import { rowFilterOf } from './row-filter.js';
import { straightKeys } from './straight-keys.js';
import { assignedLinks, keyInRun } from './snapshot.js';

export class OwnRecords {
  readonly links: Links;
  readonly #context: AuthorityContext;
  readonly #assigned: ReadonlyMap<string, string>;
  readonly #known = new Map<string, Set<string>>();
  readonly #nativeByKey = new Map<string, string>();
  readonly #typeOfNative = new Map<string, string>();
  readonly #digests: FieldDigests | null;
  readonly #naturals: NaturalKeys;
  readonly #opaque = new Set<string>();
  /** Types of which some object has no natural key. */
  readonly #withoutKey = new Set<string>();
  /** Of types of which only the objects behind what was asked for are known: these. */
  #askedObjects: AskedObjects = new Map();
  #asked: AskedRecords | null = null;
  readonly #looked = new Map<string, Set<string>>();

  private constructor(
    context: AuthorityContext,
    links: Links,
    assigned: ReadonlyMap<string, string>,
    digests: FieldDigests | null,
  ) {
    this.#context = context;
    this.links = links;
    this.#naturals = new NaturalKeys(links);
    this.#assigned = assigned;
    this.#digests = digests;
    for (const type of Object.keys(context.federation.taxonomy)) {
      const map = mapOf(context.federation, context.id, type);
      if (map) this.#typeOfNative.set(map.native, type);
    }
  }

  /**
   * `digests`: of this run; null where its dataset has no `digest` field. `asked`: the only records that anything will be asked
   * of; null for all. Of types to which others refer all is learned in any case.
   */
  static async load(
    context: AuthorityContext,
    inputs: RunInputs,
    digests: FieldDigests | null,
    asked: AskedRecords | null,
  ): Promise<OwnRecords> {
    const own = new OwnRecords(
      context,
      await loadLinks(context.privateStore, inputs.dataset, context.linkKey),
      await assignedLinks(context, inputs),
      digests,
    );
    const types = context.federation.datasets[inputs.dataset]?.types ?? [];
    const taxonomies = types.flatMap((type) => context.federation.taxonomy[type] ?? []);
    const found = asked ? await own.#findAsked(inputs, taxonomies, asked) : new Map<string, never>();
    // Of all others anything may be asked.
    for (const type of Object.keys(context.federation.taxonomy)) if (!found.has(type)) await own.links.readWhole(type);
    // Where every type has a natural key, the pass below shows every object once more.
    if ([...own.#typeOfNative.values()].some((type) => context.federation.taxonomy[type]?.key === undefined))
      await own.#learnLinked(inputs);
    // After all others: the key of an edge holds the keys of what it refers to. In order of dependency, as the snapshot did.
    for (const taxonomy of inDependencyOrder(taxonomies)) {
      const objects = found.get(taxonomy.type);
      await own.#learnNatural(taxonomy, objects ? () => [objects] : (native) => storedObjects(context, inputs, native));
    }
    return own;
  }

  /** The objects of types to which nothing refers, and whose keys hold no reference: nobody asks for another one of them. */
  async #findAsked(inputs: RunInputs, taxonomies: readonly TaxonomyType[], asked: AskedRecords): Promise<AskedObjects> {
    const context = this.#context;
    const referred = new Set(
      Object.values(context.federation.taxonomy).flatMap(({ fields }) => Object.values(fields).flatMap(referredTypes)),
    );
    const types: AskedType[] = [];
    for (const taxonomy of taxonomies) {
      const { type, key, fields } = taxonomy;
      const map = mapOf(context.federation, context.id, type);
      const surface = surfaceIn(context.federation, context.id, type);
      if (key === undefined || !map || !surface || referred.has(type)) continue;
      if (key.some((field) => fields[field] && referredTypes(fields[field]).length > 0)) continue;
      if (this.typeOfNative(map.native) !== type) continue;
      types.push({ taxonomy, map, told: exposedFields(surface), isExposed: rowFilterOf(context, type) });
    }
    if (types.length === 0) return this.#askedObjects;
    this.#askedObjects = (await askedObjects(context, inputs, types, asked, this.links)) ?? new Map<string, never>();
    this.#asked = asked;
    for (const [type, objects] of this.#askedObjects) {
      const looked = new Set(objects.map(({ id }) => id));
      this.#looked.set(type, looked);
      await this.links.narrow(type, looked, askedKeys(asked, type));
    }
    return this.#askedObjects;
  }

  /** As this run read them: all, or those that may stand behind what was asked for. The last sight of one counts. */
  async *objects(inputs: RunInputs): AsyncGenerator<NativeObject> {
    const context = this.#context;
    const isFound = (native: string): boolean => this.#askedObjects.has(this.typeOfNative(native) ?? '');
    const types = context.federation.datasets[inputs.dataset]?.types ?? [];
    if (types.some((type) => mapOf(context.federation, context.id, type) && !this.#askedObjects.has(type)))
      for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
        if (item.kind !== 'objects') continue;
        for (const object of item.objects) if (!isFound(object.type)) yield object;
      }
    for (const objects of this.#askedObjects.values()) yield* objects;
  }

  /** Objects of types that links join, and what is opaque of any. */
  async #learnLinked(inputs: RunInputs): Promise<void> {
    const context = this.#context;
    const filters = new Map(
      [...this.#typeOfNative.values()].map((type) => [type, rowFilterOf(context, type)] as const),
    );
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
      if (item.kind !== 'objects') continue;
      for (const object of item.objects) {
        const type = this.typeOfNative(object.type);
        if (type === undefined) continue;
        if (object.opaque !== undefined) this.#opaque.add(`${type} ${object.id}`);
        if (context.federation.taxonomy[type]?.key !== undefined) continue;
        const key = this.keyOf(type, object.id);
        // HAZARD: a hidden row that peers never saw must stay in the sets of this mesh, so nothing may resolve it.
        const filter = filters.get(type);
        if (filter && isProvisional(key) && !filter(object)) continue;
        this.learn(type, object.id, key);
      }
    }
  }

  async #learnNatural(
    taxonomy: TaxonomyType,
    shown: (native: string) => AsyncIterable<readonly NativeObject[]> | Iterable<readonly NativeObject[]>,
  ): Promise<void> {
    const context = this.#context;
    const { type } = taxonomy;
    const map = mapOf(context.federation, context.id, type);
    const surface = surfaceIn(context.federation, context.id, type);
    if (taxonomy.key === undefined || !map || !surface) return;
    this.#naturals.take(type);
    const isExposed = rowFilterOf(context, type);
    const told = exposedFields(surface);
    const straightKeyOf = straightKeys(taxonomy, map, told);
    for await (const objects of shown(map.native)) {
      for (const object of objects) {
        if (isSliceOver()) await letOthersRun();
        if (object.opaque !== undefined && this.typeOfNative(object.type) === type)
          this.#opaque.add(`${type} ${object.id}`);
        const isHidden = isExposed !== null && !isExposed(object);
        const straight = isHidden ? null : straightKeyOf(object, this.resolve);
        if (straight !== null) {
          this.#naturals.learn(type, object.id, straight, preferenceRank(map, object));
          continue;
        }
        const translation = isHidden
          ? null
          : this.#naturals.keyed({ object, map, taxonomy, surface: told, resolve: this.resolve });
        if (translation?.kind === 'record')
          this.#naturals.learn(type, object.id, translation.record.key, preferenceRank(map, object));
        else if (this.links.isLinked(type, object.id) && (isHidden || object.opaque !== undefined))
          this.#naturals.learn(type, object.id, this.links.keyOf(type, object.id), Number.MAX_SAFE_INTEGER);
        else this.#withoutKey.add(type);
      }
    }
  }

  /** Takes up an object that this run read or made. */
  learn(type: string, nativeId: string, key: string): void {
    if (this.#naturals.has(type)) this.#naturals.learn(type, nativeId, key);
    this.#known.set(type, (this.#known.get(type) ?? new Set<string>()).add(nativeId));
    this.#nativeByKey.set(`${type} ${key}`, nativeId);
  }

  typeOfNative(native: string): string | undefined {
    return this.#typeOfNative.get(native);
  }

  keyOf(type: string, nativeId: string): string {
    const natural = this.#naturals.keyOf(type, nativeId);
    if (natural === undefined && this.#looked.get(type)?.has(nativeId) === false)
      throw new Error(`an object of ${type} is asked for that stands behind nothing that was named`);
    return natural ?? keyInRun(this.links, this.#assigned, type, nativeId);
  }

  /** Of several under a natural key, the preferred one. */
  nativeIdOf(type: string, key: string): string | null {
    this.#requireAsked(type, key);
    const natural = this.#naturals.nativeIdOf(type, key);
    return natural ?? this.#nativeByKey.get(`${type} ${key}`) ?? this.links.nativeIdOf(type, key);
  }

  /** HAZARD: of what was not named beforehand nothing is known here, and a link alone would look like an answer. */
  #requireAsked(type: string, key: string): void {
    if (this.#looked.has(type) && this.#asked?.has(type, key) !== true)
      throw new Error(`a ${type} is asked for that was not named beforehand`);
  }

  /**
   * Every object of a type, and its key; null where some have none, or keys are told by links. Of a type of which only what was
   * asked for is known, every object behind that. Not to be changed.
   */
  allKeyed(type: string): LinkPairs | null {
    if (this.#looked.has(type)) return this.#naturals.pairsOf(type);
    return this.#naturals.has(type) && !this.#withoutKey.has(type) ? this.#naturals.pairsOf(type) : null;
  }

  /** All native objects that are this record: a deletion removes each of them. */
  nativeIdsOf(type: string, key: string): readonly string[] {
    this.#requireAsked(type, key);
    const naturals = this.#naturals.nativeIdsOf(type, key);
    if (naturals.length > 0) return naturals;
    const only = this.nativeIdOf(type, key);
    return only === null ? [] : [only];
  }

  /** Whether this run read one of the objects of the record as opaque. */
  isOpaque(type: string, key: string): boolean {
    return this.nativeIdsOf(type, key).some((nativeId) => this.#opaque.has(`${type} ${nativeId}`));
  }

  /** The key that an object has by what it says now; of other types than those with a natural key, its key in this run. */
  keyNow(type: string, object: NativeObject): string | null {
    const taxonomy = this.#context.federation.taxonomy[type];
    const map = mapOf(this.#context.federation, this.#context.id, type);
    const surface = surfaceIn(this.#context.federation, this.#context.id, type);
    if (!taxonomy || !map || !surface) return null;
    if (taxonomy.key === undefined) return this.keyOf(type, object.id);
    const translation = this.#naturals.keyed({
      object,
      map,
      taxonomy,
      surface: exposedFields(surface),
      resolve: this.resolve,
    });
    return translation.kind === 'record' ? translation.record.key : null;
  }

  readonly resolve = (type: string, nativeId: string): string | null => {
    if (this.#looked.has(type)) throw new Error(`nothing refers to a ${type}, and it is asked for`);
    if (this.#naturals.has(type))
      return (
        this.#naturals.keyOf(type, nativeId) ??
        (this.links.isLinked(type, nativeId) ? this.links.keyOf(type, nativeId) : null)
      );
    return this.#known.get(type)?.has(nativeId) || this.links.isLinked(type, nativeId)
      ? this.keyOf(type, nativeId)
      : null;
  };
  readonly resolveBack = (type: string, key: string): string | null => this.nativeIdOf(type, key);

  /** As peers see it: `digest` fields are sealed. */
  translate(type: DatasetType, object: NativeObject, key: string): Translation {
    const translation = this.translateClear(type, object, key);
    return translation.kind === 'record'
      ? { ...translation, record: sealedRecord(this.#digests, type, translation.record) }
      : translation;
  }

  /** HAZARD: with `digest` fields in clear. For this authority's own eyes. */
  translateClear(type: DatasetType, object: NativeObject, key: string): Translation {
    const name = type.taxonomy.type;
    const map = mapOf(this.#context.federation, this.#context.id, name);
    if (!map) return { kind: 'untranslatable', field: '', reason: `no active map for ${name}` };
    return translate({
      object,
      map,
      taxonomy: type.taxonomy,
      surface: exposedFields(surfaceIn(this.#context.federation, this.#context.id, name) ?? { fields: {}, where: [] }),
      key,
      resolve: this.resolve,
    });
  }
}
