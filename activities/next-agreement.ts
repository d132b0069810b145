/** From a run's sealed inputs, its permit and all receipts to the next base: made by the coordinator, made again by every witness. */
import { agreedUnderOfNextBase } from '../core/agreed-under.js';
import { authoredOfNextBase } from '../core/federation/documents-behind.js';
import { amongIds, GatheredIds, type Ids } from '../core/digest-list.js';
import type { Digest } from '../core/digest.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { byCodeUnit } from '../core/json.js';
import { keysOf } from '../core/federation/keys-of.js';
import { ReceiptsBody, ReceiptsStatement, receiptsType, type Candidate, type Ref } from '../core/messages.js';
import { versionsOfNextBase } from '../core/migrate-base.js';
import type { LongList } from '../core/long-list.js';
import { heldAtBase, type BaseChange, type EffectiveOperations } from '../core/next-base.js';
import type { Operation } from '../core/operation.js';
import { operationsOf, type Permit } from '../core/permit.js';
import { hadEffect } from '../core/receipt.js';
import { mayLieApart } from '../core/sealed.js';
import { gatheredBaseChanges } from './base-changes.js';
import { inFile } from './documents/long-lists.js';
import { digestInPieces } from './documents/put-in-pieces.js';
import { effectiveInFile } from './effective-operations.js';
import { getLongDocument, getMessage } from './exchange.js';
import { isSliceOver, letOthersRun } from './event-loop.js';
import type { Recomputed } from './recompute.js';
import { keysOfNextBase } from './resealed-views.js';
import { memberOfRef } from './run-messages.js';
import { sealNextBase, type SealedBase } from './base.js';
import type { ObjectStore } from './store.js';
import { hasUnanimous, type UnanimousByType } from './unanimous.js';

/** What an agreement changes. */
export interface AgreedOn {
  /** Of records that were looked at one by one. */
  readonly changes: LongList<BaseChange>;
  /** Records that the next base takes over as all members show them. */
  readonly unanimous: UnanimousByType;
  readonly effective: readonly Operation[] | EffectiveOperations;
  /** Their ids. */
  readonly done: Pick<ReadonlySet<Digest>, 'has'>;
  /** What was signed about them, by whom and when. */
  readonly receipts: readonly ReceiptsStatement[];
}

export interface NextAgreement extends AgreedOn {
  readonly candidate: Candidate | null;
  readonly sealed: SealedBase | null;
}

interface AgreedFrom {
  readonly federation: Federation;
  readonly exchange: ObjectStore;
  readonly run: Digest;
  readonly recomputed: Recomputed;
  readonly permit: Permit;
  readonly receipts: readonly Ref[];
}

/** Without the base that it makes, which costs as much as the base is large. */
export async function agreedOn(options: AgreedFrom): Promise<AgreedOn> {
  const { receiptIds: _ids, ...agreed } = await agreedFrom(options);
  return agreed;
}

export async function nextAgreement(
  options: AgreedFrom & { readonly prefix: string; readonly heartbeat?: () => void },
): Promise<NextAgreement> {
  const { exchange, recomputed, permit, prefix } = options;
  const { receiptIds, ...agreed } = await agreedFrom(options);
  const { changes, unanimous, done } = agreed;
  // HAZARD: a base under new versions is one that all who hold their types approved. Until then none moves at all, or what
  // changed beside them would take them along.
  const areNew = (recomputed.plan.newVersions ?? []).length > 0;
  if (areNew ? !permit.newVersions : changes.length === 0 && !hasUnanimous(unanimous))
    return { ...agreed, candidate: null, sealed: null };
  const sealed = await sealNextBase({
    shape: recomputed.messages.shape,
    previous: recomputed.messages.base,
    previousDigest: recomputed.messages.baseDigest,
    changes,
    unanimous,
    digestKeys: keysOfNextBase(recomputed.messages, recomputed.views, changes),
    versions: versionsOfNextBase(recomputed.messages.shape.types),
    agreedUnder: agreedUnderOfNextBase({
      types: recomputed.messages.shape.types,
      before: recomputed.messages.base?.agreedUnder,
      opens: Object.values(recomputed.messages.opens),
      snapshots: recomputed.snapshots,
    }),
    authored: authoredOfNextBase(recomputed.messages.shape, recomputed.messages.base, recomputed.plan, done),
    mayLieApart: mayLieApart(Object.values(recomputed.messages.opens)),
    exchange,
    prefix,
    ...(options.heartbeat ? { heartbeat: options.heartbeat } : {}),
  });
  const candidate: Candidate = {
    dataset: recomputed.plan.dataset,
    run: options.run,
    sequence: sealed.base.sequence,
    previous: recomputed.messages.baseDigest,
    plan: recomputed.planDigest,
    permit: await digestInPieces(permit),
    receipts: [...receiptIds].sort(byCodeUnit),
    next: sealed.digest,
  };
  return { ...agreed, candidate, sealed };
}

async function agreedFrom(options: AgreedFrom): Promise<AgreedOn & { readonly receiptIds: readonly Digest[] }> {
  const { federation, exchange, recomputed, permit } = options;
  const permitDigest = await digestInPieces(permit);
  const effectiveIds = new GatheredIds();
  const ids: Digest[] = [];
  const statements: ReceiptsStatement[] = [];
  for (const ref of options.receipts) {
    const authority = memberOfRef(ref, recomputed.messages.members);
    const { payload, id } = await getMessage(exchange, ref, {
      typ: receiptsType,
      schema: ReceiptsStatement,
      keys: keysOf(federation, authority, 'messages'),
    });
    if (
      payload.authority !== authority ||
      payload.run !== options.run ||
      payload.plan !== recomputed.planDigest ||
      payload.permit !== permitDigest
    ) {
      throw new ConcordatError('inputNotAuthentic', `the receipts of ${authority} are of another run, plan or permit`);
    }
    const body = await getLongDocument<{ readonly receipts: Iterable<ReceiptsBody['receipts'][number]> }>(
      exchange,
      { ref: `${authority}/documents/${payload.body}`, sha256: payload.body },
      ReceiptsBody,
      () => inFile(),
    );
    // What a permit that was made here releases to an authority are operations of this plan, and its own.
    const permitted = amongIds(permit.operations[authority] ?? []);
    for (const receipt of body.receipts) {
      if (isSliceOver()) await letOthersRun();
      if (!permitted.has(receipt.operation))
        throw new ConcordatError('inputNotAuthentic', `${authority} gives a receipt for what it was not permitted`);
      if (hadEffect(receipt.outcome)) effectiveIds.put(receipt.operation);
    }
    ids.push(id);
    statements.push(payload);
  }
  const done = effectiveIds.finish();
  const effective =
    effectiveInFile(recomputed.plan, recomputed.messages.shape, done) ?? effectiveInMemory(recomputed.plan, done);
  const changes = await gatheredBaseChanges({
    shape: recomputed.messages.shape,
    views: recomputed.views,
    incomplete: recomputed.incomplete,
    held: recomputed.correlation.held,
    effective,
    heldAtBase: heldAtBase(recomputed.messages.base, recomputed.messages.shape),
  });
  return {
    changes,
    unanimous: recomputed.unanimous,
    effective,
    done: amongIds(done),
    receipts: statements,
    receiptIds: ids,
  };
}

function effectiveInMemory(plan: Recomputed['plan'], done: Ids): readonly Operation[] {
  if (done.length === 0) return [];
  const byId = operationsOf(plan);
  return [...done].flatMap((id) => byId.get(id) ?? []);
}
