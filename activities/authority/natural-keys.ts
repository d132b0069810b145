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
import { LinkPairs } from '../link-pairs.js';
import type { Links } from '../links.js';
import { sha256Hex } from '../sealing/sha256.js';

interface Place {
  readonly nativeId: string;
  /** How far it is from the text that would be written anew; 0 for the preferred one. */
  readonly rank: number;
}

/** What is known of one type. Of millions of records nearly all have one object of rank 0: for these a pair is enough. */
interface Learned {
  readonly pairs: LinkPairs;
  /** All objects of a record, the preferred one first, where it is not the one of rank 0 that the pairs lead to. */
  readonly several: Map<string, readonly Place[]>;
  /** Of which nobody will ask for the objects of a record. */
  readonly keysAlone: LinkPairs;
}

export class NaturalKeys {
  readonly #links: Links;
  readonly #types = new Map<string, Learned>();

  constructor(links: Links) {
    this.#links = links;
  }

  /** From now on the keys of this type are told here, and by no link. What was learned of it before is forgotten. */
  take(type: string): void {
    this.#types.set(type, { pairs: new LinkPairs(), several: new Map(), keysAlone: new LinkPairs() });
  }

  has(type: string): boolean {
    return this.#types.has(type);
  }

  learn(type: string, nativeId: string, key: string, rank = 0): void {
    const learned = this.#types.get(type);
    if (!learned) throw new Error(`natural keys of ${type} came before it was taken`);
    const { pairs, several } = learned;
    const known = keyIn(learned, nativeId);
    if (known === undefined && rank === 0 && !several.has(key) && !pairs.hasKey(key)) {
      pairs.set(nativeId, key);
      return;
    }
    if (known === key) return;
    // A later sight of the same object counts.
    if (known !== undefined)
      several.set(
        known,
        placesOf(learned, known).filter((place) => place.nativeId !== nativeId),
      );
    learned.keysAlone.remove(nativeId);
    const others = placesOf(learned, key);
    if (others.length > 0 || rank > 0 || several.has(key))
      several.set(
        key,
        [...others, { nativeId, rank }].sort(
          (left, right) => left.rank - right.rank || byCodeUnit(left.nativeId, right.nativeId),
        ),
      );
    pairs.set(nativeId, key);
  }

  /** The key alone, where nobody will ask for the objects of a record. */
  learnKey(type: string, nativeId: string, key: string): void {
    this.#types.get(type)?.keysAlone.set(nativeId, key);
  }

  /** undefined for an object that is not of the dataset. */
  keyOf(type: string, nativeId: string): string | undefined {
    const learned = this.#types.get(type);
    return learned && keyIn(learned, nativeId);
  }

  /** The preferred one of the native objects that are this record. */
  nativeIdOf(type: string, key: string): string | undefined {
    const learned = this.#types.get(type);
    const several = learned?.several.get(key);
    return several ? several[0]?.nativeId : learned?.pairs.nativeIdOf(key);
  }

  /** All native objects that are this record, the preferred one first. */
  nativeIdsOf(type: string, key: string): readonly string[] {
    const learned = this.#types.get(type);
    return learned ? placesOf(learned, key).map(({ nativeId }) => nativeId) : [];
  }

  /** Every object that has a key, in the order in which they were learned. Empty for types that were not taken. */
  pairsOf(type: string): LinkPairs {
    return this.#types.get(type)?.pairs ?? new LinkPairs();
  }

  /** The key of one object as it is now. */
  keyed(request: {
    readonly object: NativeObject;
    readonly map: TypeMap;
    readonly taxonomy: TaxonomyType;
    readonly surface: readonly string[];
    readonly resolve: (type: string, nativeId: string) => string | null;
  }): Translation {
    const { object, map, taxonomy, surface, resolve } = request;
    const translation = translate({ object, map, taxonomy, surface, resolve, key: '' });
    if (translation.kind !== 'record') return translation;
    const { record, unmapped, setAside, roundTrips } = translation;
    const natural = naturalKeyOf(taxonomy, record.fields, sha256Hex);
    if (natural.kind === 'incomplete' && setsAsideEmpty(map, natural.field, record.fields))
      return { kind: 'setAside', field: natural.field, reason: 'a field of its key is empty', type: null };
    if (natural.kind === 'incomplete')
      return { kind: 'untranslatable', field: natural.field, reason: 'a field of its key is empty or was not read' };
    const key = natural.kind === 'key' ? natural.key : this.#links.provisionalKeyOf(taxonomy.type, object.id);
    return {
      kind: 'record',
      record: { type: record.type, key, fields: record.fields },
      unmapped,
      setAside,
      roundTrips,
    };
  }
}

function keyIn({ pairs, keysAlone }: Learned, nativeId: string): string | undefined {
  return (keysAlone.size > 0 ? keysAlone.keyOf(nativeId) : undefined) ?? pairs.keyOf(nativeId);
}

function placesOf({ pairs, several }: Learned, key: string): readonly Place[] {
  const all = several.get(key);
  if (all) return all;
  const nativeId = pairs.nativeIdOf(key);
  return nativeId === undefined ? [] : [{ nativeId, rank: 0 }];
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
  for (const { lens, table } of tablesOf(map)) {
    const native = lens.get(body, { resolve: () => null, resolveBack: () => null });
    if (native.kind === 'value' && typeof native.value === 'string')
      rank += Math.min(preferenceOf(table, native.value), 1_000);
  }
  return rank;
}

type TableAt = { readonly lens: ReturnType<typeof pathLocation>; readonly table: Parameters<typeof preferenceOf>[0] };
// Only a memory of pure results: forgetting it changes nothing but time.
const tables = new WeakMap<TypeMap, readonly TableAt[]>();

function tablesOf(map: TypeMap): readonly TableAt[] {
  const known = tables.get(map);
  if (known) return known;
  const found = Object.entries(map.fields).flatMap(([field, place]): readonly TableAt[] => {
    const table = tableOf(map, field)?.table;
    return table && 'path' in place ? [{ lens: pathLocation(place.path, false), table }] : [];
  });
  tables.set(map, found);
  return found;
}
