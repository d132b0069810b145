/**
 * What a user may do in the end: assignments of the user and of its groups, carried down to projects, with every role that
 * follows from another. We expand this ourselves, because Keystone refuses to do it for groups, and hold it against what
 * Keystone says of each user.
 *
 * As Keystone 22 counts: roles on the system are left out, and roles of a domain count only through what they imply.
 */
import { isProjectBelow } from '../../../../core/effect/keystone.js';
import type { Edge } from './assignments.js';
import { impliedBy, type Implications } from './implied-roles.js';

export interface Landscape {
  readonly edges: readonly Edge[];
  readonly implications: Implications;
  /** Roles that belong to a domain. */
  readonly domainRoles: ReadonlySet<string>;
  /** The parent of each project: another project or the domain. */
  readonly parents: ReadonlyMap<string, string>;
  /** Ids of the groups of each user. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
}

/** `project/<id>/<role id>` or `domain/<id>/<role id>`. */
export type EffectiveRole = string;

/** Where an assignment counts. */
function placesOf({ scope, inherited }: Edge, parents: Landscape['parents']): readonly string[] {
  if (scope.kind === 'system') return [];
  if (!inherited) return [`${scope.kind}/${scope.id}`];
  return [...parents.keys()]
    .filter((project) => isProjectBelow(project, scope.id, parents))
    .map((id) => `project/${id}`);
}

export function effectiveRoles(user: string, landscape: Landscape): ReadonlySet<EffectiveRole> {
  const { edges, implications, domainRoles, parents, groups } = landscape;
  const own = groups.get(user);
  const roles = new Set<EffectiveRole>();
  for (const edge of edges) {
    const { principal } = edge;
    const isHeld = principal.kind === 'user' ? principal.id === user : own?.has(principal.id) === true;
    if (!isHeld) continue;
    const held = impliedBy(edge.role, implications).filter((role) => !domainRoles.has(role));
    for (const place of placesOf(edge, parents)) for (const role of held) roles.add(`${place}/${role}`);
  }
  return roles;
}
