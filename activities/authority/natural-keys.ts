/**
 * The natural keys of this authority's objects in one run: which native objects are one record. Types are taken in order of
 * dependency, because the key of an edge holds the keys of what it refers to.
 */
import type { TypeMap } from '../../core/federation/map.js';
import { tableOf } from '../../core/federation/tables.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import { byCodeUnit } from '../../core/json.js';
import { pathLocation } from '../../core/lens/location.js';
import { preferenceOf } from '../../core/lens/table.js';
import { naturalKeyOf } from '../../core/natural-key.js';
import type { Fields, NativeObject } from '../../core/record.js';
import { translate, type Translation } from '../../core/translate.js';
import type { Links } from '../links.js';

interface Place {
  readonly nativeId: string;
  /** How far it is from the text that would be written anew; 0 for the preferred one. */
  readonly rank: number;
}

export class NaturalKeys {
  readonly #links: Links;
  readonly #types = new Set<string>();
  readonly #keys = new Map<string, Map<string, string>>();
  readonly #places = new Map<string, Place[]>();

  constructor(links: Links) {
    this.#links = links;
  }

  /** From now on the keys of this type are told here, and by no link. */
  take(type: string): void {
    this.#types.add(type);
  }

  has(type: string): boolean {
    return this.#types.has(type);
  }

  learn(type: string, nativeId: string, key: string, rank = 0): void {
    const known = this.#keys.get(type)?.get(nativeId);
    if (known === key) return;
    // A later sight of the same object counts.
    if (known !== undefined)
      this.#places.set(
        `${type} ${known}`,
        (this.#places.get(`${type} ${known}`) ?? []).filter((place) => place.nativeId !== nativeId),
      );
    this.#keys.set(type, (this.#keys.get(type) ?? new Map<string, string>()).set(nativeId, key));
    const places = [...(this.#places.get(`${type} ${key}`) ?? []), { nativeId, rank }];
    this.#places.set(
      `${type} ${key}`,
      places.sort((left, right) => left.rank - right.rank || byCodeUnit(left.nativeId, right.nativeId)),
    );
  }

  /** undefined for an object that is not of the dataset. */
  keyOf(type: string, nativeId: string): string | undefined {
    return this.#keys.get(type)?.get(nativeId);
  }

  /** All native objects that are this record, the preferred one first. */
  nativeIdsOf(type: string, key: string): readonly string[] {
    return (this.#places.get(`${type} ${key}`) ?? []).map(({ nativeId }) => nativeId);
  }

  /** The key of one object as it is now. */
  keyed(request: {
    readonly object: NativeObject;
    readonly map: TypeMap;
    readonly taxonomy: TaxonomyType;
    readonly surface: readonly string[];
    readonly resolve: (type: string, nativeId: string) => string | null;
  }): Translation {
    const { object, taxonomy } = request;
    const translation = translate({ ...request, key: this.#links.provisionalKeyOf(taxonomy.type, object.id) });
    if (translation.kind !== 'record') return translation;
    const natural = naturalKeyOf(taxonomy, translation.record.fields);
    if (natural.kind === 'provisional') return translation;
    if (natural.kind === 'incomplete' && setsAsideEmpty(request.map, natural.field, translation.record.fields))
      return { kind: 'setAside', field: natural.field, reason: 'a field of its key is empty', type: null };
    if (natural.kind === 'incomplete')
      return { kind: 'untranslatable', field: natural.field, reason: 'a field of its key is empty or was not read' };
    return { ...translation, record: { ...translation.record, key: natural.key } };
  }
}

/**
 * Whether the table of the map names all that is of the dataset: then what is empty is not, as an app role of Entra without
 * a value. What was not read is another matter.
 */
function setsAsideEmpty(map: TypeMap, field: string, fields: Fields): boolean {
  return fields[field] === null && tableOf(map, field)?.otherwise === 'setAside';
}

/** How far the texts of an object are from those that its map would write: 0 where all are the preferred ones. */
export function preferenceRank(map: TypeMap, { body }: NativeObject): number {
  let rank = 0;
  for (const [field, place] of Object.entries(map.fields)) {
    const table = tableOf(map, field)?.table;
    if (!table || !('path' in place)) continue;
    const native = pathLocation(place.path, false).get(body, { resolve: () => null, resolveBack: () => null });
    if (native.kind === 'value' && typeof native.value === 'string')
      rank += Math.min(preferenceOf(table, native.value), 1_000);
  }
  return rank;
}
