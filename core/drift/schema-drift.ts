/**
 * Where the shape of a native type is no longer the one that was agreed on: what changed, which federated fields are read
 * from there, and what the dataset wants done. Percentages are compared as whole numbers.
 */
import { z } from 'zod';
import { Digest, digestOf } from '../digest.js';
import type { TypeMap } from '../federation/map.js';
import { byCodeUnit } from '../json.js';
import { DriftAction, usualRekeyed, type DriftRules } from './drift-rules.js';
import { ValueKind, type NativeShape, type PropertyShape } from './native-shape.js';

export const DriftKind = z.enum(['gained', 'lost', 'renamed', 'retyped', 'scaled', 'newValue', 'emptied', 'rekeyed']);
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
  /** Objects that show it, of how many; `renamed`, `newValue` and `rekeyed`: values of a sample. */
  count: z.int().nonnegative(),
  of: z.int().nonnegative(),
  /** `retyped`: the kinds of most values. */
  was: ValueKind.nullable(),
  is: ValueKind.nullable(),
  /** `scaled`: by how many powers of ten; `emptied`: by how many percent of all objects. */
  by: z.int().nullable(),
  /** Keyed digests of values, which their authority can tell and nobody else. */
  examples: z.array(z.string()).max(5),
});
export type SchemaDrift = z.infer<typeof SchemaDrift>;

export interface DriftQuestion {
  readonly map: Pick<TypeMap, 'type' | 'native' | 'fields' | 'ignore' | 'create'>;
  readonly rules: DriftRules;
  /** Native properties that a record is known by: of the key of its type, or of its table or file. */
  readonly keyProperties: readonly string[];
  /** Ids of drifts that a person approved. */
  readonly approved: ReadonlySet<Digest>;
}

// Fewer than these say nothing about a schema: one person's edit would.
const objectsMin = 50;
const filledMin = 20;
/** Two properties of yes and no hold the same values and have nothing to do with each other. */
const distinctMin = 4;
const overlapPercentMin = 50;
/** Beyond this growth two samples are of different objects, and say nothing about each other. */
const growthMax = 4;

/** Sorted by property and kind. Empty where either shape is of no objects: nothing can be told from nothing. */
export function schemaDrift(agreed: NativeShape, now: NativeShape, question: DriftQuestion): readonly SchemaDrift[] {
  if (agreed.objects === 0 || now.objects === 0) return [];
  const { map } = question;
  const ignored = new Set(map.ignore);
  const gained = Object.keys(now.properties).filter((property) => !Object.hasOwn(agreed.properties, property));
  const lost = Object.entries(agreed.properties).filter(
    ([property, { seen, of }]) => !Object.hasOwn(now.properties, property) && seen * 5 >= of,
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
  for (const property of question.keyProperties) {
    const [was, is] = [agreed.properties[property], now.properties[property]];
    const count = was && is ? replacedKeys(was, is) : 0;
    if (count > 0 && was && is)
      found.push({ kind: 'rekeyed', property, count, of: count, examples: is.sample, since: was.sample[0] ?? '' });
  }
  return found
    .map((change) => asDrift(change, question))
    .sort((a, b) => byCodeUnit(`${a.property} ${a.kind}`, `${b.property} ${b.kind}`));
}

interface Change extends Pick<SchemaDrift, 'kind' | 'property' | 'count' | 'of'> {
  readonly to?: string;
  readonly was?: ValueKind;
  readonly is?: ValueKind;
  readonly by?: number;
  readonly examples?: readonly string[];
  /** `rekeyed`: of what was agreed. Who approved one does not approve the next. */
  readonly since?: string;
}

function valueChanges(was: PropertyShape, is: PropertyShape, rules: DriftRules): readonly Omit<Change, 'property'>[] {
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
  if (was.of >= objectsMin && is.of >= objectsMin) {
    const by = emptyPercent(is) - emptyPercent(was);
    if (by >= rules.emptiedBy) changes.push({ kind: 'emptied', by, count: is.of - is.filled, of: is.of });
  }
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
  const { kind, property, to = null, was = null, is = null, by = null, count, of, examples = [], since } = change;
  const { type, native } = map;
  const fields = fieldsFrom(map, property);
  const id = digestOf({ type, native, kind, property, to, was, is, by, ...(since === undefined ? {} : { since }) });
  // Nothing is read from there, so there is nothing that could be held; by its key a record is known all the same.
  const isRead = fields.length > 0 || kind === 'gained' || kind === 'rekeyed';
  const asked = isRead ? (rules[kind] ?? usualRekeyed) : 'report';
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
    examples: examples.slice(0, 5),
  };
}

/** The fields of the type that are read from a native property, sorted. */
export function fieldsFrom(map: DriftQuestion['map'], property: string): readonly string[] {
  return Object.entries(map.fields)
    .flatMap(([field, from]) =>
      'path' in from && (from.path === property || from.path.startsWith(`${property}.`)) ? [field] : [],
    )
    .sort(byCodeUnit);
}

/** The kind of at least nine in ten values; undefined where no kind is, or where too few values were seen. */
function mostlyOf({ kinds, filled }: PropertyShape): ValueKind | undefined {
  if (filled < filledMin) return undefined;
  return ValueKind.options.find((kind) => (kinds[kind] ?? 0) * 10 >= filled * 9);
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

/** What later reads are held against once this one is agreed on: where something is held it stays what it was. */
export function nextShape(agreed: NativeShape, now: NativeShape, drifts: readonly SchemaDrift[]): NativeShape {
  const properties: Record<string, PropertyShape> = { ...now.properties };
  for (const drift of drifts.filter(isHeld)) {
    const before = agreed.properties[drift.property];
    if (before) properties[drift.property] = before;
    else delete properties[drift.property];
    if (drift.to !== null) delete properties[drift.to];
  }
  return { ...now, properties: Object.fromEntries(Object.entries(properties).sort(([a], [b]) => byCodeUnit(a, b))) };
}
