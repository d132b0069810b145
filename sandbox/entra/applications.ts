/** The Graph calls on applications, service principals, app roles and the credentials of outside workloads. */
import type { SandboxAnswer } from '../http/service.js';
import type { AppRoleAssignment, EntraApplication, EntraServicePrincipal } from './access-state.js';
import { badRequest, bodyOf, GraphProblem, noContent, notFound, objectConflict, type Call } from './call.js';
import { graphApplication } from './graph-application.js';
import { rowAnswer, rowsAnswer } from './rows.js';
import type { Properties } from './state.js';
import { requirePermission, type Run } from './users.js';

const writeApplications = ['Application.ReadWrite.OwnedBy', 'Application.ReadWrite.All', 'Directory.ReadWrite.All'];
const readApplications = [
  'Application.Read.All',
  'Application.ReadWrite.All',
  'Directory.Read.All',
  'Directory.ReadWrite.All',
];
const assign = ['AppRoleAssignment.ReadWrite.All'];

const applicationProperties = [
  'id',
  'appId',
  'displayName',
  'uniqueName',
  'appRoles',
  'passwordCredentials',
  'keyCredentials',
  'deletedDateTime',
];
const servicePrincipalProperties = [
  'id',
  'appId',
  'displayName',
  'accountEnabled',
  'appRoleAssignmentRequired',
  'servicePrincipalType',
  'appRoles',
];
const assignmentProperties = ['id', 'appRoleId', 'principalId', 'principalType', 'resourceId', 'createdDateTime'];
const credentialProperties = [
  'id',
  'name',
  'issuer',
  'subject',
  'audiences',
  'description',
  'claimsMatchingExpression',
];

const applicationRow = (application: EntraApplication) => ({ ...application.properties, id: application.id });
const servicePrincipalRow = ({ id, properties, appRoles }: EntraServicePrincipal) => ({ ...properties, id, appRoles });

const taken = (message: string): GraphProblem =>
  new GraphProblem(409, 'Request_MultipleObjectsWithSameKeyValue', message);

function application(call: Call): EntraApplication {
  requirePermission(call, readApplications);
  const [id = ''] = call.parameters;
  const found = call.state.access.applications.get(id);
  if (!found) throw notFound(id);
  return found;
}

function every(call: Call): readonly EntraServicePrincipal[] {
  return [...graphApplication(call.state), ...call.state.access.servicePrincipals.values()];
}

function servicePrincipal(call: Call, property: 'id' | 'appId' = 'id'): EntraServicePrincipal {
  requirePermission(call, readApplications);
  const [value = ''] = call.parameters;
  const found = every(call).find((each) => (property === 'id' ? each.id : each.properties['appId']) === value);
  if (!found) throw notFound(value);
  return found;
}

const rowsOf = (list: readonly AppRoleAssignment[]) => list.map((each) => ({ ...each }));

/** Assignments end with those whom they join. */
function assignments(call: Call, where: Partial<AppRoleAssignment>): readonly AppRoleAssignment[] {
  const principals = new Set(every(call).map(({ id }) => id));
  const lives = (id: string): boolean => call.state.get(id) !== undefined || principals.has(id);
  const own = graphApplication(call.state).flatMap(({ assignments: held }) => held);
  return [...own, ...call.state.access.appRoleAssignments.values()].filter(
    (each) =>
      lives(each.principalId) &&
      lives(each.resourceId) &&
      (where.principalId === undefined || each.principalId === where.principalId) &&
      (where.resourceId === undefined || each.resourceId === where.resourceId),
  );
}

function assignRole(call: Call): SandboxAnswer {
  requirePermission(call, assign);
  const resource = servicePrincipal(call);
  const { principalId, resourceId, appRoleId } = bodyOf(call);
  if (resourceId !== resource.id) throw badRequest('The resourceId must be the service principal of the address.');
  const { state } = call;
  const kind = state.users.has(String(principalId))
    ? ('User' as const)
    : state.groups.has(String(principalId))
      ? ('Group' as const)
      : state.access.servicePrincipals.has(String(principalId))
        ? ('ServicePrincipal' as const)
        : undefined;
  if (kind === undefined) throw notFound(String(principalId));
  const role = resource.appRoles.find(({ id, isEnabled }) => id === appRoleId && isEnabled);
  const byDefault = appRoleId === '00000000-0000-0000-0000-000000000000' && resource.appRoles.length === 0;
  if (!role && !byDefault)
    throw badRequest(
      `Permission being assigned was not found on application '${String(resource.properties['appId'])}'.`,
    );
  if (role && !role.allowedMemberTypes.includes(kind === 'ServicePrincipal' ? 'Application' : 'User'))
    throw badRequest('Not a valid reference update.');
  const held = assignments(call, { principalId: String(principalId), resourceId: resource.id });
  if (held.some((each) => each.appRoleId === appRoleId))
    throw badRequest('Permission being assigned already exists on the object');
  const made = state.access.assignAppRole({
    principalId: String(principalId),
    principalType: kind,
    resourceId: resource.id,
    appRoleId: String(appRoleId),
  });
  return rowAnswer(call, 'appRoleAssignments', { ...made }, assignmentProperties, 201);
}

const held =
  (exists: (call: Call, id: string) => boolean): Run =>
  (call) => {
    const [id = ''] = call.parameters;
    requirePermission(call, readApplications);
    if (!exists(call, id)) throw notFound(id);
    return rowsAnswer(
      call,
      'appRoleAssignments',
      rowsOf(assignments(call, { principalId: id })),
      assignmentProperties,
      true,
    );
  };

function createCredential(call: Call): SandboxAnswer {
  requirePermission(call, writeApplications);
  const owner = application(call);
  const { name, issuer, subject, audiences, description } = bodyOf(call);
  for (const [property, value] of Object.entries({ name, issuer, subject }))
    if (typeof value !== 'string' || value === '' || value.length > (property === 'name' ? 120 : 600))
      throw badRequest(`Invalid value specified for property '${property}' of resource 'FederatedIdentityCredential'.`);
  if (!/^[A-Za-z0-9._~-]+$/.test(String(name))) throw badRequest('The name must be fit for an address.');
  if (!Array.isArray(audiences) || audiences.length !== 1)
    throw badRequest("Exactly one value must be specified for property 'audiences'.");
  const others = [...owner.credentials.values()];
  if (others.some((each) => each['name'] === name))
    throw taken(`FederatedIdentityCredential with name ${String(name)} already exists.`);
  if (others.some((each) => each['issuer'] === issuer && each['subject'] === subject))
    throw new GraphProblem(
      400,
      'InvalidFederatedIdentityCredentialValue',
      'The combination of issuer and subject must be unique for the application.',
    );
  if (others.length >= 20)
    throw badRequest('The number of federated identity credentials exceeds the maximum of 20 of an application.');
  const made = call.state.access.addCredential(owner, {
    name,
    issuer,
    subject,
    audiences,
    description: description ?? null,
  });
  return rowAnswer(
    call,
    'federatedIdentityCredentials',
    made as Properties & { id: string },
    credentialProperties,
    201,
  );
}

function createApplication(call: Call, more: Properties): SandboxAnswer {
  requirePermission(call, writeApplications);
  const body = { ...bodyOf(call), ...more };
  if (typeof body.displayName !== 'string' || body.displayName === '')
    throw badRequest("A value is required for property 'displayName' of resource 'Application'.");
  const made = call.state.access.addApplication(body);
  return rowAnswer(call, 'applications', applicationRow(made), applicationProperties, 201);
}

const names = (call: Call): string => (call.parameters[0] ?? '').replaceAll("''", "'");

export const applicationRoutes: Readonly<Record<string, Run>> = {
  'GET /servicePrincipals'(call) {
    requirePermission(call, readApplications);
    return rowsAnswer(
      call,
      'servicePrincipals',
      every(call).map(servicePrincipalRow),
      servicePrincipalProperties,
      true,
    );
  },
  "GET /servicePrincipals(appId='{id}')": (call) =>
    rowAnswer(
      call,
      'servicePrincipals',
      servicePrincipalRow(servicePrincipal(call, 'appId')),
      servicePrincipalProperties,
    ),
  "GET /servicePrincipals(appId='{id}')/appRoleAssignments"(call) {
    const { id } = servicePrincipal(call, 'appId');
    return rowsAnswer(
      call,
      'appRoleAssignments',
      rowsOf(assignments(call, { principalId: id })),
      assignmentProperties,
      true,
    );
  },
  'GET /servicePrincipals/{id}': (call) =>
    rowAnswer(call, 'servicePrincipals', servicePrincipalRow(servicePrincipal(call)), servicePrincipalProperties),
  'GET /servicePrincipals/{id}/appRoleAssignments': held((call, id) => every(call).some((each) => each.id === id)),
  'GET /users/{id}/appRoleAssignments': held((call, id) => call.state.users.has(id)),
  'GET /groups/{id}/appRoleAssignments': held((call, id) => call.state.groups.has(id)),

  'POST /servicePrincipals'(call) {
    requirePermission(call, writeApplications);
    const { appId } = bodyOf(call);
    const { access } = call.state;
    const owner = access.applicationFor('appId', appId);
    if (!owner)
      throw new GraphProblem(
        400,
        'NoBackingApplicationObject',
        `The appId '${String(appId)}' of the service principal does not reference a valid application object.`,
      );
    if (access.servicePrincipalFor(appId))
      throw taken(`The service principal cannot be created because the name ${String(appId)} is already in use.`);
    const made = access.addServicePrincipal({ appId, displayName: owner.properties['displayName'] });
    return rowAnswer(call, 'servicePrincipals', servicePrincipalRow(made), servicePrincipalProperties, 201);
  },

  'GET /servicePrincipals/{id}/appRoleAssignedTo'(call) {
    const { id } = servicePrincipal(call);
    return rowsAnswer(
      call,
      'appRoleAssignments',
      rowsOf(assignments(call, { resourceId: id })),
      assignmentProperties,
      true,
    );
  },
  'POST /servicePrincipals/{id}/appRoleAssignedTo': assignRole,
  'DELETE /servicePrincipals/{id}/appRoleAssignedTo/{assignment}'(call) {
    requirePermission(call, assign);
    const { id } = servicePrincipal(call);
    const [, assignment = ''] = call.parameters;
    if (!assignments(call, { resourceId: id }).some((each) => each.id === assignment)) throw notFound(assignment);
    call.state.access.appRoleAssignments.delete(assignment);
    return noContent;
  },

  'GET /applications'(call) {
    requirePermission(call, readApplications);
    const rows = [...call.state.access.applications.values()].map(applicationRow);
    return rowsAnswer(call, 'applications', rows, applicationProperties, true);
  },
  'POST /applications'(call) {
    const { uniqueName } = bodyOf(call);
    if (typeof uniqueName === 'string' && call.state.access.applicationFor('uniqueName', uniqueName))
      throw objectConflict('uniqueName');
    return createApplication(call, {});
  },
  "GET /applications(uniqueName='{name}')"(call) {
    requirePermission(call, readApplications);
    const found = call.state.access.applicationFor('uniqueName', names(call));
    if (!found) throw notFound(names(call));
    return rowAnswer(call, 'applications', applicationRow(found), applicationProperties);
  },
  /** Creates where the caller prefers that, else only updates. */
  "PATCH /applications(uniqueName='{name}')"(call) {
    requirePermission(call, writeApplications);
    const found = call.state.access.applicationFor('uniqueName', names(call));
    if (found) {
      Object.assign(found.properties, bodyOf(call));
      return noContent;
    }
    if (!/\bcreate-if-missing\b/i.test(String(call.request.headers['prefer'] ?? ''))) throw notFound(names(call));
    return createApplication(call, { uniqueName: names(call) });
  },
  'GET /applications/{id}': (call) =>
    rowAnswer(call, 'applications', applicationRow(application(call)), applicationProperties),
  'DELETE /applications/{id}'(call) {
    requirePermission(call, writeApplications);
    const found = application(call);
    const owner = call.state.access.servicePrincipalFor(found.properties['appId']);
    for (const object of owner ? [found, owner] : [found]) call.state.remove(object);
    return noContent;
  },

  'GET /applications/{id}/federatedIdentityCredentials'(call) {
    const rows = [...application(call).credentials.values()] as (Properties & { id: string })[];
    return rowsAnswer(call, 'federatedIdentityCredentials', rows, credentialProperties);
  },
  'POST /applications/{id}/federatedIdentityCredentials': createCredential,
  'DELETE /applications/{id}/federatedIdentityCredentials/{credential}'(call) {
    requirePermission(call, writeApplications);
    const [, id = ''] = call.parameters;
    if (!application(call).credentials.delete(id)) throw notFound(id);
    return noContent;
  },
};
