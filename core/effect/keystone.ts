/**
 * What role assignments in Keystone let somebody do, as capabilities, by the names of the roles: what a role permits is
 * said in the policy files of each service, which nobody can read over the API.
 */
import { byCodeUnit } from '../json.js';
import type { Capability } from './capability.js';
import { combineEffects, makeEffect, type Effect } from './effect.js';

export interface KeystoneRoleFact {
  /** Names of the assigned role and of all that it implies. Of a role of one domain only what it implies counts. */
  readonly roles: readonly string[];
  /** On the projects below and not on the scope itself. */
  readonly inherited?: boolean;
  readonly through: string;
}

/** Sorted by capability. Any of the roles that a capability names is enough. */
export function effectInKeystone(
  facts: readonly KeystoneRoleFact[],
  capabilities: readonly Capability[],
): readonly Effect[] {
  return combineEffects(
    ...facts.map(({ roles, inherited, through }) =>
      capabilities
        .filter(({ keystone }) => keystone?.roles.some((role) => roles.includes(role)))
        .map(({ capability }) => makeEffect(capability, inherited === true ? 'partial' : 'full', [through])),
    ),
  );
}

/** Whether a project lies somewhere below a project or domain. `parents`: of each project, another project or the domain. */
export function isProjectBelow(project: string, scope: string, parents: ReadonlyMap<string, string>): boolean {
  const passed = new Set<string>();
  for (let above = parents.get(project); above !== undefined && !passed.has(above); above = parents.get(above)) {
    if (above === scope) return true;
    passed.add(above);
  }
  return false;
}

/**
 * Names of a role and of everything that follows from it; ends where roles imply each other in a circle, too. `roles`: by
 * id. A role of one domain is never in a token, and what it implies is.
 * https://docs.openstack.org/keystone/latest/admin/cli-manage-projects-users-and-roles.html
 */
export function rolesInForce(
  role: string,
  roles: ReadonlyMap<
    string,
    { readonly name: string; readonly isOfDomain?: boolean; readonly implies: readonly string[] }
  >,
): readonly string[] {
  const reached = new Set([role]);
  for (const each of reached) for (const next of roles.get(each)?.implies ?? []) reached.add(next);
  const names = [...reached].flatMap((each) => {
    const found = roles.get(each);
    return found === undefined || found.isOfDomain === true ? [] : [found.name];
  });
  return [...new Set(names)].sort(byCodeUnit);
}
