/**
 * examples/02-roles over AWS as moto plays it and a real Keystone, with real workers and a real Temporal server. Entra is the
 * sandbox: the emulator gives no app role to a group (test/systems/deviations.ts). What the clouds hold is read through
 * their own APIs. The chapters build on each other: after one fails, the rest is skipped.
 */
import { mkdtemp, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteGroupCommand,
  DetachGroupPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListAttachedGroupPoliciesCommand,
  ListRolesCommand,
  ListUserPoliciesCommand,
  RemoveUserFromGroupCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import { parseDocument } from 'yaml';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { startLocalFederation, type LocalFederation } from '../../cli/local/local-federation.js';
import type { Federation } from '../../core/federation/federation.js';
import { deployer, people, personGrant, teamGrants, teams } from '../../sandbox/example-roles/people.js';
import { trust } from '../../sandbox/example-roles/story.js';
import { startSandbox, type Sandbox } from '../../sandbox/start.js';
import { run } from '../cli/run.js';
import { startKeystone, workforceDomain } from '../support/systems/keystone.js';
import { startMoto } from '../support/systems/moto.js';
import { missingWords } from '../support/systems/system.js';
import { builtProgram } from '../support/temporal.js';
import { until } from './support/people-of-the-federation.js';

const [moto, keystone] = await Promise.all([startMoto(), startKeystone()]);
const missing = [moto, keystone].flatMap((system) => (system.kind === 'missing' ? [missingWords(system)] : []));
for (const words of missing) process.stderr.write(`${words}\n`);

let root: string;
let folder: string;
let sandbox: Sandbox;
let local: LocalFederation;
let earlierFailed = false;

const iam = new IAMClient({
  region: 'us-east-1',
  endpoint: moto.kind === 'available' ? moto.endpoint : 'http://127.0.0.1:9',
  credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
});
const Path = '/workforce/';
const account = '123456789012';
const arnOf = (name: string): string => `arn:aws:iam::${account}:policy/${name}`;
/** The example's sets, of policies of the customer: moto does not load those of AWS. */
const policySets = {
  AdministratorAccess: [arnOf('everything')],
  PowerUserAccess: [arnOf('power')],
  OpsAccess: [arnOf('storage')],
  Audit: [arnOf('look-at-storage'), arnOf('look-at-people')],
};
const setOf = {
  operator: policySets.PowerUserAccess,
  auditor: policySets.Audit,
  administrator: policySets.AdministratorAccess,
};

async function populateAws(): Promise<void> {
  for (const arn of Object.values(policySets).flat())
    await iam.send(
      new CreatePolicyCommand({
        PolicyName: arn.split('/').at(-1) ?? '',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }],
        }),
      }),
    );
  for (const { mail, displayName } of people)
    await iam.send(
      new CreateUserCommand({
        UserName: mail,
        Path,
        Tags: [
          { Key: 'email', Value: mail },
          { Key: 'displayName', Value: displayName },
        ],
      }),
    );
  for (const { handle, members } of teams) {
    await iam.send(new CreateGroupCommand({ GroupName: handle, Path }));
    for (const member of members)
      await iam.send(new AddUserToGroupCommand({ GroupName: handle, UserName: people[member]?.mail ?? '' }));
  }
  for (const { team, role } of teamGrants)
    for (const PolicyArn of setOf[role]) await iam.send(new AttachGroupPolicyCommand({ GroupName: team, PolicyArn }));
  for (const PolicyArn of setOf[personGrant.role])
    await iam.send(new AttachUserPolicyCommand({ UserName: people[personGrant.person]?.mail ?? '', PolicyArn }));
  const host = deployer.issuer.replace('https://', '');
  await iam.send(
    new CreateOpenIDConnectProviderCommand({
      Url: deployer.issuer,
      ClientIDList: ['sts.amazonaws.com'],
      ThumbprintList: ['0'.repeat(40)],
    }),
  );
  const Federated = `arn:aws:iam::${account}:oidc-provider/${host}`;
  const StringEquals = { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:sub`]: deployer.subject };
  await iam.send(
    new CreateRoleCommand({
      RoleName: deployer.name,
      Path,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Federated },
            Action: 'sts:AssumeRoleWithWebIdentity',
            Condition: { StringEquals },
          },
        ],
      }),
    }),
  );
}

async function ask<Answer>(method: string, at: string, body?: object): Promise<Answer> {
  if (keystone.kind !== 'available') throw new Error('there is no Keystone');
  const answer = await keystone.admin.request(method, at, body);
  if (answer.status >= 300) throw new Error(`${method} ${at} answered ${answer.status}`);
  return answer.body as Answer;
}

const groupIds = new Map<string, string>();
const roleIds = new Map<string, string>();
let project = '';
const roleNames = { operator: 'member', auditor: 'reader', administrator: 'admin' } as const;

function assignmentPath(team: string, role: keyof typeof roleNames): string {
  return `/projects/${project}/groups/${groupIds.get(team) ?? ''}/roles/${roleIds.get(roleNames[role]) ?? ''}`;
}

async function populateKeystone(): Promise<void> {
  const made = await ask<{ project: { id: string } }>('POST', '/projects', {
    project: { name: 'production', domain_id: workforceDomain },
  });
  project = made.project.id;
  for (const { id, name } of (await ask<{ roles: { id: string; name: string }[] }>('GET', '/roles')).roles)
    roleIds.set(name, id);
  const users: string[] = [];
  for (const { mail, displayName } of people) {
    const user = { name: mail, domain_id: workforceDomain, email: mail, display_name: displayName };
    users.push((await ask<{ user: { id: string } }>('POST', '/users', { user })).user.id);
  }
  for (const { handle, members } of teams) {
    const group = { name: handle, domain_id: workforceDomain };
    const { id } = (await ask<{ group: { id: string } }>('POST', '/groups', { group })).group;
    groupIds.set(handle, id);
    for (const member of members) await ask('PUT', `/groups/${id}/users/${users[member] ?? ''}`);
  }
  for (const { team, role } of teamGrants) await ask('PUT', assignmentPath(team, role));
  const reader = roleIds.get(roleNames[personGrant.role]) ?? '';
  await ask('PUT', `/projects/${project}/users/${users[personGrant.person] ?? ''}/roles/${reader}`);
  await ask('PUT', '/OS-FEDERATION/identity_providers/github', {
    identity_provider: { domain_id: workforceDomain, enabled: true, remote_ids: [deployer.issuer] },
  });
  await ask('PUT', '/OS-FEDERATION/mappings/github-mapping', { mapping: { rules: [ruleFor(deployer)] } });
  await ask('PUT', '/OS-FEDERATION/identity_providers/github/protocols/openid', {
    protocol: { mapping_id: 'github-mapping' },
  });
}

function ruleFor({ issuer, subject }: { readonly issuer: string; readonly subject: string }) {
  return {
    local: [{ user: { name: '{0}' } }],
    remote: [
      { type: 'HTTP_OIDC_SUB' },
      { type: 'HTTP_OIDC_SUB', any_one_of: [subject] },
      { type: 'HTTP_OIDC_ISS', any_one_of: [issuer] },
    ],
  };
}

async function edited(file: string, at: readonly string[], value: unknown): Promise<void> {
  const name = path.join(folder, file);
  const document = parseDocument(await readFile(name, 'utf8'));
  document.setIn(at, value);
  await writeFile(name, document.toString());
}

async function prepared(): Promise<Federation> {
  await cp(fileURLToPath(new URL('../../examples/02-roles/federation', import.meta.url)), folder, { recursive: true });
  if (moto.kind === 'available')
    await edited('authorities/aws.yaml', ['mesh'], {
      ...moto.mesh,
      pathPrefix: Path,
      policySets,
      suspension: 'keysAndDenyPolicy',
    });
  // Beyond the example: users of AWS have a state, and who may assume which role is seen in the place of inline policies.
  await edited('authorities/aws.yaml', ['surface', 'person'], ['displayName', 'mail', 'active']);
  await edited('maps/aws.person.yaml', ['fields', 'active'], {
    path: 'State',
    through: [{ enum: { active: true, suspended: false } }],
  });
  await edited('maps/aws.localRight.yaml', ['native'], 'assumption');
  await edited('maps/aws.localRight.yaml', ['fields', 'name', 'path'], 'Role');
  await edited('maps/aws.localRight.yaml', ['ignore'], ['Account']);
  if (keystone.kind === 'available') await edited('authorities/sov.yaml', ['mesh'], keystone.mesh);
  const { applications } = { applications: ['5b0d1c3e-2f47-4c55-9a53-6f0f5c1e8d20'] };
  await edited('authorities/azure.yaml', ['mesh'], {
    ...sandbox.entra.mesh,
    applications,
    workloadPrefix: 'workload-',
  });
  const valid = async () => {
    const loaded = await loadFederation(folder);
    if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults, null, 2));
    return loaded.federation;
  };
  await generateKeys(folder, await valid(), {});
  await signFolder(folder, await valid());
  const loaded = await loadSignedFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults, null, 2));
  return loaded.federation;
}

async function concordat(...argv: readonly string[]): Promise<string> {
  const environment = { TEMPORAL_ADDRESS: local.address };
  const said = await run([...argv, '--federation', folder], { environment, workingFolder: folder });
  expect(said.stderr, argv.join(' ')).not.toContain('error:');
  return said.stdout;
}

/** A run that asks nobody yet, and its plan in words. */
async function planned(): Promise<string> {
  await concordat('run', 'access', '--no-wait');
  return concordat('plan', 'latest');
}

/** Approved for all, and written by the run that the closing reviews start. */
async function approved(written: string): Promise<void> {
  await concordat('approve', 'latest', '--as', 'you', '--yes');
  await until(written, async () => (await concordat('show', 'latest')).includes(written), 90_000);
}

async function attachedTo(team: string): Promise<readonly string[]> {
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedGroupPoliciesCommand({ GroupName: team }));
  return AttachedPolicies.map(({ PolicyArn = '' }) => PolicyArn).sort();
}

async function rolesInKeystone(team: string): Promise<readonly string[]> {
  const { roles } = await ask<{ roles: { name: string }[] }>(
    'GET',
    `/projects/${project}/groups/${groupIds.get(team) ?? ''}/roles`,
  );
  return roles.map(({ name }) => name).sort();
}

function rolesInEntra(team: string): readonly unknown[] {
  const { state } = sandbox.entra.server;
  const group = state.listGroups().find(({ properties }) => properties['displayName'] === team);
  const roles = [...state.access.servicePrincipals.values()].flatMap(({ appRoles }) => appRoles);
  return [...state.access.appRoleAssignments.values()]
    .filter(({ principalId }) => principalId === group?.id)
    .map(({ appRoleId }) => roles.find(({ id }) => id === appRoleId)?.value);
}

beforeAll(async () => {
  if (missing.length > 0) return;
  await builtProgram();
  root = await mkdtemp(path.join(tmpdir(), 'concordat-grants-'));
  folder = path.join(root, 'federation');
  sandbox = await startSandbox({ folder: path.join(root, 'clouds'), example: 'roles' });
  await Promise.all([populateAws(), populateKeystone()]);
  const federation = await prepared();
  const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    aws: moto.kind === 'available' ? moto.environment : {},
    azure: sandbox.entra.environment,
    sov: keystone.kind === 'available' ? keystone.environment : {},
  };
  local = await startLocalFederation({
    federation,
    federationFolder: folder,
    dataFolder: path.join(folder, '.concordat'),
    headless: true,
    environmentOf: ({ authority }) => environments[authority] ?? {},
  });
});
afterAll(async () => {
  await local?.stop();
  await sandbox?.stop();
  for (const system of [moto, keystone]) if (system.kind === 'available') await system.stop();
  if (root) await rm(root, { recursive: true, force: true });
});
beforeEach(({ skip }) => {
  if (earlierFailed) skip('an earlier chapter failed');
  onTestFailed(() => {
    earlierFailed = true;
  });
});

describe.skipIf(missing.length > 0)('grants over moto, Keystone and the sandbox of Entra', () => {
  test('what is the same grant in three clouds needs nothing written', async () => {
    const plan = await planned();
    expect(plan).toContain('0 to create, 0 to update, 0 to delete');
    expect(plan).toContain('a rule decides who is in the group');
  });

  test('a grant that Keystone exchanged for another is exchanged in the others, by approval', async () => {
    await ask('DELETE', assignmentPath('team-platform', 'operator'));
    await ask('PUT', assignmentPath('team-platform', 'auditor'));
    expect(await planned()).toContain('2 to create, 0 to update, 2 to delete');
    await approved('written     aws 2 applied; azure 2 applied');
    expect(await attachedTo('team-platform')).toEqual([...policySets.Audit].sort());
    expect(rolesInEntra('team-platform')).toEqual(['Auditor']);
    expect(await rolesInKeystone('team-platform')).toEqual(['reader']);
    expect(await planned()).toContain('0 to create, 0 to update, 0 to delete');
  });

  test('a grant that AWS took back is taken back in the others', async () => {
    for (const PolicyArn of policySets.PowerUserAccess)
      await iam.send(new DetachGroupPolicyCommand({ GroupName: 'team-payments', PolicyArn }));
    expect(await planned()).toContain('0 to create, 0 to update, 2 to delete');
    await approved('written     azure 1 applied; sov 1 applied');
    expect(rolesInEntra('team-payments')).toEqual([]);
    expect(await rolesInKeystone('team-payments')).toEqual([]);
  });

  test('half of a grant is shown with what is missing, and neither completed nor carried over', async () => {
    await iam.send(new AttachGroupPolicyCommand({ GroupName: 'team-payments', PolicyArn: arnOf('look-at-people') }));
    const plan = await planned();
    expect(plan).toContain('grant team team-payments as auditor on production');
    expect(plan).toContain('1 of 2 policies of the set are attached');
    expect(plan).toContain('0 to create, 0 to update, 0 to delete');
    expect(await attachedTo('team-payments')).toEqual([arnOf('look-at-people')]);
  });

  test('half of "may assume a role" in AWS is shown as what it is, and nothing follows from it', async () => {
    const trusted = `arn:aws:iam::${account}:user${Path}${people[0]?.mail ?? ''}`;
    const Statement = [{ Effect: 'Allow', Principal: { AWS: trusted }, Action: 'sts:AssumeRole' }];
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new CreateRoleCommand({ RoleName: 'on-call', Path, AssumeRolePolicyDocument }));
    const plan = await planned();
    expect(plan).toContain(`localRight person ${people[0]?.displayName ?? ''} holds assumableRole/AROA`);
    expect(plan).toContain('the trust is there, the policy is missing');
    expect(plan).toContain('0 to create, 0 to update, 0 to delete');
  });

  test('who is disabled in Keystone is suspended in AWS by that name, and the keys with it', async () => {
    const UserName = people[1]?.mail ?? '';
    await iam.send(new CreateAccessKeyCommand({ UserName }));
    const { users } = await ask<{ users: { id: string }[] }>('GET', `/users?name=${UserName}`);
    await ask('PATCH', `/users/${users[0]?.id ?? ''}`, { user: { enabled: false } });
    const plan = await planned();
    expect(plan).toContain('0 to create, 2 to update, 0 to delete');
    expect(plan).toContain('access keys become inactive and the inline policy concordat-suspended denies everything');
    await approved('written     aws 1 applied; azure 1 applied');
    const { AccessKeyMetadata = [] } = await iam.send(new ListAccessKeysCommand({ UserName }));
    expect(AccessKeyMetadata.map(({ Status }) => Status)).toEqual(['Inactive']);
    const { PolicyNames } = await iam.send(new ListUserPoliciesCommand({ UserName }));
    expect(PolicyNames).toEqual(['concordat-suspended']);
  });

  test('a team that goes takes its grants along, which the plan says before anybody approves', async () => {
    const GroupName = 'team-audit';
    for (const PolicyArn of policySets.Audit) await iam.send(new DetachGroupPolicyCommand({ GroupName, PolicyArn }));
    await iam.send(new RemoveUserFromGroupCommand({ GroupName, UserName: people[4]?.mail ?? '' }));
    await iam.send(new DeleteGroupCommand({ GroupName }));
    const plan = await planned();
    expect(plan).toContain('0 to create, 0 to update, 4 to delete');
    expect(plan).toContain('consequence takes its memberships and role assignments along');
    expect(plan).toContain('1 roleAssignment here rests on it and cannot outlast it');
    expect(plan).toContain('is not undone: a group that is made again has a new id');
    expect(await concordat('show', 'latest')).toContain('Consequences beyond the writes');
    await approved('written     azure 2 applied; sov 2 applied');
    expect(rolesInEntra(GroupName)).toEqual([]);
  });

  test('an undo of that brings team and grants back in all three, under new ids as it said', async () => {
    await concordat('undo', 'latest', '--as', 'you', '--authority', 'sov', '--yes');
    const plan = await planned();
    expect(plan).toContain('6 to create, 0 to update, 0 to delete');
    expect(plan).toContain('has a new unique id: policies that name the old one lead nowhere');
    await approved('written     aws 2 applied; azure 2 applied; sov 2 applied');
    const former = groupIds.get('team-audit') ?? '';
    const { groups } = await ask<{ groups: { id: string; name: string }[] }>('GET', '/groups?name=team-audit');
    expect(groups).toHaveLength(1);
    expect(groups[0]?.id).not.toBe(former);
    groupIds.set('team-audit', groups[0]?.id ?? '');
    expect(await rolesInKeystone('team-audit')).toEqual(['reader']);
    expect(await attachedTo('team-audit')).toEqual([...policySets.Audit].sort());
    expect(rolesInEntra('team-audit')).toEqual(['Auditor']);
    expect(await planned()).toContain('0 to create, 0 to update, 0 to delete');
  });

  test('a workload that Entra trusts is trusted by Keystone, and refused by the rule of AWS', async () => {
    const { aws, entra, keystone: keystoneSandbox } = sandbox;
    trust({ aws: aws.server.state, entra: entra.server.state, keystone: keystoneSandbox.server.state });
    expect(await planned()).toContain('not asked rule known-issuers: only runners of our own organisation on GitHub');
    await approved('written     sov 1 applied');
    const { identity_providers: providers } = await ask<{ identity_providers: { remote_ids: string[] }[] }>(
      'GET',
      '/OS-FEDERATION/identity_providers',
    );
    expect(providers.flatMap(({ remote_ids: ids }) => ids).sort()).toEqual(
      ['https://gitlab.example.org', deployer.issuer].sort(),
    );
    const { Roles = [] } = await iam.send(new ListRolesCommand({ PathPrefix: Path }));
    expect(new Set(Roles.map(({ RoleName }) => RoleName))).toEqual(new Set([deployer.name, 'on-call']));
  });
});
