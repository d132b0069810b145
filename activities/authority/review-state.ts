/** The review that is open now for a dataset, as this authority keeps it between activities. */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { Operation } from '../../core/operation.js';
import { NewVersion } from '../../core/new-versions.js';
import { Conflict } from '../../core/plan.js';
import type { LongList } from '../../core/long-list.js';
import { ConcordatError } from '../../core/errors.js';
import { Ref } from '../../core/messages.js';
import type { ReviewScope } from '../../core/review.js';
import { inFile } from '../documents/long-lists.js';
import { getLongDocument, putDocument } from '../exchange.js';
import type { ReviewTerms } from './terms.js';
import type { AuthorityContext } from './context.js';
import { sheetOperationsUsually } from './review-sheet.js';

const ReviewState = z.strictObject({
  plan: Digest,
  scope: z.strictObject({
    operations: z.array(Operation),
    conflicts: z.array(Conflict),
    newVersions: z.array(NewVersion).optional(),
  }),
  refused: z.array(z.strictObject({ operation: Digest, code: z.string() })),
  /**
   * Where those that are asked stand among all that the plan has for this authority, first and last place: a decision may
   * name them by that. Absent where all are asked.
   */
  asked: z.array(z.tuple([z.int(), z.int()])).optional(),
  quorum: z.int().positive(),
  braked: z.boolean(),
  /** By operation, the approvers who authored it. */
  authors: z.record(Digest, z.array(z.string())),
  openedAtMs: z.int(),
  /** By operation or conflict, since when people have been asked, in this review or in the ones that it replaced. */
  askedAtMs: z.record(Digest, z.int()),
});
/** Of very many operations the list lies in a file, and of when people were asked only what is not since it was opened. */
export type ReviewState = Omit<z.infer<typeof ReviewState>, 'scope'> & { readonly scope: ReviewScope };

/** As it lies in pieces: its lists are right below, and of when people were asked only what this review did not open itself. */
const largeState = ReviewState.omit({ scope: true }).extend(ReviewState.shape.scope.shape);

type LargeState = Omit<z.infer<typeof largeState>, 'operations'> & { readonly operations: LongList<Operation> };

function headName(dataset: string): string {
  return `open-review/${dataset}`;
}

/** What the head holds where the state is too large for one text: where it lies, in pieces as a document of the exchange store does. */
const StoredElsewhere = z.strictObject({ large: Ref });

/** Null also where an erasure took away what a large one asked about: then nobody is asked about it any more. */
export async function readReviewState(context: AuthorityContext, dataset: string): Promise<ReviewState | null> {
  const head = await context.privateStore.readHead(headName(dataset));
  if (!head) return null;
  const stored = JSON.parse(new TextDecoder().decode(head.bytes)) as unknown;
  const elsewhere = StoredElsewhere.safeParse(stored);
  if (!elsewhere.success) return ReviewState.parse(stored);
  const { large } = elsewhere.data;
  if ((await context.privateStore.get(large.ref)) === null) return null;
  return getLongDocument<LargeState>(context.privateStore, large, largeState, (member) =>
    member === 'operations' ? inFile<Operation>() : undefined,
  ).then(({ operations, conflicts, newVersions, askedAtMs, ...state }) => {
    const scope = { operations, conflicts, ...(newVersions ? { newVersions } : {}) };
    if (operations.length > askedAtMax) return { ...state, scope, askedAtMs };
    const since = Object.fromEntries(
      [...operations, ...conflicts, ...(newVersions ?? [])].map(({ id }) => [id, state.openedAtMs]),
    );
    return { ...state, scope, askedAtMs: { ...since, ...askedAtMs } };
  });
}

/** Beyond so many it is not said of each operation since when people have been asked about it. */
export const askedAtMax = sheetOperationsUsually;

/** Since when people have been asked about an operation or a conflict of this review; undefined where they are not asked. */
export function askedSince({ scope, refused, askedAtMs, openedAtMs }: ReviewState): ReviewTerms['askedSinceMs'] {
  if (scope.operations.length <= askedAtMax) return (subject) => askedAtMs[subject];
  // HAZARD: what could not be written here was never asked, so nobody has waited for an answer.
  const notAsked = new Set(refused.map(({ operation }) => operation));
  return (subject) => (notAsked.has(subject) ? undefined : (askedAtMs[subject] ?? openedAtMs));
}

export async function writeReviewState(context: AuthorityContext, dataset: string, state: ReviewState): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(await storedOf(context, dataset, state)));
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const head = await context.privateStore.readHead(headName(dataset));
    if (await context.privateStore.compareAndSetHead(headName(dataset), head?.version ?? 0, bytes)) return;
  }
  throw new ConcordatError('storeFault', `the review of ${dataset} is being written by somebody else`);
}

async function storedOf(context: AuthorityContext, dataset: string, state: ReviewState): Promise<object> {
  const { operations, conflicts, newVersions } = state.scope;
  if (operations.length <= (context.sheetOperationsMax ?? sheetOperationsUsually))
    return { ...state, scope: { operations: [...operations], conflicts, ...(newVersions ? { newVersions } : {}) } };
  const { scope, askedAtMs, ...others } = state;
  const earlier = Object.entries(askedAtMs).filter(([, at]) => at !== state.openedAtMs);
  const large = { ...others, ...scope, askedAtMs: Object.fromEntries(earlier) };
  return { large: await putDocument(context.privateStore, `reviews/${dataset}/${state.plan}`, large) };
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
