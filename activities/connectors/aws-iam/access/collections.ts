/** The objects of one native type, out of one inventory of the account. */
import { byCodeUnit } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { AwsIamClient } from '../client.js';
import { isDenyPolicy } from '../deny-policy.js';
import { assumptionObjects, isHalfOfGrant } from './assumptions.js';
import { identityProviders, policyDocumentNow } from './inventory.js';
import type { Holder, InlinePolicy, Inventory, Role } from './inventory.js';
import type { AccessType } from './native-types.js';
import {
  accountObject,
  assumableRoleObject,
  attachmentObjects,
  inlinePolicyObject,
  policySetObject,
  principalOf,
  roleTypeOf,
  trustIn,
  webIdentityRoleObject,
} from './objects.js';
import type { PolicySets } from './policy-sets.js';

export interface Collections {
  /** Sorted by id. Throws ConcordatError, `forbidden` where something that this type needs may not be read. */
  objectsOf(type: AccessType): Promise<readonly NativeObject[]>;
}

export function createCollections(
  client: AwsIamClient,
  sets: PolicySets,
  account: string,
  inventory: () => Promise<Inventory>,
): Collections {
  const { pathPrefix } = client.config.mesh;
  const audience = audienceOf(client);
  // It is a state of the user where the mesh says so, and no policy that somebody wrote.
  const isSuspension = (holder: Holder, { name, document }: InlinePolicy): boolean =>
    client.config.mesh.suspension !== undefined && holder.kind === 'user' && isDenyPolicy(name, document);

  async function objects(type: AccessType): Promise<readonly NativeObject[]> {
    if (type === 'account') return [accountObject(account)];
    const known = await inventory();
    const people = [...known.users, ...known.groups];
    const roles = known.roles.map((role) => ({ role, trust: trustIn(role) }));
    const workloads = rolesOf(known, 'webIdentityRole');
    const documents = new Map<string, string | null>();
    for (const [arn, { document }] of known.policies) if (document !== undefined) documents.set(arn, document);

    switch (type) {
      case 'policySet': {
        const customer = [...known.policies.values()].filter(
          ({ arn, path }) => !arn.includes(':iam::aws:') && path.startsWith(pathPrefix),
        );
        const held = [...people, ...workloads].flatMap(({ attached }) => attached);
        const all = sets.all([...held, ...customer.map(({ arn }) => arn)]);
        for (const arn of all.flatMap((set) => set.arns)) {
          if (!documents.has(arn)) documents.set(arn, await policyDocumentNow(client, arn));
        }
        return all.map((set) => policySetObject(set, documents));
      }
      case 'assumableRole':
        return roles
          .filter(({ trust }) => roleTypeOf(trust) === 'assumableRole')
          .map(({ role, trust }) => assumableRoleObject(role, trust, documents));
      case 'webIdentityRole': {
        const providers = await identityProviders(client);
        return roles
          .filter(({ trust }) => roleTypeOf(trust) === 'webIdentityRole')
          .map(({ role, trust }) => webIdentityRoleObject(role, trust, { audience, providers }));
      }
      case 'inlinePolicy': {
        const assumable = new Set(rolesOf(known, 'assumableRole').map(({ arn }) => arn));
        const holders: readonly Holder[] = [
          ...people,
          ...roles.filter(({ trust }) => roleTypeOf(trust) !== null).map(({ role }) => role),
        ];
        return holders.flatMap((holder) =>
          holder.inline
            .filter((policy) => !isSuspension(holder, policy))
            .filter((policy) => holder.kind === 'role' || !isHalfOfGrant(policy, assumable))
            .map((policy) => inlinePolicyObject(holder, policy.name, policy.document)),
        );
      }
      case 'policyAttachment':
        return [...people, ...workloads].flatMap((holder) =>
          attachmentObjects(principalOf(holder), holder.attached, sets, account),
        );
      case 'assumption':
        return assumptionObjects(people, rolesOf(known, 'assumableRole'), documents, account);
    }
  }

  return {
    objectsOf: async (type) => [...(await objects(type))].sort((left, right) => byCodeUnit(left.id, right.id)),
  };
}

/** AWS's own default for tokens that are meant for STS; a constant of each mesh that is never compared. */
export function audienceOf({ config }: AwsIamClient): string {
  return config.mesh.webIdentityAudience ?? 'sts.amazonaws.com';
}

/** How ARNs of this part of AWS begin: `arn:aws:`, `arn:aws-cn:`, `arn:aws-us-gov:`. */
export function partitionOf({ config }: AwsIamClient): string {
  const { region } = config.mesh;
  return region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

function rolesOf({ roles }: Inventory, type: 'assumableRole' | 'webIdentityRole'): readonly Role[] {
  return roles.filter((role) => roleTypeOf(trustIn(role)) === type);
}
