/** maps/<authority>.<type>.yaml: one mesh's native type in federated words and back, field by field through lenses. */
import { z } from 'zod';
import { Json } from '../json.js';
import { canonicalDecimal } from '../lens/decimal.js';
import { epochUnits, zoneSeconds } from '../lens/instant.js';
import { specialValues } from '../lens/special.js';

/** A number would be one thing and mean another. */
const words = z
  .array(z.string().refine((text) => canonicalDecimal(text) === null, { error: 'must be no number' }))
  .min(1);

/** One step of a lens, applied to the value the previous step got. core/lens.ts gives each its get and put. */
export const LensStep = z.union([
  z.strictObject({ fold: z.literal('lower') }).describe('compare without regard to A-Z/a-z, keep the native spelling'),
  z.strictObject({ enum: z.record(z.string(), Json) }).describe('native text → federated value, one to one'),
  z.strictObject({ escape: z.literal('iam-tag') }).describe('characters that IAM tags refuse are written as =XX'),
  z.strictObject({ set: z.literal(true) }).describe('order and repetition carry no meaning'),
  z.strictObject({ references: z.string() }).describe('native ids of that federated type → federated keys'),
  z
    .strictObject({ reference: z.record(z.string(), z.string()) })
    .describe('native type → federated type: the native text <native type>/<native id> → <federated type>/<key>'),
  z
    .strictObject({
      table: z
        .record(z.string(), z.array(z.string()))
        .describe('federated value → native texts, the preferred one first; none where this mesh has no such value'),
      else: z
        .literal('setAside')
        .optional()
        .describe('what the table does not know is counted and stays native; without it, it cannot be translated'),
    })
    .describe('many native texts to one federated value; writing keeps a text that means the value already'),
  z
    .strictObject({
      special: z
        .partialRecord(z.enum([...specialValues, 'noValue']), words)
        .describe('what it means → native texts, the preferred one first; noValue reads as null'),
    })
    .describe('native texts in the place of numbers; the first step, and no other step reads them'),
  z.strictObject({ number: z.literal('json') }).describe('a JSON number natively, the text of a decimal here'),
  z
    .strictObject({
      unit: z.string().min(1).describe('the unit in which this mesh counts'),
      times: z
        .string()
        .refine((text) => canonicalDecimal(text) === text && text !== '0', {
          error: 'must be a decimal number as text, such as "1000" or "0.001"',
        })
        .default('1')
        .describe('how many units of the taxonomy one of them is'),
    })
    .describe('writing divides, and refuses what does not come out even'),
  z
    .strictObject({
      zone: z.string().refine((text) => zoneSeconds(text) !== null, { error: 'must be Z or an offset such as +02:00' }),
    })
    .describe('native moments are written without a zone and mean this one'),
  z.strictObject({ epoch: z.enum(epochUnits) }).describe('native moments count these units since 1970'),
  z
    .strictObject({
      part: z.enum(['first', 'rest']).describe('what stands before the first separator, or all that follows it'),
      at: z.string().min(1).describe('the separator'),
    })
    .describe('two fields share one native text; an empty part is null'),
  z.strictObject({ bytes: z.literal('hex') }).describe('native bytes are written in hexadecimal digits'),
  z.strictObject({ emptyAs: z.literal('null') }).describe('an empty text is held and empty'),
  z
    .strictObject({ maxLength: z.int().positive(), loss: z.string().min(1) })
    .describe('declared loss: longer is refused, never cut'),
]);
export type LensStep = z.infer<typeof LensStep>;

export const FieldMap = z.union([
  z.strictObject({
    path: z.string().min(1).describe('dotted path into the native object'),
    through: z.array(LensStep).optional(),
  }),
  z.strictObject({
    tag: z.string().min(1).describe('key of a native tag list'),
    through: z.array(LensStep).optional(),
  }),
  z.strictObject({ constant: Json.describe('this mesh says this of every record and cannot say anything else') }),
  z
    .strictObject({ from: z.enum(['capabilities', 'scopes']) })
    .describe(
      'worked out when the snapshot is sealed: which capabilities the policies and roles behind the record leave, or on which scopes the grant counts',
    ),
]);
export type FieldMap = z.infer<typeof FieldMap>;

/** The steps of a field, the first next to the native side; none where it has no place of its own. */
export function stepsOf(field: FieldMap | undefined): readonly LensStep[] {
  return field && 'through' in field ? (field.through ?? []) : [];
}

export const TypeMap = z.strictObject({
  type: z.string().describe('the federated type'),
  // Absent and not a default: the digest of a map that says nothing of it stays what it was.
  version: z
    .int()
    .positive()
    .optional()
    .describe('the version of the type that it was written for: the one there is, or the one before; 1 where left out'),
  native: z.string().describe('the native type of the connector: user, group and what else its kind of mesh has'),
  lifecycle: z.enum(['draft', 'active', 'deprecated']),
  fields: z.record(z.string(), FieldMap),
  create: z
    .record(z.string(), z.union([z.strictObject({ template: z.string() }), z.strictObject({ constant: Json })]))
    .default({})
    .describe(
      'dotted native paths that a new object needs and no field gives, for creates only; a template names text fields, "{mail}", "{mail:localPart}" or "{subject:slug}" (core/federation/template.ts); a field mapped to the same path wins',
    ),
  ignore: z
    .array(z.string())
    .default([])
    .describe('native properties known and left alone; others are reported as unmapped'),
  deletionMayRemove: z
    .array(
      z.enum([
        'memberships',
        'accessKeys',
        'loginProfile',
        'mfaDevices',
        'sshKeys',
        'signingCertificates',
        'serviceCredentials',
        'policies',
        'application',
        'roleAssignments',
      ]),
    )
    .default(['memberships'])
    .describe('what may be removed with a deleted object; anything else attached refuses the deletion'),
});
export type TypeMap = z.infer<typeof TypeMap>;
