/** This authority's own terms of approval for one plan: who must approve what, who counts by now, and who authored what. */
import { undoCauses } from '../../core/undo.js';
import { Authorship } from '../../core/approval/authors.js';
import { electorateOf } from '../../core/approval/electorate.js';
import { requirementOf, requirementOfVersion, subjectOf } from '../../core/approval/requirement.js';
import { quorumOf } from '../../core/brakes.js';
import { Correlation, type Assignment } from '../../core/correlate.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Demand, ReviewScope, TallyTerms } from '../../core/review.js';
import type { RunInputs } from '../../core/messages.js';
import { authoredDocuments, type DocumentBehind } from '../document-authors.js';
import { getDocument } from '../exchange.js';
import type { Recomputed } from '../recompute.js';
import { authorityOf, type AuthorityContext } from './context.js';

/** What the terms of one review rest on. */
export interface ReviewTerms {
  readonly braked: boolean;
  /** By operation or new version, the approvers who authored it; those without one are left out. */
  readonly authors: Readonly<Record<Digest, readonly string[]>>;
  /** Since when people have been asked about an operation or conflict, on this authority's own clock; undefined where they were not. */
  readonly askedSinceMs: (subject: Digest) => number | undefined;
}

export function termsOf(context: AuthorityContext, { braked, authors, askedSinceMs }: ReviewTerms): TallyTerms {
  const authority = authorityOf(context);
  const quorum = quorumOf(authority, braked);
  const nowMs = context.now();
  const demands = new Map<string, Demand>();
  return {
    authority: context.id,
    demandOf: (subject, operations) => {
      const waitedMs = nowMs - (askedSinceMs(subject) ?? nowMs);
      const subjects = operations.map(subjectOf);
      const own = operations.flatMap(({ id }) => authors[id] ?? []);
      const name = JSON.stringify([waitedMs, subjects, own]);
      const demand = demands.get(name) ?? {
        requirement: requirementOf(authority, subjects, quorum, own),
        electorate: electorateOf(authority, waitedMs),
      };
      demands.set(name, demand);
      return demand;
    },
    demandOfVersion: ({ id, type }) => ({
      requirement: requirementOfVersion(authority, type, quorum, authors[id] ?? []),
      electorate: electorateOf(authority, nowMs - (askedSinceMs(id) ?? nowMs)),
    }),
  };
}

export interface AuthorsOfScope {
  /** In the words of its own approvers. */
  readonly authors: Readonly<Record<Digest, readonly string[]>>;
  /** Of the documents that people of this federation sign, those behind what is asked here. */
  readonly documents: readonly DocumentBehind[];
}

/** Who authored the operations that this authority's people are asked about. */
export async function authorsOfScope(
  context: AuthorityContext,
  inputs: RunInputs,
  recomputed: Recomputed,
  scope: ReviewScope,
): Promise<AuthorsOfScope> {
  const { standings, shape, base } = recomputed.messages;
  const links = Object.values(standings).flatMap((standing) => standing.links);
  const undone = undoCauses(recomputed.planInput.undos ?? []);
  if (links.length === 0 && undone.length === 0 && !shape.documents) return { authors: {}, documents: [] };
  const assignments = links.length === 0 ? [] : await appliedAssignments(context, inputs, recomputed);
  const federation = context.federation.file.federation;
  const { causes, behind } = await authoredDocuments({ federation, shape, base });
  const authorship = new Authorship(context.federation.authorities, links, assignments, [...causes, ...undone]);
  const authors: Record<Digest, readonly string[]> = {};
  const operations = [
    ...scope.operations,
    ...scope.conflicts.flatMap(({ candidates }) => candidates.flatMap((candidate) => candidate.operations)),
  ].filter(({ authority }) => authority === context.id);
  for (const operation of operations) {
    const people = authorship.of(operation, context.id);
    if (people.length > 0) authors[operation.id] = people;
  }
  for (const version of scope.newVersions ?? []) {
    const people = authorship.ofVersion(version, context.id);
    if (people.length > 0) authors[version.id] = people;
  }
  return { authors, documents: behind(operations) };
}

/**
 * HAZARD: the coordinator names the correlation, so it counts only as what a member signed: whoever got new links made it
 * again and put its digest into their snapshot.
 */
async function appliedAssignments(
  context: AuthorityContext,
  inputs: RunInputs,
  { snapshots }: Recomputed,
): Promise<readonly Assignment[]> {
  const applied = new Set(Object.values(snapshots).flatMap(({ correlation }) => correlation ?? []));
  if (applied.size === 0) return [];
  const { correlation } = inputs;
  if (applied.size > 1 || !correlation || !applied.has(correlation.sha256))
    throw new ConcordatError('planNotReproduced', 'the run names another correlation than its snapshots applied');
  return (await getDocument(context.exchange, correlation, Correlation)).assignments;
}
