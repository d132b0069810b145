/** constraints of authorities/<id>.yaml: the terms on which an authority lets anything be written to its mesh. */
import { z } from 'zod';
import { Duration } from '../duration.js';
import { Json } from '../json.js';

export const Brake = z.strictObject({
  operationsMax: z.int().nonnegative().optional(),
  percentMax: z.int().min(0).max(100).optional().describe('of the records of that type that this mesh holds'),
  deletionsMax: z.int().nonnegative().optional(),
});
export type Brake = z.infer<typeof Brake>;

const OperationKind = z.enum(['create', 'update', 'delete']);

/** A moment with an offset, or a local one where `timeZone` says whose clocks are meant. */
const moment = z.iso.datetime({ offset: true, local: true });

export const FreezeWindow = z.strictObject({
  from: moment,
  to: moment,
  timeZone: z
    .string()
    .optional()
    .describe('IANA name; then "from" and "to" are what clocks there show, such as 2026-12-24T00:00:00'),
  reason: z.string(),
});
export type FreezeWindow = z.infer<typeof FreezeWindow>;

export const ProtectedRule = z.strictObject({
  type: z.string(),
  where: z.record(z.string(), Json),
  reason: z.string(),
});
export type ProtectedRule = z.infer<typeof ProtectedRule>;

export const Writable = z.strictObject({
  operations: z.array(OperationKind).optional().describe('all where it is left out; [] for none'),
  fields: z.array(z.string()).optional().describe('that a creation or an update may set; all where it is left out'),
});
export type Writable = z.infer<typeof Writable>;

export const Residency = z.strictObject({
  region: z.string().min(1).optional().describe('where this mesh keeps what is written to it'),
  keepWithin: z
    .record(z.string(), z.record(z.string(), z.array(z.string().min(1)).min(1)))
    .default({})
    .describe(
      'per federated type and field: the only regions in which values of records that this mesh holds are written',
    ),
});
export type Residency = z.infer<typeof Residency>;

export const Ceiling = z.strictObject({
  type: z.string(),
  where: z
    .record(z.string(), Json)
    .default({})
    .describe('records whose fields equal all of these; all of the type without'),
  field: z.string(),
  among: z
    .array(z.string())
    .min(1)
    .describe('nothing else is written to the field; references may be given by their name'),
  reason: z.string(),
});
export type Ceiling = z.infer<typeof Ceiling>;

export const ConstraintRule = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  for: z.strictObject({ type: z.string(), kind: OperationKind.optional() }),
  allow: z
    .string()
    .min(1)
    .max(2_000)
    .describe(
      'a CEL expression that is true for what may be written; knows kind, before, after (fields as this mesh has and would have them), changed (names of fields)',
    ),
  reason: z.string(),
});
export type ConstraintRule = z.infer<typeof ConstraintRule>;

export const Constraints = z.strictObject({
  brakes: z.record(z.string(), Brake).default({}).describe('per federated type'),
  freezeWindows: z.array(FreezeWindow).default([]),
  protected: z.array(ProtectedRule).default([]).describe('records whose fields equal all of these are never written'),
  freshness: Duration.default('2h').describe('how old the nonce of a run may be when it writes here'),
  writable: z
    .record(z.string(), Writable)
    .optional()
    .describe(
      'per federated type, what may be written here; a type that is left out is never written. Without this, all that the surface shows',
    ),
  residency: Residency.optional(),
  ceilings: z
    .array(Ceiling)
    .optional()
    .describe('values above which nothing is written here, such as the highest role on a scope'),
  rules: z.array(ConstraintRule).optional().describe('anything else, in CEL; what cannot be evaluated is refused'),
});
export type Constraints = z.infer<typeof Constraints>;
