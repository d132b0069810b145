/**
 * What attachments, policy sets and roles of an AWS account leave. Of a principal every Deny counts wherever it stands: in
 * another set, written into it, or in a group that it is in; its boundary is a ceiling. Rights of its other policies are
 * those of other grants.
 */
import { effectInAws, namedPolicy, type NamedPolicy } from '../../../core/effect/aws.js';
import type { Capability } from '../../../core/effect/capability.js';
import type { Effect } from '../../../core/effect/effect.js';
import { isJsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { denied, denyPolicyName } from '../../connectors/aws-iam/deny-policy.js';
import { partsOf, textOf, type SeenObjects } from './seen-objects.js';

export function awsEffects(
  seen: SeenObjects,
  capabilities: readonly Capability[],
): (object: NativeObject) => readonly Effect[] {
  const account = new Account(seen);
  return (object) => {
    switch (object.type) {
      case 'policySet':
        return effectInAws({ policies: documentsIn(object) }, capabilities);
      case 'assumableRole':
        return effectInAws(account.ofRole(object), capabilities);
      case 'assumption': {
        const role = seen.referred(object.body['Role']);
        // What denies everything denies to assume a role.
        if (seen.referred(object.body['Principal'])?.body['State'] === 'suspended')
          return effectInAws({ policies: [] }, capabilities);
        return effectInAws(role ? account.ofRole(role) : { policies: [unread('the role')] }, capabilities);
      }
      case 'policyAttachment':
        return effectInAws(account.ofAttachment(object), capabilities);
      default:
        return [];
    }
  };
}

function unread(name: string): NamedPolicy {
  return { name, document: null };
}

function documentsIn({ id, body }: NativeObject): readonly NamedPolicy[] {
  const documents = body['Documents'];
  if (!isJsonObject(documents)) return [unread(id)];
  return Object.entries(documents).map(([arn, document]) => namedPolicy(arn, document));
}

/** The account as far as it was read. */
class Account {
  readonly #seen: SeenObjects;
  readonly #attachments = new Map<string, NativeObject[]>();
  readonly #inline = new Map<string, NamedPolicy[]>();
  /** By the native id of a user. */
  readonly #groups = new Map<string, string[]>();
  readonly #documents = new Map<string, NamedPolicy>();

  constructor(seen: SeenObjects) {
    this.#seen = seen;
    for (const attachment of seen.all('policyAttachment'))
      put(this.#attachments, textOf(attachment.body, 'Principal') ?? '', attachment);
    for (const { id, body } of seen.all('inlinePolicy'))
      put(this.#inline, textOf(body, 'Principal') ?? '', namedPolicy(id, body['Document'] ?? null));
    for (const { id, body } of seen.all('user'))
      if (body['State'] === 'suspended') put(this.#inline, `user/${id}`, namedPolicy(denyPolicyName, denied));
    for (const { id, body } of seen.all('group')) {
      const { members } = body;
      for (const member of Array.isArray(members) ? members : [])
        if (typeof member === 'string') put(this.#groups, member, `group/${id}`);
    }
    for (const holder of [...seen.all('policySet'), ...seen.all('assumableRole')])
      for (const policy of documentsIn(holder)) this.#documents.set(policy.name, policy);
  }

  ofRole(role: NativeObject): Parameters<typeof effectInAws>[0] {
    return {
      policies: documentsIn(role),
      denies: [...(this.#inline.get(`assumableRole/${role.id}`) ?? []), ...this.#notRead(['inlinePolicy'])],
      boundary: this.#boundary(role),
    };
  }

  ofAttachment({ body }: NativeObject): Parameters<typeof effectInAws>[0] {
    const principal = textOf(body, 'Principal') ?? '';
    const set = this.#seen.referred(body['PolicySet']);
    const [type, id] = partsOf(principal);
    const groups = type === 'user' && id !== undefined ? (this.#groups.get(id) ?? []) : [];
    const holder = this.#seen.referred(principal);
    const isGroup = type === 'group';
    return {
      policies: set ? documentsIn(set) : [unread('the policy set')],
      denies: [
        ...[principal, ...groups].flatMap((each) => this.#deniesOf(each)),
        ...this.#notRead(['policySet', 'policyAttachment', 'inlinePolicy', ...(type === 'user' ? ['group'] : [])]),
        // Of members that were not read, a deny of their group is not known.
        ...(type === 'user' && this.#seen.all('group').some((group) => group.body['members'] === undefined)
          ? [unread('the members of a group')]
          : []),
      ],
      boundary: isGroup ? null : holder ? this.#boundary(holder) : unread('the boundary'),
    };
  }

  /** Policies that may deny something to this principal. */
  #deniesOf(principal: string): readonly NamedPolicy[] {
    const attached = (this.#attachments.get(principal) ?? []).flatMap((attachment) => {
      const set = this.#seen.referred(attachment.body['PolicySet']);
      if (!set) return [unread(textOf(attachment.body, 'PolicySet') ?? 'a policy set')];
      const documents = documentsIn(set);
      // Which policies of it are attached is not known: one that denies may or may not be.
      if (attachment.opaque !== undefined) return documents.filter(mayDeny).map(({ name }) => unread(name));
      return documents;
    });
    return [...attached, ...(this.#inline.get(principal) ?? [])];
  }

  #boundary({ body }: NativeObject): NamedPolicy | null {
    const arn = textOf(body, 'PermissionsBoundary');
    return arn === undefined ? null : (this.#documents.get(arn) ?? unread(arn));
  }

  #notRead(types: readonly string[]): readonly NamedPolicy[] {
    return types.filter((type) => this.#seen.isIncomplete(type)).map((type) => unread(`${type} that was not read`));
  }
}

function mayDeny({ document }: NamedPolicy): boolean {
  return document === null || document.statements.some(({ effect }) => effect === 'Deny');
}

function put<Value>(map: Map<string, Value[]>, name: string, value: Value): void {
  const known = map.get(name);
  if (known) known.push(value);
  else map.set(name, [value]);
}
