/** What a grant lets somebody do, in words of no cloud, and how each cloud says it. Declared beside the taxonomy. */
import { z } from 'zod';

const texts = z.array(z.string().min(1)).min(1);

export const AwsCapability = z.strictObject({
  actions: texts.describe('IAM action patterns such as s3:GetObject or kms:*'),
  resources: texts
    .optional()
    .describe('resource patterns that the capability is about, such as arn:aws:s3:::*/*; everything where absent'),
  every: z.boolean().optional().describe('whether all of the actions are needed; one of them is enough where absent'),
});
export type AwsCapability = z.infer<typeof AwsCapability>;

export const Capability = z.strictObject({
  capability: z.string().min(1).describe('in words, such as "read objects" or "manage keys"'),
  description: z.string().optional(),
  aws: AwsCapability.optional(),
  entra: z
    .strictObject({
      applicationRoles: texts
        .optional()
        .describe('values of application roles, such as Directory.Read.All; <appId>/<value> for one application alone'),
      directoryRoles: texts.optional().describe('template ids or names of directory roles'),
    })
    .optional(),
  keystone: z
    .strictObject({ roles: texts.describe('names of Keystone roles; what implies one of them counts as well') })
    .optional(),
});
export type Capability = z.infer<typeof Capability>;
