/** How many people, with which roles, must approve a change: the plain quorum, raised by brakes and by declared rules. */
import { byCodeUnit } from '../json.js';
import type { Operation } from '../operation.js';
import { anyRole, type ApprovalTerms, type QuorumRule } from './terms.js';

export interface Requirement {
  /** Per role, how many different people who hold it. Each person is counted for one role only. */
  readonly roles: Readonly<Record<string, number>>;
  /** How many different people in all; those who fill a role are among them. */
  readonly people: number;
  /** Approvers who authored the change: it takes at least one person besides them. */
  readonly authors: readonly string[];
}

/** What a rule is asked about: an operation, or a kind of operation that could come. */
export type Subject = Pick<Operation, 'type' | 'kind'> & { readonly fields: readonly string[] };

export function subjectOf({ type, kind, changes }: Operation): Subject {
  return { type, kind, fields: changes.map(({ field }) => field) };
}

function fits({ for: about }: QuorumRule, { type, kind, fields }: Subject): boolean {
  return (
    (about.type === undefined || about.type === type) &&
    (about.kind === undefined || about.kind === kind) &&
    (about.field === undefined || fields.includes(about.field))
  );
}

/** Over several subjects, which one decision settles together, the largest number for each role counts. */
export function requirementOf(
  { approval }: ApprovalTerms,
  subjects: readonly Subject[],
  quorum: number,
  authors: readonly string[] = [],
): Requirement {
  const roles: Record<string, number> = {};
  let people = quorum;
  for (const rule of approval.quorums) {
    if (!subjects.some((subject) => fits(rule, subject))) continue;
    for (const [role, count] of Object.entries(rule.need)) {
      if (role === anyRole) people = Math.max(people, count);
      else roles[role] = Math.max(roles[role] ?? 0, count);
    }
  }
  const inRoles = Object.values(roles).reduce((sum, count) => sum + count, 0);
  return {
    roles: Object.fromEntries(Object.entries(roles).sort(([left], [right]) => byCodeUnit(left, right))),
    people: Math.max(people, inRoles),
    authors: approval.separationOfDuties === 'required' ? [...new Set(authors)].sort(byCodeUnit) : [],
  };
}

/** For a new version of a type or of one of its maps: all that is asked for any operation on the type, as any may follow. */
export function requirementOfVersion(
  terms: ApprovalTerms,
  type: string,
  quorum: number,
  authors: readonly string[] = [],
): Requirement {
  const subjects = terms.approval.quorums.map(({ for: about }): Subject => ({
    type,
    kind: about.kind ?? 'update',
    fields: about.field === undefined ? [] : [about.field],
  }));
  return requirementOf(terms, subjects, quorum, authors);
}

/** `2 people, among them 1 with the role security`: for people's eyes. */
export function requirementWords({ roles, people, authors }: Requirement): string {
  const named = Object.entries(roles).map(([role, count]) => `${count} with the role ${role}`);
  const parts = [`${people} ${people === 1 ? 'person' : 'people'}`];
  if (named.length > 0) parts.push(`among them ${named.join(' and ')}`);
  if (authors.length > 0) parts.push(`not ${authors.join(' or ')} alone, who signed what is behind it`);
  return parts.join(', ');
}
