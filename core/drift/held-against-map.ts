/**
 * A shape held against the map that reads it, where no earlier shape says what was there: at first contact, under a new map, or
 * inside of objects that nobody looked into before.
 */
import type { FieldMap } from '../federation/map.js';
import type { FieldKind } from '../federation/taxonomy.js';
import { valueKinds, type NativeShape, type PropertyShape, type ValueKind } from './native-shape.js';
import { fieldsFrom, pathsOf, placesOn } from './paths-read.js';
import type { DriftQuestion } from './schema-drift.js';
import { filledMin, mostlyOf, type Change } from './shape-change.js';
import { kindOf } from './value-kind.js';

/** A store without a schema shows by fewer objects than these nothing of an attribute that not all have. */
const objectsMin = 5;

/** `since`: what is known already against the agreed shape. */
export function againstMap(
  agreed: NativeShape,
  now: NativeShape,
  question: DriftQuestion,
  since: readonly Change[],
): readonly Change[] {
  const found: Change[] = [];
  const gainedSince = new Set(since.flatMap(({ kind, property }) => (kind === 'gained' ? [property] : [])));
  const retypedSince = new Set(since.flatMap(({ kind, property }) => (kind === 'retyped' ? [property] : [])));
  const gone = new Set(
    since.flatMap(({ kind, property }) => (kind === 'lost' || kind === 'renamed' ? [property] : [])),
  );
  const strangers = new Map<string, PropertyShape>();
  for (const place of new Set(pathsOf(question.map).flatMap((path) => [...placesOn(path), path]))) {
    const shape = now.properties[place];
    if (shape && isUnreadable(shape) && !retypedSince.has(place)) found.push(unreadable(place, shape));
  }
  for (const path of pathsOf(question.map)) {
    if (Object.hasOwn(now.properties, path)) continue;
    // Where it was agreed on, the agreed shape says what follows; where it lay inside of what is gone, that was said.
    if (Object.hasOwn(agreed.properties, path) || placesOn(path).some((place) => gone.has(place))) continue;
    const alike = alikeTo(path, now, question);
    const fields = fieldsFrom(question.map, path);
    const mayEmpty = question.keyProperties.includes(path) || fields.some((field) => question.mayEmpty.has(field));
    if (!question.hasColumns && !mayEmpty && now.objects < objectsMin) continue;
    for (const [property, other] of alike) strangers.set(property, other);
    const isHarmless = !question.hasColumns && !mayEmpty && alike.length === 0;
    found.push({ kind: 'lost', property: path, count: 0, of: now.objects, since: 'never', isHarmless });
  }
  for (const [property, { seen, of, sample }] of strangers)
    if (!gainedSince.has(property) && !Object.hasOwn(agreed.properties, property))
      found.push({ kind: 'gained', property, count: seen, of, examples: sample });
  return found;
}

function isUnreadable({ filled, unreadable: count = 0 }: PropertyShape): boolean {
  return filled >= filledMin && count * 10 >= filled * 9;
}

function unreadable(property: string, shape: PropertyShape): Change {
  const { unreadable: count = 0, filled: of, sample: examples } = shape;
  const is = mostlyOf(shape);
  return { kind: 'retyped', property, count, of, examples, ...(is ? { is } : {}) };
}

/** Properties of which the map says nothing and that could hold what it looks for under the path: it may be called so here. */
function alikeTo(
  path: string,
  now: NativeShape,
  { map, kinds, keyProperties }: DriftQuestion,
): readonly (readonly [string, PropertyShape])[] {
  const wanted = new Set(
    fieldsFrom(map, path).flatMap((field) => {
      const [from, kind] = [map.fields[field], kinds[field]];
      return from && kind ? kindsRead(from, kind) : [];
    }),
  );
  const read = [...pathsOf(map), ...keyProperties, ...Object.keys(map.create), ...map.ignore];
  return Object.entries(now.properties).filter(
    ([property, { kinds: held }]) =>
      valueKinds.some((kind) => held[kind] !== undefined && wanted.has(kind)) &&
      !read.some((other) => other === property || other.startsWith(`${property}.`) || property.startsWith(`${other}.`)),
  );
}

const scalars: readonly ValueKind[] = ['boolean', 'number', 'date', 'instant', 'text'];

/** What the native values of a field may look like. */
function kindsRead(from: FieldMap, { kind }: FieldKind): readonly ValueKind[] {
  const steps = 'through' in from ? (from.through ?? []) : [];
  const [first] = steps;
  if (first && 'enum' in first) return [...new Set(Object.keys(first.enum).flatMap((text) => kindOf(text) ?? []))];
  if (first && 'special' in first) return ['number', 'text'];
  if (first && ('epoch' in first || 'number' in first)) return ['number'];
  switch (kind) {
    case 'integer':
    case 'decimal':
      return ['number'];
    case 'instant':
      return ['instant', 'date', 'number'];
    case 'date':
      return ['date'];
    case 'boolean':
      return ['boolean'];
    case 'set':
    case 'list':
    case 'keyedList':
      return ['list', 'object'];
    case 'text':
    case 'bytes':
    case 'reference':
    case 'effect':
      return scalars;
  }
}
