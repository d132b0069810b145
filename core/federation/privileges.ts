/**
 * What the values of a field permit, as the taxonomy declares it: in one order from least to most, or each as a set of
 * capabilities, where one value permits no more than another if all its capabilities are among those of the other.
 */
import { z } from 'zod';

export const Privileges = z.union([
  z.strictObject({
    order: z
      .array(z.union([z.string(), z.boolean(), z.null()]))
      .min(2)
      .describe('the values from the least privilege to the most; null is the empty value'),
  }),
  z.strictObject({
    capabilities: z
      .record(z.string(), z.array(z.string()))
      .describe('per value, what it permits; a value without capabilities permits nothing'),
  }),
]);
export type Privileges = z.infer<typeof Privileges>;
