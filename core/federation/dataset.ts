/** datasets/<name>.yaml: which records which meshes hold in common, and under what terms they are kept in agreement. */
import { z } from 'zod';
import { DriftRules } from '../drift/drift-rules.js';
import { Duration } from '../duration.js';
import { AuthorityId } from '../record.js';
import { Resolution } from './resolution.js';

export const MatchRule = z.strictObject({
  match: z.array(z.string()).min(1).describe('fields that must all be held, not empty and equal'),
  // Absent and not defaults: the digest of a dataset that declares none stays what it was.
  confidence: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('how sure a match by this rule is, in percent; shown with its cases and decides nothing'),
  propose: z
    .literal(true)
    .optional()
    .describe('a match by this rule is only proposed: a person decides, also where there is one candidate'),
});
export type MatchRule = z.infer<typeof MatchRule>;

export const Schedule = z
  .strictObject({
    every: Duration.optional(),
    cron: z.string().optional().describe('five fields, as in crontab(5)'),
    timeZone: z.string().default('UTC').describe('IANA name; read by cron only'),
    jitter: Duration.default('30s'),
    catchUp: Duration.default('10m').describe('how late a missed start may still happen'),
  })
  .refine(
    (schedule) => (schedule.every === undefined) !== (schedule.cron === undefined),
    'needs exactly one of every and cron',
  );
export type Schedule = z.infer<typeof Schedule>;

export const Dataset = z.strictObject({
  dataset: z.string().regex(/^[a-z][a-z0-9-]*[a-z0-9]$/),
  description: z.string().optional(),
  types: z.array(z.string()).min(1),
  members: z.array(AuthorityId).min(2),
  correlation: z
    .record(z.string(), z.array(MatchRule))
    .default({})
    .describe('per type, ordered; the first rule that finds a candidate decides'),
  unmatchable: z
    .record(z.string(), z.enum(['newRecord', 'ask']))
    .optional()
    .describe(
      'per type, what an unlinked record is that holds no value which any rule could match by, such as an account without an owner: a new record (the default), or a case for a person',
    ),
  // Absent and not an empty default: the digest of a dataset that declares none stays what it was.
  resolution: Resolution.optional().describe(
    'per type, what decides where members differ; what is not named here goes by the three-way rules',
  ),
  drift: z
    .record(z.string(), DriftRules)
    .optional()
    .describe('per type, what is done where the schema of a table or file is no longer the agreed one'),
  commit: z
    .enum(['permitted', 'allOrNothing'])
    .default('permitted')
    .describe('allOrNothing writes only where every affected authority approved everything'),
  approval: z
    .strictObject({
      waitInRun: Duration.default('1h').describe('how long a run waits for reviews; an open review outlives it'),
    })
    .default({ waitInRun: '1h' }),
  schedule: Schedule.optional(),
});
export type Dataset = z.infer<typeof Dataset>;
