/** taxonomy/capabilities.yaml: what people call a right, and which rights of each kind of cloud it is. */
import { z } from 'zod';
import { Capability } from '../effect/capability.js';

export const Capabilities = z.strictObject({
  capabilities: z.array(Capability).min(1).describe('in any order; each is named once'),
});
export type Capabilities = z.infer<typeof Capabilities>;
