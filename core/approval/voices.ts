/**
 * Counts people against a requirement. A voice belongs to one approver and is raised by one signer, mostly the same
 * person. Nobody is counted twice: neither one who also signs for another, nor one for whom two others sign.
 *
 * Finding who fills which role is a matching: slots (roles) → whose voice → who signed, each node used once. Augmenting
 * paths (Ford and Fulkerson 1956) find the largest one, and which slots stay empty does not depend on the order of voices.
 */
import { byCodeUnit } from '../json.js';
import type { Electorate } from './electorate.js';
import type { Requirement } from './requirement.js';

export interface Voice {
  /** Whose key signed. */
  readonly signer: string;
  /** Whose voice it is: the signer's own, or that of whoever delegated it to them. */
  readonly of: string;
}

export interface Shortfall {
  /** People still missing; 0 where the requirement is met. */
  readonly people: number;
  /** Of them, how many with which role. */
  readonly roles: Readonly<Record<string, number>>;
  /** Whether only authors of the change approved so far, so that one more person is needed whatever the numbers say. */
  readonly needsOther: boolean;
}

export function shortfall(requirement: Requirement, voices: readonly Voice[], electorate: Electorate): Shortfall {
  const counting = voices.filter(({ of }) => electorate.rolesOf[of] !== undefined && !electorate.reserve.has(of));
  const slots = slotsOf(requirement);
  const empty = emptySlots(slots, counting, electorate);
  const roles: Record<string, number> = {};
  for (const role of empty) if (role !== null) roles[role] = (roles[role] ?? 0) + 1;
  const authors = new Set(requirement.authors);
  const needsOther = authors.size > 0 && !counting.some(({ signer, of }) => !authors.has(signer) && !authors.has(of));
  return { people: Math.max(empty.length, needsOther ? 1 : 0), roles, needsOther };
}

/** Named roles first, so that what stays empty is told by its role. null is anybody. */
function slotsOf({ roles, people }: Requirement): readonly (string | null)[] {
  const named = Object.entries(roles)
    .sort(([left], [right]) => byCodeUnit(left, right))
    .flatMap(([role, count]) => Array.from({ length: count }, () => role));
  return [...named, ...Array.from({ length: Math.max(0, people - named.length) }, () => null)];
}

function emptySlots(
  slots: readonly (string | null)[],
  voices: readonly Voice[],
  { rolesOf, standIns }: Electorate,
): readonly (string | null)[] {
  // Edges of the residual graph. Each person is two nodes joined by one edge, so that they are used once.
  const edges = new Map<string, Set<string>>();
  const join = (from: string, to: string): void => {
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
  };
  for (const { signer, of } of voices) {
    join(`voice ${of}`, `voice out ${of}`);
    join(`voice out ${of}`, `signer ${signer}`);
    join(`signer ${signer}`, `signer out ${signer}`);
    join(`signer out ${signer}`, 'counted');
  }
  slots.forEach((role, at) => {
    for (const { of } of voices) {
      const held = rolesOf[of] ?? [];
      if (role === null || held.includes(role) || held.some((own) => standIns.has(own)))
        join(`slot ${at}`, `voice ${of}`);
    }
  });
  return slots.filter((_, at) => {
    const path = pathToCounted(`slot ${at}`, edges);
    for (const [from, to] of path ?? []) {
      edges.get(from)?.delete(to);
      join(to, from);
    }
    return path === undefined;
  });
}

function pathToCounted(
  start: string,
  edges: ReadonlyMap<string, ReadonlySet<string>>,
): readonly (readonly [string, string])[] | undefined {
  const cameFrom = new Map<string, string>([[start, '']]);
  for (const node of cameFrom.keys()) {
    for (const next of edges.get(node) ?? []) if (!cameFrom.has(next)) cameFrom.set(next, node);
    if (!cameFrom.has('counted')) continue;
    const path: (readonly [string, string])[] = [];
    for (let to = 'counted'; to !== start; to = cameFrom.get(to) ?? start) path.push([cameFrom.get(to) ?? start, to]);
    return path;
  }
  return undefined;
}
