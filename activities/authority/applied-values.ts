/**
 * Which values a commit of this authority wrote, with the version vector that each had at its source: kept before the first
 * write, so that the next observation tells an echo of our own work from a change that somebody made in the cloud.
 */
import { z } from 'zod';
import { VersionVector } from '../../core/clock/version-vector.js';
import { Digest } from '../../core/digest.js';
import { Json } from '../../core/json.js';
import { sameJson } from '../../core/lens/same-json.js';
import type { RecordView } from '../../core/compare.js';
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import { hadEffect } from '../../core/receipt.js';
import { joinedVector, type AppliedValue } from '../../core/record-versions.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import type { Recomputed } from '../recompute.js';
import type { AuthorityContext } from './context.js';
import { Journal } from './journal.js';

const Applying = z.strictObject({
  permit: Digest,
  operations: z.array(
    z.strictObject({
      id: Digest,
      type: z.string(),
      key: z.string(),
      values: z.record(z.string(), z.strictObject({ value: Json, vector: VersionVector })),
    }),
  ),
});
type Applying = z.infer<typeof Applying>;

function prefixOf(dataset: string): string {
  return `applying/${dataset}/`;
}

/** What one object holds: of more operations each next one is kept under the name of the first and its number. */
const operationsKeptTogether = 10_000;

/**
 * Durable before it returns; called before the first write of a commit. The same operations in the same order after a crash: what
 * is there already is kept under the same names. Many stand in the order of the plan, in which their records lie in files.
 */
export async function keepApplying(
  context: AuthorityContext,
  { plan, messages, viewOf }: Recomputed,
  permit: Digest,
  { operations, byRecord }: { readonly operations: LongList<Operation>; readonly byRecord: LongList<Operation> },
  keptTogether = operationsKeptTogether,
): Promise<void> {
  const round = messages.opens[context.id]?.round ?? 0;
  const first = `${prefixOf(plan.dataset)}${String(round).padStart(16, '0')}-${permit}`;
  let number = 0;
  let kept: Applying['operations'] = [];
  const keep = async (): Promise<void> => {
    const name = number === 0 ? first : `${first}-${String(number).padStart(6, '0')}`;
    const applying: Applying = { permit, operations: kept };
    await context.privateStore.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(applying)));
    number += 1;
    kept = [];
  };
  for (const operation of operations.length > keptTogether ? byRecord : operations) {
    if (isSliceOver()) await letOthersRun();
    const values = valuesOf(viewOf(operation.type, operation.key), operation);
    if (Object.keys(values).length === 0) continue;
    kept.push({ id: operation.id, type: operation.type, key: operation.key, values });
    if (kept.length === keptTogether) await keep();
  }
  if (kept.length > 0) await keep();
}

/** Of every value that the operation writes, what its holders knew when the plan was made. */
function valuesOf(view: RecordView | undefined, operation: Operation): Applying['operations'][number]['values'] {
  const values: Record<string, { value: Json; vector: VersionVector }> = {};
  if (!view || operation.kind === 'delete') return values;
  for (const change of operation.changes) {
    if (change.kind !== 'value') continue;
    const holders = Object.keys(view.members).filter((member) => {
      const fields = view.members[member];
      return fields?.[change.field] !== undefined && sameJson(fields[change.field], change.after);
    });
    const isAtBase = sameJson(view.base?.[change.field] ?? null, change.after);
    const vector = joinedVector(view.versions, holders, change.field, isAtBase);
    if (vector) values[change.field] = { value: change.after, vector };
  }
  return values;
}

/** Type by type: record → field → values in the order in which they were written, from one round to before another. */
export async function appliedSince(
  context: AuthorityContext,
  dataset: string,
  type: string,
  fromRound: number,
  toRound: number,
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly AppliedValue[]>>> {
  const applied = new Map<string, Map<string, AppliedValue[]>>();
  const journals = new Map<Digest, Journal>();
  for (const name of await context.privateStore.list(prefixOf(dataset))) {
    const round = Number(name.slice(prefixOf(dataset).length).split('-')[0]);
    if (round < fromRound || round >= toRound) continue;
    const bytes = await context.privateStore.get(name);
    if (!bytes) continue;
    const { permit, operations } = Applying.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const journal = journals.get(permit) ?? (await Journal.open(context, permit));
    journals.set(permit, journal);
    for (const operation of operations) {
      if (operation.type !== type) continue;
      const receipt = await journal.readReceipt(operation.id);
      // Refused or found otherwise: nothing was written. Where there is no receipt, or an unknown one, the value will tell.
      if (receipt && !hadEffect(receipt.outcome) && receipt.outcome !== 'unknown') continue;
      const fields = applied.get(operation.key) ?? new Map<string, AppliedValue[]>();
      applied.set(operation.key, fields);
      for (const [field, { value, vector }] of Object.entries(operation.values))
        fields.set(field, [
          ...(fields.get(field) ?? []),
          { value, vector, hadEffect: receipt !== null && hadEffect(receipt.outcome) },
        ]);
    }
  }
  return applied;
}

/** Those of rounds that no observation asks for any more. */
export async function forgetApplied(context: AuthorityContext, dataset: string, beforeRound: number): Promise<void> {
  for (const name of await context.privateStore.list(prefixOf(dataset)))
    if (Number(name.slice(prefixOf(dataset).length).split('-')[0]) < beforeRound)
      await context.privateStore.remove(name);
}
