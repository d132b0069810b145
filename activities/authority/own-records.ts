/** This authority's native objects behind the federated keys of a run: which is which, and how they refer to each other. */
import type { RunInputs } from '../../core/messages.js';
import { mapOf, type DatasetType } from '../../core/federation/federation.js';
import type { NativeObject } from '../../core/record.js';
import { translate, type Translation } from '../../core/translate.js';
import { loadLinks, type Links } from '../links.js';
import { authorityOf, type AuthorityContext } from './context.js';
import { storedPages } from './pages.js';
import { assignedLinks, keyInRun } from './snapshot.js';

export class OwnRecords {
  readonly links: Links;
  readonly #context: AuthorityContext;
  readonly #assigned: ReadonlyMap<string, string>;
  readonly #known = new Map<string, Set<string>>();
  readonly #nativeByKey = new Map<string, string>();

  private constructor(context: AuthorityContext, links: Links, assigned: ReadonlyMap<string, string>) {
    this.#context = context;
    this.links = links;
    this.#assigned = assigned;
  }

  static async load(context: AuthorityContext, inputs: RunInputs): Promise<OwnRecords> {
    const own = new OwnRecords(
      context,
      await loadLinks(context.privateStore, inputs.dataset, context.linkKey),
      await assignedLinks(context, inputs),
    );
    const typeOfNative = new Map<string, string>();
    for (const type of Object.keys(context.federation.taxonomy)) {
      const map = mapOf(context.federation, context.id, type);
      if (map) typeOfNative.set(map.native, type);
    }
    for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
      if (item.kind !== 'objects') continue;
      for (const object of item.objects) {
        const type = typeOfNative.get(object.type);
        if (type !== undefined) own.learn(type, object.id, own.keyOf(type, object.id));
      }
    }
    return own;
  }

  /** Takes up an object that this run read or made. */
  learn(type: string, nativeId: string, key: string): void {
    this.#known.set(type, (this.#known.get(type) ?? new Set<string>()).add(nativeId));
    this.#nativeByKey.set(`${type} ${key}`, nativeId);
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

  translate(type: DatasetType, object: NativeObject, key: string): Translation {
    const name = type.taxonomy.type;
    const map = mapOf(this.#context.federation, this.#context.id, name);
    if (!map) return { kind: 'untranslatable', field: '', reason: `no active map for ${name}` };
    return translate({
      object,
      map,
      taxonomy: type.taxonomy,
      surface: authorityOf(this.#context).surface[name] ?? [],
      key,
      resolve: this.resolve,
    });
  }
}
