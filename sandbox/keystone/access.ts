/** Who may do what in one Keystone: projects, roles, assignments, ways in for workloads, and what users lent or made. */

export interface KeystoneProject {
  readonly id: string;
  readonly domain: string;
  readonly parent: string;
  name: string;
  enabled: boolean;
  description: string | null;
  tags: string[];
  extra: Record<string, unknown>;
}

export interface KeystoneRole {
  readonly id: string;
  /** undefined: of the whole cloud */
  readonly domain?: string;
  name: string;
  description: string | null;
  immutable: boolean;
}

/** One user or group holds a role in one place; `inherited`: in the projects below it, and not in it. */
export interface Assignment {
  readonly role: string;
  readonly user?: string;
  readonly group?: string;
  readonly project?: string;
  readonly domain?: string;
  readonly system?: true;
  readonly inherited?: true;
}

export type Place = { readonly project: string } | { readonly domain: string } | { readonly system: true };

export interface KeystoneProvider {
  readonly id: string;
  readonly domain: string;
  enabled: boolean;
  description: string | null;
  remoteIds: string[];
  /** ids of mappings, by the id of the protocol */
  readonly protocols: Record<string, string>;
}

export interface KeystoneTrust {
  readonly id: string;
  readonly trustor: string;
  readonly trustee: string;
  readonly project: string;
  readonly roles: readonly string[];
}

export interface KeystoneCredential {
  readonly id: string;
  readonly user: string;
  readonly project: string;
  readonly name: string;
  readonly roles: readonly string[];
}

export const roles = {
  reader: 'a5d4f3c2b1a00918273645546372819a',
  member: 'b5d4f3c2b1a00918273645546372819b',
  admin: 'c5d4f3c2b1a00918273645546372819c',
} as const;

/** What `effective` lists: one role of one user in one place, and through which group. */
export interface EffectiveRole {
  readonly role: string;
  readonly place: Place;
  readonly group?: string;
  readonly inherited: boolean;
}

export type SavedAccess = Partial<ReturnType<KeystoneAccess['save']>>;

export class KeystoneAccess {
  readonly projects = new Map<string, KeystoneProject>();
  readonly roles = new Map<string, KeystoneRole>();
  /** ids of the roles that a role implies by itself */
  readonly implied = new Map<string, Set<string>>();
  assignments: Assignment[] = [];
  readonly providers = new Map<string, KeystoneProvider>();
  readonly mappings = new Map<string, unknown[]>();
  trusts: KeystoneTrust[] = [];
  credentials: KeystoneCredential[] = [];

  constructor() {
    for (const [name, id] of Object.entries(roles))
      this.roles.set(id, { id, name, description: null, immutable: true });
    // As `keystone-manage bootstrap` makes them.
    this.implied.set(roles.admin, new Set([roles.member]));
    this.implied.set(roles.member, new Set([roles.reader]));
  }

  /** What goes in silence with a user or a group. */
  forget(kind: 'user' | 'group', id: string): void {
    this.assignments = this.assignments.filter((assignment) => assignment[kind] !== id);
    if (kind === 'group') return;
    this.trusts = this.trusts.filter(({ trustor, trustee }) => trustor !== id && trustee !== id);
    this.credentials = this.credentials.filter(({ user }) => user !== id);
  }

  removeRole(id: string): void {
    this.roles.delete(id);
    this.implied.delete(id);
    for (const implied of this.implied.values()) implied.delete(id);
    this.assignments = this.assignments.filter(({ role }) => role !== id);
    this.credentials = this.credentials.filter((credential) => !credential.roles.includes(id));
  }

  withImplied(role: string): readonly string[] {
    const reached = new Set([role]);
    for (const each of reached) for (const next of this.implied.get(each) ?? []) reached.add(next);
    return [...reached];
  }

  private isBelow(project: string, above: string): boolean {
    const parent = this.projects.get(project)?.parent;
    return parent !== undefined && (parent === above || this.isBelow(parent, above));
  }

  /** Roles of a domain count through what they imply alone, and roles on the system are not listed. */
  effective(user: string, groups: ReadonlySet<string>): readonly EffectiveRole[] {
    return this.assignments.flatMap((assignment): EffectiveRole[] => {
      const { group } = assignment;
      if (assignment.user !== user && (group === undefined || !groups.has(group))) return [];
      if (assignment.system) return [];
      const above = assignment.project ?? assignment.domain ?? '';
      const places: readonly Place[] = assignment.inherited
        ? [...this.projects.keys()].filter((id) => this.isBelow(id, above)).map((project) => ({ project }))
        : [assignment.project === undefined ? { domain: above } : { project: above }];
      const held = this.withImplied(assignment.role).filter((role) => this.roles.get(role)?.domain === undefined);
      return places.flatMap((place) =>
        held.map((role) => ({
          role,
          place,
          inherited: assignment.inherited === true,
          ...(group === undefined ? {} : { group }),
        })),
      );
    });
  }

  rolesAt(place: Place, user: string, groups: ReadonlySet<string>): readonly string[] {
    const key = JSON.stringify(place);
    const onSystem = this.assignments
      .filter((each) => each.system && (each.user === user || groups.has(each.group ?? '')))
      .flatMap(({ role }) => this.withImplied(role));
    const held =
      'system' in place
        ? onSystem
        : this.effective(user, groups)
            .filter((each) => JSON.stringify(each.place) === key)
            .map(({ role }) => role);
    return [...new Set(held)];
  }

  save() {
    return {
      assignments: this.assignments,
      projects: [...this.projects.values()],
      roles: [...this.roles.values()],
      implied: [...this.implied].map(([role, implied]) => [role, [...implied]] as const),
      providers: [...this.providers.values()],
      mappings: [...this.mappings],
      trusts: this.trusts,
      credentials: this.credentials,
    };
  }

  restore(saved: SavedAccess): void {
    const fill = <Value>(map: Map<string, Value>, entries: readonly (readonly [string, Value])[] | undefined): void => {
      if (entries === undefined) return;
      map.clear();
      for (const [key, value] of entries) map.set(key, value);
    };
    this.assignments = saved.assignments ?? [];
    fill(this.projects, saved.projects?.map((project) => [project.id, project]) ?? []);
    fill(
      this.roles,
      saved.roles?.map((role) => [role.id, role]),
    );
    fill(
      this.implied,
      saved.implied?.map(([role, implied]) => [role, new Set(implied)]),
    );
    fill(this.providers, saved.providers?.map((provider) => [provider.id, provider]) ?? []);
    fill(this.mappings, saved.mappings ?? []);
    this.trusts = saved.trusts ?? [];
    this.credentials = saved.credentials ?? [];
  }
}
