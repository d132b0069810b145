/**
 * Cases: which records correlation (correlate.ts) does not join by itself, and whom a person is asked about. Made again by
 * every authority, in work that grows with the records and not with their pairs.
 */
import { z } from 'zod';
import { Digest, digestOf } from './digest.js';
import type { MatchRule } from './federation/dataset.js';
import { byCodeUnit } from './json.js';
import { AuthorityId, isProvisional, type Fields } from './record.js';

export const Case = z.strictObject({
  /** Digest of type, record and candidates: the same doubt is the same case in every run. */
  id: Digest,
  type: z.string(),
  authority: AuthorityId,
  record: z.string(),
  rule: z.array(z.string()),
  /** As the rule declares it. */
  confidence: z.int().optional(),
  /**
   * Why a person must decide, where it is not for several candidates. `proposed`: the rule only proposes. `replaced`: the
   * member held a candidate under another native id, which is gone. `unmatchable`: no rule could match it by anything.
   */
  doubt: z.enum(['proposed', 'replaced', 'unmatchable']).optional(),
  candidates: z.array(z.strictObject({ authority: AuthorityId, key: z.string() })),
  /** There are more than the first `candidatesMax` that are listed: what they share tells nobody apart. */
  more: z.literal(true).optional(),
});
export type Case = z.infer<typeof Case>;

export interface Node {
  readonly key: string;
  /** Members that hold the record under this key. */
  readonly slots: Map<AuthorityId, Fields>;
  readonly tokens: Readonly<Record<AuthorityId, Fields | undefined>>;
}

/** A set of nodes that are one record. */
export interface Cluster {
  readonly nodes: Node[];
  /** Members that hold one of the nodes: no second record of theirs may join. */
  readonly taken: Set<AuthorityId>;
  /** Members that held one of the nodes and show it no more: what takes its place there is another native object. */
  readonly lost: Set<AuthorityId>;
  /** Whether a federated key is among the nodes: two such records were told apart long ago. */
  federated: boolean;
  held: boolean;
}

/** How many records a case lists. A value that more records share is no name of anybody, and all of them wait. */
export const candidatesMax = 20;

/**
 * Who could be whom under one rule, in work that grows with the records and not with their pairs. Clusters of the same
 * members are alike to all others, unless people said something of them, so each is held against one of every kind.
 */
export class Nearby {
  /** Enough of the pairs that could be one record that whatever hangs together does so here. */
  readonly joined = new Map<Cluster, Set<Cluster>>();
  readonly #candidates = new Map<Cluster, Set<Cluster>>();
  readonly #joinable: (left: Cluster, right: Cluster) => boolean;
  readonly #isSpokenOf: (cluster: Cluster) => boolean;

  constructor(joinable: (left: Cluster, right: Cluster) => boolean, isSpokenOf: (cluster: Cluster) => boolean) {
    this.#joinable = joinable;
    this.#isSpokenOf = isSpokenOf;
  }

  /** Clusters that share a value, in the order of their nodes. */
  addAll(clusters: readonly Cluster[]): void {
    if (clusters.length < 2) return;
    const alike = new Map<string, Cluster[]>();
    for (const cluster of clusters) {
      const alone = this.#isSpokenOf(cluster) ? (cluster.nodes[0]?.key ?? '') : '';
      const kind = `${[...cluster.taken].sort(byCodeUnit).join(' ')} ${cluster.federated} ${alone}`;
      const known = alike.get(kind);
      if (known) known.push(cluster);
      else alike.set(kind, [cluster]);
    }
    for (const cluster of clusters) {
      const own = this.#candidates.get(cluster) ?? new Set();
      for (const others of alike.values()) {
        let first = true;
        for (const other of others) {
          // One more than a case lists, to know that there are more.
          if (own.size > candidatesMax && !first) break;
          if (!this.#joinable(cluster, other)) {
            if (cannotBeOne(cluster, other)) break;
            continue;
          }
          if (own.size <= candidatesMax) own.add(other);
          if (first) this.#join(cluster, other);
          first = false;
        }
      }
      if (own.size > 0) this.#candidates.set(cluster, own);
    }
  }

  /** At most one more than `candidatesMax`. */
  of(cluster: Cluster): readonly Cluster[] {
    return [...(this.#candidates.get(cluster) ?? [])];
  }

  #join(left: Cluster, right: Cluster): void {
    this.joined.set(left, (this.joined.get(left) ?? new Set()).add(right));
    this.joined.set(right, (this.joined.get(right) ?? new Set()).add(left));
  }
}

/** Whatever people say: two records with keys of their own, or two of one member. */
function cannotBeOne(left: Cluster, right: Cluster): boolean {
  return left !== right && ((left.federated && right.federated) || [...right.taken].some((one) => left.taken.has(one)));
}

/**
 * One case for each unlinked record that could be several others. Where the doubtful record is itself linked already,
 * the cases belong to the unlinked ones that compete for it.
 */
export function casesOf(component: readonly Cluster[], near: Nearby, rule: MatchRule, type: string): readonly Case[] {
  return component.flatMap((cluster) => {
    const candidates = near.of(cluster);
    const [only] = candidates;
    // Who has several candidates gets one case that names them all; who has one competes for it, unless that one asks.
    const competes = candidates.length === 1 && only && near.of(only).length > 1 && !firstProvisional(only);
    return (candidates.length > 1 || competes ? caseOf(cluster, candidates, rule, type) : undefined) ?? [];
  });
}

function firstProvisional({ nodes }: Cluster): Node | undefined {
  const [first] = nodes.filter((node) => isProvisional(node.key)).sort((a, b) => byCodeUnit(a.key, b.key));
  return first;
}

/** Every record of the component fits every other one, and still nobody but a person says so. */
export function proposals(
  component: readonly Cluster[],
  rule: MatchRule,
  type: string,
  doubt: NonNullable<Case['doubt']>,
): readonly Case[] {
  // Of records that are all unlinked one is asked about; else each unlinked one, against what is known already.
  const known = component.filter(({ federated }) => federated);
  const asked = known.length > 0 ? component.filter(({ federated }) => !federated) : component.slice(0, 1);
  return asked.flatMap((cluster) => {
    const candidates = known.length > 0 ? known : component.filter((other) => other !== cluster);
    return caseOf(cluster, candidates, rule, type, doubt) ?? [];
  });
}

export function caseOf(
  subject: Cluster,
  candidates: readonly Cluster[],
  rule: MatchRule,
  type: string,
  doubt?: Case['doubt'],
): Case | undefined {
  const record = firstProvisional(subject);
  const [authority] = record ? [...record.slots.keys()] : [];
  if (!record || authority === undefined) return undefined;
  const body = {
    type,
    authority,
    record: record.key,
    rule: rule.match,
    ...(rule.confidence === undefined ? {} : { confidence: rule.confidence }),
    ...(doubt === undefined ? {} : { doubt }),
    candidates: candidates
      .slice(0, candidatesMax)
      .flatMap((other) =>
        other.nodes.flatMap((node) => [...node.slots.keys()].map((holder) => ({ authority: holder, key: node.key }))),
      )
      .sort((a, b) => byCodeUnit(a.key + a.authority, b.key + b.authority)),
    ...(candidates.length > candidatesMax ? { more: true as const } : {}),
  };
  return { id: digestOf(body), ...body };
}
