/**
 * How far a long step of an authority is: what its heartbeats tell, and its own people see.
 *
 * HAZARD: heartbeats lie in clear on the server of the authority. Counts and times only.
 */
import { z } from 'zod';

const Count = z.int().nonnegative();

export const StepProgress = z.discriminatedUnion('kind', [
  /** Objects of the mesh that were read so far, by attempts before this one too. */
  z.object({ kind: z.literal('reading'), objects: Count }),
  /** Objects of one type that were translated so far, of about so many. */
  z.object({ kind: z.literal('translating'), objects: Count, of: Count }),
  z.object({
    kind: z.literal('writing'),
    /** Operations with a receipt. */
    done: Count,
    of: Count,
    /** How many of `done` an earlier attempt had done. */
    before: Count,
    /** When this attempt began to write, and when it told this, both by the clock of the worker. */
    begunMs: z.number(),
    atMs: z.number(),
  }),
]);
export type StepProgress = z.infer<typeof StepProgress>;
type Writing = Extract<StepProgress, { readonly kind: 'writing' }>;

/** Before these a pace says little: what is first often waits for connections. */
const paceAfterMs = 10_000;
const paceAfterOperations = 5;

/** How long the rest takes at the pace of this attempt, in milliseconds; null before there is one, and where nothing is left. */
export function timeLeftMs({ done, of, before, begunMs, atMs }: Omit<Writing, 'kind'>): number | null {
  const [took, own] = [atMs - begunMs, done - before];
  if (took < paceAfterMs || own < paceAfterOperations || done >= of) return null;
  return Math.round((took / own) * (of - done));
}
