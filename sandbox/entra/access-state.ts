/** Applications, service principals, roles and assignments of one Entra tenant, in memory. */
import { createHash } from 'node:crypto';
import type { Properties } from './state.js';

export interface AppRole {
  readonly id: string;
  readonly value: string | null;
  readonly displayName: string;
  readonly isEnabled: boolean;
  readonly allowedMemberTypes: readonly string[];
}

export interface EntraApplication {
  readonly kind: 'application';
  readonly id: string;
  /** `appId`, `displayName`, `uniqueName`, `passwordCredentials`, `keyCredentials` */
  readonly properties: Properties;
  /** federatedIdentityCredentials by id */
  readonly credentials: Map<string, Properties>;
}

export interface EntraServicePrincipal {
  readonly kind: 'servicePrincipal';
  readonly id: string;
  /** `appId`, `displayName`, `accountEnabled`, `servicePrincipalType` */
  readonly properties: Properties;
  readonly appRoles: readonly AppRole[];
}

export interface AppRoleAssignment {
  readonly id: string;
  readonly appRoleId: string;
  readonly principalId: string;
  readonly principalType: 'User' | 'Group' | 'ServicePrincipal';
  readonly resourceId: string;
}

/** unifiedRoleAssignment, and what the instances of schedules of Privileged Identity Management add to it. */
export interface RoleAssignment {
  readonly id: string;
  readonly principalId: string;
  readonly roleDefinitionId: string;
  readonly directoryScopeId: string | null;
  readonly appScopeId: string | null;
  readonly assignmentType?: 'Assigned' | 'Activated';
  readonly memberType?: 'Direct' | 'Group' | 'Inherited';
  readonly endDateTime?: string | null;
}

/** Published template ids of built-in roles: in every tenant the same. */
const builtIn: readonly (readonly [id: string, name: string])[] = [
  ['62e90394-69f5-4237-9190-012177145e10', 'Global Administrator'],
  ['729827e3-9c14-49f7-bb1b-9608f156bbb8', 'Helpdesk Administrator'],
  ['88d8e3e3-8f55-4a1e-953a-9b9898b8876b', 'Directory Readers'],
  ['9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3', 'Application Administrator'],
  ['f2ef992c-3afb-46b9-b7cf-a126ee74c451', 'Global Reader'],
  ['fe930be7-5e62-47db-91af-98c3a49a38b1', 'User Administrator'],
];

const byId = (left: { readonly id: string }, right: { readonly id: string }): number => (left.id < right.id ? -1 : 1);

/** The ids of assignments are made of what they assign, as in Entra: the same assignment made again has the same id. */
function assignmentId(...parts: readonly string[]): string {
  return `${createHash('sha256').update(parts.join(' ')).digest('base64url').slice(0, 43)}-1`;
}

export class AccessState {
  readonly applications = new Map<string, EntraApplication>();
  readonly servicePrincipals = new Map<string, EntraServicePrincipal>();
  readonly administrativeUnits = new Map<string, Properties>();
  readonly roleDefinitions = new Map<string, Properties>();
  readonly appRoleAssignments = new Map<string, AppRoleAssignment>();
  readonly roleAssignments = new Map<string, RoleAssignment>();
  /** Instances of assignment schedules beyond the plain assignments, which are instances themselves. */
  readonly activations = new Map<string, RoleAssignment>();
  readonly eligibilities = new Map<string, RoleAssignment>();
  /** Without the licence of Privileged Identity Management its lists are refused. */
  licensed = true;
  /** A resource of roleManagement lists so many at once. */
  pageSize = 100;
  private readonly newId: () => string;

  constructor(newId: () => string) {
    this.newId = newId;
    this.fill();
  }

  private fill(): void {
    for (const [id, displayName] of builtIn)
      this.roleDefinitions.set(id, {
        id,
        displayName,
        description: `What a ${displayName} may do.`,
        isBuiltIn: true,
        isEnabled: true,
        templateId: id,
      });
  }

  addApplication(properties: Properties): EntraApplication {
    const application: EntraApplication = {
      kind: 'application',
      id: this.newId(),
      properties: { passwordCredentials: [], keyCredentials: [], uniqueName: null, ...properties, appId: this.newId() },
      credentials: new Map(),
    };
    this.applications.set(application.id, application);
    return application;
  }

  addServicePrincipal(properties: Properties, roles: readonly Partial<AppRole>[] = []): EntraServicePrincipal {
    const servicePrincipal: EntraServicePrincipal = {
      kind: 'servicePrincipal',
      id: this.newId(),
      properties: {
        accountEnabled: true,
        appRoleAssignmentRequired: false,
        servicePrincipalType: 'Application',
        ...properties,
      },
      appRoles: roles.map((role) => ({
        id: this.newId(),
        value: null,
        displayName: role.value ?? 'role',
        isEnabled: true,
        allowedMemberTypes: ['User', 'Application'],
        ...role,
      })),
    };
    this.servicePrincipals.set(servicePrincipal.id, servicePrincipal);
    return servicePrincipal;
  }

  /** An application whose app roles others are assigned to, with its service principal. */
  addResource(displayName: string, values: readonly string[]): EntraServicePrincipal {
    const application = this.addApplication({ displayName });
    const roles = values.map((value) => ({ value, displayName: value }));
    return this.addServicePrincipal({ appId: application.properties['appId'], displayName }, roles);
  }

  /** An application that one outside workload may sign in as. */
  addWorkload(displayName: string, credential: Properties): EntraApplication {
    const application = this.addApplication({ displayName });
    this.addServicePrincipal({ appId: application.properties['appId'], displayName });
    this.addCredential(application, { name: displayName, ...credential });
    return application;
  }

  addCredential(application: EntraApplication, properties: Properties): Properties {
    const id = this.newId();
    const credential = { id, description: null, audiences: ['api://AzureADTokenExchange'], ...properties };
    application.credentials.set(id, credential);
    return credential;
  }

  servicePrincipalFor(appId: unknown): EntraServicePrincipal | undefined {
    return [...this.servicePrincipals.values()].find(({ properties }) => properties['appId'] === appId);
  }

  applicationFor(property: 'appId' | 'uniqueName', value: unknown): EntraApplication | undefined {
    return [...this.applications.values()].find(({ properties }) => properties[property] === value);
  }

  addAdministrativeUnit(displayName: string): string {
    const id = this.newId();
    this.administrativeUnits.set(id, { id, displayName });
    return id;
  }

  addRoleDefinition(displayName: string): string {
    const id = this.newId();
    this.roleDefinitions.set(id, {
      id,
      displayName,
      description: null,
      isBuiltIn: false,
      isEnabled: true,
      templateId: id,
    });
    return id;
  }

  assignAppRole(given: Omit<AppRoleAssignment, 'id'>): AppRoleAssignment {
    const id = `${Buffer.from(given.principalId).toString('base64url').slice(0, 22)}${this.newId().slice(0, 21)}`;
    const assignment = { ...given, id };
    this.appRoleAssignments.set(id, assignment);
    return assignment;
  }

  private plain(
    given: Pick<RoleAssignment, 'principalId' | 'roleDefinitionId'> & Partial<RoleAssignment>,
  ): RoleAssignment {
    const { principalId, roleDefinitionId, directoryScopeId = '/', appScopeId = null } = given;
    const id = assignmentId(roleDefinitionId, principalId, directoryScopeId ?? '', appScopeId ?? '');
    return { ...given, id, directoryScopeId, appScopeId };
  }

  assignRole(given: Parameters<AccessState['plain']>[0]): RoleAssignment {
    const assignment = this.plain(given);
    this.roleAssignments.set(assignment.id, assignment);
    return assignment;
  }

  /** An eligible person turned the role on: it stands among the assignments for as long as it lasts. */
  activate(given: Parameters<AccessState['plain']>[0], endDateTime: string): RoleAssignment {
    const assignment = this.assignRole(given);
    const instance = { ...assignment, assignmentType: 'Activated', memberType: 'Direct', endDateTime } as const;
    this.activations.set(`${assignment.id}-a`, { ...instance, id: `${assignment.id}-a` });
    return assignment;
  }

  makeEligible(given: Parameters<AccessState['plain']>[0]): RoleAssignment {
    const { id, ...rest } = this.plain(given);
    const eligibility: RoleAssignment = { memberType: 'Direct', endDateTime: null, ...rest, id: `${id}-e` };
    this.eligibilities.set(eligibility.id, eligibility);
    return eligibility;
  }

  /** By id: the order of pages. */
  static sorted<T extends { readonly id: string }>(map: ReadonlyMap<string, T>): readonly T[] {
    return [...map.values()].sort(byId);
  }

  save(): unknown {
    return {
      licensed: this.licensed,
      pageSize: this.pageSize,
      applications: [...this.applications.values()].map((each) => ({ ...each, credentials: [...each.credentials] })),
      servicePrincipals: [...this.servicePrincipals.values()],
      administrativeUnits: [...this.administrativeUnits],
      roleDefinitions: [...this.roleDefinitions],
      appRoleAssignments: [...this.appRoleAssignments],
      roleAssignments: [...this.roleAssignments],
      activations: [...this.activations],
      eligibilities: [...this.eligibilities],
    };
  }

  /** `saved` undefined: a state of an earlier version, which had none of this. */
  restore(saved: unknown): void {
    const maps = [
      'administrativeUnits',
      'roleDefinitions',
      'appRoleAssignments',
      'roleAssignments',
      'activations',
      'eligibilities',
    ] as const;
    for (const name of [...maps, 'applications', 'servicePrincipals'] as const) this[name].clear();
    if (saved === undefined) return this.fill();
    type Entries = [string, never][];
    const state = saved as Record<(typeof maps)[number], Entries> & {
      licensed: boolean;
      pageSize: number;
      applications: (Omit<EntraApplication, 'credentials'> & { credentials: [string, Properties][] })[];
      servicePrincipals: EntraServicePrincipal[];
    };
    this.licensed = state.licensed;
    this.pageSize = state.pageSize;
    for (const name of maps)
      for (const [id, value] of state[name]) (this[name] as Map<string, never>).set(id, structuredClone(value));
    for (const each of state.applications)
      this.applications.set(each.id, { ...each, credentials: new Map(each.credentials) });
    for (const each of state.servicePrincipals) this.servicePrincipals.set(each.id, each);
  }
}
