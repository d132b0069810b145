/** The users and groups of one Entra tenant, in memory, with the deleted ones that can still be restored. */
import { createHash } from 'node:crypto';
import { AccessState, type EntraApplication, type EntraServicePrincipal } from './access-state.js';
import { DeltaQueries } from './delta.js';

export type Properties = Record<string, unknown>;

export interface EntraUser {
  readonly kind: 'user';
  readonly id: string;
  readonly properties: Properties;
}

export interface EntraGroup {
  readonly kind: 'group';
  readonly id: string;
  readonly properties: Properties;
  /** ids of users, groups and service principals */
  readonly members: Set<string>;
}

export type EntraObject = EntraUser | EntraGroup | EntraServicePrincipal | EntraApplication;

export interface Application {
  readonly clientId: string;
  readonly secret: string;
  /** Graph application permissions that were consented to */
  roles: string[];
}

export class EntraState {
  readonly tenant: string;
  readonly domains: readonly string[];
  readonly application: Application;
  readonly users = new Map<string, EntraUser>();
  readonly groups = new Map<string, EntraGroup>();
  readonly deleted = new Map<string, EntraObject>();
  readonly access = new AccessState(() => this.newId());
  readonly delta = new DeltaQueries(this);
  private readonly byPrincipalName = new Map<string, EntraUser>();
  private readonly byUniqueName = new Map<string, EntraGroup>();
  private order: { users: EntraUser[] | undefined; groups: EntraGroup[] | undefined } = {
    users: undefined,
    groups: undefined,
  };
  private made = 0;

  constructor(
    tenant = '6f89cf12-978b-4d23-ac18-9ef0c127cf87',
    // `example.org` too, so that principal names may be made of people's mail addresses.
    domains: readonly string[] = ['contoso.example', 'example.org', 'contoso.onmicrosoft.com'],
  ) {
    this.tenant = tenant;
    this.domains = domains;
    this.application = {
      clientId: '00d88624-f0d7-46f6-a641-6232c2608928',
      secret: 'sandbox-client-secret',
      roles: [
        'User.ReadWrite.All',
        'Group.ReadWrite.All',
        'Organization.Read.All',
        'Application.Read.All',
        'Application.ReadWrite.OwnedBy',
        'AppRoleAssignment.ReadWrite.All',
        'AdministrativeUnit.Read.All',
        'RoleManagement.ReadWrite.Directory',
      ],
    };
  }

  newId(): string {
    this.made += 1;
    const hex = createHash('sha256').update(`${this.tenant}/${this.made}`).digest('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  addUser(properties: Properties, id = this.newId()): EntraUser {
    const user: EntraUser = {
      kind: 'user',
      id,
      properties: { createdDateTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), ...properties },
    };
    this.index(user);
    return user;
  }

  addGroup(properties: Properties, id = this.newId()): EntraGroup {
    const group: EntraGroup = {
      kind: 'group',
      id,
      properties: { createdDateTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'), ...properties },
      members: new Set(),
    };
    this.index(group);
    return group;
  }

  get(id: string): EntraObject | undefined {
    return this.users.get(id) ?? this.groups.get(id) ?? this.access.servicePrincipals.get(id);
  }

  /** Principal names are unique regardless of case. */
  principal(name: string): EntraUser | undefined {
    return this.byPrincipalName.get(name.toLowerCase());
  }

  unique(name: string): EntraGroup | undefined {
    return this.byUniqueName.get(name.toLowerCase());
  }

  /** Sets properties and keeps the indexes. */
  change(object: EntraObject, properties: Properties): void {
    this.unindex(object);
    Object.assign(object.properties, properties);
    this.index(object);
  }

  /** By id: the order in which pages show objects. */
  listUsers(): readonly EntraUser[] {
    this.order.users ??= [...this.users.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.order.users;
  }

  listGroups(): readonly EntraGroup[] {
    this.order.groups ??= [...this.groups.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return this.order.groups;
  }

  /** Soft: the object waits among the deleted ones; its principal name is free again. */
  remove(object: EntraObject): void {
    this.unindex(object);
    object.properties['deletedDateTime'] = new Date().toISOString();
    this.deleted.set(object.id, object);
  }

  restoreDeleted(object: EntraObject): void {
    this.deleted.delete(object.id);
    delete object.properties['deletedDateTime'];
    this.index(object);
  }

  /** Members that exist now; a deleted member comes back with its restoration. */
  membersOf(group: EntraGroup): readonly EntraObject[] {
    return [...group.members]
      .sort()
      .map((id) => this.get(id))
      .filter((object): object is EntraObject => object !== undefined);
  }

  private index(object: EntraObject): void {
    if (object.kind === 'user') {
      this.users.set(object.id, object);
      const name = object.properties['userPrincipalName'];
      if (typeof name === 'string') this.byPrincipalName.set(name.toLowerCase(), object);
      this.order.users = undefined;
    } else if (object.kind === 'servicePrincipal') {
      this.access.servicePrincipals.set(object.id, object);
    } else if (object.kind === 'application') {
      this.access.applications.set(object.id, object);
    } else {
      this.groups.set(object.id, object);
      const name = object.properties['uniqueName'];
      if (typeof name === 'string') this.byUniqueName.set(name.toLowerCase(), object);
      this.order.groups = undefined;
    }
  }

  private unindex(object: EntraObject): void {
    if (object.kind === 'user') {
      this.users.delete(object.id);
      this.byPrincipalName.delete(String(object.properties['userPrincipalName']).toLowerCase());
      this.order.users = undefined;
    } else if (object.kind === 'servicePrincipal') {
      this.access.servicePrincipals.delete(object.id);
    } else if (object.kind === 'application') {
      this.access.applications.delete(object.id);
    } else {
      this.groups.delete(object.id);
      this.byUniqueName.delete(String(object.properties['uniqueName']).toLowerCase());
      this.order.groups = undefined;
    }
  }

  save(): string {
    const plain = (object: EntraObject): unknown =>
      object.kind === 'group'
        ? { ...object, members: [...object.members] }
        : object.kind === 'application'
          ? { ...object, credentials: [...object.credentials] }
          : object;
    return JSON.stringify({
      made: this.made,
      users: this.listUsers(),
      groups: this.listGroups().map(plain),
      deleted: [...this.deleted.values()].map(plain),
      access: this.access.save(),
    });
  }

  restore(text: string): void {
    type SavedGroup = Omit<EntraGroup, 'members'> & { members: string[] };
    type SavedApplication = Omit<EntraApplication, 'credentials'> & { credentials: [string, Properties][] };
    type Saved = EntraUser | EntraServicePrincipal | SavedGroup | SavedApplication;
    const saved = JSON.parse(text) as {
      made: number;
      users: EntraUser[];
      groups: SavedGroup[];
      deleted: Saved[];
      access?: unknown;
    };
    const whole = (object: Saved): EntraObject =>
      object.kind === 'group'
        ? { ...object, members: new Set(object.members) }
        : object.kind === 'application'
          ? { ...object, credentials: new Map(object.credentials) }
          : object;
    for (const map of [this.users, this.groups, this.deleted, this.byPrincipalName, this.byUniqueName]) map.clear();
    this.order = { users: undefined, groups: undefined };
    for (const object of [...saved.users, ...saved.groups]) this.index(whole(object));
    for (const object of saved.deleted) this.deleted.set(object.id, whole(object));
    this.access.restore(saved.access);
    this.delta.clear();
    this.made = saved.made;
  }
}
