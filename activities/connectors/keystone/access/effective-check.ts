/** For each user who holds a role: whether Keystone counts the same roles as we do. */
import { ConcordatError, type ErrorCode } from '../../../../core/errors.js';
import { byCodeUnit } from '../../../../core/json.js';
import { assignmentList, edgeOf, readDomainEdges, type Assignment, type Edge } from './assignments.js';
import type { KeystoneClient } from '../client.js';
import type { Clients } from '../clients.js';
import type { Batch, Collection } from '../collection.js';
import type { UntoldPart } from '../cursor.js';
import { effectiveRoles, type EffectiveRole, type Landscape } from './effective.js';
import { readImplications } from './implied-roles.js';
import { listOf, pageLength, readWhole } from '../page.js';
import { readRoles } from './roles.js';
import { readProjects } from './scopes.js';

const atOnce = 8;

function whole<Found extends { readonly reason?: ErrorCode }>(found: Found, what: string): Found {
  if (found.reason !== undefined) throw new ConcordatError(found.reason, `${what} could not be read whole`);
  return found;
}

interface Known extends Landscape {
  /** Own users who hold a role by themselves or through an own group, in code unit order. */
  readonly holders: readonly string[];
  readonly ownGroups: ReadonlySet<string>;
}

async function look(clients: Clients, domain: string, signal?: AbortSignal): Promise<Known> {
  const client = clients.ofDomain;
  const wide = await clients.cloudWide();
  const query = `?${new URLSearchParams({ domain_id: domain, limit: String(pageLength) }).toString()}`;
  const edges = whole(await readDomainEdges(client, signal), 'role assignments').records;
  const { implications } = whole(await readImplications(wide, signal), 'implied roles');
  const roles = whole(await readRoles(wide, domain, signal), 'roles').records;
  const projects = whole(await readProjects(client, domain, signal), 'projects').records;
  const ownUsers = new Set(((await readWhole(client, listOf('/users', 'users'), query, signal)) ?? []).map(idOf));
  const ownGroups = new Set(((await readWhole(client, listOf('/groups', 'groups'), query, signal)) ?? []).map(idOf));
  // HAZARD: members of a group of another domain may be hidden from this token, so neither side counts such groups.
  const counted = edges.filter(({ principal }) => principal.kind === 'user' || ownGroups.has(principal.id));
  const groups = new Map<string, Set<string>>();
  const holding = new Set(
    counted.filter(({ principal }) => principal.kind === 'group').map((edge) => edge.principal.id),
  );
  for (const group of holding) {
    const path = `/groups/${encodeURIComponent(group)}/users`;
    for (const { id } of (await readWhole(client, listOf(path, 'users'), '', signal)) ?? [])
      groups.set(id, new Set([...(groups.get(id) ?? []), group]));
  }
  const direct = counted.filter(({ principal }) => principal.kind === 'user').map(({ principal }) => principal.id);
  const holders = [...new Set([...direct, ...groups.keys()])].filter((id) => ownUsers.has(id)).sort(byCodeUnit);
  return {
    edges: counted,
    implications,
    domainRoles: new Set(roles.filter((role) => typeof role.domain_id === 'string').map(idOf)),
    parents: new Map(
      projects.map((project) => [project.id, typeof project['parent_id'] === 'string' ? project['parent_id'] : domain]),
    ),
    groups,
    holders,
    ownGroups,
  };
}

const idOf = ({ id }: { readonly id: string }): string => id;

/** `…/groups/<id>/users/<id>`: the group through which the user holds it. */
function groupOf({ links }: Assignment): string | undefined {
  return links?.membership?.split('/groups/').at(-1)?.split('/')[0];
}

async function askKeystone(
  client: KeystoneClient,
  user: string,
  { ownGroups }: Known,
  signal?: AbortSignal,
): Promise<ReadonlySet<EffectiveRole>> {
  const query = `?${new URLSearchParams({ 'user.id': user }).toString()}&effective`;
  const entries = (await readWhole(client, assignmentList, query, signal)) ?? [];
  const counted = entries.filter((entry) => ownGroups.has(groupOf(entry) ?? '') || groupOf(entry) === undefined);
  return new Set(
    counted
      .map(edgeOf)
      .filter((edge): edge is Edge => edge !== null && edge.scope.kind !== 'system')
      .map(({ scope, role }) => `${scope.kind}/${scope.id}/${role}`),
  );
}

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((each) => other.has(each));

/**
 * Tells a user of whom Keystone counts other roles than we do as a part of the assignments that was not read: something
 * that we do not see gives or takes roles, so nothing may be concluded from what is missing.
 */
export function createEffectiveCheck(clients: Clients, domain: string): Collection {
  return {
    name: 'roleAssignments/effective',
    nativeType: 'roleAssignment',
    async *read(after, signal) {
      const known = await look(clients, domain, signal);
      const left = known.holders.filter((user) => after === undefined || byCodeUnit(user, after) > 0);
      for (let start = 0; start < left.length; start += atOnce) {
        const users = left.slice(start, start + atOnce);
        const checks = users.map(async (user): Promise<UntoldPart[]> => {
          const theirs = await askKeystone(clients.ofDomain, user, known, signal);
          if (isSame(theirs, effectiveRoles(user, known))) return [];
          return [{ scope: `users/${user}/effectiveRoles`, reason: 'effectiveRolesDiffer' }];
        });
        const untold = (await Promise.all(checks)).flat();
        yield { objects: [], after: users.at(-1) ?? '', untold } satisfies Batch;
      }
      return {};
    },
  };
}
