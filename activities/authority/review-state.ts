/** The review that is open now for a dataset, as this authority keeps it between activities. */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { Operation } from '../../core/operation.js';
import { Conflict } from '../../core/plan.js';
import { ConcordatError } from '../../core/errors.js';
import type { AuthorityContext } from './context.js';

const ReviewState = z.strictObject({
  plan: Digest,
  scope: z.strictObject({ operations: z.array(Operation), conflicts: z.array(Conflict) }),
  refused: z.array(z.strictObject({ operation: Digest, code: z.string() })),
  quorum: z.int().positive(),
  braked: z.boolean(),
  /** By operation, the approvers who authored it. */
  authors: z.record(Digest, z.array(z.string())),
  openedAtMs: z.int(),
  /** By operation or conflict, since when people have been asked, in this review or in the ones that it replaced. */
  askedAtMs: z.record(Digest, z.int()),
});
export type ReviewState = z.infer<typeof ReviewState>;

function headName(dataset: string): string {
  return `open-review/${dataset}`;
}

export async function readReviewState(context: AuthorityContext, dataset: string): Promise<ReviewState | null> {
  const head = await context.privateStore.readHead(headName(dataset));
  return head ? ReviewState.parse(JSON.parse(new TextDecoder().decode(head.bytes))) : null;
}

export async function writeReviewState(context: AuthorityContext, dataset: string, state: ReviewState): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const head = await context.privateStore.readHead(headName(dataset));
    if (
      await context.privateStore.compareAndSetHead(
        headName(dataset),
        head?.version ?? 0,
        new TextEncoder().encode(JSON.stringify(state)),
      )
    )
      return;
  }
  throw new ConcordatError('storeFault', `the review of ${dataset} is being written by somebody else`);
}

/** Throws reviewClosed where another plan has taken the place of this one. */
export async function requireReviewState(
  context: AuthorityContext,
  dataset: string,
  plan: Digest,
): Promise<ReviewState> {
  const state = await readReviewState(context, dataset);
  if (state?.plan !== plan)
    throw new ConcordatError('reviewClosed', `the review of plan ${plan.slice(0, 12)} is not open here`);
  return state;
}
