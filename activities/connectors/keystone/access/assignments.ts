/**
 * Role assignments: who holds which role where. Keystone gives them no id, so ours is made of what they are.
 * https://docs.openstack.org/api-ref/identity/v3/#list-role-assignments, #os-inherit
 */
import { z } from 'zod';
import { ConcordatError } from '../../../../core/errors.js';
import type { Json, JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { KeystoneClient } from '../client.js';
import type { Clients } from '../clients.js';
import { batchesOf, type Collection, type Lookup } from '../collection.js';
import { exists } from '../fetch.js';
import { readSeen, type List, type Seen } from '../page.js';

const Reference = z.object({ id: z.string().min(1) });

/** One entry of `GET /v3/role_assignments`: exactly one of user and group, exactly one of project, domain and system. */
export const Assignment = z.object({
  role: Reference,
  user: Reference.optional(),
  group: Reference.optional(),
  scope: z.object({
    project: Reference.optional(),
    domain: Reference.optional(),
    system: z.object({ all: z.boolean().optional() }).optional(),
    'OS-INHERIT:inherited_to': z.string().optional(),
  }),
  links: z.object({ membership: z.string().optional() }).optional(),
});
export type Assignment = z.infer<typeof Assignment>;

export const assignmentList: List<Assignment> = {
  path: '/role_assignments',
  collection: 'role_assignments',
  entry: Assignment,
};

/** What an assignment is: an edge that is made or removed, and never changed. */
export interface Edge {
  readonly principal: { readonly kind: 'user' | 'group'; readonly id: string };
  readonly role: string;
  readonly scope: { readonly kind: 'project' | 'domain' | 'system'; readonly id: string };
  /** Counts in the projects below the scope, and not in the scope itself. */
  readonly inherited: boolean;
}

export function edgeOf({ role, user, group, scope }: Assignment): Edge | null {
  const principal = user ? { kind: 'user' as const, id: user.id } : group && { kind: 'group' as const, id: group.id };
  const place = scope.project
    ? { kind: 'project' as const, id: scope.project.id }
    : scope.domain
      ? { kind: 'domain' as const, id: scope.domain.id }
      : scope.system && { kind: 'system' as const, id: 'all' };
  if (!principal || !place) return null;
  return { principal, role: role.id, scope: place, inherited: scope['OS-INHERIT:inherited_to'] !== undefined };
}

export function idOfEdge({ principal, role, scope, inherited }: Edge): string {
  return [principal.kind, principal.id, role, scope.kind, scope.id, inherited ? 'inherited' : 'direct'].join('/');
}

export function edgeOfId(id: string): Edge | null {
  const [kind, principal, role, place, scope, way, ...rest] = id.split('/');
  if (rest.length > 0 || (way !== 'inherited' && way !== 'direct')) return null;
  return edgeOfBody({
    principal: `${kind ?? ''}/${principal ?? ''}`,
    role: `role/${role ?? ''}`,
    scope: `${place ?? ''}/${scope ?? ''}`,
    inherited: way === 'inherited',
  });
}

function split(value: Json | undefined): readonly [string, string] | null {
  if (typeof value !== 'string') return null;
  const slash = value.indexOf('/');
  const id = value.slice(slash + 1);
  return slash < 1 || id === '' || id.includes('/') ? null : [value.slice(0, slash), id];
}

/** null where the body is none of an assignment that Keystone could hold. */
export function edgeOfBody(body: JsonObject): Edge | null {
  const [principalKind, principal] = split(body['principal']) ?? [];
  const [roleKind, role] = split(body['role']) ?? [];
  const [scopeKind, scope] = split(body['scope']) ?? [];
  const inherited = body['inherited'] ?? false;
  if (principal === undefined || role === undefined || scope === undefined || roleKind !== 'role') return null;
  if (principalKind !== 'user' && principalKind !== 'group') return null;
  if (scopeKind !== 'project' && scopeKind !== 'domain' && scopeKind !== 'system') return null;
  if (typeof inherited !== 'boolean' || (scopeKind === 'system' && (scope !== 'all' || inherited))) return null;
  return { principal: { kind: principalKind, id: principal }, role, scope: { kind: scopeKind, id: scope }, inherited };
}

export function nativeAssignment(edge: Edge): NativeObject {
  const { principal, role, scope, inherited } = edge;
  return {
    type: 'roleAssignment',
    id: idOfEdge(edge),
    body: {
      principal: `${principal.kind}/${principal.id}`,
      role: `role/${role}`,
      scope: `${scope.kind}/${scope.id}`,
      inherited,
    },
  };
}

/** Where an assignment is made, looked at and removed. */
export function pathOfEdge({ principal, role, scope, inherited }: Edge): string {
  const of = (text: string): string => encodeURIComponent(text);
  const place = scope.kind === 'system' ? '/system' : `/${scope.kind}s/${of(scope.id)}`;
  const path = `${place}/${principal.kind}s/${of(principal.id)}/roles/${of(role)}`;
  return inherited ? `/OS-INHERIT${path}/inherited_to_projects` : path;
}

/** The path as the reference of the API writes it. */
export function templateOfEdge({ principal, scope, inherited }: Edge): string {
  const place = scope.kind === 'system' ? '/system' : `/${scope.kind}s/{id}`;
  const path = `${place}/${principal.kind}s/{id}/roles/{id}`;
  return inherited ? `/v3/OS-INHERIT${path}/inherited_to_projects` : `/v3${path}`;
}

/**
 * HAZARD: a token of the domain is shown the assignments on the domain and its projects. Those on the system and on other
 * domains are left out of a list that says it is whole.
 */
export function readDomainEdges(client: KeystoneClient, signal?: AbortSignal): Promise<Seen<Edge>> {
  return readEdges(client, '', signal);
}

async function readEdges(client: KeystoneClient, query: string, signal?: AbortSignal): Promise<Seen<Edge>> {
  const seen = await readSeen(client, assignmentList, query, signal);
  if (seen === null) return { records: [], reason: 'unexpectedAnswer' };
  const records = seen.records.map(edgeOf);
  const known = records.filter((edge) => edge !== null);
  const reason = seen.reason ?? (known.length < records.length ? ('unexpectedAnswer' as const) : undefined);
  return reason === undefined ? { records: known } : { records: known, reason };
}

/** Assignments on the system, which only a token of the system is shown. */
async function readSystemEdges(client: KeystoneClient, signal?: AbortSignal): Promise<Seen<Edge>> {
  try {
    const seen = await readEdges(client, '?scope.system=all', signal);
    return { ...seen, records: seen.records.filter(({ scope }) => scope.kind === 'system') };
  } catch (error) {
    // No role on the system: nothing of it is seen, and nothing may follow from that.
    if (error instanceof ConcordatError && error.code === 'forbidden') return { records: [], reason: error.code };
    throw error;
  }
}

export function createAssignments({ ofDomain, ofSystem }: Clients): {
  collection: (wanted: readonly string[]) => Collection;
  lookup: Lookup;
} {
  const readOne = async (edge: Edge | null): Promise<NativeObject | null> => {
    if (edge === null) return null;
    const client = edge.scope.kind === 'system' ? ofSystem : ofDomain;
    const found = await exists(client, pathOfEdge(edge), `GET ${templateOfEdge(edge)}`);
    return found ? nativeAssignment(edge) : null;
  };
  return {
    collection: (wanted) => ({
      name: 'roleAssignments',
      nativeType: 'roleAssignment',
      async *read(after, signal) {
        const own = await readDomainEdges(ofDomain, signal);
        const system = wanted.includes('system') ? await readSystemEdges(ofSystem, signal) : { records: [] };
        yield* batchesOf([...own.records, ...system.records].map(nativeAssignment), after);
        return {
          ...(own.reason === undefined ? {} : { reason: own.reason }),
          ...(system.reason === undefined
            ? {}
            : { untold: [{ scope: 'roleAssignments/system', reason: system.reason }] }),
        };
      },
    }),
    lookup: {
      readOne: (id) => readOne(edgeOfId(id)),
      findTwin: (after) => readOne(edgeOfBody(after)),
    },
  };
}
