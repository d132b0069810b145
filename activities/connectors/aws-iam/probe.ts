/** Who the credentials are and what they may do, for `concordat doctor` and for the refusal of other accounts. */
import { GetAccountAuthorizationDetailsCommand, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { ConcordatError } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { actionsFor } from './capabilities.js';
import type { AwsIamClient } from './client.js';

type Permission = ProbeResult['permissions'][number];

interface Identity {
  readonly arn: string;
  readonly account: string;
}

/** Throws ConcordatError. GetCallerIdentity needs no permission and cannot be denied. */
async function identify(client: AwsIamClient): Promise<Identity> {
  const answer = await client.readIdentity('sts:GetCallerIdentity', (sts) =>
    sts.send(new GetCallerIdentityCommand({})),
  );
  if (answer.Arn === undefined || answer.Account === undefined) {
    throw new ConcordatError('unexpectedAnswer', 'sts:GetCallerIdentity named no account; check the endpoint');
  }
  return { arn: answer.Arn, account: answer.Account };
}

function wrongAccount(declared: string, found: string): ConcordatError {
  return new ConcordatError(
    'wrongAccount',
    `the credentials belong to account ${found}, the authority file names ${declared}`,
  );
}

/** Asked before the first read and the first write, and remembered once it was right. No account declared: never asked. */
export function accountGuard(client: AwsIamClient): () => Promise<void> {
  const declared = client.config.mesh.account;
  let confirmed = declared === undefined;
  return async () => {
    if (confirmed || declared === undefined) return;
    const { account } = await identify(client);
    if (account !== declared) throw wrongAccount(declared, account);
    confirmed = true;
  };
}

/** The number of the account, asked once where the authority file does not declare it. */
export function accountNumber(client: AwsIamClient): () => Promise<string> {
  let known = client.config.mesh.account;
  return async () => (known ??= (await identify(client)).account);
}

/** Never throws. `nativeTypes`: those that maps name, and with which nothing beyond people and teams is asked for. */
export async function probe(client: AwsIamClient, nativeTypes: readonly string[] = []): Promise<ProbeResult> {
  const { mesh } = client.config;
  const actions = actionsFor(mesh, nativeTypes);
  const unchecked = actions.map((permission) => ({ permission, held: 'notChecked' }) as const);
  let identity: Identity;
  try {
    identity = await identify(client);
  } catch (error) {
    const failure = known(error);
    const reachable = !['unreachable', 'credentialsMissing'].includes(failure.code);
    return { reachable, authenticated: false, permissions: unchecked, code: failure.code, detail: failure.message };
  }
  const common = { reachable: true, authenticated: true, identity: identity.arn };
  if (mesh.account !== undefined && identity.account !== mesh.account) {
    const { code, message } = wrongAccount(mesh.account, identity.account);
    return { ...common, permissions: unchecked, code, detail: message };
  }
  const listing = await tryListing(client);
  const simulated = await simulate(client, identity, actions);
  const permissions = unchecked.map(({ permission }): Permission => {
    if (permission === 'sts:GetCallerIdentity') return { permission, held: true };
    if (permission === listing.permission) return listing;
    return (
      simulated.get(permission) ?? {
        permission,
        held: 'notChecked',
        detail: 'the simulation is not allowed or not known here',
      }
    );
  });
  const missing = permissions.some(({ held }) => held === false);
  return { ...common, permissions, ...(missing ? { code: 'forbidden' as const } : {}) };
}

/** The one permission without which nothing works is tried, not simulated. */
async function tryListing(client: AwsIamClient): Promise<Permission> {
  const permission = 'iam:GetAccountAuthorizationDetails';
  try {
    await client.read(permission, (iam) =>
      iam.send(new GetAccountAuthorizationDetailsCommand({ Filter: ['User'], MaxItems: 1 })),
    );
    return { permission, held: true };
  } catch (error) {
    const failure = known(error);
    return { permission, held: failure.code === 'forbidden' ? false : 'notChecked', detail: failure.message };
  }
}

/**
 * Against resources under the path prefix, because a policy that is confined to them grants nothing on `*`. The
 * simulation sees neither every condition nor every organization policy, so its word is shown with the word.
 */
async function simulate(
  client: AwsIamClient,
  { arn, account }: Identity,
  asked: readonly string[],
): Promise<ReadonlyMap<string, Permission>> {
  const [, partition = 'aws'] = arn.split(':');
  const iamArn = (resource: string): string => `arn:${partition}:iam::${account}:${resource}`;
  // a session is simulated as its role; a role under a path is not found that way and stays unchecked
  const source = /:assumed-role\/([^/]+)\//.exec(arn)?.[1];
  const principal = source === undefined ? arn : iamArn(`role/${source}`);
  const under = (kind: string): string => iamArn(`${kind}${client.config.mesh.pathPrefix}concordat-probe`);
  const results = new Map<string, Permission>();
  const resources = {
    user: under('user'),
    group: under('group'),
    mfa: iamArn('mfa/concordat-probe'),
    role: under('role'),
    policy: under('policy'),
    provider: iamArn('oidc-provider/concordat-probe.example'),
    any: '*',
  } as const;
  for (const kind of ['user', 'group', 'mfa', 'role', 'policy', 'provider', 'any'] as const) {
    const actions = asked.filter((action) => action.startsWith('iam:') && resourceKind(action) === kind);
    if (actions.length === 0) continue;
    try {
      const answer = await client.read('iam:SimulatePrincipalPolicy', (iam) =>
        iam.send(
          new SimulatePrincipalPolicyCommand({
            PolicySourceArn: principal,
            ActionNames: actions,
            ResourceArns: [resources[kind]],
            MaxItems: 1000,
          }),
        ),
      );
      for (const result of answer.EvaluationResults ?? []) {
        const permission = result.EvalActionName;
        if (permission === undefined) continue;
        results.set(permission, { permission, held: result.EvalDecision === 'allowed', detail: 'simulated' });
      }
    } catch {
      return results; // not allowed to simulate, or a stand-in that cannot: those stay unchecked
    }
  }
  return results;
}

/** The resource type that an action is granted on: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html */
function resourceKind(action: string): 'user' | 'group' | 'mfa' | 'role' | 'policy' | 'provider' | 'any' {
  if (/:(List(Users|Groups|Roles|OpenIDConnectProviders)|GetAccountAuthorizationDetails)$/.test(action)) return 'any';
  if (/:GetPolicy(Version)?$/.test(action)) return 'policy';
  if (action.endsWith('OpenIDConnectProvider')) return 'provider';
  if (action.includes('Role')) return 'role';
  if (action.endsWith(':DeleteVirtualMFADevice')) return 'mfa';
  return action.includes('Group') && !action.endsWith('ListGroupsForUser') ? 'group' : 'user';
}

function known(error: unknown): ConcordatError {
  return error instanceof ConcordatError ? error : new ConcordatError('unexpectedAnswer', 'the probe failed in itself');
}
