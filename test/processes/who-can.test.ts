/** `concordat who-can` over a running federation: an AWS account and a Keystone that call a role the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { roles } from '../../sandbox/keystone/access.js';
import { keystoneUser, seededPerson, seedEqual, teamHandle } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';
import { runCommand } from '../support/run-command.js';
import { temporalAddress } from '../support/temporal.js';

const power = 'arn:aws:iam::aws:policy/PowerUserAccess';

const named = (type: string, native: string, path: string, means: string): string => `type: ${type}
native: ${native}
lifecycle: active
fields:
  name: { path: ${path}, through: [{ table: ${means}, else: setAside }] }
`;
const effect = '  effect: { from: capabilities }\n  counts: { from: scopes }\n';
const grant = (
  native: string,
  principal: string,
  role: string,
  of: string,
  scope: string,
  places: string,
): string => `type: grant
native: ${native}
lifecycle: active
fields:
  principal: { path: ${principal}, through: [{ reference: { user: person, group: team } }] }
  role: { path: ${role}, through: [{ reference: { ${of}: role } }] }
  scope: { path: ${scope}, through: [{ reference: { ${places} } }] }
${effect}`;

const files = {
  'taxonomy/capabilities.yaml': `capabilities:
  - capability: read objects
    aws: { actions: ['s3:GetObject'] }
    keystone: { roles: [reader] }
  - capability: manage keys
    aws: { actions: ['kms:CreateKey'] }
    keystone: { roles: [admin] }
`,
  'taxonomy/scope.yaml': 'type: scope\nkey: [name]\nfields:\n  name: { kind: text }\n',
  'taxonomy/tenant.yaml': 'type: tenant\nkey: [name]\nfields:\n  name: { kind: text }\n',
  'taxonomy/role.yaml': 'type: role\nkey: [name]\nfields:\n  name: { kind: text }\n',
  'taxonomy/grant.yaml': `type: grant
phrase: '{principal} as {role} on {scope}'
key: [principal, role, scope]
fields:
  principal: { kind: reference, of: [person, team] }
  role: { kind: reference, of: [role] }
  scope: { kind: reference, of: [scope, tenant] }
  effect: { kind: effect }
  counts: { kind: effect, of: scopes }
`,
  'maps/aws.scope.yaml': named('scope', 'account', 'Account', "{ production: ['123456789012'] }"),
  'maps/aws.role.yaml': named('role', 'policySet', 'Name', `{ operator: ['${power}'] }`),
  'maps/aws.grant.yaml': grant('policyAttachment', 'Principal', 'PolicySet', 'policySet', 'Account', 'account: scope'),
  'maps/sov.tenant.yaml': named('tenant', 'domain', 'name', '{ company: [workforce] }'),
  'maps/sov.scope.yaml': named('scope', 'project', 'name', '{ production: [prod] }'),
  'maps/sov.role.yaml': named('role', 'role', 'name', '{ operator: [member] }'),
  'maps/sov.grant.yaml': grant(
    'roleAssignment',
    'principal',
    'role',
    'role',
    'scope',
    'project: scope, domain: tenant',
  ),
};

const outsider = seededPerson(3).displayName;

let local: LocalFederation;

beforeAll(async () => {
  local = await startFederation({
    members: ['aws', 'sov'],
    files,
    edit: (_file, text) =>
      text
        .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
        .replace(
          /^( {2}team: .*)$/m,
          '$1\n  scope: [name]\n  role: [name]\n  grant: [principal, role, scope, effect, counts]',
        )
        .replace(/^(authority: sov[\s\S]*?)^ {2}scope: /m, '$1  tenant: [name]\n  scope: ')
        .replace('types: [person, team]', 'types: [person, team, scope, tenant, role, grant]'),
  });
  seedEqual(local.sandbox, 4);
  const { aws, keystone } = local.sandbox;
  const [group] = aws.server.state.groups.all().filter(({ name }) => name === teamHandle);
  const [team] = keystone.server.state.groups.all().filter(({ name }) => name === teamHandle);
  if (!group || !team) throw new Error('no team');
  group.attachedPolicies.push(power);
  const project = '0123456789abcdef0123456789abcdef';
  const { access } = keystone.server.state;
  access.projects.set(project, {
    id: project,
    domain: team.domain,
    parent: team.domain,
    name: 'prod',
    enabled: true,
    description: null,
    tags: [],
    extra: {},
  });
  access.assignments.push({ role: roles.member, group: team.id, project });
  // Somebody of no team, in all projects of the domain.
  const { id } = keystoneUser(local.sandbox, 3);
  access.assignments.push({ role: roles.member, user: id, domain: team.domain, inherited: true });
  expect(await local.run()).toMatchObject({ plan: { operations: 0, conflicts: 0 } });
}, 180_000);
afterAll(() => local?.stop());

interface Answer {
  readonly holders: readonly {
    readonly holder: { readonly type: string; readonly name: string | null };
    readonly ways: readonly {
      readonly authority: string;
      readonly reach: string;
      readonly through: readonly { readonly name: string | null }[];
      readonly role: { readonly name: string | null } | null;
      readonly scope: { readonly name: string | null } | null;
      readonly inheritedOn: { readonly name: string | null } | null;
    }[];
  }[];
  readonly notSeen: readonly { readonly authority: string; readonly what: string }[];
}

async function command(...argv: string[]) {
  const environment = { TEMPORAL_ADDRESS: await temporalAddress(), CONCORDAT_EXCHANGE: local.layout.exchangeLocation };
  return runCommand(['--federation', local.folder, ...argv], { workingFolder: local.folder, environment });
}

it('names every member of the team with the way in each mesh, and what was not seen', async () => {
  const { code, stdout } = await command('who-can', 'read objects', '--on', 'production', '--json');
  expect(code).toBe(0);
  const { holders, notSeen } = JSON.parse(stdout) as Answer;
  const inTeam = holders.filter(({ holder }) => holder.name !== outsider);
  expect(inTeam).toHaveLength(3);
  for (const { holder, ways } of inTeam) {
    expect(holder.type).toBe('person');
    expect(ways.map(({ authority, reach, through, role }) => [authority, reach, through[0]?.name, role?.name])).toEqual(
      [
        ['aws', 'full', teamHandle, 'operator'],
        ['sov', 'full', teamHandle, 'operator'],
      ],
    );
  }
  expect(notSeen.map(({ authority, what }) => `${authority} ${what}`)).toContainEqual(
    expect.stringMatching(/^aws service and resource control policies.*session policies$/),
  );
});

it('names who has it from above, with where it is given, and leaves them out where nothing is inherited', async () => {
  const { stdout } = await command('who-can', 'read objects', '--on', 'production', '--json');
  const { holders, notSeen } = JSON.parse(stdout) as Answer;
  const [own] = holders.filter(({ holder }) => holder.name === outsider);
  expect(own?.ways).toMatchObject([
    { authority: 'sov', reach: 'full', scope: { name: 'company' }, inheritedOn: { name: 'production' }, through: [] },
  ]);
  expect(notSeen.map(({ what }) => what).join()).not.toMatch(/inherited from above/);
  const said = await command('who-can', 'read objects', '--on', 'production');
  expect(said.stdout).toContain('sov  yes: grant of role operator, on company, inherited by production');
  const above = await command('who-can', 'read objects', '--on', 'company');
  expect(above.stdout).toContain('nobody, as far as it was seen');
});

it('tells apart which mesh gives it, and the plan says that names agree and effects do not', async () => {
  const said = await command('who-can', 'manage keys');
  expect(said.code).toBe(0);
  expect(said.stdout).toMatch(new RegExp(`aws {2}yes: team ${teamHandle}, grant of role operator, on production`));
  expect(said.stdout).not.toMatch(/sov {2}yes/);
  const plan = await command('plan', dataset);
  expect(plan.stdout).toMatch(/names agree, effect differs: aws leaves manage keys; sov leaves none of it/);
});

it('an unknown capability and an unknown scope are one clear error each', async () => {
  const capability = await command('who-can', 'manage kees');
  expect(capability.code).toBe(1);
  expect(capability.stderr).toMatch(/no capability is called manage kees; did you mean "manage keys"\?/);
  const scope = await command('who-can', 'manage keys', '--on', 'prodution');
  expect(scope.code).toBe(1);
  expect(scope.stderr).toMatch(/no scope is called prodution; did you mean "production"\?/);
});
