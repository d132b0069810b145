/**
 * Carries out one write of a grant or workload. What can be found out by reading is found out before the first call;
 * what is so already is not done again.
 *
 * HAZARD: a set of several policies, and a policy with a trust, are several calls, and IAM has no transaction. What a
 * failure leaves behind is half a grant: the next read shows it as opaque, with what is missing.
 */
import {
  GetOpenIDConnectProviderCommand,
  ListInstanceProfilesForRoleCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import { ConcordatError } from '../../../../core/errors.js';
import type { ErrorCode } from '../../../../core/errors.js';
import { principalsTrust } from '../../../../core/iam-policy/trust.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../../connector.js';
import { textIn } from '../body.js';
import type { AwsIamClient, FailedWrite } from '../client.js';
import { nextMarker } from '../paging.js';
import { assumptionObjects, isHalfOfGrant, ownPolicies, principalArn, rootArn } from './assumptions.js';
import { audienceOf, partitionOf } from './collections.js';
import { edgeId } from './find-access.js';
import type { AccessFinder, NamedPrincipal } from './find-access.js';
import { identityProviders, readInventory } from './inventory.js';
import type { Role } from './inventory.js';
import type { AccessType } from './native-types.js';
import { trustIn, webIdentityRoleObject } from './objects.js';
import {
  assumeCalls,
  assumePolicyName,
  policyCall,
  principalIn,
  providerArn,
  referredId,
  roleCalls,
} from './planned-calls.js';
import type { PolicySets } from './policy-sets.js';
import { notRepresentableAccess } from './representable.js';
import {
  addAudienceStep,
  attachStep,
  deletePolicyStep,
  deleteRoleStep,
  detachStep,
  makeProviderStep,
  makeRoleStep,
  putAssumePolicyStep,
  sendSteps,
  trustStep,
} from './steps.js';
import type { Step } from './steps.js';

type Prepared = { readonly kind: 'ready'; readonly steps: readonly Step[]; readonly id?: string } | FailedWrite;
type Creation = Extract<NativeWrite<AccessType>, { kind: 'create' }>;
type Deletion = Extract<NativeWrite<AccessType>, { kind: 'delete' }>;

export type AccessWriter = (
  write: NativeWrite<AccessType>,
  announce?: (call: NativeCall) => Promise<void>,
) => Promise<WriteAnswer>;

export function createAccessWriter(
  client: AwsIamClient,
  finder: AccessFinder,
  sets: PolicySets,
  accountNumber: () => Promise<string>,
  confirmAccount: () => Promise<void>,
): AccessWriter {
  const { pathPrefix } = client.config.mesh;
  const audience = audienceOf(client);

  async function prepare(write: NativeWrite<AccessType>): Promise<Prepared> {
    const problem = notRepresentableAccess(write, sets, pathPrefix);
    if (problem !== null) return failed('refused', 'valueNotRepresentable', problem);
    await confirmAccount();
    if (write.kind === 'update')
      return failed('refused', 'valueNotRepresentable', 'it is made or deleted, never changed');
    if (write.type === 'webIdentityRole') return write.kind === 'create' ? makeRole(write) : deleteRole(write);
    const body = write.kind === 'create' ? write.after : write.before;
    if (textIn(body, 'Account') !== `account/${await accountNumber()}`) {
      return failed('refused', 'valueNotRepresentable', 'Account must be the account of this mesh');
    }
    const named = principalIn(textIn(body, 'Principal'));
    const principal = named === undefined ? null : await finder.principalNow(named);
    const id = edgeId(write.type, body);
    if (principal === null || id === undefined) {
      const detail = `the account holds no such ${named?.kind ?? 'principal'} under the path prefix; nothing was sent`;
      return write.kind === 'create'
        ? failed('refused', 'dependencyNotMet', detail)
        : failed('conflict', 'expectationFailed', detail);
    }
    if (write.kind === 'delete' && write.id !== id) {
      return failed('conflict', 'expectationFailed', 'the body is not the one of this id; nothing was sent');
    }
    return write.type === 'policyAttachment'
      ? prepareAttachment(write.kind, body, principal, id)
      : prepareAssumption(write.kind, body, principal, id);
  }

  async function prepareAttachment(
    kind: 'create' | 'delete',
    body: JsonObject,
    principal: NamedPrincipal,
    id: string,
  ): Promise<Prepared> {
    const set = sets.byId(referredId(textIn(body, 'PolicySet'), 'policySet') ?? '');
    if (set === undefined) return failed('refused', 'valueNotRepresentable', 'the mesh has no such policy set');
    const attached = await finder.attachedTo(principal);
    if (kind === 'create') {
      if (sets.hiddenBy(set, attached) !== undefined) {
        const detail = 'with it a larger policy set would be held, in which it could not be told apart';
        return failed('refused', 'valueNotRepresentable', `${detail}; nothing was sent`);
      }
      const missing = set.arns.filter((arn) => !attached.includes(arn));
      const steps = missing.map((arn) => attachStep(policyCall('Attach', principal, arn), principal, arn));
      return { kind: 'ready', steps, id };
    }
    if (!sets.held(attached).whole.some((each) => each.id === set.id)) {
      const some = set.arns.some((arn) => attached.includes(arn));
      return some
        ? failed('refused', 'readOnlyObject', 'only a part of the policy set is attached; nothing was sent')
        : failed('conflict', 'expectationFailed', 'the policy set is no longer attached; nothing was sent');
    }
    const steps = sets
      .neededByNoOther(set, attached)
      .map((arn) => detachStep(policyCall('Detach', principal, arn), principal, arn));
    return { kind: 'ready', steps, id };
  }

  async function prepareAssumption(
    kind: 'create' | 'delete',
    body: JsonObject,
    principal: NamedPrincipal,
    id: string,
  ): Promise<Prepared> {
    const roleId = referredId(textIn(body, 'Role'), 'assumableRole') ?? '';
    const inventory = await readInventory(client);
    const role = inventory.roles.find((each) => each.id === roleId);
    const holder = [...inventory.users, ...inventory.groups].find((each) => each.id === principal.id);
    if (role === undefined || holder === undefined) {
      const detail = 'the account shows no such role or principal under the path prefix; nothing was sent';
      return failed(
        kind === 'create' ? 'refused' : 'conflict',
        kind === 'create' ? 'dependencyNotMet' : 'expectationFailed',
        detail,
      );
    }
    const trust = trustIn(role);
    if (trust.kind !== 'principals') {
      return failed('refused', 'readOnlyObject', 'the trust of the role has a shape of its own; nothing was sent');
    }
    const calls = assumeCalls(kind === 'create' ? 'Put' : 'Delete', principal, roleId, '');
    const own = ownPolicies(holder, role.arn);
    if (kind === 'create') {
      const wanted = principalArn(holder, role);
      const trusts = trust.arns.includes(wanted) || trust.arns.includes(rootArn(role.arn));
      const taken = holder.inline.find(({ name }) => name === assumePolicyName(roleId));
      if (taken !== undefined && !isHalfOfGrant(taken, new Set([role.arn]))) {
        return failed('conflict', 'nameTaken', 'an inline policy of that name says something else; nothing was sent');
      }
      const steps = [
        ...(own.length > 0 ? [] : [putAssumePolicyStep(calls.policy, principal, roleId, role.arn)]),
        ...(trusts ? [] : [trustStep(calls.trust, role.name, principalsTrust([...trust.arns, wanted]))]),
      ];
      return { kind: 'ready', steps, id };
    }
    if (own.length === 0) {
      return failed('conflict', 'expectationFailed', 'no policy of its own allows it any more; nothing was sent');
    }
    const documents = new Map([...inventory.policies].map(([arn, { document }]) => [arn, document ?? null]));
    const [now] = assumptionObjects([holder], [role], documents, await accountNumber());
    if (now?.opaque !== undefined) return failed('refused', 'readOnlyObject', `${now.opaque}; nothing was sent`);
    const left = trust.arns.filter((arn) => arn !== holder.arn);
    const named = left.length < trust.arns.length;
    if (named && left.length === 0) {
      const detail = 'the role would trust nobody, which IAM does not allow; delete the role or add another principal';
      return failed('refused', 'deletionBlocked', `${detail}; nothing was sent`);
    }
    const steps = [
      ...own.map(({ name }) => {
        const call = { ...calls.policy, arguments: { ...calls.policy.arguments, PolicyName: name } };
        return deletePolicyStep(call, principal, name);
      }),
      ...(named ? [trustStep(calls.trust, role.name, principalsTrust(left))] : []),
    ];
    return { kind: 'ready', steps, id };
  }

  async function makeRole({ after }: Creation): Promise<Prepared> {
    const provider = providerArn(await accountNumber(), textIn(after, 'Issuer'), partitionOf(client));
    const given = textIn(after, 'Provider');
    if (given !== '' && given !== provider) {
      return failed('refused', 'valueNotRepresentable', 'Provider must be the ARN that follows from Issuer');
    }
    // found out before the provider is made for nothing
    if ((await finder.roleNamed(textIn(after, 'RoleName'))) !== null) {
      return failed('conflict', 'nameTaken', 'the account has a role of that name; nothing was sent');
    }
    const known = await client.readOrNull('iam:GetOpenIDConnectProvider', (iam) =>
      iam.send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: provider })),
    );
    const calls = roleCalls(after, pathPrefix, audience, provider);
    const first =
      known === null
        ? [makeProviderStep(calls.makeProvider, audience)]
        : (known.ClientIDList ?? []).includes(audience)
          ? []
          : [addAudienceStep(calls.addAudience, provider, audience)];
    return { kind: 'ready', steps: [...first, makeRoleStep(calls.makeRole)] };
  }

  async function deleteRole(write: Deletion): Promise<Prepared> {
    const { id, before, deletionMayRemove } = write;
    const role = await finder.roleById(id);
    if (role === null)
      return failed('conflict', 'expectationFailed', 'the account shows no such role; nothing was sent');
    const trust = trustIn(role);
    const same =
      trust.kind === 'webIdentity' && trust.issuer === before['Issuer'] && trust.subject === before['Subject'];
    if (!same || role.name !== before['RoleName']) {
      return failed(
        'conflict',
        'expectationFailed',
        'the role no longer has the trust that was read; nothing was sent',
      );
    }
    const { opaque } = webIdentityRoleObject(role, trust, { audience, providers: await identityProviders(client) });
    if (opaque !== undefined) return failed('refused', 'readOnlyObject', `${opaque}; nothing was sent`);
    const principal = { kind: 'webIdentityRole', id, name: role.name, arn: role.arn } as const;
    const attached = await finder.attachedTo(principal);
    const inline = await rolePolicies(client, role);
    const policies = attached.length + inline.length;
    const profiles = await instanceProfiles(client, role);
    const blocking = [
      ...(policies > 0 && !deletionMayRemove.includes('policies') ? [`${policies} policies`] : []),
      ...(profiles > 0 ? [`${profiles} instance profiles`] : []),
    ];
    if (blocking.length > 0) {
      const detail = `attached and not in deletionMayRemove: ${blocking.join(', ')}; nothing was removed`;
      return failed('refused', 'deletionBlocked', detail);
    }
    const last = { call: 'iam:DeleteRole', target: role.name, arguments: { RoleName: role.name } };
    const steps = [
      ...attached.map((arn) => detachStep(policyCall('Detach', principal, arn), principal, arn)),
      ...inline.map((PolicyName) => {
        const call = { ...last, call: 'iam:DeleteRolePolicy', arguments: { RoleName: role.name, PolicyName } };
        return deletePolicyStep(call, principal, PolicyName);
      }),
      deleteRoleStep(last, role.name),
    ];
    return { kind: 'ready', steps, id };
  }

  return async (write, announce) => {
    let prepared: Prepared;
    try {
      prepared = await prepare(write);
    } catch (error) {
      // nothing was sent yet, so even a cloud out of reach leaves no doubt about the effect
      if (error instanceof ConcordatError) return failed('refused', error.code, `${error.message}; nothing was sent`);
      throw error;
    }
    return prepared.kind === 'ready' ? sendSteps(client, prepared.steps, prepared.id, announce) : prepared;
  };
}

async function rolePolicies(client: AwsIamClient, { name }: Role): Promise<readonly string[]> {
  const found: string[] = [];
  let marker: string | undefined;
  do {
    const input = { RoleName: name, ...(marker === undefined ? {} : { Marker: marker }) };
    const page = await client.read('iam:ListRolePolicies', (iam) => iam.send(new ListRolePoliciesCommand(input)));
    found.push(...(page.PolicyNames ?? []));
    marker = nextMarker('iam:ListRolePolicies', page, marker);
  } while (marker !== undefined);
  return found;
}

/** How many, or at least one: any blocks the deletion. */
async function instanceProfiles(client: AwsIamClient, { name }: Role): Promise<number> {
  const page = await client.read('iam:ListInstanceProfilesForRole', (iam) =>
    iam.send(new ListInstanceProfilesForRoleCommand({ RoleName: name })),
  );
  return (page.InstanceProfiles ?? []).length;
}

function failed<K extends FailedWrite['kind']>(kind: K, code: ErrorCode, detail: string) {
  return { kind, code, detail };
}
