/**
 * Where the shape of a native type is no longer the one that was agreed on, or never was the one that its map was written for:
 * what is other, which federated fields are read from there, and what the dataset wants done. Percentages are compared as
 * whole numbers.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../digest.js';
import type { TypeMap } from '../federation/map.js';
import type { FieldKind } from '../federation/taxonomy.js';
import { byCodeUnit } from '../json.js';
import { DriftAction, usualRedeclared, usualRekeyed, type DriftRules } from './drift-rules.js';
import { againstMap } from './held-against-map.js';
import { ValueKind, type NativeShape, type PropertyShape } from './native-shape.js';
import { fieldsFrom, placesOn } from './paths-read.js';
import { filledMin, type Change } from './shape-change.js';
import { hasLostItsValues, valueChanges } from './value-changes.js';

export const DriftKind = z.enum([
  'gained',
  'lost',
  'renamed',
  'retyped',
  'scaled',
  'newValue',
  'emptied',
  'redeclared',
  'rekeyed',
]);
export type DriftKind = z.infer<typeof DriftKind>;

export const SchemaDrift = z.strictObject({
  /** Of what changed, without counts: the same change has the same id in a later run. */
  id: Digest,
  type: z.string(),
  native: z.string(),
  kind: DriftKind,
  property: z.string().max(300),
  /** `renamed`: the property that holds the same values. */
  to: z.string().max(300).nullable(),
  /** Fields of the type that are read from the property. */
  fields: z.array(z.string()),
  action: DriftAction,
  /** A person of the authority approved it: it is reported, whatever the rule says. */
  approved: z.boolean(),
  /** Objects that show it, of how many; `lost`: 0 where no agreed shape had it, so that it is nowhere that the map looks; `renamed`, `newValue` and `rekeyed`: values of a sample. */
  count: z.int().nonnegative(),
  of: z.int().nonnegative(),
  /** `retyped`: the kinds of most values; `was` is null where the map cannot read what there is. */
  was: ValueKind.nullable(),
  is: ValueKind.nullable(),
  /** `scaled`: by how many powers of ten; `emptied`: by how many percent of all objects. */
  by: z.int().nullable(),
  /** `redeclared`: the type of the column, as the store writes it; null where it says none. */
  declared: z.strictObject({ was: z.string().max(200).nullable(), is: z.string().max(200).nullable() }).optional(),
  /** Keyed digests of values, which their authority can tell and nobody else. */
  examples: z.array(z.string()).max(5),
});
export type SchemaDrift = z.infer<typeof SchemaDrift>;

export interface DriftQuestion {
  readonly map: Pick<TypeMap, 'type' | 'native' | 'fields' | 'ignore' | 'create'>;
  /** The fields of the type. */
  readonly kinds: Readonly<Record<string, FieldKind>>;
  readonly rules: DriftRules;
  /** Native properties that a record is known by: of the key of its type, or of its table or file. */
  readonly keyProperties: readonly string[];
  /** Ids of drifts that a person approved. */
  readonly approved: ReadonlySet<Digest>;
  /** Whether every object has every property, empty or not: a table or a CSV file, and no store without a schema. */
  readonly hasColumns: boolean;
  /** Fields of which this mesh may empty what others hold, by having nothing: those agreed on before, and those with a policy. */
  readonly mayEmpty: ReadonlySet<string>;
}

/** Two properties of yes and no hold the same values and have nothing to do with each other. */
const distinctMin = 4;
const overlapPercentMin = 50;
/** Of the words of a type. */
const declaredMax = 200;
/** Beyond this growth two samples are of different objects, and say nothing about each other. */
const growthMax = 4;

/**
 * Against the shape of the last agreement, and against the map itself where that shape says nothing. Sorted by property and
 * kind. Empty where there are no objects: nothing can be told from nothing.
 */
export function schemaDrift(agreed: NativeShape, now: NativeShape, question: DriftQuestion): readonly SchemaDrift[] {
  if (now.objects === 0) return [];
  const since = agreed.objects === 0 ? [] : changesSince(agreed, now, question);
  const misfits = againstMap(agreed, now, question, since);
  // What was held before it was ever agreed on is not new again and again.
  const isHeldBack = ({ kind, property }: Change): boolean =>
    kind === 'gained' && misfits.some((misfit) => misfit.kind === 'retyped' && misfit.property === property);
  return withoutParts([...since.filter((change) => !isHeldBack(change)), ...misfits])
    .map((change) => asDrift(change, question))
    .sort((a, b) => byCodeUnit(`${a.property} ${a.kind}`, `${b.property} ${b.kind}`));
}

function changesSince(agreed: NativeShape, now: NativeShape, question: DriftQuestion): readonly Change[] {
  const { map } = question;
  const ignored = new Set(map.ignore);
  const gained = Object.keys(now.properties).filter((property) => isGained(property, agreed));
  const lost = Object.entries(agreed.properties).filter(
    ([property, was]) =>
      !Object.hasOwn(now.properties, property) &&
      (was.seen * 5 >= was.of ||
        (fieldsFrom(map, property).length > 0 && hasLostItsValues(was, { of: now.objects, filled: 0 }))),
  );
  const found: Change[] = [];
  const taken = new Set<string>();
  for (const [property, was] of lost) {
    const twin = mostAlike(was, now, gained, taken);
    if (twin) {
      taken.add(twin.property);
      found.push({ kind: 'renamed', property, to: twin.property, count: twin.shared, of: twin.of });
    } else if (!ignored.has(property)) found.push({ kind: 'lost', property, count: now.objects, of: now.objects });
  }
  for (const property of gained) {
    const shape = now.properties[property];
    if (!shape || taken.has(property) || ignored.has(property)) continue;
    found.push({ kind: 'gained', property, count: shape.seen, of: shape.of, examples: shape.sample });
  }
  for (const [property, was] of Object.entries(agreed.properties)) {
    const is = now.properties[property];
    if (is && fieldsFrom(map, property).length > 0)
      found.push(...valueChanges(was, is, question.rules).map((change) => ({ ...change, property })));
  }
  found.push(...redeclared(agreed, now, ignored));
  for (const property of question.keyProperties) {
    const [was, is] = [agreed.properties[property], now.properties[property]];
    const count = was && is ? replacedKeys(was, is) : 0;
    if (count > 0 && was && is)
      found.push({ kind: 'rekeyed', property, count, of: count, examples: is.sample, since: was.sample[0] ?? '' });
  }
  return found;
}

/** Columns that are there as before, and that the store says are of another type: of what it said nothing before, nothing is known. */
function redeclared(agreed: NativeShape, now: NativeShape, ignored: ReadonlySet<string>): readonly Change[] {
  return Object.entries(agreed.declares ?? {}).flatMap(([property, was]): readonly Change[] => {
    const is = now.declares?.[property];
    if (is === undefined || is === was || ignored.has(property)) return [];
    const declared = { was: was.slice(0, declaredMax), is: is.slice(0, declaredMax) };
    return [{ kind: 'redeclared', property, declared, count: now.objects, of: now.objects }];
  });
}

/** Not what nobody counted before: what lies inside of an object is counted from the day on which the map reads there. */
function isGained(property: string, agreed: NativeShape): boolean {
  if (Object.hasOwn(agreed.properties, property)) return false;
  const inside = property.slice(0, property.lastIndexOf('.') + 1);
  return inside === '' || Object.keys(agreed.properties).some((other) => other.startsWith(inside));
}

/** What befell an object befell all inside of it; that is said once. */
function withoutParts(changes: readonly Change[]): readonly Change[] {
  const said = new Set(changes.map(({ kind, property }) => `${kind === 'renamed' ? 'lost' : kind} ${property}`));
  return changes.filter(({ kind, property }) => !placesOn(property).some((place) => said.has(`${kind} ${place}`)));
}

/**
 * Of how many values of the sample none was a key before; 0 where any was, or where too little is known. HAZARD: rows come
 * and go, so keys that are partly others say nothing; keys that are all others would be a deletion and a creation of everything.
 */
function replacedKeys(was: PropertyShape, is: PropertyShape): number {
  const of = Math.min(was.sample.length, is.sample.length);
  if (of < filledMin || is.of > was.of * growthMax || was.of > is.of * growthMax) return 0;
  const before = new Set(was.sample);
  return is.sample.some((digest) => before.has(digest)) ? 0 : of;
}

function asDrift(change: Change, { map, rules, approved }: DriftQuestion): SchemaDrift {
  const {
    kind,
    property,
    to = null,
    was = null,
    is = null,
    by = null,
    declared,
    count,
    of,
    examples = [],
    since,
    isHarmless = false,
  } = change;
  const { type, native } = map;
  const fields = fieldsFrom(map, property);
  const id = digestOf({
    type,
    native,
    kind,
    property,
    to,
    was,
    is,
    by,
    ...(declared && { declared }),
    ...(since === undefined ? {} : { since }),
  });
  // Nothing is read from there, so there is nothing that could be held; by its key a record is known all the same.
  const isRead = fields.length > 0 || kind === 'gained' || kind === 'rekeyed';
  const rule = isRead ? (rules[kind] ?? (kind === 'rekeyed' ? usualRekeyed : usualRedeclared)) : 'report';
  const asked = rule === 'hold' && isHarmless ? 'report' : rule;
  const isApproved = approved.has(id);
  return {
    id,
    type,
    native,
    kind,
    property,
    to,
    fields: [...fields],
    action: isApproved ? 'report' : asked,
    approved: isApproved,
    count,
    of,
    was,
    is,
    by,
    ...(declared && { declared }),
    examples: examples.slice(0, 5),
  };
}

/** By the smallest digests of both together, as many as the smaller sample has: Broder's estimate of resemblance. */
function mostAlike(
  was: PropertyShape,
  now: NativeShape,
  gained: readonly string[],
  taken: ReadonlySet<string>,
): { readonly property: string; readonly shared: number; readonly of: number } | undefined {
  let best: { readonly property: string; readonly shared: number; readonly of: number } | undefined;
  if (was.sample.length < distinctMin) return undefined;
  const before = new Set(was.sample);
  for (const property of gained) {
    const sample = now.properties[property]?.sample ?? [];
    if (taken.has(property) || sample.length < distinctMin) continue;
    const of = Math.min(before.size, sample.length);
    const after = new Set(sample);
    const smallest = [...new Set([...was.sample, ...sample])].sort(byCodeUnit).slice(0, of);
    const shared = smallest.filter((digest) => before.has(digest) && after.has(digest)).length;
    if (shared * 100 < of * overlapPercentMin) continue;
    if (!best || shared * best.of > best.shared * of) best = { property, shared, of };
  }
  return best;
}

/** Whether anything of the type is kept back because of it. */
export function isHeld({ action }: Pick<SchemaDrift, 'action'>): boolean {
  return action !== 'report';
}

const nowhere = { seen: 0, filled: 0, kinds: {}, magnitudes: {}, sample: [], few: null };

/** What later reads are held against once this one is agreed on: where something is held it stays what it was. */
export function nextShape(agreed: NativeShape, now: NativeShape, drifts: readonly SchemaDrift[]): NativeShape {
  const properties: Record<string, PropertyShape> = { ...now.properties };
  for (const drift of drifts.filter(isHeld)) {
    const before = agreed.properties[drift.property];
    if (before) properties[drift.property] = before;
    else delete properties[drift.property];
    if (drift.to !== null) delete properties[drift.to];
  }
  // That what the map reads is nowhere is agreed on as well: from then on it is no drift.
  const absent = [
    ...drifts.flatMap((drift) =>
      drift.kind === 'lost' && drift.fields.length > 0 && !isHeld(drift) ? [drift.property] : [],
    ),
    ...Object.entries(agreed.properties).flatMap(([property, { seen }]) => (seen === 0 ? [property] : [])),
  ];
  for (const property of absent)
    if (!Object.hasOwn(properties, property)) properties[property] = { ...nowhere, of: now.objects };
  return {
    ...now,
    properties: Object.fromEntries(Object.entries(properties).sort(([a], [b]) => byCodeUnit(a, b))),
    ...(now.declares && { declares: nextDeclares(agreed, now.declares, drifts) }),
  };
}

/** What is held stays as it was agreed on, or it would be no drift in the next run. */
function nextDeclares(
  agreed: NativeShape,
  now: NonNullable<NativeShape['declares']>,
  drifts: readonly SchemaDrift[],
): NonNullable<NativeShape['declares']> {
  const held = new Set(drifts.filter(isHeld).map(({ property }) => property));
  const declares = Object.entries(now).map(([property, is]) => [
    property,
    held.has(property) ? (agreed.declares?.[property] ?? is) : is,
  ]);
  return Object.fromEntries(declares) as NonNullable<NativeShape['declares']>;
}
