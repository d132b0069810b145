/** Which native properties a map reads, by their dotted paths. */
import type { TypeMap } from '../federation/map.js';
import { byCodeUnit } from '../json.js';

/** The fields of the type that are read from a native property, sorted. */
export function fieldsFrom(map: Pick<TypeMap, 'fields'>, property: string): readonly string[] {
  return Object.entries(map.fields)
    .flatMap(([field, from]) =>
      'path' in from && (from.path === property || from.path.startsWith(`${property}.`)) ? [field] : [],
    )
    .sort(byCodeUnit);
}

/** Every path that a map reads. */
export function pathsOf({ fields }: Pick<TypeMap, 'fields'>): readonly string[] {
  const paths = Object.values(fields).flatMap((from) => ('path' in from ? [from.path] : []));
  return [...new Set(paths)].sort(byCodeUnit);
}

/** The places that a dotted path leads through: of `a.b.c`, `a` and `a.b`. */
export function placesOn(path: string): readonly string[] {
  const places: string[] = [];
  for (let at = path.indexOf('.'); at !== -1; at = path.indexOf('.', at + 1)) places.push(path.slice(0, at));
  return places;
}
