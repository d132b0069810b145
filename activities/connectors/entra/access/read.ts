/** Reading scopes, roles, workloads and grants: page by page, one by one, and by what a create would collide with. */
import { ConcordatError, type ErrorCode } from '../../../../core/errors.js';
import type { Json, JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Graph } from '../client.js';
import type { AccessPosition } from '../cursor.js';
import { idOf, literal, pageOf } from '../objects.js';
import {
  collections,
  lacksPim,
  pimOf,
  workloadsOf,
  type Collection,
  type Made,
  type Part,
  type Reading,
} from './collections.js';
import {
  administrativeUnit,
  appRoleAssignment,
  appRoles,
  assignmentKey,
  directoryRole,
  directoryRoleAssignment,
  directoryRoleProperties,
  eligibleInstanceId,
  isEligibleId,
  servicePrincipal,
  servicePrincipalProperties,
  tenant,
  textIn,
} from './objects.js';
import { onlyOne, Principals, servicePrincipalOf, shown } from './principals.js';
import { halves, referred, tenantScope, type AccessType } from './types.js';

/** What one step of a read tells, if anything, and where it then stands; `ended` where the collection has no more. */
export interface AccessStep {
  readonly objects: readonly NativeObject[];
  readonly position: AccessPosition;
  readonly ended: boolean;
}

export function collectionOf(scope: string): Collection {
  const found = collections.find((collection) => collection.scope === scope);
  // A cursor names it: text that another version of the connector made.
  if (!found) throw new ConcordatError('cursorLost', 'the cursor names a list that the entra connector does not read');
  return found;
}

type Page =
  { readonly entries: readonly JsonObject[]; readonly next: string | undefined } | { readonly reason: ErrorCode };

const nothing: Page = { entries: [], next: undefined };

async function pageAt(reading: Reading, collection: Collection, part: Part, next: string | undefined): Promise<Page> {
  if (part.path === undefined) return nothing;
  const path = next ?? (await part.path());
  if (path === null) return { reason: 'scopeNotFound' };
  const allow = collection.licensed || next !== undefined ? [400, 404, 410] : [];
  const { status, body } = await reading.graph.read(path, { allow, signal: reading.signal });
  if (collection.licensed && lacksPim(status, body)) return nothing;
  // A $skiptoken lives for a while only.
  if (status !== 200 && next !== undefined)
    throw new ConcordatError('cursorLost', 'Graph no longer knows the nextLink of this read');
  if (status !== 200) throw new ConcordatError('unexpectedAnswer', `Graph answered ${status} to a list`);
  const page = pageOf(body);
  if (next !== undefined && page.next === next)
    throw new ConcordatError('unexpectedAnswer', 'a nextLink of Graph leads to itself');
  return { entries: page.value, next: page.next };
}

/** What Graph forbids is incomplete; any other failure is thrown. */
async function unlessForbidden(work: () => Promise<Page>): Promise<Page> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConcordatError && error.code === 'forbidden') return { reason: 'forbidden' };
    throw error;
  }
}

async function madeOf(part: Part, entries: readonly JsonObject[]): Promise<Made> {
  try {
    return await part.make(entries);
  } catch (error) {
    // Without what the entries refer to they cannot be told, and none of them is told wrongly.
    if (error instanceof ConcordatError && error.code === 'forbidden') return { objects: [], reason: 'forbidden' };
    throw error;
  }
}

export async function accessStep(reading: Reading, position: AccessPosition): Promise<AccessStep> {
  const collection = collectionOf(position.scope);
  const part = collection.parts(reading)[position.part];
  if (!part) return { objects: [], position, ended: true };
  const page = await unlessForbidden(() => pageAt(reading, collection, part, position.next));
  const { next: _, ...rest } = position;
  const following = { ...rest, part: position.part + 1 };
  if ('reason' in page) return { objects: [], position: { ...following, reason: page.reason }, ended: false };
  const { objects, reason = position.reason } = await madeOf(part, page.entries);
  const because = reason === undefined ? {} : { reason };
  return {
    objects,
    position: page.next === undefined ? { ...following, ...because } : { ...rest, ...because, next: page.next },
    ended: false,
  };
}

const assignmentsPath = '/roleManagement/directory/roleAssignments';
const eligibilitiesPath = '/roleManagement/directory/roleEligibilityScheduleInstances';

async function readDirectoryRoleAssignment(graph: Graph, id: string): Promise<NativeObject | null> {
  const eligible = isEligibleId(id);
  const path = eligible
    ? `${eligibilitiesPath}/${encodeURIComponent(eligibleInstanceId(id))}`
    : `${assignmentsPath}/${encodeURIComponent(id)}`;
  const raw = await shown(graph, path);
  if (raw === null) return null;
  const reading: Reading = { graph, principals: new Principals(graph), signal: undefined };
  const principal = await reading.principals.of(textIn(raw, 'principalId') ?? '', undefined);
  const state = eligible ? 'eligible' : (await pimOf(reading)).get(assignmentKey(raw));
  return directoryRoleAssignment(raw, principal, state);
}

async function appRoleAssignmentOf(graph: Graph, raw: JsonObject): Promise<NativeObject> {
  const principal = textIn(raw, 'principalId') ?? '';
  return appRoleAssignment(raw, await new Principals(graph).of(principal, textIn(raw, 'principalType')));
}

async function readAppRoleAssignment(graph: Graph, id: string): Promise<NativeObject | null> {
  const parts = halves(id);
  if (!parts) return null;
  const path = `/servicePrincipals/${encodeURIComponent(parts[0])}/appRoleAssignedTo?$filter=id%20eq%20${literal(parts[1])}`;
  const body = await shown(graph, path);
  const raw = body === null ? undefined : pageOf(body).value.find((entry) => entry['id'] === parts[1]);
  return raw === undefined ? null : appRoleAssignmentOf(graph, raw);
}

async function readAppRole(graph: Graph, id: string): Promise<NativeObject | null> {
  const [owner] = halves(id) ?? [];
  if (owner === undefined) return null;
  const raw = await shown(graph, `/servicePrincipals/${encodeURIComponent(owner)}?$select=id,appRoles`);
  return raw === null ? null : (appRoles(raw).find((role) => role.id === id) ?? null);
}

const applicationProperties = '$select=id,appId,displayName,uniqueName';

async function readFederatedIdentity(graph: Graph, id: string): Promise<NativeObject | null> {
  const [application] = halves(id) ?? [];
  if (application === undefined) return null;
  const raw = await shown(graph, `/applications/${encodeURIComponent(application)}?${applicationProperties}`);
  return raw === null ? null : ((await workloadsOf(graph, raw))?.find((workload) => workload.id === id) ?? null);
}

async function readDirectoryScope(graph: Graph, id: string): Promise<NativeObject | null> {
  if (id === tenantScope) return tenant;
  const unit = /^\/administrativeUnits\/([^/]+)$/.exec(id)?.[1];
  if (unit === undefined) return null;
  const raw = await shown(graph, `/directory/administrativeUnits/${encodeURIComponent(unit)}?$select=id,displayName`);
  return raw === null ? null : administrativeUnit(raw);
}

/** One object by its id; null where Graph says that it does not exist. */
export async function readOneAccess(graph: Graph, type: AccessType, id: string): Promise<NativeObject | null> {
  switch (type) {
    case 'directoryScope':
      return readDirectoryScope(graph, id);
    case 'servicePrincipal': {
      const path = `/servicePrincipals/${encodeURIComponent(id)}?$select=id,${servicePrincipalProperties.join(',')}`;
      const raw = await shown(graph, path);
      return raw === null ? null : servicePrincipal(raw);
    }
    case 'directoryRole': {
      const properties = directoryRoleProperties.join(',');
      const path = `/roleManagement/directory/roleDefinitions/${encodeURIComponent(id)}?$select=id,${properties}`;
      const raw = await shown(graph, path);
      return raw === null ? null : directoryRole(raw);
    }
    case 'appRole':
      return readAppRole(graph, id);
    case 'federatedIdentity':
      return readFederatedIdentity(graph, id);
    case 'appRoleAssignment':
      return readAppRoleAssignment(graph, id);
    case 'directoryRoleAssignment':
      return readDirectoryRoleAssignment(graph, id);
  }
}

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

const ofPrincipal: Readonly<Record<string, string>> = {
  user: '/users',
  group: '/groups',
  federatedIdentity: '/servicePrincipals',
  servicePrincipal: '/servicePrincipals',
};

async function pagesOf(graph: Graph, first: string): Promise<readonly JsonObject[]> {
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
