/** The Microsoft Entra part of a new federation folder. */
import type { MeshTemplate } from './mesh-template.js';

export const entraTemplate: MeshTemplate = {
  kind: 'entra',
  describes: 'users and groups of a Microsoft Entra tenant',
  mesh: ({ sandbox, variable }) =>
    sandbox
      ? `  kind: entra
  tenant: 6f89cf12-978b-4d23-ac18-9ef0c127cf87
  endpoint: https://127.0.0.1:8702/v1.0
  endpointFrom: ${variable}_ENDPOINT
  authorityHost: https://127.0.0.1:8702
  authorityHostFrom: ${variable}_AUTHORITY_HOST
  # Names of environment variables, never the secret itself.
  clientIdFrom: AZURE_CLIENT_ID
  clientSecretFrom: AZURE_CLIENT_SECRET
  # Only groups whose displayName starts with this are read and written.
  groupPrefix: team-
`
      : `  kind: entra
  # The id of your tenant:
  tenant: 00000000-0000-0000-0000-000000000000
  # Names of environment variables, never the secret itself. Take clientSecretFrom away to use
  # workload identity, managed identity or another part of the standard chain of @azure/identity.
  clientIdFrom: AZURE_CLIENT_ID
  clientSecretFrom: AZURE_CLIENT_SECRET
  # Stand-ins, where these variables hold their URLs:
  endpointFrom: ${variable}_ENDPOINT
  authorityHostFrom: ${variable}_AUTHORITY_HOST
  # Read and write only groups whose displayName starts with this. Without it, all groups are meant.
  # groupPrefix: team-
  # Client ids of the applications whose app roles are granted through maps of appRole and appRoleAssignment:
  # applications: [00000000-0000-0000-0000-000000000000]
  # Workloads sign in as applications whose displayName starts with this. Without it, all applications are meant.
  # workloadPrefix: wl-
`,
  surface: {
    person: ['displayName', 'mail', 'employeeId', 'department', 'active'],
    team: ['handle', 'description', 'members'],
  },
  person: `type: person
native: user
lifecycle: active
fields:
  displayName:
    path: displayName
  mail:
    path: mail
    through: [{ fold: lower }]
  employeeId:
    path: employeeId
  department:
    path: department
  active:
    path: accountEnabled
create:
  userPrincipalName: { template: '{mail}' }
  # A nickname holds no @.
  mailNickname: { template: '{mail:localPart}' }
  # For people whose mesh cannot say whether they are active.
  accountEnabled: { constant: true }
ignore: [givenName, surname, userType, onPremisesSyncEnabled]
deletionMayRemove: [memberships]
`,
  team: `type: team
native: group
lifecycle: active
fields:
  handle:
    path: mailNickname
  description:
    path: description
  members:
    path: members
    through: [{ references: person }, { set: true }]
create:
  # Unique and fixed, so that a repeated create finds the group that the first one made.
  uniqueName: { template: '{handle}' }
  displayName: { template: '{handle}' }
  securityEnabled: { constant: true }
  mailEnabled: { constant: false }
# otherMembers: devices, service principals and nested groups, which no person stands for.
ignore: [groupTypes, onPremisesSyncEnabled, isAssignableToRole, otherMembers]
`,
};
