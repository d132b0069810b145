/** What a create would collide with, and what a reference stands for. */
import { ConcordatError } from '../../../../core/errors.js';
import type { Json, JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Graph } from '../client.js';
import { idOf, literal, pageOf } from '../odata.js';
import { workloadsOf } from './collections.js';
import { textIn } from './objects.js';
import { onlyOne, servicePrincipalOf, shown } from './principals.js';
import {
  applicationProperties,
  appRoleAssignmentOf,
  assignmentsPath,
  readDirectoryRoleAssignment,
} from './read-one.js';
import { halves, referred, type AccessType } from './types.js';

/** The directory object that a reference stands for; null where it is none, or is gone. */
export async function principalIdOf(graph: Graph, value: Json | undefined): Promise<string | null> {
  const named = referred(value);
  if (named?.type !== 'federatedIdentity') return named?.id ?? null;
  const [application] = halves(named.id) ?? [];
  if (application === undefined) return null;
  const raw = await shown(graph, `/applications/${encodeURIComponent(application)}?$select=id,appId`);
  const appId = raw === null ? undefined : textIn(raw, 'appId');
  return appId === undefined ? null : servicePrincipalOf(graph, appId);
}

/** All entries of a list; none where what it belongs to does not exist. */
export async function pagesOf(graph: Graph, first: string): Promise<readonly JsonObject[]> {
  const entries: JsonObject[] = [];
  for (let next: string | undefined = first; next !== undefined;) {
    const body = await shown(graph, next);
    if (body === null) return entries;
    const page = pageOf(body);
    entries.push(...page.value);
    if (page.next === next) throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
    next = page.next;
  }
  return entries;
}

const ofPrincipal: Readonly<Record<string, string>> = {
  user: '/users',
  group: '/groups',
  federatedIdentity: '/servicePrincipals',
  servicePrincipal: '/servicePrincipals',
};

async function appRoleTwin(graph: Graph, after: JsonObject): Promise<NativeObject | null> {
  const principal = await principalIdOf(graph, after['principal']);
  const collection = ofPrincipal[referred(after['principal'])?.type ?? ''];
  const [owner, role] = halves(referred(after['role'])?.id ?? '') ?? [];
  if (principal === null || collection === undefined || owner === undefined) return null;
  // Asked of the principal, who holds a few; the application may be assigned to everybody.
  const entries = await pagesOf(
    graph,
    `${collection}/${encodeURIComponent(principal)}/appRoleAssignments?$filter=resourceId%20eq%20${owner}`,
  );
  const twin = entries.find((entry) => entry['resourceId'] === owner && entry['appRoleId'] === role);
  return twin === undefined ? null : appRoleAssignmentOf(graph, twin);
}

async function directoryRoleTwin(graph: Graph, after: JsonObject): Promise<NativeObject | null> {
  const principal = await principalIdOf(graph, after['principal']);
  const role = referred(after['role'])?.id;
  const scope = referred(after['scope'])?.id;
  if (principal === null) return null;
  const entries = await pagesOf(graph, `${assignmentsPath}?$filter=principalId%20eq%20${literal(principal)}`);
  const twin = entries.find((entry) => entry['roleDefinitionId'] === role && entry['directoryScopeId'] === scope);
  return twin === undefined ? null : readDirectoryRoleAssignment(graph, idOf(twin));
}

/** Where a new workload's credential would come to stand: the application of that appId, unique name, or display name. */
async function applicationsFor(graph: Graph, after: JsonObject): Promise<readonly JsonObject[]> {
  const appId = textIn(after, 'application');
  const uniqueName = textIn(after, 'uniqueName');
  const displayName = textIn(after, 'displayName');
  if (appId !== undefined) {
    const raw = await onlyOne(graph, `/applications?$filter=appId%20eq%20${literal(appId)}&${applicationProperties}`);
    return raw === null ? [] : [raw];
  }
  if (uniqueName !== undefined) {
    const raw = await shown(graph, `/applications(uniqueName=${literal(uniqueName)})?${applicationProperties}`);
    return raw === null ? [] : [raw];
  }
  if (displayName === undefined) return [];
  return pagesOf(graph, `/applications?$filter=displayName%20eq%20${literal(displayName)}&${applicationProperties}`);
}

async function workloadTwin(graph: Graph, after: JsonObject): Promise<NativeObject | null> {
  for (const application of await applicationsFor(graph, after)) {
    const workloads = (await workloadsOf(graph, application)) ?? [];
    // Within an application both are unique: the name, and issuer with subject.
    const twin = workloads.find(
      ({ body }) =>
        (body['issuer'] === after['issuer'] && body['subject'] === after['subject']) ||
        (textIn(after, 'name') !== undefined && body['name'] === after['name']),
    );
    if (twin) return twin;
  }
  return null;
}

/** What a create with this body would collide with. Scopes and roles are not created here, and have none. */
export async function findAccessTwin(graph: Graph, type: AccessType, after: JsonObject): Promise<NativeObject | null> {
  switch (type) {
    case 'appRoleAssignment':
      return appRoleTwin(graph, after);
    case 'directoryRoleAssignment':
      return directoryRoleTwin(graph, after);
    case 'federatedIdentity':
      return workloadTwin(graph, after);
    default:
      return null;
  }
}
