/** taxonomy/<type>.yaml: a federated type, its fields, and what equality means for each. */
import { z } from 'zod';
import { Privileges } from './privileges.js';

export const FieldKind = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('text'),
    equality: z.enum(['exact', 'caseInsensitive']).default('exact').describe('caseInsensitive folds A-Z only'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    privileges: Privileges.optional().describe('what the values permit; for datasets that resolve by least privilege'),
    description: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('boolean'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    privileges: Privileges.optional().describe('what the values permit; for datasets that resolve by least privilege'),
    description: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('set'),
    of: z.string().min(1).describe('the federated type that elements refer to, or "text"'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    description: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('reference'),
    of: z
      .array(z.string().min(1))
      .min(1)
      .describe('the federated types that the one value may refer to; its text is <type>/<federated key>'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    description: z.string().optional(),
  }),
  z
    .strictObject({ kind: z.literal('effect'), description: z.string().optional() })
    .describe(
      'the capabilities that the record leaves (taxonomy/capabilities.yaml), worked out by each authority from its own policies and roles; compared, and never written',
    ),
]);
export type FieldKind = z.infer<typeof FieldKind>;

export const TaxonomyType = z.strictObject({
  type: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
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

/** The fields that authorities work out and nobody writes. */
export function effectFieldsOf({ fields }: TaxonomyType): readonly string[] {
  return Object.keys(fields).filter((field) => fields[field]?.kind === 'effect');
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
