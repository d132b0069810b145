/**
 * Versions of a type. A type of version n says how the fields of version n - 1 became its own; a map that was written for
 * the version before is read through that, so meshes move one by one while all compare in the newest form. Everything
 * here rewrites declarations into declarations: lenses, checks and drift know nothing of versions.
 */
import type { TypeMap } from './map.js';
import type { TypeSurface } from './surface.js';
import type { Move, TaxonomyType } from './taxonomy.js';

/** What says nothing of its version is of the first. */
export function versionOf({ version }: { readonly version?: number | undefined }): number {
  return version ?? 1;
}

/** Where a field of the type stood in the version before; undefined where that version had no such field. */
export function placeBefore({ earlier }: TaxonomyType, field: string): Move | undefined {
  const moved = earlier && Object.hasOwn(earlier.moved, field) ? earlier.moved[field] : undefined;
  return moved ?? (earlier?.added.includes(field) === true ? undefined : { from: field });
}

/** Whether a map was written for the version before the type's. */
export function isBehind(map: Pick<TypeMap, 'version'>, taxonomy: Pick<TaxonomyType, 'version'>): boolean {
  return versionOf(map) < versionOf(taxonomy);
}

const memory = new WeakMap<TypeMap, { readonly taxonomy: TaxonomyType; readonly map: TypeMap }>();

/** The same map in the words of the type as it is now. One map gives one object, so that what is compiled of it stays. */
export function mapInForm(map: TypeMap, taxonomy: TaxonomyType): TypeMap {
  if (!isBehind(map, taxonomy)) return map;
  const known = memory.get(map);
  if (known?.taxonomy === taxonomy) return known.map;
  const fields: Record<string, TypeMap['fields'][string]> = {};
  for (const field of Object.keys(taxonomy.fields)) {
    const place = placeBefore(taxonomy, field);
    const from = place && Object.hasOwn(map.fields, place.from) ? map.fields[place.from] : undefined;
    if (!place || !from) continue;
    const steps = place.through ?? [];
    if (steps.length === 0) fields[field] = from;
    // What a mesh says of every record, or works out, has no place that steps could lead to.
    else if ('path' in from || 'tag' in from) fields[field] = { ...from, through: [...(from.through ?? []), ...steps] };
  }
  const rewritten: TypeMap = { ...map, fields };
  memory.set(map, { taxonomy, map: rewritten });
  return rewritten;
}

/**
 * What was exposed of a field of before is exposed of those that it became, so that nobody needs new terms for new names.
 * HAZARD: a name that meant something else before would expose what was hidden; check-versions.ts refuses such types.
 */
export function surfaceInForm(surface: TypeSurface, taxonomy: TaxonomyType): TypeSurface {
  if (!taxonomy.earlier) return surface;
  const fields: Record<string, TypeSurface['fields'][string]> = {};
  for (const field of Object.keys(taxonomy.fields)) {
    const from = placeBefore(taxonomy, field)?.from;
    const named = [field, ...(from === undefined ? [] : [from])].find((name) => Object.hasOwn(surface.fields, name));
    const exposure = named === undefined ? undefined : surface.fields[named];
    if (exposure !== undefined) fields[field] = exposure;
  }
  return {
    fields,
    where: surface.where.map((condition) => ({ ...condition, field: nowCalled(taxonomy, condition.field) })),
  };
}

/** The field that an old one became as a whole; itself where it did not move, or only in parts. */
export function nowCalled(taxonomy: TaxonomyType, old: string): string {
  if (Object.hasOwn(taxonomy.fields, old)) return old;
  const whole = Object.keys(taxonomy.fields).find((field) => {
    const place = placeBefore(taxonomy, field);
    return place?.from === old && (place.through ?? []).length === 0;
  });
  return whole ?? old;
}

/** The fields of the version before, sorted by where they are named. */
export function fieldsBefore(taxonomy: TaxonomyType): readonly string[] {
  const { earlier } = taxonomy;
  if (!earlier) return Object.keys(taxonomy.fields);
  const places = Object.keys(taxonomy.fields).flatMap((field) => placeBefore(taxonomy, field)?.from ?? []);
  return [...new Set([...places, ...earlier.gone])];
}
