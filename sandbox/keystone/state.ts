/** The domains, users, groups and tokens of one Keystone, in memory; who may do what is in access.ts. */
import { createHash } from 'node:crypto';
import { KeystoneAccess, roles, type Assignment, type Place, type SavedAccess } from './access.js';

export type Extra = Record<string, unknown>;

export interface KeystoneUser {
  readonly id: string;
  readonly domain: string;
  name: string;
  enabled: boolean;
  password: string | undefined;
  /** every attribute that Keystone itself does not know; round-trips */
  extra: Extra;
}

export interface KeystoneGroup {
  readonly id: string;
  readonly domain: string;
  name: string;
  description: string;
  extra: Extra;
  /** ids of users, who may belong to other domains */
  readonly members: Set<string>;
}

export interface KeystoneDomain {
  readonly id: string;
  name: string;
  enabled: boolean;
}

export interface Token {
  readonly user: string;
  readonly domain: string | undefined;
  readonly isOfSystem?: boolean;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

interface Held {
  readonly id: string;
  readonly domain: string;
  name: string;
}

/** Objects by id and by domain and name; names are case-sensitive, as on PostgreSQL and SQLite. */
export class Collection<T extends Held> {
  private readonly byId = new Map<string, T>();
  private readonly byName = new Map<string, T>();

  get(id: string): T | undefined {
    return this.byId.get(id);
  }

  named(domain: string, name: string): T | undefined {
    return this.byName.get(`${domain}/${name}`);
  }

  add(object: T): T {
    this.byId.set(object.id, object);
    this.byName.set(`${object.domain}/${object.name}`, object);
    return object;
  }

  rename(object: T, name: string): void {
    this.byName.delete(`${object.domain}/${object.name}`);
    object.name = name;
    this.byName.set(`${object.domain}/${name}`, object);
  }

  remove(object: T): void {
    this.byId.delete(object.id);
    this.byName.delete(`${object.domain}/${object.name}`);
  }

  clear(): void {
    this.byId.clear();
    this.byName.clear();
  }

  /** In no order. */
  each(): Iterable<T> {
    return this.byId.values();
  }

  /** By id: the order in which newer Keystones page. */
  all(): T[] {
    return [...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}

export { roles, type Assignment } from './access.js';

/** A user whom no password lets in: tests act as it behind a connector's back. */
export const administrator = 'ad000000000000000000000000000000';

export class KeystoneState {
  readonly users = new Collection<KeystoneUser>();
  readonly groups = new Collection<KeystoneGroup>();
  readonly domains = new Map<string, KeystoneDomain>();
  readonly access = new KeystoneAccess();
  readonly tokens = new Map<string, Token>();
  /** user id → the second (Unix time) until which tokens of the user count no more */
  private readonly revokedUntil = new Map<string, number>();
  private made = 0;

  /** Holds the domains `default` and `domain`, and the service user `concordat` of `default`, who is admin of `domain`. */
  constructor(domain = 'workforce', servicePassword = 'sandbox-password') {
    this.domains.set('default', { id: 'default', name: 'Default', enabled: true });
    this.domains.set(domain, { id: domain, name: domain, enabled: true });
    const service = this.addUser({ domain: 'default', name: 'concordat', password: servicePassword });
    this.assignments.push({ user: service.id, domain, role: roles.admin });
    this.addUser({ id: administrator, domain: 'default', name: 'admin' });
    this.assignments.push({ user: administrator, system: true, role: roles.admin });
  }

  get assignments(): Assignment[] {
    return this.access.assignments;
  }

  newId(): string {
    this.made += 1;
    return createHash('sha256').update(`keystone/${this.made}`).digest('hex').slice(0, 32);
  }

  addUser(seed: { domain: string; name: string } & Partial<KeystoneUser>): KeystoneUser {
    return this.users.add({
      id: seed.id ?? this.newId(),
      domain: seed.domain,
      name: seed.name,
      enabled: seed.enabled ?? true,
      password: seed.password,
      extra: seed.extra ?? {},
    });
  }

  addGroup(seed: { domain: string; name: string } & Partial<Omit<KeystoneGroup, 'members'>>): KeystoneGroup {
    return this.groups.add({
      id: seed.id ?? this.newId(),
      domain: seed.domain,
      name: seed.name,
      description: seed.description ?? '',
      extra: seed.extra ?? {},
      members: new Set(),
    });
  }

  /** Memberships, grants and tokens of the user go with it. */
  removeUser(user: KeystoneUser): void {
    for (const group of this.groups.all()) group.members.delete(user.id);
    this.access.forget('user', user.id);
    this.revokeUser(user.id);
    this.users.remove(user);
  }

  removeGroup(group: KeystoneGroup): void {
    for (const member of group.members) this.revokeUser(member);
    this.access.forget('group', group.id);
    this.groups.remove(group);
  }

  /** HAZARD: as in Keystone, whoever leaves a group loses all tokens. */
  leave(user: KeystoneUser, group: KeystoneGroup): void {
    group.members.delete(user.id);
    this.revokeUser(user.id);
  }

  /** HAZARD: revocation counts in whole seconds, so a token issued later in the same second is revoked with the others. */
  revokeUser(user: string): void {
    this.revokedUntil.set(user, Math.floor(Date.now() / 1000));
  }

  /** All tokens that were issued so far, at once and without that effect. */
  revokeTokens(): void {
    this.tokens.clear();
  }

  /** undefined where the token is unknown, has expired or was revoked. */
  validToken(id: string): Token | undefined {
    const token = this.tokens.get(id);
    if (!token || token.expiresAt <= Date.now()) return undefined;
    return Math.floor(token.issuedAt / 1000) <= (this.revokedUntil.get(token.user) ?? 0) ? undefined : token;
  }

  /** Ids of the roles that a token shows: those of the user and of its groups, with what they imply. */
  rolesOf(user: string, place: Place | undefined): readonly string[] {
    if (place === undefined) return [];
    return this.access.rolesAt(place, user, this.groupsOf(user));
  }

  groupsOf(user: string): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const group of this.groups.each()) if (group.members.has(user)) ids.add(group.id);
    return ids;
  }

  placeOf(token: Token): Place | undefined {
    if (token.isOfSystem) return { system: true };
    return token.domain === undefined ? undefined : { domain: token.domain };
  }

  /** A token of the administrator for the whole system, which needs no password. */
  administratorToken(): string {
    const id = `sandbox-administrator-${this.tokens.size}`;
    const now = Date.now();
    this.tokens.set(id, {
      user: administrator,
      domain: undefined,
      isOfSystem: true,
      issuedAt: now,
      expiresAt: now + 60_000,
    });
    return id;
  }

  /** Everything but tokens: a client meets 401 after a restart and asks for a new one. */
  save(): string {
    return JSON.stringify({
      made: this.made,
      domains: [...this.domains.values()],
      users: this.users.all(),
      groups: this.groups.all().map((group) => ({ ...group, members: [...group.members] })),
      ...this.access.save(),
    });
  }

  restore(text: string): void {
    const saved = JSON.parse(text) as {
      made: number;
      domains: KeystoneDomain[];
      users: KeystoneUser[];
      groups: (Omit<KeystoneGroup, 'members'> & { members: string[] })[];
    } & SavedAccess;
    this.users.clear();
    this.groups.clear();
    this.domains.clear();
    this.revokedUntil.clear();
    for (const domain of saved.domains) this.domains.set(domain.id, domain);
    for (const user of saved.users) this.users.add({ ...user, password: user.password });
    for (const group of saved.groups) this.groups.add({ ...group, members: new Set(group.members) });
    this.access.restore(saved);
    this.made = saved.made;
  }
}
