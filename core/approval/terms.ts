/** The part of authorities/<id>.yaml that says who must approve what, by when, and what happens where nobody answers. */
import { z } from 'zod';
import { Duration } from '../duration.js';

/** `any` counts people whatever their roles, so no role may be called that. */
export const anyRole = 'any';

export const Role = z
  .string()
  .max(40)
  .regex(/^[a-z][a-z0-9-]*$/, 'must start with a letter and hold only a-z, 0-9 and hyphens');
export type Role = z.infer<typeof Role>;

export const QuorumRule = z.strictObject({
  for: z
    .strictObject({
      type: z.string().optional().describe('a federated type'),
      kind: z.enum(['create', 'update', 'delete']).optional(),
      field: z.string().optional().describe('operations that change this field'),
    })
    .describe('what it is about; all that is left out fits everything'),
  need: z
    .record(Role, z.int().positive())
    .describe('how many different people with each role; `any` counts all of them together'),
});
export type QuorumRule = z.infer<typeof QuorumRule>;

/** Of the deadline, or after the question was first asked. */
export const ReminderTime = z
  .string()
  .regex(
    /^([1-9][0-9]?%|[1-9][0-9]*(ms|s|m|h|d))$/,
    'must be a part of the deadline such as 50%, or a duration such as 2d',
  );

export const Escalation = z.strictObject({
  after: Duration.describe('how long people have been asked before it takes effect'),
  to: Role.describe('whose holders step in'),
  may: z
    .enum(['decide', 'hear'])
    .default('hear')
    .describe('decide: its holders may then stand in for every role; hear: they are told'),
});
export type Escalation = z.infer<typeof Escalation>;

export const Approval = z.strictObject({
  quorum: z.int().positive().default(1).describe('how many different people must approve anything at all'),
  quorumWhenBraked: z
    .int()
    .positive()
    .optional()
    .describe('needed once a brake trips; the quorum plus one where absent'),
  quorums: z
    .array(QuorumRule)
    .default([])
    .describe('asks for more than the quorum; of all rules that fit, the largest number for each role counts'),
  separationOfDuties: z
    .enum(['required', 'waived'])
    .default('required')
    .describe('required: whoever signed a link or a document cannot alone approve what follows from it'),
  delegationMax: Duration.default('90d').describe('for how long an approver may lend their voice'),
  deadline: Duration.default('7d'),
  onDeadline: z
    .enum(['expire', 'reject'])
    .default('expire')
    .describe(
      'what a passed deadline means for what is still open: asked again, or rejected for 30 days; never approval',
    ),
  reminders: z.array(ReminderTime).default([]).describe('when people are reminded'),
  escalations: z.array(Escalation).default([]),
  webhookFrom: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'must name an environment variable; never write an address with a token into a file')
    .optional()
    .describe('an environment variable with the URL that reminders and escalations are posted to'),
});
export type Approval = z.infer<typeof Approval>;

/** What peers are told. Which environment variable names an address is nobody else's business. */
export const PublishedApproval = Approval.omit({ webhookFrom: true });
export type PublishedApproval = z.infer<typeof PublishedApproval>;

export function publishedApproval({ webhookFrom: _own, ...published }: Approval): PublishedApproval {
  return published;
}

/** Of an authority's file, what counting needs. */
export interface ApprovalTerms {
  readonly approval: Approval;
  readonly approvers: readonly { readonly id: string; readonly roles: readonly string[] }[];
}

export const approvalDefaults: Approval = {
  quorum: 1,
  quorums: [],
  separationOfDuties: 'required',
  delegationMax: '90d',
  deadline: '7d',
  onDeadline: 'expire',
  reminders: [],
  escalations: [],
};
