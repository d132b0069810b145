/** The AWS IAM part of a new federation folder. */
import type { MeshTemplate } from './mesh-template.js';

export const awsIamTemplate: MeshTemplate = {
  kind: 'aws-iam',
  describes: 'users and groups of an AWS account',
  mesh: ({ sandbox, variable }) => `  kind: aws-iam
  region: us-east-1
${
  sandbox
    ? `  account: '123456789012'
  endpoint: http://127.0.0.1:8701
  endpointFrom: ${variable}_ENDPOINT`
    : `  # Name the account, and work in no other:
  # account: '123456789012'
  # Credentials come from the standard chain of the AWS SDK; none stands here.
  # A stand-in, where this variable holds its URL:
  endpointFrom: ${variable}_ENDPOINT`
}
  # Only users and groups under this path are read and written. Path in the maps says where new ones go.
  pathPrefix: /workforce/
`,
  surface: {
    person: ['displayName', 'mail', 'employeeId', 'department'],
    team: ['handle', 'members'],
  },
  // No active: IAM users have no enabled flag. Concordat then treats the field as not held here.
  person: `type: person
native: user
lifecycle: active
fields:
  # IAM users carry these as tags. What a tag refuses is written as =XX.
  displayName:
    tag: displayName
    through: [{ escape: iam-tag }]
  mail:
    tag: email
    through: [{ escape: iam-tag }, { fold: lower }]
  employeeId:
    tag: employeeId
  department:
    tag: department
    through: [{ escape: iam-tag }]
# There is no "active": IAM users have no enabled flag, so this mesh does not hold the field.
create:
  UserName: { template: '{mail}' }
  Path: { constant: /workforce/ }
ignore: [PermissionsBoundary]
# A user who still owns keys, a password or policies is not deleted until somebody took these away,
# or until you name them here.
deletionMayRemove: [memberships]
`,
  team: `type: team
native: group
lifecycle: active
fields:
  handle:
    path: GroupName
  members:
    path: members
    through: [{ references: person }, { set: true }]
# There is no "description": IAM groups have neither tags nor a description.
create:
  Path: { constant: /workforce/ }
# otherMembers: users outside the path.
ignore: [otherMembers]
`,
};
