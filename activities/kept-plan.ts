/**
 * The last plan that this process made from sealed inputs, with what led to it. An authority makes a plan for its people, in
 * its gate and when it signs, and all three times from the same inputs; the coordinator as often.
 *
 * HAZARD: the gate believes what is kept. So it is found by the digest of everything that it was made from, which whoever asks has
 * read and verified anew; it is in the memory of this process alone, where only what this process computed itself comes to.
 */
import { digestOf, type Digest } from '../core/digest.js';
import type { Federation } from '../core/federation/federation.js';
import type { SnapshotStatement } from '../core/messages.js';
import type { AuthorityId } from '../core/record.js';
import type { Recomputed } from './recompute.js';
import type { RunMessages } from './run-messages.js';
import { areInFile } from './spilling/gathered-views.js';
import type { ObjectStore } from './store.js';

export type Computed = Omit<Recomputed, 'messages' | 'snapshots'>;

/** A record that differs takes some 1.6 kB with its part of the plan: no more than 40 MB are kept. */
const viewsMax = 25_000;
/** Values of records do not stay in memory long after the run that needed them. */
const keptForMs = 10 * 60_000;

interface Kept {
  readonly inputs: Digest;
  readonly computed: Computed;
}

/** For each who asks: under terms that were read anew nothing is kept yet. */
const lastOf = new WeakMap<Federation, WeakMap<ObjectStore, Kept>>();

/** Of all that a plan is made from: what is not in it is content-addressed by it. */
export function digestOfInputs(
  { opens, standings, shape, baseDigest }: RunMessages,
  snapshots: Readonly<Record<AuthorityId, SnapshotStatement>>,
): Digest {
  return digestOf({ opens, standings, shape, baseDigest, snapshots });
}

export function keptPlan(federation: Federation, exchange: ObjectStore, inputs: Digest): Computed | undefined {
  const kept = lastOf.get(federation)?.get(exchange);
  return kept?.inputs === inputs ? kept.computed : undefined;
}

/** Keeps nothing that is large. */
export function keepPlan(federation: Federation, exchange: ObjectStore, inputs: Digest, computed: Computed): void {
  const ofFederation = lastOf.get(federation) ?? new WeakMap<ObjectStore, Kept>();
  lastOf.set(federation, ofFederation);
  ofFederation.delete(exchange);
  const views = Object.values(computed.views).reduce((sum, ofType) => sum + ofType.length, 0);
  if (views > viewsMax || Object.values(computed.views).some(areInFile)) return;
  const kept: Kept = { inputs, computed };
  ofFederation.set(exchange, kept);
  setTimeout(() => {
    if (ofFederation.get(exchange) === kept) ofFederation.delete(exchange);
  }, keptForMs).unref();
}
