/** The files of a folder one by one, each with its name, before they are known to fit together. */
import type { Authority } from './authority.js';
import type { Capabilities } from './capabilities.js';
import type { Dataset } from './dataset.js';
import type { FederationFile } from './federation.js';
import { fileKindOf, mapNameOf, stemOf } from './files.js';
import type { TypeMap } from './map.js';
import type { TaxonomyType } from './taxonomy.js';

export interface Located<Value> {
  readonly file: string;
  readonly value: Value;
}

export interface FederationParts {
  /** Absent where federation.yaml is missing or broken. */
  readonly federation?: Located<FederationFile>;
  readonly authorities: readonly Located<Authority>[];
  readonly taxonomy: readonly Located<TaxonomyType>[];
  /** Absent where taxonomy/capabilities.yaml is missing or broken. */
  readonly capabilities?: Located<Capabilities>;
  readonly maps: readonly Located<TypeMap>[];
  readonly datasets: readonly Located<Dataset>[];
  /** Files that are there and have faults of their own. */
  readonly broken: readonly string[];
}

export function authorityOf(parts: FederationParts, id: string): Located<Authority> | undefined {
  return parts.authorities.find((authority) => authority.value.authority === id);
}

export function typeOf(parts: FederationParts, name: string): Located<TaxonomyType> | undefined {
  return parts.taxonomy.find((type) => type.value.type === name);
}

export function mapFor(parts: FederationParts, authority: string, type: string): Located<TypeMap> | undefined {
  return parts.maps.find((map) => mapNameOf(map.file).authority === authority && map.value.type === type);
}

/** Whether a file of that kind and name is there but broken: then nothing can be said about what it holds. */
export function isBroken(parts: FederationParts, kind: 'authority' | 'taxonomy' | 'map', name: string): boolean {
  return parts.broken.some((file) => fileKindOf(file) === kind && stemOf(file) === name);
}

export function typeNames(parts: FederationParts): readonly string[] {
  return parts.taxonomy.map((type) => type.value.type);
}

/** The indices of entries that repeat an earlier one. */
export function repeatedAt<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string | undefined,
): readonly number[] {
  const seen = new Set<string>();
  return items.flatMap((item, at) => {
    const name = nameOf(item);
    if (name === undefined) return [];
    if (seen.has(name)) return [at];
    seen.add(name);
    return [];
  });
}
