/** `resolution` in datasets/<name>.yaml: what decides where members differ. Without it the three-way rules hold. */
import { z } from 'zod';
import { Duration } from '../duration.js';
import { AuthorityId } from '../record.js';

export const FieldPolicy = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('owned'), by: AuthorityId.describe('the authority whose value counts') })
    .describe('what the owner holds counts; an owner that takes no part decides nothing'),
  z.strictObject({ kind: z.literal('union') }).describe('sets: whatever any member holds, all hold'),
  z.strictObject({ kind: z.literal('intersection') }).describe('sets: only what every member holds stays'),
  z
    .strictObject({ kind: z.literal('leastPrivilege') })
    .describe('the narrowest value that a member holds, by the privileges that the taxonomy declares'),
  z
    .strictObject({ kind: z.literal('latest') })
    .describe('of changes that nobody carried to another, the one surely seen last; people where that is not sure'),
  z.strictObject({ kind: z.literal('people') }).describe('every difference is a choice that people make'),
]);
export type FieldPolicy = z.infer<typeof FieldPolicy>;
export type FieldPolicyKind = FieldPolicy['kind'];

export const DeletionPolicy = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('propose') }).describe('a deletion is proposed to all other members'),
  z
    .strictObject({
      kind: z.literal('suspendFirst'),
      field: z.string().describe('the field that says that a record is suspended'),
      value: z.union([z.string(), z.boolean()]).describe('its value while the record is suspended'),
      after: Duration.describe('how long a record must stand suspended in its own mesh before it may be deleted there'),
    })
    .describe('a deletion suspends the record elsewhere first, and deletes it there after the delay'),
  z.strictObject({ kind: z.literal('keep') }).describe('nothing is deleted; the record is proposed anew where it went'),
]);
export type DeletionPolicy = z.infer<typeof DeletionPolicy>;
export type SuspendFirst = Extract<DeletionPolicy, { kind: 'suspendFirst' }>;

export const TypePolicy = z.strictObject({
  fields: z.record(z.string(), FieldPolicy).optional().describe('one policy a field; fields without one: three-way'),
  deletion: DeletionPolicy.optional().describe('what a deletion on one side leads to; `propose` where absent'),
  unique: z
    .array(z.string())
    .optional()
    .describe('fields of which no two records may hold one value, in whichever meshes they are'),
  together: z
    .array(z.array(z.string()).min(2))
    .min(1)
    .optional()
    .describe(
      'fields that belong together, such as department and manager: where their changes come from different sides, people decide on them',
    ),
  sameEffect: z
    .array(z.string())
    .min(1)
    .optional()
    .describe(
      'fields that may differ where members leave the same effect, such as role: then nothing is proposed; a field of the key among them lets another record stand in',
    ),
});
export type TypePolicy = z.infer<typeof TypePolicy>;

/** Per federated type. */
export const Resolution = z.record(z.string(), TypePolicy);
export type Resolution = z.infer<typeof Resolution>;
