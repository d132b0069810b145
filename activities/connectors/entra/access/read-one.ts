/** One scope, role, workload or grant by its id. */
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Graph } from '../client.js';
import { literal, pageOf } from '../odata.js';
import { workloadsOf, type Reading } from './collections.js';
import {
  administrativeUnit,
  appRoleAssignment,
  appRoles,
  assignmentKey,
  directoryRole,
  directoryRoleAssignment,
  eligibleInstanceId,
  isEligibleId,
  servicePrincipal,
  tenant,
  textIn,
} from './objects.js';
import { pimOf } from './pim.js';
import { servicePrincipalProperties, directoryRoleProperties } from './properties.js';
import { Principals, shown } from './principals.js';
import { halves, tenantScope, type AccessType } from './types.js';

export const assignmentsPath = '/roleManagement/directory/roleAssignments';
const eligibilitiesPath = '/roleManagement/directory/roleEligibilityScheduleInstances';

export async function readDirectoryRoleAssignment(graph: Graph, id: string): Promise<NativeObject | null> {
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

export async function appRoleAssignmentOf(graph: Graph, raw: JsonObject): Promise<NativeObject> {
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

export const applicationProperties = '$select=id,appId,displayName,uniqueName';

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
