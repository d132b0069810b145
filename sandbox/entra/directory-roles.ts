/** The Graph calls on administrative units and directory roles, with what Privileged Identity Management adds. */
import type { SandboxAnswer } from '../http/service.js';
import { AccessState, type RoleAssignment } from './access-state.js';
import { badRequest, bodyOf, GraphProblem, noContent, notFound, type Call } from './call.js';
import { rowAnswer, rowsAnswer } from './rows.js';
import type { Properties } from './state.js';
import { requirePermission, type Run } from './users.js';

const writeRoles = ['RoleManagement.ReadWrite.Directory'];
const readRoles = ['RoleManagement.Read.Directory', 'RoleManagement.Read.All', 'Directory.Read.All', ...writeRoles];
const readUnits = ['AdministrativeUnit.Read.All', 'AdministrativeUnit.ReadWrite.All', 'Directory.Read.All'];
const readSchedules = ['RoleManagement.Read.Directory', 'RoleManagement.Read.All', ...writeRoles];

const unitProperties = ['id', 'displayName'];
const definitionProperties = ['id', 'displayName', 'description', 'isBuiltIn', 'isEnabled', 'templateId'];
const assignmentProperties = ['id', 'principalId', 'roleDefinitionId', 'directoryScopeId', 'appScopeId'];
const instanceProperties = [...assignmentProperties, 'assignmentType', 'memberType', 'endDateTime'];

type Row = Properties & { readonly id: string };

/** Assignments end with their principals. */
function living(call: Call, map: ReadonlyMap<string, RoleAssignment>): readonly Row[] {
  const { access } = call.state;
  const lives = (id: string): boolean => call.state.get(id) !== undefined || access.servicePrincipals.has(id);
  return AccessState.sorted(map)
    .filter(({ principalId }) => lives(principalId))
    .map((each) => ({ ...each }));
}

function one(call: Call, rows: readonly Row[]): Row {
  const [id = ''] = call.parameters;
  const found = rows.find((row) => row.id === id);
  if (!found) throw notFound(id);
  return found;
}

function instances(call: Call): readonly Row[] {
  const { activations, roleAssignments } = call.state.access;
  // A plain assignment is an instance of its own schedule.
  const activated = new Set([...activations.values()].map(({ id }) => id.replace(/-a$/, '')));
  const plain = living(call, roleAssignments)
    .filter(({ id }) => !activated.has(id))
    .map((row) => ({ assignmentType: 'Assigned', memberType: 'Direct', endDateTime: null, ...row }));
  return [...plain, ...living(call, activations)];
}

function requireLicence(call: Call): void {
  requirePermission(call, readSchedules);
  if (!call.state.access.licensed)
    throw new GraphProblem(
      400,
      'AadPremiumLicenseRequired',
      'The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.',
    );
}

function create(call: Call): SandboxAnswer {
  requirePermission(call, writeRoles);
  const { principalId, roleDefinitionId, directoryScopeId } = bodyOf(call);
  const { access } = call.state;
  const group = call.state.groups.get(String(principalId));
  if (!call.state.get(String(principalId)) && !access.servicePrincipals.has(String(principalId)))
    throw notFound(String(principalId));
  if (!access.roleDefinitions.has(String(roleDefinitionId))) throw notFound(String(roleDefinitionId));
  if (group && group.properties['isAssignableToRole'] !== true)
    throw badRequest('The principal is a group that was not created with isAssignableToRole and cannot hold a role.');
  const unit = /^\/administrativeUnits\/([^/]+)$/.exec(String(directoryScopeId))?.[1];
  if (directoryScopeId !== '/' && !(unit !== undefined && access.administrativeUnits.has(unit)))
    throw notFound(String(directoryScopeId));
  const held = living(call, access.roleAssignments).some(
    (each) =>
      each['principalId'] === principalId &&
      each['roleDefinitionId'] === roleDefinitionId &&
      each['directoryScopeId'] === directoryScopeId,
  );
  if (held)
    throw badRequest(
      'A conflicting object with one or more of the specified property values is present in the directory.',
    );
  const made = access.assignRole({
    principalId: String(principalId),
    roleDefinitionId: String(roleDefinitionId),
    directoryScopeId: String(directoryScopeId),
  });
  return rowAnswer(call, 'roleManagement/directory/roleAssignments', { ...made }, assignmentProperties, 201);
}

const base = '/roleManagement/directory';

export const directoryRoleRoutes: Readonly<Record<string, Run>> = {
  'GET /directory/administrativeUnits'(call) {
    requirePermission(call, readUnits);
    const rows = [...call.state.access.administrativeUnits.values()] as Row[];
    return rowsAnswer(call, 'directory/administrativeUnits', rows, unitProperties);
  },
  'GET /directory/administrativeUnits/{id}'(call) {
    requirePermission(call, readUnits);
    const rows = [...call.state.access.administrativeUnits.values()] as Row[];
    return rowAnswer(call, 'directory/administrativeUnits', one(call, rows), unitProperties);
  },

  [`GET ${base}/roleDefinitions`](call) {
    requirePermission(call, readRoles);
    const rows = [...call.state.access.roleDefinitions.values()] as Row[];
    return rowsAnswer(call, 'roleManagement/directory/roleDefinitions', rows, definitionProperties);
  },
  [`GET ${base}/roleDefinitions/{id}`](call) {
    requirePermission(call, readRoles);
    const rows = [...call.state.access.roleDefinitions.values()] as Row[];
    return rowAnswer(call, 'roleManagement/directory/roleDefinitions', one(call, rows), definitionProperties);
  },

  [`GET ${base}/roleAssignments`](call) {
    requirePermission(call, readRoles);
    const rows = living(call, call.state.access.roleAssignments);
    return rowsAnswer(call, 'roleManagement/directory/roleAssignments', rows, assignmentProperties);
  },
  [`POST ${base}/roleAssignments`]: create,
  [`GET ${base}/roleAssignments/{id}`](call) {
    requirePermission(call, readRoles);
    const row = one(call, living(call, call.state.access.roleAssignments));
    return rowAnswer(call, 'roleManagement/directory/roleAssignments', row, assignmentProperties);
  },
  [`DELETE ${base}/roleAssignments/{id}`](call) {
    requirePermission(call, writeRoles);
    const { id } = one(call, living(call, call.state.access.roleAssignments));
    call.state.access.roleAssignments.delete(id);
    call.state.access.activations.delete(`${id}-a`);
    return noContent;
  },

  [`GET ${base}/roleAssignmentScheduleInstances`](call) {
    requireLicence(call);
    return rowsAnswer(call, 'roleAssignmentScheduleInstances', instances(call), instanceProperties);
  },
  [`GET ${base}/roleEligibilityScheduleInstances`](call) {
    requireLicence(call);
    const rows = living(call, call.state.access.eligibilities);
    return rowsAnswer(call, 'roleEligibilityScheduleInstances', rows, instanceProperties);
  },
  [`GET ${base}/roleEligibilityScheduleInstances/{id}`](call) {
    requireLicence(call);
    const row = one(call, living(call, call.state.access.eligibilities));
    return rowAnswer(call, 'roleEligibilityScheduleInstances', row, instanceProperties);
  },
};
