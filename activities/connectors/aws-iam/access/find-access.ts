/** One grant, role or workload by its id, and the principals that grants name, as the account shows them now. */
import {
  GetRoleCommand,
  ListAttachedGroupPoliciesCommand,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListRolesCommand,
} from '@aws-sdk/client-iam';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import { given, textIn } from '../body.js';
import type { AwsIamClient } from '../client.js';
import type { Finder } from '../find.js';
import { nextMarker } from '../paging.js';
import type { Paged } from '../paging.js';
import { audienceOf, createCollections, partitionOf } from './collections.js';
import { identityProviders, policyDocumentNow, readInventory } from './inventory.js';
import type { Role } from './inventory.js';
import type { AccessType } from './native-types.js';
import {
  accountObject,
  attachmentObjects,
  policySetObject,
  roleTypeOf,
  trustIn,
  webIdentityRoleObject,
} from './objects.js';
import { principalIn, referredId } from './planned-calls.js';
import type { Principal } from './planned-calls.js';
import type { PolicySets } from './policy-sets.js';

/** What a call addresses: IAM's writes know names only. */
export interface NamedPrincipal extends Principal {
  readonly name: string;
  readonly arn: string;
}

export interface AccessFinder {
  readOne(type: AccessType, id: string): Promise<NativeObject | null>;
  findTwin(type: AccessType, after: JsonObject): Promise<NativeObject | null>;
  /** Under the path prefix; null where the account has no such principal there. */
  principalNow(principal: Principal): Promise<NamedPrincipal | null>;
  attachedTo(principal: NamedPrincipal): Promise<readonly string[]>;
  /** Under the path prefix, by id or by name; without what is attached. */
  roleById(id: string): Promise<Role | null>;
  roleNamed(name: string): Promise<Role | null>;
}

export function createAccessFinder(
  client: AwsIamClient,
  finder: Finder,
  sets: PolicySets,
  accountNumber: () => Promise<string>,
): AccessFinder {
  const { pathPrefix } = client.config.mesh;

  async function roleNamed(name: string): Promise<Role | null> {
    const answer = await client.readOrNull('iam:GetRole', (iam) => iam.send(new GetRoleCommand({ RoleName: name })));
    if (answer === null) return null;
    const shown = answer.Role;
    return {
      kind: 'role',
      id: given(shown?.RoleId, 'RoleId'),
      name: given(shown?.RoleName, 'RoleName'),
      path: given(shown?.Path, 'Path'),
      arn: given(shown?.Arn, 'Arn'),
      attached: [],
      inline: [],
      trust: given(shown?.AssumeRolePolicyDocument, 'AssumeRolePolicyDocument'),
      boundary: shown?.PermissionsBoundary?.PermissionsBoundaryArn,
    };
  }

  /** IAM has no look-up by id; roles cannot be renamed, so a name that the list gave belongs to the id or to nobody. */
  async function roleById(id: string): Promise<Role | null> {
    let marker: string | undefined;
    do {
      const input = { PathPrefix: pathPrefix, MaxItems: client.config.limits.pageSize };
      const page = await client.read('iam:ListRoles', (iam) =>
        iam.send(new ListRolesCommand({ ...input, ...(marker === undefined ? {} : { Marker: marker }) })),
      );
      const listed = (page.Roles ?? []).find((role) => role.RoleId === id);
      if (listed !== undefined) {
        const role = await roleNamed(given(listed.RoleName, 'RoleName'));
        return role?.id === id ? role : null;
      }
      marker = nextMarker('iam:ListRoles', page, marker);
    } while (marker !== undefined);
    return null;
  }

  async function principalNow({ kind, id }: Principal): Promise<NamedPrincipal | null> {
    if (kind === 'webIdentityRole') {
      const role = await roleById(id);
      return role === null ? null : { kind, id, name: role.name, arn: role.arn };
    }
    const found = await finder.readOne(kind, id);
    const path = found === null ? '' : textIn(found.body, 'Path');
    if (found === null || !path.startsWith(pathPrefix)) return null;
    const name = textIn(found.body, kind === 'user' ? 'UserName' : 'GroupName');
    return { kind, id, name, arn: `arn:${partitionOf(client)}:iam::${await accountNumber()}:${kind}${path}${name}` };
  }

  async function attachedTo({ kind, name }: NamedPrincipal): Promise<readonly string[]> {
    const { action, list } = attachedListing(kind, name);
    const arns: string[] = [];
    let marker: string | undefined;
    do {
      const page = await client.read(action, (iam) => list(iam, marker === undefined ? {} : { Marker: marker }));
      arns.push(...(page.AttachedPolicies ?? []).map((policy) => given(policy.PolicyArn, 'PolicyArn')));
      marker = nextMarker(action, page, marker);
    } while (marker !== undefined);
    return arns;
  }

  async function shownRole(role: Role): Promise<NativeObject> {
    const terms = { audience: audienceOf(client), providers: await identityProviders(client) };
    return webIdentityRoleObject(role, trustIn(role), terms);
  }

  async function readOne(type: AccessType, id: string): Promise<NativeObject | null> {
    const account = await accountNumber();
    switch (type) {
      case 'account':
        return id === account ? accountObject(account) : null;
      case 'policySet': {
        const set = sets.byId(id);
        if (set === undefined) return null;
        const documents = new Map<string, string | null>();
        for (const arn of set.arns) documents.set(arn, await policyDocumentNow(client, arn));
        return set.id === set.arns[0] && documents.get(set.id) === null ? null : policySetObject(set, documents);
      }
      case 'policyAttachment': {
        const [kind = '', principalId = ''] = id.split('/');
        const principal = principalIn(`${kind}/${principalId}`);
        const named = principal === undefined ? null : await principalNow(principal);
        if (named === null) return null;
        const all = attachmentObjects(`${kind}/${principalId}`, await attachedTo(named), sets, account);
        return all.find((object) => object.id === id) ?? null;
      }
      case 'webIdentityRole': {
        const role = await roleById(id);
        return role === null || roleTypeOf(trustIn(role)) !== type ? null : shownRole(role);
      }
      default: {
        // these rest on policies of several objects; the account is taken in once
        const inventory = readInventory(client);
        const objects = await createCollections(client, sets, account, () => inventory).objectsOf(type);
        return objects.find((object) => object.id === id) ?? null;
      }
    }
  }

  return {
    readOne,
    principalNow,
    attachedTo,
    roleById,
    roleNamed,
    async findTwin(type, after) {
      if (type === 'webIdentityRole') {
        const name = textIn(after, 'RoleName');
        // a role of another kind holds the name as well: it is shown for what it is
        const role = name === '' ? null : await roleNamed(name);
        return role === null ? null : shownRole(role);
      }
      const id = edgeId(type, after);
      return id === undefined ? null : readOne(type, id);
    },
  };
}

/** The id of an edge follows from its ends. */
export function edgeId(type: AccessType, body: JsonObject): string | undefined {
  const principal = principalIn(textIn(body, 'Principal'));
  if (principal === undefined) return undefined;
  const end =
    type === 'policyAttachment'
      ? referredId(textIn(body, 'PolicySet'), 'policySet')
      : type === 'assumption'
        ? referredId(textIn(body, 'Role'), 'assumableRole')
        : undefined;
  return end === undefined ? undefined : `${principal.kind}/${principal.id}/${end}`;
}

type AttachedPage = Paged & {
  readonly AttachedPolicies?: readonly { readonly PolicyArn?: string | undefined }[] | undefined;
};

function attachedListing(
  kind: Principal['kind'],
  name: string,
): { action: string; list: (iam: IAMClient, marker: { Marker?: string }) => Promise<AttachedPage> } {
  switch (kind) {
    case 'user':
      return {
        action: 'iam:ListAttachedUserPolicies',
        list: (iam, marker) => iam.send(new ListAttachedUserPoliciesCommand({ UserName: name, ...marker })),
      };
    case 'group':
      return {
        action: 'iam:ListAttachedGroupPolicies',
        list: (iam, marker) => iam.send(new ListAttachedGroupPoliciesCommand({ GroupName: name, ...marker })),
      };
    case 'webIdentityRole':
      return {
        action: 'iam:ListAttachedRolePolicies',
        list: (iam, marker) => iam.send(new ListAttachedRolePoliciesCommand({ RoleName: name, ...marker })),
      };
  }
}
