/** This authority's native objects behind the federated keys of a run: which is which, and how they refer to each other. */
import type { RunInputs } from '../../core/messages.js';
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import { exposedFields, surfaceOf } from '../../core/federation/surface.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { translate, type Translation } from '../../core/translate.js';
import { sealedRecord, type FieldDigests } from '../surface/field-digests.js';
import { loadLinks, type Links } from '../links.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { storedPages } from './pages.js';
import { rowFilterOf } from './row-filter.js';
import { assignedLinks, keyInRun } from './snapshot.js';

export class OwnRecords {
  readonly links: Links;
  readonly #context: AuthorityContext;
  readonly #assigned: ReadonlyMap<string, string>;
  readonly #known = new Map<string, Set<string>>();
  readonly #nativeByKey = new Map<string, string>();
  readonly #typeOfNative = new Map<string, string>();
  readonly #digests: FieldDigests | null;

  private constructor(
    context: AuthorityContext,
    links: Links,
    assigned: ReadonlyMap<string, string>,
    digests: FieldDigests | null,
  ) {
    this.#context = context;
    this.links = links;
    this.#assigned = assigned;
    this.#digests = digests;
    for (const type of Object.keys(context.federation.taxonomy)) {
      const map = mapOf(context.federation, context.id, type);
      if (map) this.#typeOfNative.set(map.native, type);
    }
  }

  /** `digests`: of this run; null where its dataset has no `digest` field. */
  static async load(context: AuthorityContext, inputs: RunInputs, digests: FieldDigests | null): Promise<OwnRecords> {
    const own = new OwnRecords(
      context,
      await loadLinks(context.privateStore, inputs.dataset, context.linkKey),
      await assignedLinks(context, inputs),
      digests,
    );
    const filters = new Map([...own.#typeOfNative.values()].map((type) => [type, rowFilterOf(context, type)] as const));
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
      if (item.kind !== 'objects') continue;
      for (const object of item.objects) {
        const type = own.typeOfNative(object.type);
        if (type === undefined) continue;
        const key = own.keyOf(type, object.id);
        // HAZARD: a hidden row that peers never saw must stay in the sets of this mesh, so nothing may resolve it.
        const filter = filters.get(type);
        if (filter && isProvisional(key) && !filter(object)) continue;
        own.learn(type, object.id, key);
      }
    }
    return own;
  }

  /** Takes up an object that this run read or made. */
  learn(type: string, nativeId: string, key: string): void {
    this.#known.set(type, (this.#known.get(type) ?? new Set<string>()).add(nativeId));
    this.#nativeByKey.set(`${type} ${key}`, nativeId);
  }

  typeOfNative(native: string): string | undefined {
    return this.#typeOfNative.get(native);
  }

  keyOf(type: string, nativeId: string): string {
    return keyInRun(this.links, this.#assigned, type, nativeId);
  }

  nativeIdOf(type: string, key: string): string | null {
    return this.#nativeByKey.get(`${type} ${key}`) ?? this.links.nativeIdOf(type, key);
  }

  readonly resolve = (type: string, nativeId: string): string | null =>
    this.#known.get(type)?.has(nativeId) || this.links.isLinked(type, nativeId) ? this.keyOf(type, nativeId) : null;
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
      surface: exposedFields(surfaceOf(authorityOf(this.#context), name) ?? { fields: {}, where: [] }),
      key,
      resolve: this.resolve,
    });
  }
}
