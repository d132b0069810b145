/** Two service principals that every tenant of the sandbox has: Microsoft Graph, and Concordat with what it was granted there. */
import type { AppRoleAssignment, EntraServicePrincipal } from './access-state.js';
import type { EntraState } from './state.js';
import { servicePrincipalId } from './tokens.js';

const graphServicePrincipalId = '7a1c3f52-7d0f-4b3a-9a64-5f3f1c7f0e01';
const graphApplicationId = '00000003-0000-0000-c000-000000000000';

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
  'Application.ReadWrite.All': '1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9',
  'Application.ReadWrite.OwnedBy': '18a4783c-866b-4cc7-a460-3d5e5662c884',
  'AppRoleAssignment.ReadWrite.All': '06b708a9-e830-4db3-a914-8e69da51d44f',
  'RoleManagement.Read.Directory': '483bed4a-2ad3-4361-a73b-c83ccdbdc53c',
  'RoleManagement.ReadWrite.Directory': '9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8',
  'AdministrativeUnit.Read.All': '134fd756-38ce-4afd-ba33-e9623dbe66c2',
};

type Standing = EntraServicePrincipal & { readonly assignments: readonly AppRoleAssignment[] };

export function graphApplication(state: EntraState): readonly Standing[] {
  const held = state.application.roles.map((role) => ({
    id: `assignment-${role}`,
    appRoleId: graphRoles[role] ?? '',
    principalId: servicePrincipalId,
    principalType: 'ServicePrincipal' as const,
    resourceId: graphServicePrincipalId,
  }));
  const common = { accountEnabled: true, appRoleAssignmentRequired: false, servicePrincipalType: 'Application' };
  return [
    {
      kind: 'servicePrincipal',
      id: servicePrincipalId,
      properties: { ...common, appId: state.application.clientId, displayName: 'Concordat' },
      appRoles: [],
      assignments: [],
    },
    {
      kind: 'servicePrincipal',
      id: graphServicePrincipalId,
      properties: { ...common, appId: graphApplicationId, displayName: 'Microsoft Graph' },
      appRoles: Object.entries(graphRoles).map(([value, id]) => ({
        id,
        value,
        isEnabled: true,
        allowedMemberTypes: ['Application'],
        displayName: value,
      })),
      assignments: held,
    },
  ];
}
