/** The clouds of examples/02-roles, as AWS holds them: managed policies for roles, a trust policy for the workload. */
import { pathPrefix } from '../aws/seed.js';
import type { AwsState, IamGroup } from '../aws/state.js';
import { breakGlass, deployer, people, personGrant, teamGrants, teams, type RoleName } from './people.js';

const managed = (name: string): string => `arn:aws:iam::aws:policy/${name}`;

/** What stands under `policySets` in the example's authorities/aws.yaml. */
export const policiesOf: Readonly<Record<RoleName, readonly string[]>> = {
  administrator: [managed('AdministratorAccess')],
  operator: [managed('PowerUserAccess')],
  auditor: [managed('AmazonS3ReadOnlyAccess'), managed('IAMReadOnlyAccess')],
};
/** The second set that means operator. */
export const opsAccess: readonly string[] = [managed('AmazonS3FullAccess')];

export function groupOf(state: AwsState, name: string): IamGroup {
  const group = state.groups.named(name);
  if (!group) throw new Error(`AWS has no group ${name}`);
  return group;
}

/** Who may assume a role with tokens of this issuer, as the IAM console writes it. */
function trustIn(state: AwsState, host: string, subject: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: state.providerArn(host) },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: { StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:sub`]: subject } },
      },
    ],
  });
}

export function seedAwsRoles(state: AwsState): void {
  const users = people.map(({ mail, displayName }) =>
    state.addUser({
      name: mail,
      path: pathPrefix,
      tags: [
        { key: 'email', value: mail },
        { key: 'displayName', value: displayName },
      ],
    }),
  );
  for (const { handle, members } of teams) {
    const group = state.addGroup({ name: handle, path: pathPrefix });
    for (const member of members) {
      const user = users[member];
      if (user) state.join(user, group);
    }
  }
  for (const { team, role } of teamGrants) {
    const policies = team === 'team-payments' ? opsAccess : policiesOf[role];
    groupOf(state, team).attachedPolicies.push(...policies);
  }
  users[personGrant.person]?.owned.attachedPolicies.push(...policiesOf[personGrant.role]);

  const host = deployer.issuer.replace('https://', '');
  state.addProvider(host, ['sts.amazonaws.com']);
  state.addRole({ name: deployer.name, path: pathPrefix, trust: trustIn(state, host, deployer.subject) });

  // A role for emergencies: one person has both halves of it, a team only the policy.
  const [keeper] = users.slice(breakGlass.person);
  if (keeper) {
    const statement = { Effect: 'Allow', Principal: { AWS: state.arn('user', keeper) }, Action: 'sts:AssumeRole' };
    const trust = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const role = state.addRole({ name: breakGlass.name, path: pathPrefix, trust });
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: state.arn('role', role) }],
    });
    keeper.policies['assume-break-glass'] = policy;
    groupOf(state, breakGlass.team).policies['assume-break-glass'] = policy;
  }

  // What no other cloud could hold: shown, and never touched.
  groupOf(state, 'team-payments').policies['ledger-tables'] = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: 'arn:aws:dynamodb:*:*:table/ledger-*' }],
  });
}
