/** The users, groups, roles and policies of one AWS account, in memory, with the indexes that unique names and paging need. */
import { createHash } from 'node:crypto';

/** What a user may own that blocks its deletion, by the word that IAM uses for it; each is a list of ids or names. */
export const ownedKinds = [
  'accessKeys',
  'mfaDevices',
  'sshKeys',
  'signingCertificates',
  'serviceCredentials',
  'attachedPolicies',
] as const;
export type OwnedKind = (typeof ownedKinds)[number];

export interface IamUser {
  readonly id: string;
  name: string;
  path: string;
  readonly created: string;
  tags: { key: string; value: string }[];
  /** ids of groups */
  readonly groups: Set<string>;
  readonly owned: Record<OwnedKind, string[]>;
  /** of the access keys */
  readonly inactiveKeys: Set<string>;
  /** inline policies, name to document */
  policies: Record<string, string>;
  loginProfile: boolean;
  /** ARN of the permission boundary */
  boundary?: string;
}

export interface IamGroup {
  readonly id: string;
  name: string;
  path: string;
  readonly created: string;
  /** ids of users */
  readonly members: Set<string>;
  attachedPolicies: string[];
  policies: Record<string, string>;
}

export interface IamRole {
  readonly id: string;
  name: string;
  readonly path: string;
  readonly created: string;
  /** the trust policy, as text */
  trust: string;
  attachedPolicies: string[];
  policies: Record<string, string>;
  boundary?: string;
  instanceProfiles: string[];
}

/** A policy of the customer. AWS's own are in `managed.ts`. */
export interface IamPolicy {
  readonly id: string;
  name: string;
  readonly path: string;
  readonly created: string;
  document: string;
}

export interface IdentityProvider {
  /** without https:// */
  readonly host: string;
  readonly clientIds: string[];
  readonly created: string;
}

export type RoleSeed = { name: string; trust: string } & Partial<Omit<IamRole, 'name' | 'trust'>>;
export type PolicySeed = { name: string; document: string } & Partial<Omit<IamPolicy, 'name' | 'document'>>;
export type UserSeed = { name: string } & Partial<Omit<IamUser, 'groups' | 'name'>>;
export type GroupSeed = { name: string } & Partial<Omit<IamGroup, 'members' | 'name'>>;

interface Named {
  readonly id: string;
  name: string;
}

/** Objects by id, by name regardless of case, and in the order in which lists show them. */
export class Collection<T extends Named> {
  private readonly byId = new Map<string, T>();
  private readonly byName = new Map<string, T>();
  private order: T[] | undefined;

  get(id: string): T | undefined {
    return this.byId.get(id);
  }

  named(name: string): T | undefined {
    return this.byName.get(name.toLowerCase());
  }

  add(object: T): void {
    this.byId.set(object.id, object);
    this.byName.set(object.name.toLowerCase(), object);
    this.order = undefined;
  }

  rename(object: T, name: string): void {
    this.byName.delete(object.name.toLowerCase());
    object.name = name;
    this.byName.set(name.toLowerCase(), object);
    this.order = undefined;
  }

  remove(object: T): void {
    this.byId.delete(object.id);
    this.byName.delete(object.name.toLowerCase());
    this.order = undefined;
  }

  clear(): void {
    this.byId.clear();
    this.byName.clear();
    this.order = undefined;
  }

  /** By name regardless of case. */
  all(): readonly T[] {
    this.order ??= [...this.byName.entries()]
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([, object]) => object);
    return this.order;
  }
}

/** As IAM writes times: without fractions of a second. */
function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

const idAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export class AwsState {
  readonly account: string;
  /** access key id to secret, of the principal that the sandbox accepts */
  readonly accessKeys: Record<string, string>;
  /** name of the user whose access key calls */
  readonly caller: string;
  readonly users = new Collection<IamUser>();
  readonly groups = new Collection<IamGroup>();
  readonly roles = new Collection<IamRole>();
  readonly policies = new Collection<IamPolicy>();
  /** OpenID Connect providers, by host */
  readonly providers = new Map<string, IdentityProvider>();
  private made = 0;

  constructor(account = '123456789012', accessKeys = { AKIASANDBOXCONCORDAT: 'sandbox-secret-access-key' }) {
    this.account = account;
    this.accessKeys = accessKeys;
    this.caller = 'concordat';
    this.addCaller();
  }

  private addCaller(): void {
    const user = this.addUser({ name: this.caller, path: '/service/' });
    user.owned.accessKeys.push(...Object.keys(this.accessKeys));
  }

  /** `AIDA…`, `AGPA…`, `AKIA…`: never used again, unlike a name. */
  newId(prefix: string, length = 21): string {
    this.made += 1;
    const bytes = createHash('sha256').update(`${this.account}/${prefix}/${this.made}`).digest();
    let id = prefix;
    for (let index = 0; id.length < length; index += 1) id += idAlphabet[(bytes[index] ?? 0) % idAlphabet.length];
    return id;
  }

  addUser(seed: UserSeed): IamUser {
    const user: IamUser = {
      id: seed.id ?? this.newId('AIDA'),
      name: seed.name,
      path: seed.path ?? '/',
      created: seed.created ?? now(),
      tags: seed.tags ?? [],
      groups: new Set(),
      owned: seed.owned ?? {
        accessKeys: [],
        mfaDevices: [],
        sshKeys: [],
        signingCertificates: [],
        serviceCredentials: [],
        attachedPolicies: [],
      },
      inactiveKeys: new Set(),
      policies: seed.policies ?? {},
      loginProfile: seed.loginProfile ?? false,
      ...(seed.boundary === undefined ? {} : { boundary: seed.boundary }),
    };
    this.users.add(user);
    return user;
  }

  addGroup(seed: GroupSeed): IamGroup {
    const group: IamGroup = {
      id: seed.id ?? this.newId('AGPA'),
      name: seed.name,
      path: seed.path ?? '/',
      created: seed.created ?? now(),
      members: new Set(),
      attachedPolicies: seed.attachedPolicies ?? [],
      policies: seed.policies ?? {},
    };
    this.groups.add(group);
    return group;
  }

  addRole(seed: RoleSeed): IamRole {
    const role: IamRole = {
      id: seed.id ?? this.newId('AROA'),
      name: seed.name,
      path: seed.path ?? '/',
      created: seed.created ?? now(),
      trust: seed.trust,
      attachedPolicies: seed.attachedPolicies ?? [],
      policies: seed.policies ?? {},
      instanceProfiles: seed.instanceProfiles ?? [],
      ...(seed.boundary === undefined ? {} : { boundary: seed.boundary }),
    };
    this.roles.add(role);
    return role;
  }

  addPolicy(seed: PolicySeed): IamPolicy {
    const policy: IamPolicy = {
      id: seed.id ?? this.newId('ANPA'),
      name: seed.name,
      path: seed.path ?? '/',
      created: seed.created ?? now(),
      document: seed.document,
    };
    this.policies.add(policy);
    return policy;
  }

  arn(kind: 'user' | 'group' | 'role' | 'policy', named: { readonly path: string; readonly name: string }): string {
    return `arn:aws:iam::${this.account}:${kind}${named.path}${named.name}`;
  }

  providerArn(host: string): string {
    return `arn:aws:iam::${this.account}:oidc-provider/${host}`;
  }

  addProvider(host: string, clientIds: readonly string[]): IdentityProvider {
    const provider = { host, clientIds: [...clientIds], created: now() };
    this.providers.set(host, provider);
    return provider;
  }

  join(user: IamUser, group: IamGroup): void {
    user.groups.add(group.id);
    group.members.add(user.id);
  }

  leave(user: IamUser, group: IamGroup): void {
    user.groups.delete(group.id);
    group.members.delete(user.id);
  }

  /** Takes a user away with everything it owns: what an administrator does in the console. */
  removeUser(user: IamUser): void {
    for (const id of user.groups) this.groups.get(id)?.members.delete(user.id);
    this.users.remove(user);
  }

  /** Sets a tag; keys are unique regardless of case. */
  setTag(user: IamUser, key: string, value: string): void {
    const tag = user.tags.find((entry) => entry.key.toLowerCase() === key.toLowerCase());
    if (tag) Object.assign(tag, { key, value });
    else user.tags.push({ key, value });
  }

  save(): string {
    return JSON.stringify({
      made: this.made,
      users: this.users.all().map((user) => ({
        ...user,
        groups: [...user.groups],
        inactiveKeys: [...user.inactiveKeys],
      })),
      groups: this.groups.all().map((group) => ({ ...group, members: [...group.members] })),
      roles: this.roles.all(),
      policies: this.policies.all(),
      providers: [...this.providers.values()],
    });
  }

  restore(text: string): void {
    const saved = JSON.parse(text) as {
      made: number;
      users: (Omit<IamUser, 'groups' | 'inactiveKeys'> & { groups: string[]; inactiveKeys?: string[] })[];
      groups: (Omit<IamGroup, 'members'> & { members: string[] })[];
      roles?: IamRole[];
      policies?: IamPolicy[];
      providers?: IdentityProvider[];
    };
    this.users.clear();
    this.groups.clear();
    for (const user of saved.users)
      this.users.add({ ...user, groups: new Set(user.groups), inactiveKeys: new Set(user.inactiveKeys) });
    for (const group of saved.groups) this.groups.add({ ...group, members: new Set(group.members) });
    this.roles.clear();
    this.policies.clear();
    this.providers.clear();
    for (const role of saved.roles ?? []) this.roles.add(role);
    for (const policy of saved.policies ?? []) this.policies.add(policy);
    for (const provider of saved.providers ?? []) this.providers.set(provider.host, provider);
    this.made = saved.made;
  }
}
