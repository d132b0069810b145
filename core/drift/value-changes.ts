/** What became of the values of one property between two reads. */
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { DriftRules } from './drift-rules.js';
import type { NativeShape, PropertyShape } from './native-shape.js';
import { filledMin, mostlyOf, type Change } from './shape-change.js';
import { kindOf } from './value-kind.js';

/** Fewer objects than these have no share that says anything. */
const objectsMin = 50;

export function valueChanges(
  was: PropertyShape,
  is: PropertyShape,
  rules: DriftRules,
): readonly Omit<Change, 'property'>[] {
  const changes: Omit<Change, 'property'>[] = [];
  const before = mostlyOf(was);
  const after = mostlyOf(is);
  if (before && after && before !== after)
    changes.push({
      kind: 'retyped',
      was: before,
      is: after,
      count: is.kinds[after] ?? 0,
      of: is.filled,
      examples: is.sample,
    });
  if (before === 'number' && after === 'number') {
    const by = middleMagnitude(is) - middleMagnitude(was);
    if (Math.abs(by) >= 2) changes.push({ kind: 'scaled', by, count: is.filled, of: is.of, examples: is.sample });
  }
  const by = emptyPercent(is) - emptyPercent(was);
  const isEmptierBy = was.of >= objectsMin && is.of >= objectsMin && by >= rules.emptiedBy;
  if (isEmptierBy || hasLostItsValues(was, is))
    changes.push({ kind: 'emptied', by, count: is.of - is.filled, of: is.of });
  // A few values that each stand in many objects are a list to choose from; a few objects have few values too.
  if (was.few && was.few.length > 0 && was.filled >= was.few.length * 10) {
    const known = new Set(was.few);
    const fresh = (is.few ?? is.sample).filter((value) => !known.has(value));
    if (fresh.length > 0)
      changes.push({ kind: 'newValue', count: fresh.length, of: (is.few ?? is.sample).length, examples: fresh });
  }
  return changes;
}

/**
 * Whether at most a tenth of the values are left that were there, whatever share of the objects had one. Of objects that are
 * gone the values are expected to be gone as well, in the same share. Where values come and go by chance, and this many are
 * expected, a tenth is left in five reads of ten million (Poisson: at most 2 where 20 are expected).
 */
export function hasLostItsValues(was: PropertyShape, is: Pick<PropertyShape, 'of' | 'filled'>): boolean {
  // Times the objects of before, so that whole numbers do.
  const expected = was.filled * Math.min(was.of, is.of);
  return expected >= filledMin * was.of && is.filled * was.of * 10 <= expected;
}

/**
 * Whether a few changed objects, of which no shape is counted, may have taken nearly all of the values of a property that few
 * objects have. `changedBefore`: objects that changed since the shape was counted; what they held nobody knows.
 */
export function mayHaveEmptied(
  shape: NativeShape,
  paths: readonly string[],
  changedBefore: number,
  changed: readonly (JsonObject | null)[],
): boolean {
  return paths.some((path) => {
    const filled = shape.properties[path]?.filled ?? 0;
    if (filled < filledMin || (changedBefore + changed.length) * 10 < filled * 9) return false;
    const empty = changed.filter((body) => body === null || kindOf(valueAt(body, path)) === null).length;
    return (changedBefore + empty) * 10 >= filled * 9;
  });
}

function valueAt(body: JsonObject, path: string): Json {
  let at: Json = body;
  for (const name of path.split('.')) at = isJsonObject(at) && Object.hasOwn(at, name) ? (at[name] ?? null) : null;
  return at;
}

function middleMagnitude({ magnitudes }: PropertyShape): number {
  const counts = Object.entries(magnitudes)
    .flatMap(([magnitude, count]) => (magnitude === 'zero' ? [] : [[Number(magnitude), count] as const]))
    .sort(([left], [right]) => left - right);
  let left = counts.reduce((sum, [, count]) => sum + count, 0) / 2;
  for (const [magnitude, count] of counts) {
    left -= count;
    if (left <= 0) return magnitude;
  }
  return 0;
}

function emptyPercent({ of, filled }: PropertyShape): number {
  return Math.floor(((of - filled) * 100) / of);
}
