/** taxonomy/<type>.yaml: a federated type, its fields, and what equality means for each. */
import { z } from 'zod';

export const FieldKind = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('text'),
    equality: z.enum(['exact', 'caseInsensitive']).default('exact').describe('caseInsensitive folds A-Z only'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    description: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('boolean'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    description: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('set'),
    of: z.string().min(1).describe('the federated type that elements refer to, or "text"'),
    sensitivity: z.enum(['public', 'personal']).default('public'),
    description: z.string().optional(),
  }),
]);
export type FieldKind = z.infer<typeof FieldKind>;

export const TaxonomyType = z.strictObject({
  type: z.string().regex(/^[a-z][A-Za-z0-9]*$/),
  description: z.string().optional(),
  label: z.string().describe('the field that names a record to people; never used to join records').optional(),
  fields: z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), FieldKind),
});
export type TaxonomyType = z.infer<typeof TaxonomyType>;

/** Types in the order in which they can be translated and written: a type comes after those its sets refer to. */
export function inDependencyOrder(types: readonly TaxonomyType[]): readonly TaxonomyType[] {
  const byName = new Map(types.map((type) => [type.type, type]));
  const done = new Set<string>();
  const ordered: TaxonomyType[] = [];
  const visit = (type: TaxonomyType, path: readonly string[]): void => {
    if (done.has(type.type)) return;
    if (path.includes(type.type))
      throw new Error(`types refer to each other in a circle: ${[...path, type.type].join(' → ')}`);
    for (const field of Object.values(type.fields)) {
      const target = field.kind === 'set' ? byName.get(field.of) : undefined;
      if (target) visit(target, [...path, type.type]);
    }
    done.add(type.type);
    ordered.push(type);
  };
  for (const type of [...types].sort((a, b) => (a.type < b.type ? -1 : 1))) visit(type, []);
  return ordered;
}
