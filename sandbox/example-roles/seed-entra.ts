/** The clouds of examples/02-roles, as Entra holds them: app roles of one application, a federated credential. */
import type { EntraGroup, EntraState, EntraUser } from '../entra/state.js';
import type { EntraServicePrincipal } from '../entra/access-state.js';
import { deployer, people, personGrant, teamGrants, teams, type RoleName } from './people.js';

/** Client id of the application that is production; stands in the example's authorities/azure.yaml. */
export const productionApplication = '5b0d1c3e-2f47-4c55-9a53-6f0f5c1e8d20';
const helpdeskAdministrator = '729827e3-9c14-49f7-bb1b-9608f156bbb8';

const valueOf: Readonly<Record<RoleName, string>> = {
  administrator: 'Administrator',
  operator: 'Operator',
  auditor: 'Auditor',
};

function assign(
  state: EntraState,
  resource: EntraServicePrincipal,
  principal: EntraUser | EntraGroup,
  role: RoleName,
): void {
  const declared = resource.appRoles.find(({ value }) => value === valueOf[role]);
  if (!declared) throw new Error(`Production declares no role ${valueOf[role]}`);
  state.access.assignAppRole({
    appRoleId: declared.id,
    principalId: principal.id,
    principalType: principal.kind === 'user' ? 'User' : 'Group',
    resourceId: resource.id,
  });
}

export function seedEntraRoles(state: EntraState): void {
  const users = people.map(({ mail, displayName, given }) =>
    state.addUser({
      userPrincipalName: mail,
      mailNickname: mail.split('@')[0],
      mail,
      displayName,
      givenName: given,
      accountEnabled: true,
      userType: 'Member',
    }),
  );
  const groups = new Map(
    teams.map(({ handle, members }) => {
      const group = state.addGroup({
        displayName: handle,
        mailNickname: handle,
        uniqueName: handle,
        groupTypes: [],
        mailEnabled: false,
        securityEnabled: true,
      });
      for (const member of members) {
        const user = users[member];
        if (user) group.members.add(user.id);
      }
      return [handle, group] as const;
    }),
  );
  const production = state.access.addServicePrincipal(
    { appId: productionApplication, displayName: 'Production' },
    Object.values(valueOf).map((value) => ({ value, displayName: value })),
  );
  for (const { team, role } of teamGrants) {
    const group = groups.get(team);
    if (group) assign(state, production, group, role);
  }
  const [person] = users.slice(personGrant.person);
  if (person) assign(state, production, person, personGrant.role);
  const { issuer, subject, name } = deployer;
  state.access.addWorkload(`workload-${name}`, { issuer, subject, name });

  // What Privileged Identity Management only lends, and a team that a rule fills: shown, and never touched.
  const [lent] = users;
  if (lent) state.access.makeEligible({ principalId: lent.id, roleDefinitionId: helpdeskAdministrator });
  const contractors = state.addGroup({
    displayName: 'team-contractors',
    mailNickname: 'team-contractors',
    groupTypes: ['DynamicMembership'],
    membershipRule: 'user.userType -eq "Guest"',
    membershipRuleProcessingState: 'On',
    mailEnabled: false,
    securityEnabled: true,
  });
  assign(state, production, contractors, 'auditor');
}
