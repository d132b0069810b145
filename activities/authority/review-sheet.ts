/**
 * What an approver is shown: values, native calls, causes, limits. It lies in the authority's private store, where its
 * approvers read it; nothing of it passes through a history.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { Json } from '../../core/json.js';
import { Case } from '../../core/correlation-cases.js';
import { NewVersion } from '../../core/new-versions.js';
import { Operation } from '../../core/operation.js';
import { Conflict } from '../../core/plan.js';
import type { AuthorityContext } from './context.js';

export const SheetOperation = z.strictObject({
  operation: Operation,
  /** What the taxonomy calls the record's label, for people only. */
  label: z.string().nullable(),
  calls: z.array(z.strictObject({ call: z.string(), target: z.string(), arguments: z.record(z.string(), Json) })),
  /** What its cloud does beyond the write, in words: what a deletion takes along, what is lost with an id. */
  consequences: z.array(z.string()).default([]),
  /** Why this operation is not asked: it could not be written here. */
  refused: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
});
export type SheetOperation = z.infer<typeof SheetOperation>;

export const ReviewSheet = z.strictObject({
  federation: z.string(),
  authority: z.string(),
  dataset: z.string(),
  plan: Digest,
  quorum: z.int(),
  braked: z.array(z.strictObject({ type: z.string(), limit: z.string(), allowed: z.int(), found: z.int() })),
  frozen: z.string().nullable(),
  deadlineAtMs: z.int(),
  operations: z.array(SheetOperation),
  conflicts: z.array(z.strictObject({ conflict: Conflict, label: z.string().nullable() })),
  cases: z.array(Case),
  /** Types and maps that are new, as this authority found them itself; absent where there are none. */
  newVersions: z.array(NewVersion).optional(),
  /** Maps, types, policies and terms behind the operations, where people of the federation sign them. */
  documents: z
    .array(
      z.strictObject({
        document: z.string(),
        /** Empty where nobody signed it: then what follows from it has no author. */
        signers: z.array(z.strictObject({ authority: z.string(), approver: z.string() })),
        operations: z.int(),
      }),
    )
    .default([]),
  /** Names for the keys that the operations mention. */
  labels: z.record(z.string(), z.string()),
  /** Clear values of `digest` fields that these people may read, by the digest that stands in the plan. */
  clear: z.record(z.string(), Json).default({}),
  /** Where more is asked than a sheet lists: then `operations` holds some of what is asked and some of what is refused. */
  large: z
    .strictObject({
      operations: z.int(),
      /** By code, how many could not be written here and are not asked. */
      refused: z.record(z.string(), z.int()),
      /** What its cloud does beyond the writes, in words, and of how many operations. */
      consequences: z.record(z.string(), z.int()),
      /** Of all that is asked: by kind, and the one thing that explains it (core/report/plan-census.ts). */
      counts: z.record(z.string(), Json),
    })
    .optional(),
});
export type ReviewSheet = z.infer<typeof ReviewSheet>;

/**
 * A plan that is shown whole (32 MB, decision 71) has fewer operations than these, so whatever shows one finds each of its
 * operations on the sheets.
 */
export const sheetOperationsUsually = 80_000;
export const sheetSamples = 100;
/** Approvers name what is asked, so what is not asked has to be known; beyond these they name what they approve. */
export const sheetRefusedMax = 1_000;

export function sheetName(dataset: string, plan: Digest): string {
  return `reviews/${dataset}/${plan}/sheet`;
}

export async function writeSheet(context: AuthorityContext, sheet: ReviewSheet): Promise<void> {
  const name = sheetName(sheet.dataset, sheet.plan);
  await context.privateStore.remove(name);
  await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(sheet)));
}

export async function readSheet(
  store: AuthorityContext['privateStore'],
  dataset: string,
  plan: Digest,
): Promise<ReviewSheet | null> {
  const bytes = await store.get(sheetName(dataset, plan));
  return bytes ? ReviewSheet.parse(JSON.parse(new TextDecoder().decode(bytes))) : null;
}
