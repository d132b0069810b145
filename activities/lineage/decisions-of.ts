/** The decisions that the hops of a record name, out of the reviews of the runs that made them. */
import { Decision, decisionType } from '../../core/decision.js';
import type { Digest } from '../../core/digest.js';
import type { RecordLineage } from '../../core/lineage/bundle.js';
import { parseHop } from '../../core/lineage/hop.js';
import type { LongList } from '../../core/long-list.js';
import { Proposal, Seal, type Ref } from '../../core/messages.js';
import { areNamedBy, atPlaces, proofOf } from '../../core/operation-ranges.js';
import { Plan } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import { ReviewBody, ReviewStatement, reviewScope, reviewType } from '../../core/review.js';
import { getDocument, getMessage } from '../exchange.js';
import { readUnverified } from '../keys/verify.js';
import { authorityOfRef } from '../run-messages.js';
import type { ObjectStore } from '../store.js';
import type { RecordHead } from './export-file.js';
import { readSealedHops } from './read-chain.js';
import type { TrustedKeys } from './trusted-keys.js';

/** By the id of a decision, the operations that hops say it approved. */
type Wanted = ReadonlyMap<Digest, ReadonlySet<Digest>>;

/** With the proof, of a decision that names ranges, that what was written is among the operations there. */
export async function decisionsOf(
  exchange: ObjectStore,
  keys: TrustedKeys,
  lineage: RecordLineage,
): Promise<Pick<RecordHead, 'decisions' | 'named'>> {
  const wanted = new Map<Digest, Set<Digest>>();
  const sequences = new Set<string>();
  for (const { authority, hops } of lineage.chains)
    for (const { body, root } of hops) {
      const cause = parseHop(body)?.cause;
      if (cause?.kind !== 'written') continue;
      for (const decision of cause.decisions)
        wanted.set(decision, new Set([...(wanted.get(decision) ?? []), ...cause.operations]));
      const { payload } = readUnverified(root, { typ: 'concordat-hop+jwt' });
      sequences.add(`${authority} ${Number(payload['sequence'])}`);
    }
  const found = new Map<Digest, string>();
  const named: NonNullable<RecordHead['named']> = [];
  for (const place of sequences) {
    const [authority = '', sequence = ''] = place.split(' ');
    const sealed = await readSealedHops(exchange, authority, lineage.dataset, Number(sequence));
    if (!sealed) continue;
    const { proposal: ref } = await getDocument(exchange, sealed.seal, Seal);
    const { plan, reviews } = await getDocument(exchange, ref, Proposal);
    for (const review of reviews) {
      if (authorityOfRef(review) !== authority) continue;
      const { payload } = await getMessage(exchange, review, {
        typ: reviewType,
        schema: ReviewStatement,
        keys: keys.ofMessages(authority),
      });
      const body = { ref: `${authority}/documents/${payload.body}`, sha256: payload.body };
      // Erased with a record that it was also about; whoever verifies is told.
      if ((await exchange.get(body.ref)) === null) continue;
      const read = await getDocument(exchange, body, ReviewBody);
      for (const jws of read.decisions) {
        const { id, payload: claimed } = readUnverified(jws, { typ: decisionType });
        const decision = Decision.safeParse(claimed);
        if (!wanted.has(id) || !decision.success) continue;
        found.set(id, jws);
        if (named.some((one) => one.decision === id)) continue;
        named.push(...(await proofsOf(exchange, id, decision.data, { authority, plan, read }, wanted)));
      }
    }
  }
  return { decisions: [...found.values()], ...(named.length > 0 ? { named } : {}) };
}

/** None where what it names cannot be found any more: whoever verifies is told. */
async function proofsOf(
  exchange: ObjectStore,
  id: Digest,
  { ranges, plan: ofPlan }: Decision,
  { authority, plan, read }: { readonly authority: AuthorityId; readonly plan: Ref; readonly read: ReviewBody },
  wanted: Wanted,
): Promise<NonNullable<RecordHead['named']>> {
  if (!ranges) return [];
  // Mostly all that was named was approved, in the same order: then nobody has to read the plan.
  let operations: LongList<Digest> | null = areNamedBy(ranges, read.operations) ? read.operations : null;
  operations ??= ofPlan === plan.sha256 ? await namedIn(exchange, plan, authority, ranges.places) : null;
  operations ??= read.named?.[id] ?? null;
  if (!operations || !areNamedBy(ranges, operations)) return [];
  const all = [...operations];
  return [...(wanted.get(id) ?? [])].flatMap((operation) =>
    all.includes(operation) ? [{ decision: id, operation, proof: proofOf(all, operation) }] : [],
  );
}

async function namedIn(
  exchange: ObjectStore,
  plan: Ref,
  authority: AuthorityId,
  places: Parameters<typeof atPlaces>[0],
): Promise<LongList<Digest> | null> {
  if ((await exchange.get(plan.ref)) === null) return null;
  const { operations } = reviewScope(await getDocument(exchange, plan, Plan), authority);
  return atPlaces(
    places,
    operations.map((operation) => operation.id),
  );
}
