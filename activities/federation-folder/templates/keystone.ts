/** The OpenStack Keystone part of a new federation folder. */
import type { MeshTemplate } from './mesh-template.js';

export const keystoneTemplate: MeshTemplate = {
  kind: 'keystone',
  describes: 'users and groups of an OpenStack domain',
  mesh: ({ sandbox, variable }) => `  kind: keystone
  # The identity endpoint of your region${sandbox ? '' : '; the variable replaces it where it is set'}:
  endpoint: ${sandbox ? 'http://127.0.0.1:8703/v3' : 'https://identity.example.org/v3'}
  endpointFrom: ${variable}_ENDPOINT
  # The id (not the name) of the domain whose users and groups are read and written:
  domain: ${sandbox ? 'workforce' : 'default'}
  # Names of environment variables, never the password itself.
  userFrom: OS_USERNAME
  passwordFrom: OS_PASSWORD
  userDomain: default
`,
  surface: {
    person: ['displayName', 'mail', 'employeeId', 'department', 'active'],
    team: ['handle', 'description', 'members'],
  },
  person: `type: person
native: user
lifecycle: active
fields:
  # Keystone keeps properties that it does not know beside its own.
  displayName:
    path: display_name
  mail:
    path: email
    through: [{ fold: lower }]
  employeeId:
    path: employee_id
  department:
    path: department
  active:
    path: enabled
create:
  name: { template: '{mail}' }
  # For people whose mesh cannot say whether they are active.
  enabled: { constant: true }
ignore: [domain_id, default_project_id, description, federated, options]
deletionMayRemove: [memberships]
`,
  team: `type: team
native: group
lifecycle: active
fields:
  handle:
    path: name
  description:
    path: description
  members:
    path: members
    through: [{ references: person }, { set: true }]
# otherMembers: users of other domains.
ignore: [domain_id, otherMembers]
`,
};
