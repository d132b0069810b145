/** The Identity API calls that give, look at, take and list roles of users and groups. */
import { json, KeystoneProblem, noContent, notFound, requireCloudRole, requireRole, type Call } from './call.js';
import type { Assignment, EffectiveRole } from './access.js';
import type { Run } from './users.js';

type PlaceKind = 'project' | 'domain' | 'system';
type PrincipalKind = 'user' | 'group';

function principalOf(call: Call, kind: PrincipalKind, id: string): { readonly domain: string } {
  const found = kind === 'user' ? call.state.users.get(id) : call.state.groups.get(id);
  if (!found) throw notFound(kind, id);
  return found;
}

/** The domain of the place; 404 where it does not exist. */
function domainOfPlace(call: Call, kind: PlaceKind, id: string): string | undefined {
  if (kind === 'system') return undefined;
  if (kind === 'domain') {
    if (!call.state.domains.has(id)) throw notFound('domain', id);
    return id;
  }
  const project = call.state.access.projects.get(id);
  if (!project) throw notFound('project', id);
  return project.domain;
}

interface Named {
  readonly assignment: Assignment;
  readonly role: { readonly id: string; readonly domain?: string };
  readonly domain: string | undefined;
}

function named(call: Call, place: PlaceKind, principal: PrincipalKind, inherited: boolean): Named {
  const parameters = place === 'system' ? ['all', ...call.parameters] : call.parameters;
  const [where = '', who = '', what = ''] = parameters;
  const role = call.state.access.roles.get(what);
  if (!role) throw notFound('role', what);
  principalOf(call, principal, who);
  const domain = domainOfPlace(call, place, where);
  const assignment: Assignment = {
    role: role.id,
    [principal]: who,
    ...(place === 'system' ? { system: true } : { [place]: where }),
    ...(inherited ? { inherited: true } : {}),
  };
  return { assignment, role, domain };
}

const keyOf = ({ role, user, group, project, domain, system, inherited }: Assignment): string =>
  JSON.stringify([
    role,
    user ?? null,
    group ?? null,
    project ?? null,
    domain ?? null,
    system ?? null,
    inherited ?? null,
  ]);

function indexOf(call: Call, assignment: Assignment): number {
  const key = keyOf(assignment);
  return call.state.assignments.findIndex((each) => keyOf(each) === key);
}

const absent = ({ role }: Assignment): KeystoneProblem =>
  new KeystoneProblem(404, `Could not find role assignment with role: ${role}.`);

function grantRoutes(place: PlaceKind, principal: PrincipalKind, inherited: boolean): Record<string, Run> {
  const where = place === 'system' ? '/system' : `/${place}s/{id}`;
  const path = `${where}/${principal}s/{id}/roles/{id}`;
  const pattern = inherited ? `/v3/OS-INHERIT${path}/inherited_to_projects` : `/v3${path}`;
  const suffix = place === 'system' ? `system_grant_for_${principal}` : 'grant';
  const check: Run = (call) => {
    const policy = `check_${suffix}`;
    if (place === 'system') requireCloudRole(call, 'read', policy);
    else requireRole(call, 'read', policy);
    const { assignment, domain } = named(call, place, principal, inherited);
    if (place !== 'system') requireRole(call, 'read', policy, domain);
    if (indexOf(call, assignment) < 0) throw absent(assignment);
    return noContent;
  };
  return {
    [`GET ${pattern}`]: check,
    [`HEAD ${pattern}`]: check,
    [`PUT ${pattern}`](call) {
      requireRole(call, 'write', `create_${suffix}`);
      const { assignment, role, domain } = named(call, place, principal, inherited);
      if (role.domain !== undefined && place === 'system')
        throw new KeystoneProblem(400, `Role ${role.id} is a domain-specific role.`);
      if (role.domain !== undefined && role.domain !== domain)
        throw new KeystoneProblem(403, `The place must be in the same domain as the role ${role.id} being assigned.`);
      if (indexOf(call, assignment) < 0) call.state.assignments.push(assignment);
      return noContent;
    },
    [`DELETE ${pattern}`](call) {
      requireRole(call, 'write', `revoke_${suffix}`);
      const { assignment } = named(call, place, principal, inherited);
      const index = indexOf(call, assignment);
      if (index < 0) throw absent(assignment);
      call.state.assignments.splice(index, 1);
      return noContent;
    },
  };
}

/** Whether a token of a domain is shown it: what is elsewhere, or on the system, is left out without a word. */
function isShown(call: Call, domain: string | undefined, { project, domain: own }: Assignment): boolean {
  if (domain === undefined) return true;
  return own === domain || (project !== undefined && call.state.access.projects.get(project)?.domain === domain);
}

function entry(call: Call, assignment: Assignment, through?: string): unknown {
  const { role, user, group, project, domain, inherited } = assignment;
  const { state } = call;
  const withName = (id: string, name: string | undefined) =>
    call.request.url.searchParams.has('include_names') ? { id, name } : { id };
  const scope =
    project !== undefined
      ? { project: withName(project, state.access.projects.get(project)?.name) }
      : domain !== undefined
        ? { domain: withName(domain, state.domains.get(domain)?.name) }
        : { system: { all: true } };
  const { origin } = call.request.url;
  return {
    role: withName(role, state.access.roles.get(role)?.name),
    ...(user === undefined ? {} : { user: withName(user, state.users.get(user)?.name) }),
    ...(group === undefined ? {} : { group: withName(group, state.groups.get(group)?.name) }),
    scope: { ...scope, ...(inherited ? { 'OS-INHERIT:inherited_to': 'projects' } : {}) },
    links: through === undefined ? {} : { membership: `${origin}/v3/groups/${through}/users/${user ?? ''}` },
  };
}

function effectiveOf(call: Call, user: string): readonly (Assignment & { readonly through?: string })[] {
  return call.state.access
    .effective(user, call.state.groupsOf(user))
    .map(({ role, place, group, inherited }: EffectiveRole) => ({
      role,
      user,
      ...('project' in place ? { project: place.project } : 'domain' in place ? { domain: place.domain } : {}),
      ...(inherited ? { inherited: true as const } : {}),
      ...(group === undefined ? {} : { through: group }),
    }));
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}

const grants = (['project', 'domain', 'system'] as const).flatMap((place) =>
  (['user', 'group'] as const).flatMap((principal) => [
    grantRoutes(place, principal, false),
    ...(place === 'system' ? [] : [grantRoutes(place, principal, true)]),
  ]),
);

export const grantRoutesOfAll: Readonly<Record<string, Run>> = {
  ...(Object.assign({}, ...grants) as Record<string, Run>),

  'GET /v3/role_assignments'(call) {
    const token = requireRole(call, 'read', 'list_role_assignments');
    const query = call.request.url.searchParams;
    const effective = isTrue(query.get('effective'));
    if (effective && query.has('group.id'))
      throw new KeystoneProblem(400, 'Combining effective and group filter will always result in an empty list.');
    const [user, group, role] = [query.get('user.id'), query.get('group.id'), query.get('role.id')];
    const [domain, project] = [query.get('scope.domain.id'), query.get('scope.project.id')];
    const all: readonly (Assignment & { readonly through?: string })[] = effective
      ? call.state.users
          .all()
          .filter(({ id }) => user === null || id === user)
          .flatMap(({ id }) => effectiveOf(call, id))
      : call.state.assignments;
    const shown = all.filter(
      (each) =>
        (user === null || each.user === user) &&
        (group === null || each.group === group) &&
        (role === null || each.role === role) &&
        (domain === null || each.domain === domain) &&
        (project === null || each.project === project) &&
        (!query.has('scope.system') || effective || each.system === true) &&
        isShown(call, token.domain, each),
    );
    return json(200, {
      role_assignments: shown.map((each) => entry(call, each, each.through)),
      links: { self: call.request.url.href, previous: null, next: null },
    });
  },
};
