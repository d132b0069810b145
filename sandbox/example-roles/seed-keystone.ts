/** The clouds of examples/02-roles, as Keystone holds them: roles in a project, a rule of a mapping. */
import { domain } from '../keystone/seed.js';
import { roles, type KeystoneState } from '../keystone/state.js';
import { deployer, people, personGrant, teamGrants, teams, type RoleName } from './people.js';

const roleId: Readonly<Record<RoleName, string>> = {
  administrator: roles.admin,
  operator: roles.member,
  auditor: roles.reader,
};
/** The project that is production. */
export const productionProject = 'd00dfeed0123456789abcdef01234567';

export function grantToTeam(state: KeystoneState, team: string, role: RoleName): void {
  const group = state.groups.named(domain, team);
  if (!group) throw new Error(`Keystone has no group ${team}`);
  state.access.assignments.push({ group: group.id, project: productionProject, role: roleId[role] });
}

export function takeFromTeam(state: KeystoneState, team: string, role: RoleName): void {
  const group = state.groups.named(domain, team);
  state.access.assignments = state.access.assignments.filter(
    (each) => each.group !== group?.id || each.role !== roleId[role] || each.project !== productionProject,
  );
}

export function seedKeystoneRoles(state: KeystoneState): void {
  const users = people.map(({ mail, displayName }) =>
    state.addUser({
      domain,
      name: mail.split('@')[0] ?? mail,
      enabled: true,
      extra: { email: mail, display_name: displayName },
    }),
  );
  for (const { handle, members } of teams) {
    const group = state.addGroup({ domain, name: handle });
    for (const member of members) {
      const user = users[member];
      if (user) group.members.add(user.id);
    }
  }
  state.access.projects.set(productionProject, {
    id: productionProject,
    domain,
    parent: domain,
    name: 'production',
    enabled: true,
    description: null,
    tags: [],
    extra: {},
  });
  for (const { team, role } of teamGrants) grantToTeam(state, team, role);
  const person = users[personGrant.person];
  if (person)
    state.access.assignments.push({ user: person.id, project: productionProject, role: roleId[personGrant.role] });

  const { issuer, subject } = deployer;
  state.access.providers.set('github', {
    id: 'github',
    domain,
    enabled: true,
    description: null,
    remoteIds: [issuer],
    protocols: { openid: 'github-mapping' },
  });
  state.access.mappings.set('github-mapping', [
    {
      local: [{ user: { name: '{0}' } }],
      remote: [
        { type: 'HTTP_OIDC_SUB' },
        { type: 'HTTP_OIDC_SUB', any_one_of: [subject] },
        { type: 'HTTP_OIDC_ISS', any_one_of: [issuer] },
      ],
    },
  ]);
}
