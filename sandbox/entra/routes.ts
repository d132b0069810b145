/** Every route of Microsoft Graph and of the token endpoint that the sandbox knows; Graph routes stand under /v1.0. */
import { GraphProblem, json, type Call } from './call.js';
import { groupRoutes } from './groups.js';
import { openIdMetadata, issueToken, servicePrincipalId } from './tokens.js';
import { deletedRoutes, requirePermission, userRoutes, type Run } from './users.js';

const graphServicePrincipalId = '7a1c3f52-7d0f-4b3a-9a64-5f3f1c7f0e01';

/** Graph's own ids of the application permissions that matter here. */
const graphRoles: Readonly<Record<string, string>> = {
  'User.Read.All': 'df021288-bdef-4463-88db-98f22de89214',
  'User.ReadWrite.All': '741f803b-c850-494e-b5df-cde7c675a1ca',
  'Group.Read.All': '5b567255-7703-4780-807c-7be8301ae99b',
  'Group.ReadWrite.All': '62a82d76-70ea-41e2-9197-370581804d09',
  'GroupMember.Read.All': '98830695-27a2-44f7-8c18-0c3ebc9698f6',
  'GroupMember.ReadWrite.All': 'dbaae8cf-10b5-4b86-a4a1-f871c94c6695',
  'Organization.Read.All': '498476ce-e0fe-48b0-b801-37ba7e2685c6',
  'Directory.Read.All': '7ab1d382-f21e-4acd-a863-ba3e13f7da61',
  'Directory.ReadWrite.All': '19dbc75e-c2e2-444c-a770-ec69d8559fc7',
  'Application.Read.All': '9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30',
};

const graphApplicationId = '00000003-0000-0000-c000-000000000000';

function servicePrincipals(call: Call): readonly Record<string, unknown>[] {
  return [
    {
      id: servicePrincipalId,
      appId: call.state.application.clientId,
      displayName: 'Concordat',
      servicePrincipalType: 'Application',
      accountEnabled: true,
      appRoles: [],
    },
    {
      id: graphServicePrincipalId,
      appId: graphApplicationId,
      displayName: 'Microsoft Graph',
      servicePrincipalType: 'Application',
      accountEnabled: true,
      appRoles: Object.entries(graphRoles).map(([value, id]) => ({
        id,
        value,
        isEnabled: true,
        allowedMemberTypes: ['Application'],
        displayName: value,
      })),
    },
  ];
}

function foundPrincipal(call: Call, property: 'id' | 'appId'): Record<string, unknown> {
  requirePermission(call, ['Application.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All']);
  const [value = ''] = call.parameters;
  const found = servicePrincipals(call).find((principal) => principal[property] === value);
  if (!found)
    throw new GraphProblem(
      404,
      'Request_ResourceNotFound',
      `Resource '${value}' does not exist or one of its queried reference-property objects are not present.`,
    );
  return found;
}

function assignments(call: Call, principal: Record<string, unknown>): unknown {
  const held = principal['id'] === servicePrincipalId ? call.state.application.roles : [];
  return {
    value: held.map((role) => ({
      id: `assignment-${role}`,
      appRoleId: graphRoles[role],
      principalId: servicePrincipalId,
      principalType: 'ServicePrincipal',
      principalDisplayName: 'Concordat',
      resourceId: graphServicePrincipalId,
      resourceDisplayName: 'Microsoft Graph',
    })),
  };
}

const otherRoutes: Readonly<Record<string, Run>> = {
  'GET /organization'(call) {
    requirePermission(call, [
      'Organization.Read.All',
      'Directory.Read.All',
      'Directory.ReadWrite.All',
      'User.Read.All',
      'User.ReadWrite.All',
    ]);
    return json(200, {
      '@odata.context': `${call.request.url.origin}/v1.0/$metadata#organization`,
      value: [
        {
          id: call.state.tenant,
          displayName: 'Contoso',
          tenantType: 'AAD',
          verifiedDomains: call.state.domains.map((name, index) => ({
            name,
            isDefault: index === 0,
            isInitial: name.endsWith('.onmicrosoft.com'),
            type: 'Managed',
          })),
        },
      ],
    });
  },

  'GET /servicePrincipals'(call) {
    requirePermission(call, ['Application.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All']);
    const wanted = /^appId eq '([^']+)'$/.exec(call.request.url.searchParams.get('$filter') ?? '')?.[1];
    const shown = servicePrincipals(call).filter((entry) => wanted === undefined || entry['appId'] === wanted);
    return json(200, { value: shown });
  },
  "GET /servicePrincipals(appId='{id}')": (call) => json(200, foundPrincipal(call, 'appId')),
  "GET /servicePrincipals(appId='{id}')/appRoleAssignments": (call) =>
    json(200, assignments(call, foundPrincipal(call, 'appId'))),
  'GET /servicePrincipals/{id}': (call) => json(200, foundPrincipal(call, 'id')),
  'GET /servicePrincipals/{id}/appRoleAssignments': (call) => json(200, assignments(call, foundPrincipal(call, 'id'))),
};

export const graphRoutes: Readonly<Record<string, Run>> = {
  ...userRoutes,
  ...groupRoutes,
  ...deletedRoutes,
  ...otherRoutes,
};

export const tokenRoutes: Readonly<Record<string, Run>> = {
  'GET /{tenant}/v2.0/.well-known/openid-configuration': openIdMetadata,
  'POST /{tenant}/oauth2/v2.0/token': issueToken,
};
