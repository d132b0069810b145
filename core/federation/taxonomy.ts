/** taxonomy/<type>.yaml: a federated type, its fields, and what equality means for each. */
import { z } from 'zod';
import { Json } from '../json.js';
import { canonicalDecimal } from '../lens/decimal.js';
import { precisions } from '../lens/instant.js';
import { specialValues } from '../lens/special.js';
import { normalForms } from '../lens/text.js';
import { Privileges } from './privileges.js';

const sensitivity = z.enum(['public', 'personal']).default('public');
const description = z.string().optional();
const privileges = Privileges.optional().describe(
  'what the values permit; for datasets that resolve by least privilege',
);
const decimalText = z.string().refine((text) => canonicalDecimal(text) === text, {
  error: 'must be a decimal number as text without zeros that say nothing, such as "0.05"',
});
const unit = z
  .string()
  .min(1)
  .optional()
  .describe('what one is: every map then says its own unit, with the step {unit: kg, times: "1000"}');
const range = { min: decimalText.optional(), max: decimalText.optional() };

const equality = z
  .enum(['exact', 'caseInsensitive', 'caseInsensitiveSimple'])
  .default('exact')
  .describe('caseInsensitive folds A-Z only, caseInsensitiveSimple every letter that folds to one letter');
const normalForm = z
  .enum(normalForms)
  .optional()
  .describe('texts that are equal in this Unicode normal form are equal; without it, they are compared as written');

/** Kinds of single values, and of the elements of lists and sets. */
const singleKinds = [
  z.strictObject({ kind: z.literal('text'), equality, normalForm, sensitivity, privileges, description }),
  z.strictObject({ kind: z.literal('boolean'), sensitivity, privileges, description }),
  z.strictObject({
    kind: z.literal('integer').describe('a whole number of any size, held as text'),
    unit,
    ...range,
    sensitivity,
    description,
  }),
  z.strictObject({
    kind: z
      .literal('decimal')
      .describe('a number of any precision, held as text: 1.50 equals 1.5, and nothing is rounded'),
    unit,
    step: decimalText
      .refine((text) => text !== '0' && !text.startsWith('-'), { error: 'must be more than 0' })
      .optional()
      .describe('equal where the nearest multiple of this is the same; halves go to the even multiple'),
    ...range,
    // Absent and no default: the digest of a type that says nothing of it stays what it was.
    special: z
      .array(z.enum(specialValues))
      .min(1)
      .optional()
      .describe(
        'values that are no numbers and allowed here, each equal to itself; without it, they cannot be translated',
      ),
    sensitivity,
    description,
  }),
  z.strictObject({
    kind: z.literal('instant').describe('a moment, whatever the zone it is written in'),
    precision: z.enum(precisions).default('nanosecond').describe('what is finer is cut off before it is compared'),
    sensitivity,
    description,
  }),
  z.strictObject({ kind: z.literal('date').describe('a day of the calendar, without zone'), sensitivity, description }),
  z.strictObject({ kind: z.literal('bytes').describe('held as base64'), sensitivity, description }),
] as const;

export const ElementKind = z.discriminatedUnion('kind', singleKinds);
export type ElementKind = z.infer<typeof ElementKind>;

export const FieldKind = z.discriminatedUnion('kind', [
  ...singleKinds,
  z.strictObject({
    kind: z.literal('set'),
    of: z.string().min(1).describe('the federated type that elements refer to, or "text"'),
    elements: ElementKind.optional().describe('what is equal among the elements of a set of text'),
    sensitivity,
    description,
  }),
  z.strictObject({
    kind: z.literal('reference'),
    of: z
      .array(z.string().min(1))
      .min(1)
      .describe('the federated types that the one value may refer to; its text is <type>/<federated key>'),
    sensitivity,
    description,
  }),
  z.strictObject({
    kind: z.literal('list').describe('in this order; compared as one value'),
    elements: ElementKind,
    sensitivity,
    description,
  }),
  z.strictObject({
    kind: z.literal('keyedList').describe('objects that one of their properties tells apart, in no order'),
    by: z.string().min(1).describe('that property; one of `fields`, and text in the federation'),
    fields: z.record(z.string(), ElementKind),
    sensitivity,
    description,
  }),
  z
    .strictObject({
      kind: z.literal('effect'),
      of: z
        .enum(['capabilities', 'scopes'])
        .optional()
        .describe(
          'capabilities, where absent: what the record leaves, compared; scopes: where a grant counts, its own scope and those that inherit it, never compared',
        ),
      description: z.string().optional(),
    })
    .describe(
      'worked out by each authority from its own policies and roles, and never written: the capabilities that the record leaves (taxonomy/capabilities.yaml), or where it counts',
    ),
]);
export type FieldKind = z.infer<typeof FieldKind>;

/** Kinds whose value is one text, whatever it stands for. */
export function isTextual({ kind }: FieldKind): boolean {
  return !['boolean', 'set', 'list', 'keyedList', 'effect'].includes(kind);
}

/** Steps that are made again by everybody, of values that were agreed on: exact, and the same on every machine. */
export const MoveStep = z.union([
  z.strictObject({ part: z.enum(['first', 'rest']), at: z.string().min(1) }).describe('a part of the text it was'),
  z.strictObject({ enum: z.record(z.string(), Json) }).describe('text of before → value of now, one to one'),
]);
export type MoveStep = z.infer<typeof MoveStep>;

export const Move = z.strictObject({
  from: z.string().describe('the field of the version before'),
  through: z.array(MoveStep).optional(),
});
export type Move = z.infer<typeof Move>;

/** How the fields of the version before became those of this one. Every field of before is kept, moved or gone. */
export const Earlier = z.strictObject({
  moved: z
    .record(z.string(), Move)
    .default({})
    .describe('field of now → field of before; a field that is named nowhere here was called the same'),
  gone: z.array(z.string()).default([]).describe('fields of before that are no more, their values with them'),
  added: z.array(z.string()).default([]).describe('fields of now that the version before did not have'),
});
export type Earlier = z.infer<typeof Earlier>;

export const TaxonomyType = z.strictObject({
  type: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
  // Both absent and no defaults: the digest of a type that has one version stays what it was.
  version: z.int().positive().optional().describe('counted from 1; 1 where left out'),
  earlier: Earlier.optional().describe('how the version before became this one; maps of both are read'),
  description: z.string().optional(),
  label: z.string().describe('the field that names a record to people; never used to join records').optional(),
  phrase: z
    .string()
    .describe('how a record is said to people, such as "{principal} as {role} on {scope}"; instead of a label')
    .optional(),
  key: z
    .array(z.string())
    .min(1)
    .describe(
      'a natural key: the record is known by these fields, is joined by no rule, and is created or deleted, never changed, in them',
    )
    .optional(),
  fields: z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), FieldKind),
});
export type TaxonomyType = z.infer<typeof TaxonomyType>;

/** The federated types that the values of a field refer to; none for plain values. */
export function referredTypes(kind: FieldKind): readonly string[] {
  if (kind.kind === 'reference') return kind.of;
  return kind.kind === 'set' && kind.of !== 'text' ? [kind.of] : [];
}

/** The fields that say what a record leaves. */
export function effectFieldsOf({ fields }: TaxonomyType): readonly string[] {
  return Object.keys(fields).filter((field) => {
    const kind = fields[field];
    return kind?.kind === 'effect' && !isOfScopes(kind);
  });
}

/** The fields that say where a grant counts. */
export function placeFieldsOf({ fields }: TaxonomyType): readonly string[] {
  return Object.keys(fields).filter((field) => {
    const kind = fields[field];
    return kind !== undefined && isOfScopes(kind);
  });
}

/** Said by each mesh of its own tree of scopes, which no other mesh has: never compared. */
export function isOfScopes(kind: FieldKind): boolean {
  return kind.kind === 'effect' && kind.of === 'scopes';
}

/** Types in the order in which they can be translated and written: a type comes after those it refers to. */
export function inDependencyOrder(types: readonly TaxonomyType[]): readonly TaxonomyType[] {
  const byName = new Map(types.map((type) => [type.type, type]));
  const done = new Set<string>();
  const ordered: TaxonomyType[] = [];
  const visit = (type: TaxonomyType, path: readonly string[]): void => {
    if (done.has(type.type)) return;
    if (path.includes(type.type))
      throw new Error(`types refer to each other in a circle: ${[...path, type.type].join(' → ')}`);
    for (const field of Object.values(type.fields)) {
      for (const name of referredTypes(field)) {
        const target = byName.get(name);
        if (target) visit(target, [...path, type.type]);
      }
    }
    done.add(type.type);
    ordered.push(type);
  };
  for (const type of [...types].sort((a, b) => (a.type < b.type ? -1 : 1))) visit(type, []);
  return ordered;
}
