/**
 * Joins records that no link joins yet, by what people decided and then by the dataset's ordered rules.
 *
 * Input is what differs, and that suffices: a record that an unlinked one could be is by definition missing at the
 * unlinked one's authority. One candidate links, several are a case for a person, none is a new record. Never by
 * display name (validate refuses such a rule). A case too: a match by a rule that only proposes, a native object that
 * matches a record which its member held under another native id, and, where the dataset says so, a record that no rule
 * could match by anything. Made again by every authority, so it must not depend on any order.
 */
import { z } from 'zod';
import { digestOf } from './digest.js';
import { byCodeUnit } from './json.js';
import { lastOf } from './steps.js';
import type { MatchRule } from './federation/dataset.js';
import { Case, caseOf, casesOf, Nearby, proposals, type Cluster, type Node } from './correlation-cases.js';
import { matchedValues, needsToken, tokenField } from './match-tokens.js';
import { AuthorityId, isProvisional, type Fields } from './record.js';

/**
 * A person of `authority` said that its record `record` (provisional key) is, or is not, the one under key `to`. Told
 * apart from itself, it is a record of its own.
 */
export const LinkStatement = z.strictObject({
  kind: z.enum(['link', 'apart']),
  authority: AuthorityId,
  type: z.string(),
  record: z.string(),
  to: z.string(),
});
export type LinkStatement = z.infer<typeof LinkStatement>;

/** A statement as it stands: who signed it, and the federated key that its record has by now; null before it has one. */
export const StandingLink = z.strictObject({
  ...LinkStatement.shape,
  approver: z.string(),
  key: z.string().nullable(),
});
export type StandingLink = z.infer<typeof StandingLink>;

export const Assignment = z.strictObject({
  authority: AuthorityId,
  type: z.string(),
  from: z.string(),
  key: z.string(),
});
export type Assignment = z.infer<typeof Assignment>;

export const Correlation = z.strictObject({
  assignments: z.array(Assignment),
  cases: z.array(Case),
  /** Keys of every record that a case touches: neither compared nor planned until a person has decided. */
  held: z.array(z.strictObject({ type: z.string(), key: z.string() })),
});
export type Correlation = z.infer<typeof Correlation>;

export interface CorrelateInput {
  readonly type: string;
  readonly rules: readonly MatchRule[];
  readonly statements: readonly LinkStatement[];
  /** Fields of this type that leave as digests only: rules that name one compare match tokens (core/match-tokens.ts). */
  readonly digests?: readonly string[];
  /** Records that are nobody's (core/ignored.ts). */
  readonly ignored?: readonly { readonly authority: AuthorityId; readonly record: string }[];
  /** Whether a record that no rule could match by anything is a case. */
  readonly asksAboutUnmatchable?: boolean;
  /** Every differing record of this type with the members that hold it. */
  readonly records: readonly MatchedRecord[];
}

export interface MatchedRecord {
  readonly key: string;
  readonly members: Readonly<Record<AuthorityId, Fields | undefined>>;
  /** The match tokens that members gave for it. */
  readonly tokens?: Readonly<Record<AuthorityId, Fields | undefined>>;
  /** Members that held it when it was agreed on and show it no more. */
  readonly lost?: readonly AuthorityId[];
}

export function correlate(input: CorrelateInput): Correlation {
  return lastOf(correlationSteps(input));
}

/** The same, record by record. */
export function* correlationSteps(input: CorrelateInput): Generator<void, Correlation> {
  const ignored = new Set((input.ignored ?? []).map(({ authority, record }) => `${authority} ${record}`));
  const isIgnored = ({ key, members }: MatchedRecord): boolean =>
    ignored.size > 0 &&
    isProvisional(key) &&
    Object.keys(members).every((member) => members[member] === undefined || ignored.has(`${member} ${key}`));
  const lostOf = new Map(input.records.flatMap(({ key, lost }) => (lost ? [[key, lost]] : [])));
  const nodes: Node[] = input.records
    .filter((record) => !isIgnored(record))
    .map((record) => ({
      key: record.key,
      tokens: record.tokens ?? {},
      slots: new Map(
        Object.entries(record.members)
          .filter((entry): entry is [string, Fields] => entry[1] !== undefined)
          .sort(([left], [right]) => byCodeUnit(left, right)),
      ),
    }))
    .sort((left, right) => byCodeUnit(left.key, right.key));
  const clusterOf = new Map<string, Cluster>(
    nodes.map((node) => [
      node.key,
      {
        nodes: [node],
        taken: new Set(node.slots.keys()),
        lost: new Set(lostOf.get(node.key)),
        federated: !isProvisional(node.key),
        held: false,
      },
    ]),
  );
  // HAZARD: an authority's people speak for their own records only. Without this check any member could join, or keep
  // apart, the records of another.
  const spoken = input.statements.filter(
    ({ authority, record }) => clusterOf.get(record)?.nodes[0]?.slots.has(authority) === true,
  );
  const apart = apartPairs(spoken, input.type);
  const toldApart = new Set([...apart].flatMap((pair) => pair.split(' ')));

  const joinable = (left: Cluster, right: Cluster): boolean => {
    if (left === right || (left.federated && right.federated)) return false;
    for (const member of right.taken) if (left.taken.has(member)) return false;
    if (apart.size === 0) return true;
    return !left.nodes.some((a) => right.nodes.some((b) => apart.has(`${a.key} ${b.key}`)));
  };
  const join = (left: Cluster, right: Cluster): void => {
    left.nodes.push(...right.nodes);
    for (const member of right.taken) left.taken.add(member);
    for (const member of right.lost) left.lost.add(member);
    left.federated ||= right.federated;
    for (const node of right.nodes) clusterOf.set(node.key, left);
  };

  const linked = new Map<Cluster, Set<Cluster>>();
  for (const { kind, record, to } of spoken) {
    const left = clusterOf.get(record);
    const right = clusterOf.get(to);
    if (kind !== 'link' || !left || !right || !joinable(left, right)) continue;
    linked.set(left, (linked.get(left) ?? new Set()).add(right));
    linked.set(right, (linked.get(right) ?? new Set()).add(left));
  }
  for (const component of components(nodes, clusterOf, linked)) {
    // Statements that contradict each other settle nothing: the order of keys must not decide which of them was meant.
    if (mutuallyJoinable(component, joinable)) joinAll(component, join);
  }

  const isReplacement = (left: Cluster, right: Cluster): boolean =>
    [...left.taken].some((member) => right.lost.has(member)) ||
    [...right.taken].some((member) => left.lost.has(member));
  const matchable = new Set<Cluster>();

  const cases = new Map<string, Case>();
  for (const rule of input.rules) {
    // The candidates under one rule are judged all at once on the clusters as they stand, so that no order decides.
    const byValue = new Map<string, Set<Cluster>>();
    for (const node of nodes) {
      yield;
      const cluster = clusterOf.get(node.key);
      if (!cluster || cluster.held) continue;
      for (const [member, fields] of node.slots) {
        const value = needsToken(rule, input.digests ?? [])
          ? tokenOf(rule, node.tokens[member])
          : clearValue(rule, fields);
        if (value === undefined) continue;
        matchable.add(cluster);
        byValue.set(value, (byValue.get(value) ?? new Set()).add(cluster));
      }
    }
    const near = new Nearby(joinable, (cluster) => cluster.nodes.some(({ key }) => toldApart.has(key)));
    for (const clusters of byValue.values()) {
      yield;
      near.addAll([...clusters]);
    }
    for (const component of components(nodes, clusterOf, near.joined)) {
      yield;
      const isPlain = mutuallyJoinable(component, joinable);
      // No more than one record of a member each: few.
      const replaces =
        isPlain && component.some((left) => component.some((right) => left !== right && isReplacement(left, right)));
      if (isPlain && !replaces && rule.propose !== true) {
        joinAll(component, join);
        continue;
      }
      for (const cluster of component) cluster.held = true;
      const found = isPlain
        ? proposals(component, rule, input.type, replaces ? 'replaced' : 'proposed')
        : casesOf(component, near, rule, input.type);
      for (const one of found) cases.set(one.id, one);
    }
  }
  if (input.asksAboutUnmatchable === true) {
    const own = new Set(
      spoken.filter(({ kind, record, to }) => kind === 'apart' && record === to).map(({ record }) => record),
    );
    for (const cluster of new Set(clusterOf.values())) {
      const [node, ...others] = cluster.nodes;
      if (!node || others.length > 0 || cluster.federated || cluster.held) continue;
      if (matchable.has(cluster) || own.has(node.key)) continue;
      cluster.held = true;
      const found = caseOf(cluster, [], { match: [] }, input.type, 'unmatchable');
      if (found) cases.set(found.id, found);
    }
  }

  const assignments: Assignment[] = [];
  for (const cluster of new Set(clusterOf.values())) {
    yield;
    if (cluster.held) continue;
    const provisional = cluster.nodes.filter((node) => isProvisional(node.key));
    const federated = cluster.nodes.find((node) => !isProvisional(node.key));
    const key =
      federated?.key ??
      newKey(
        input.type,
        provisional.map((node) => node.key),
      );
    for (const node of provisional) {
      for (const authority of node.slots.keys()) assignments.push({ authority, type: input.type, from: node.key, key });
    }
  }
  return {
    assignments: assignments.sort((a, b) => byCodeUnit(a.authority + a.from, b.authority + b.from)),
    cases: [...cases.values()].sort((a, b) => byCodeUnit(a.id, b.id)),
    held: nodes
      .filter((node) => clusterOf.get(node.key)?.held === true)
      .map((node) => ({ type: input.type, key: node.key })),
  };
}

/**
 * Pairs of keys, both ways round, that a person told apart. A record that had only its provisional key when it was told
 * apart may have become a record of its own since, and is then known by the key that follows from it.
 */
function apartPairs(statements: readonly LinkStatement[], type: string): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const { kind, record, to } of statements) {
    if (kind !== 'apart') continue;
    for (const other of isProvisional(to) ? [to, newKey(type, [to])] : [to]) {
      pairs.add(`${record} ${other}`);
      pairs.add(`${other} ${record}`);
    }
  }
  return pairs;
}

/** A new record's key, derived from the sorted keyed digests that it joins at first agreement; it never changes after. */
export function newKey(type: string, provisionalKeys: readonly string[]): string {
  return digestOf({ type, joins: [...provisionalKeys].sort(byCodeUnit) });
}

/** The values of a rule's fields as one text. */
function clearValue(rule: MatchRule, fields: Fields): string | undefined {
  const values = matchedValues(rule, fields);
  return values && JSON.stringify(values);
}

function tokenOf(rule: MatchRule, tokens: Fields | undefined): string | undefined {
  const token = tokens?.[tokenField(rule)];
  return typeof token === 'string' && token !== '' ? token : undefined;
}

/** The connected parts of a graph over clusters as they stand, found in the order of the nodes. */
function components(
  nodes: readonly Node[],
  clusterOf: ReadonlyMap<string, Cluster>,
  neighbours: ReadonlyMap<Cluster, ReadonlySet<Cluster>>,
): readonly (readonly Cluster[])[] {
  const seen = new Set<Cluster>();
  const parts: Cluster[][] = [];
  for (const node of nodes) {
    const start = clusterOf.get(node.key);
    if (!start || seen.has(start) || !neighbours.has(start)) continue;
    const part = new Set([start]);
    for (const cluster of part) for (const next of neighbours.get(cluster) ?? []) part.add(next);
    for (const cluster of part) seen.add(cluster);
    parts.push([...part]);
  }
  return parts;
}

function joinAll(component: readonly Cluster[], join: (left: Cluster, right: Cluster) => void): void {
  const [first, ...rest] = component;
  if (first) for (const other of rest) join(first, other);
}

function mutuallyJoinable(
  component: readonly Cluster[],
  joinable: (left: Cluster, right: Cluster) => boolean,
): boolean {
  return component.every((left, position) => component.slice(position + 1).every((right) => joinable(left, right)));
}
