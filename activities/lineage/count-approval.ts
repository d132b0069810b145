/** Whether the people behind a review were enough: for what it calls approved, and for what was written under it. */
import { undoCauses } from '../../core/undo.js';
import { Authorship, type SignedCause } from '../../core/approval/authors.js';
import { electorateOf } from '../../core/approval/electorate.js';
import {
  requirementOf,
  requirementOfVersion,
  requirementWords,
  subjectOf,
  type Requirement,
} from '../../core/approval/requirement.js';
import { quorumOf, trippedBrakes } from '../../core/brakes.js';
import type { Assignment } from '../../core/correlate.js';
import type { Digest } from '../../core/digest.js';
import type { Configuration } from '../../core/federation/configuration.js';
import { newVersionWords, type NewVersion } from '../../core/new-versions.js';
import type { Operation } from '../../core/operation.js';
import { operationsOf, type Permit } from '../../core/permit.js';
import { reviewScope, tally, type Review, type ReviewScope, type ReviewTally, type Vote } from '../../core/review.js';
import type { Recomputed } from '../recompute.js';
import type { Findings } from './findings.js';

/** The terms of a member as the configuration of the run has them. */
export type MemberTerms = NonNullable<Configuration['authorities'][number]>;

export interface ApprovalEvidence {
  readonly recomputed: Recomputed;
  /** The one that the opens of the run named. */
  readonly configuration: Configuration;
  /** Of the correlation that the snapshots applied. */
  readonly assignments: readonly Assignment[];
  /** What people signed that operations follow from, other than links. */
  readonly causes: readonly SignedCause[];
  readonly permit: Permit;
  /** By their ids, the operations that had an effect, as receipts say. */
  readonly written: ReadonlySet<Digest>;
}

export interface Counting extends ApprovalEvidence {
  readonly terms: MemberTerms;
}

export function requireEnough(review: Review, votes: readonly Vote[], counting: Counting, findings: Findings): void {
  const { authority } = review;
  const scope = reviewScope(counting.recomputed.plan, authority);
  const wrong = (words: string): void => findings.add('wrong', authority, words);
  const count = countUnder(counting, scope, votes, false);
  const approved = new Set(count.late.approved);
  const calledApproved = new Set(review.operations);
  const named = scope.operations.filter(({ id }) => calledApproved.has(id));
  for (const [requirement, lacking] of byRequirement(
    named.filter(({ id }) => !approved.has(id)),
    count,
  ))
    wrong(
      `its review calls ${counted(lacking.length, 'operation')} approved without enough people: it takes ${requirement}`,
    );
  const unknown = calledApproved.size - named.length;
  if (unknown > 0) wrong(`its review approves ${counted(unknown, 'operation')} that the plan does not ask of it`);
  const unsigned = Object.entries(review.choices).filter(([id, candidate]) => count.late.choices[id] !== candidate);
  if (unsigned.length > 0)
    wrong(
      `its review chooses for ${counted(unsigned.length, 'conflict')} what the decisions of its people do not give`,
    );
  requireEnoughForVersions(review, scope, count, counting, findings);
  requireEnoughForWritten(authority, scope, votes, counting, findings);
}

function requireEnoughForVersions(
  { authority, newVersions }: Review,
  { newVersions: asked = [] }: ReviewScope,
  { late, requirementOfNew }: Count,
  { permit }: Counting,
  findings: Findings,
): void {
  const called = newVersions?.approved ?? [];
  const unknown = called.filter((id) => !asked.some((one) => one.id === id));
  if (unknown.length > 0)
    findings.add(
      'wrong',
      authority,
      `its review approves ${counted(unknown.length, 'new version')} that the plan does not ask of it`,
    );
  for (const version of asked) {
    const takes = requirementWords(requirementOfNew(version));
    const isEnough = late.approvedVersions.includes(version.id);
    if (called.includes(version.id) && !isEnough)
      findings.add(
        'wrong',
        authority,
        `its review calls approved, without enough people, that ${newVersionWords(version)}: it takes ${takes}`,
      );
    else if (isEnough && permit.newVersions?.includes(version.id))
      findings.add('approved', authority, `with the people that its terms ask (${takes}): ${newVersionWords(version)}`);
  }
}

/** As the gate counts: all that was released here decides on brakes, and beyond one only decisions on this very plan count. */
function requireEnoughForWritten(
  authority: string,
  scope: ReviewScope,
  votes: readonly Vote[],
  counting: Counting,
  findings: Findings,
): void {
  const { recomputed, permit, terms, written } = counting;
  const byId = operationsOf(recomputed.plan);
  const released = [...(permit.operations[authority] ?? [])].flatMap((id) => byId.get(id) ?? []);
  const done = released.filter(({ id }) => written.has(id));
  if (done.length === 0) return;
  const held = (recomputed.snapshots[authority]?.types ?? []).map(({ type, count }) => [type, count] as const);
  const braked = trippedBrakes(terms, released, Object.fromEntries(held)).length > 0;
  const voting = braked ? votes.filter(({ decision }) => decision.plan === recomputed.planDigest) : votes;
  const count = countUnder(counting, scope, voting, braked);
  const enough = approvedBy(count.late, scope, permit);
  const atOnce = approvedBy(count.atOnce, scope, permit);
  const beyond = braked ? ', beyond a brake,' : '';
  for (const [requirement, lacking] of byRequirement(
    done.filter(({ id }) => !enough.has(id)),
    count,
  ))
    findings.add('wrong', authority, `${wasWritten(lacking)}${beyond} without enough people: it takes ${requirement}`);
  for (const [requirement, met] of byRequirement(
    done.filter(({ id }) => enough.has(id)),
    count,
  )) {
    const isEscalated = met.some(({ id }) => !atOnce.has(id));
    const escalated = isEscalated
      ? '; people whom an escalation brings in are among them, and when it took effect is the word of the authority'
      : '';
    findings.add(
      'approved',
      authority,
      `${wasWritten(met)}${beyond} with the people that its terms ask: ${requirement}${escalated}`,
    );
  }
}

interface Count {
  /** With those who count as soon as people are asked. */
  readonly atOnce: ReviewTally;
  /** With all whom escalations bring in sooner or later: how long people had been asked no export shows. */
  readonly late: ReviewTally;
  readonly requirement: (operation: Operation) => Requirement;
  readonly requirementOfNew: (version: NewVersion) => Requirement;
}

function countUnder(
  { recomputed, configuration, assignments, causes, terms }: Counting,
  scope: ReviewScope,
  votes: readonly Vote[],
  braked: boolean,
): Count {
  const listed = Object.fromEntries(configuration.authorities.flatMap((one) => (one ? [[one.authority, one]] : [])));
  const links = Object.values(recomputed.messages.standings).flatMap((standing) => standing.links);
  const authorship = new Authorship(listed, links, assignments, [
    ...causes,
    ...undoCauses(recomputed.planInput.undos ?? []),
  ]);
  const quorum = quorumOf(terms, braked);
  const required = (operations: readonly Operation[]): Requirement =>
    requirementOf(
      terms,
      operations.map(subjectOf),
      quorum,
      operations.flatMap((operation) => authorship.of(operation, terms.authority)),
    );
  const requirementOfNew = (version: NewVersion): Requirement =>
    requirementOfVersion(terms, version.type, quorum, authorship.ofVersion(version, terms.authority));
  const after = (waitedMs: number): ReviewTally => {
    const electorate = electorateOf(terms, waitedMs);
    return tally(scope, votes, {
      authority: terms.authority,
      demandOf: (_subject, operations) => ({ requirement: required(operations), electorate }),
      demandOfVersion: (version) => ({ requirement: requirementOfNew(version), electorate }),
    });
  };
  return {
    atOnce: after(0),
    late: after(Number.POSITIVE_INFINITY),
    requirement: (operation) => required([operation]),
    requirementOfNew,
  };
}

/** What people approved by name, and what their choices release where the permit settled the conflict alike. */
function approvedBy(
  { approved, choices }: ReviewTally,
  { conflicts }: ReviewScope,
  permit: Permit,
): ReadonlySet<Digest> {
  const chosen = conflicts.flatMap(({ id, candidates }) =>
    candidates
      .filter(({ digest }) => choices[id] === digest)
      .filter(({ digest }) => permit.settled.some(({ conflict, candidate }) => conflict === id && candidate === digest))
      .flatMap(({ operations }) => operations.map((operation) => operation.id)),
  );
  return new Set([...approved, ...chosen]);
}

/** Operations by what they take, in words. */
function byRequirement(
  operations: readonly Operation[],
  { requirement }: Count,
): ReadonlyMap<string, readonly Operation[]> {
  const groups = new Map<string, Operation[]>();
  for (const operation of operations) {
    const words = requirementWords(requirement(operation));
    groups.set(words, [...(groups.get(words) ?? []), operation]);
  }
  return groups;
}

function wasWritten(operations: readonly Operation[]): string {
  return `${counted(operations.length, 'operation')} ${operations.length === 1 ? 'was' : 'were'} written`;
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
