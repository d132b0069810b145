/** The IAM calls on policies: managed ones, and what is attached to or written into a user, group or role. */
import { namedGroup } from './groups.js';
import { alreadyExists, deleteConflict, IamProblem, invalid, noSuchEntity, type Input } from './input.js';
import { awsManaged } from './managed.js';
import { namedRole } from './roles.js';
import type { AwsState, IamPolicy } from './state.js';
import { namedUser, type Action } from './users.js';
import type { Xml } from './xml.js';

const attachedMax = 10;

export const inlineXml = (policies: Readonly<Record<string, string>>): Xml =>
  Object.entries(policies).map(([name, document]) => ({
    PolicyName: name,
    PolicyDocument: encodeURIComponent(document),
  }));

export const attachedXml = (arns: readonly string[]): Xml =>
  arns.map((arn) => ({ PolicyName: arn.split('/').at(-1), PolicyArn: arn }));

export function policyXml(state: AwsState, policy: IamPolicy, attachments: number): { readonly [name: string]: Xml } {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: state.arn('policy', policy),
    Path: policy.path,
    DefaultVersionId: 'v1',
    AttachmentCount: attachments,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    CreateDate: policy.created,
    UpdateDate: policy.created,
  };
}

function holders(state: AwsState): readonly (readonly string[])[] {
  return [
    ...state.users.all().map((user) => user.owned.attachedPolicies),
    ...state.groups.all().map((group) => group.attachedPolicies),
    ...state.roles.all().map((role) => role.attachedPolicies),
  ];
}

function customerPolicy(state: AwsState, arn: string): IamPolicy | undefined {
  return state.policies.all().find((policy) => state.arn('policy', policy) === arn);
}

function noPolicy(arn: string): IamProblem {
  return new IamProblem('NoSuchEntity', 404, `Policy ${arn} does not exist or is not attachable.`);
}

function attachable(state: AwsState, arn: string): string {
  if (!arn.startsWith('arn:')) throw invalid(`ARN ${arn} is not valid.`);
  if (arn.includes(':iam::aws:policy/') || customerPolicy(state, arn)) return arn;
  throw noPolicy(arn);
}

const managedActions: Readonly<Record<string, Action>> = {
  CreatePolicy(input, state) {
    const name = input.name('PolicyName', 128);
    if (state.policies.named(name)) throw alreadyExists('A policy', name);
    const document = input.policyDocument('PolicyDocument');
    const policy = state.addPolicy({ name, path: input.path('Path') ?? '/', document });
    return { Policy: policyXml(state, policy, 0) };
  },
  GetPolicy(input, state) {
    const arn = input.required('PolicyArn');
    const published = awsManaged.find((policy) => policy.arn === arn);
    const policy = customerPolicy(state, arn);
    const attachments = holders(state).filter((arns) => arns.includes(arn)).length;
    if (policy) return { Policy: policyXml(state, policy, attachments) };
    if (!published) throw noPolicy(arn);
    const { name, id, path } = published;
    return {
      Policy: {
        PolicyName: name,
        PolicyId: id,
        Arn: arn,
        Path: path,
        DefaultVersionId: 'v1',
        AttachmentCount: attachments,
        IsAttachable: true,
      },
    };
  },
  GetPolicyVersion(input, state) {
    const arn = input.required('PolicyArn');
    const document = customerPolicy(state, arn)?.document ?? awsManaged.find((policy) => policy.arn === arn)?.document;
    if (document === undefined || input.required('VersionId') !== 'v1') throw noPolicy(arn);
    return { PolicyVersion: { Document: encodeURIComponent(document), VersionId: 'v1', IsDefaultVersion: true } };
  },
  DeletePolicy(input, state) {
    const arn = input.required('PolicyArn');
    const policy = customerPolicy(state, arn);
    if (!policy) throw noPolicy(arn);
    if (holders(state).some((arns) => arns.includes(arn))) throw deleteConflict('detach the policy');
    state.policies.remove(policy);
    return undefined;
  },
};

interface Holder {
  readonly policies: Record<string, string>;
  readonly attached: readonly string[];
  readonly attach: (list: string[]) => void;
}

type Word = 'User' | 'Group' | 'Role';

function holderOf(word: Word, input: Input, state: AwsState): Holder {
  if (word === 'User') {
    const { policies, owned } = namedUser(input, state);
    return { policies, attached: owned.attachedPolicies, attach: (list) => (owned.attachedPolicies = list) };
  }
  const named = word === 'Group' ? namedGroup(input, state) : namedRole(input, state);
  return {
    policies: named.policies,
    attached: named.attachedPolicies,
    attach: (list) => (named.attachedPolicies = list),
  };
}

/** Inline and attached policies, alike for users, groups and roles. */
function heldActions(word: Word): Readonly<Record<string, Action>> {
  return {
    [`Put${word}Policy`](input, state) {
      holderOf(word, input, state).policies[input.required('PolicyName')] = input.policyDocument('PolicyDocument');
      return undefined;
    },
    [`Get${word}Policy`](input, state) {
      const name = input.required('PolicyName');
      const document = holderOf(word, input, state).policies[name];
      if (document === undefined) throw noSuchEntity(`${word.toLowerCase()} policy`, name);
      return { [`${word}Name`]: input.required(`${word}Name`), ...inlineOne(name, document) };
    },
    [`List${word}Policies`](input, state) {
      const page = input.page(Object.keys(holderOf(word, input, state).policies).sort(), (name) => name);
      return { PolicyNames: page.items, ...page.result };
    },
    [`Delete${word}Policy`](input, state) {
      const name = input.required('PolicyName');
      const { policies } = holderOf(word, input, state);
      if (!Object.hasOwn(policies, name)) throw noSuchEntity(`${word.toLowerCase()} policy`, name);
      delete policies[name];
      return undefined;
    },
    [`Attach${word}Policy`](input, state) {
      const { attached, attach } = holderOf(word, input, state);
      const arn = attachable(state, input.required('PolicyArn'));
      const list = [...new Set([...attached, arn])];
      if (list.length > attachedMax) {
        const message = `Cannot exceed quota for PoliciesPer${word}: ${attachedMax}`;
        throw new IamProblem('LimitExceeded', 409, message);
      }
      attach(list);
      return undefined;
    },
    [`ListAttached${word}Policies`](input, state) {
      const page = input.page([...holderOf(word, input, state).attached].sort(), (arn) => arn);
      return { AttachedPolicies: attachedXml(page.items), ...page.result };
    },
    [`Detach${word}Policy`](input, state) {
      const arn = input.required('PolicyArn');
      const { attached, attach } = holderOf(word, input, state);
      if (!attached.includes(arn)) throw new IamProblem('NoSuchEntity', 404, `Policy ${arn} was not found.`);
      attach(attached.filter((other) => other !== arn));
      return undefined;
    },
  };
}

function inlineOne(name: string, document: string): { readonly [name: string]: Xml } {
  return { PolicyName: name, PolicyDocument: encodeURIComponent(document) };
}

export const policyActions: Readonly<Record<string, Action>> = {
  ...managedActions,
  ...heldActions('User'),
  ...heldActions('Group'),
  ...heldActions('Role'),
};
