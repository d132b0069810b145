/**
 * The lists of Graph that hold scopes, roles, workloads and grants, and what becomes of their entries. Each list is read
 * to its end page by page; a service principal in scope adds a part to those lists that Graph keeps per service principal.
 */
import type { ErrorCode } from '../../../../core/errors.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import type { Graph } from '../client.js';
import { idOf, literal, underPrefix } from '../odata.js';
import {
  administrativeUnit,
  appRoleAssignment,
  appRoles,
  assignmentKey,
  directoryRole,
  directoryRoleAssignment,
  federatedIdentity,
  servicePrincipal,
  tenant,
  textIn,
} from './objects.js';
import { servicePrincipalProperties, directoryRoleProperties } from './properties.js';
import { pimOf, type PimReading } from './pim.js';
import { credentialsOf, servicePrincipalOf, type Principals } from './principals.js';
import type { AccessType } from './types.js';

/** Lookups made at once for the entries of one page. */
const lookupsAtOnce = 8;

/** One run through the lists, in one process: what was looked up once is kept. */
export interface Reading extends PimReading {
  readonly principals: Principals;
}

export interface Made {
  readonly objects: readonly NativeObject[];
  /** Why something that the page names may be missing. */
  readonly reason?: ErrorCode;
}

export interface Part {
  /** The first page; null where what it belongs to does not exist. Absent for what no list holds. */
  readonly path?: () => Promise<string | null>;
  readonly make: (entries: readonly JsonObject[]) => Promise<Made> | Made;
}

export interface Collection {
  readonly scope: string;
  readonly nativeType: AccessType;
  /** Refused without a licence for Privileged Identity Management: then nothing is in it. */
  readonly licensed?: true;
  readonly parts: (reading: Reading) => readonly Part[];
}

const at = (path: string) => (): Promise<string> => Promise.resolve(path);

const each =
  (make: (raw: JsonObject) => NativeObject) =>
  (entries: readonly JsonObject[]): Made => ({ objects: entries.map(make) });

/** In the order of `items`, so many at once. */
export async function inTurn<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += lookupsAtOnce)
    results.push(...(await Promise.all(items.slice(from, from + lookupsAtOnce).map(work))));
  return results;
}

/** A configured application that the tenant does not know hides whatever its service principal would hold. */
function ofApplications(
  properties: readonly string[],
  make: (raw: JsonObject) => readonly NativeObject[],
): Collection['parts'] {
  return ({ graph }) =>
    graph.config.applications.map((appId) => ({
      path: at(`/servicePrincipals?$filter=appId%20eq%20${literal(appId)}&$select=id,${properties.join(',')}`),
      make: (entries) =>
        entries.length === 0 ? { objects: [], reason: 'scopeNotFound' } : { objects: entries.flatMap(make) },
    }));
}

const directoryScopes: Collection = {
  scope: 'directoryScopes',
  nativeType: 'directoryScope',
  parts: () => [
    { make: () => ({ objects: [tenant] }) },
    { path: at('/directory/administrativeUnits?$select=id,displayName'), make: each(administrativeUnit) },
  ],
};

const servicePrincipals: Collection = {
  scope: 'servicePrincipals',
  nativeType: 'servicePrincipal',
  parts: ofApplications(servicePrincipalProperties, (raw) => [servicePrincipal(raw)]),
};

const directoryRoles: Collection = {
  scope: 'directoryRoles',
  nativeType: 'directoryRole',
  parts: () => [
    {
      path: at(`/roleManagement/directory/roleDefinitions?$select=id,${directoryRoleProperties.join(',')}`),
      make: each(directoryRole),
    },
  ],
};

const appRoleCollection: Collection = {
  scope: 'appRoles',
  nativeType: 'appRole',
  parts: ofApplications(['appRoles'], appRoles),
};

/** The credentials of one application; null where it went away while the list was read. */
export async function workloadsOf(
  graph: Graph,
  application: JsonObject,
  signal?: AbortSignal,
): Promise<readonly NativeObject[] | null> {
  const credentials = await credentialsOf(graph, idOf(application), signal);
  if (credentials === null) return null;
  const appId = textIn(application, 'appId');
  // Most applications of a tenant are no workloads: their service principals are not asked for.
  const owner = credentials.length === 0 || appId === undefined ? null : await servicePrincipalOf(graph, appId, signal);
  return credentials.map((credential) => federatedIdentity(application, credential, owner, graph.config.audience));
}

const federatedIdentities: Collection = {
  scope: 'federatedIdentities',
  nativeType: 'federatedIdentity',
  parts: ({ graph, signal }) => {
    const { workloadPrefix } = graph.config;
    const filter = workloadPrefix === undefined ? '' : `&$filter=startswith(displayName,${literal(workloadPrefix)})`;
    return [
      {
        path: at(`/applications?$select=id,appId,displayName,uniqueName&$top=${graph.pageSize}${filter}`),
        make: async (entries) => {
          const inScope = entries.filter((raw) => underPrefix(raw['displayName'], workloadPrefix));
          const read = await inTurn(inScope, (application) => workloadsOf(graph, application, signal));
          const objects = read.flatMap((workloads) => workloads ?? []);
          return read.includes(null) ? { objects, reason: 'expectationFailed' } : { objects };
        },
      },
    ];
  },
};

const appRoleAssignments: Collection = {
  scope: 'appRoleAssignments',
  nativeType: 'appRoleAssignment',
  parts: ({ graph, principals, signal }) =>
    graph.config.applications.map((appId) => ({
      path: async () => {
        const owner = await servicePrincipalOf(graph, appId, signal);
        const select = '$select=id,appRoleId,principalId,principalType,resourceId';
        return owner === null ? null : `/servicePrincipals/${owner}/appRoleAssignedTo?${select}&$top=${graph.pageSize}`;
      },
      make: async (entries) => ({
        objects: await inTurn(entries, async (raw) =>
          appRoleAssignment(raw, await principals.of(textIn(raw, 'principalId') ?? '', textIn(raw, 'principalType'))),
        ),
      }),
    })),
};

const assignmentProperties = 'id,principalId,roleDefinitionId,directoryScopeId,appScopeId';

const directoryRoleAssignments: Collection = {
  scope: 'directoryRoleAssignments',
  nativeType: 'directoryRoleAssignment',
  parts: (reading) => [
    {
      path: at(`/roleManagement/directory/roleAssignments?$select=${assignmentProperties}`),
      make: async (entries) => {
        const states = await pimOf(reading);
        return {
          objects: await inTurn(entries, async (raw) => {
            const principal = await reading.principals.of(textIn(raw, 'principalId') ?? '', undefined);
            return directoryRoleAssignment(raw, principal, states.get(assignmentKey(raw)));
          }),
        };
      },
    },
  ],
};

const eligibilities: Collection = {
  scope: 'roleEligibilityScheduleInstances',
  nativeType: 'directoryRoleAssignment',
  licensed: true,
  parts: ({ principals }) => [
    {
      path: at(`/roleManagement/directory/roleEligibilityScheduleInstances?$select=${assignmentProperties},memberType`),
      make: async (entries) => ({
        // Who is eligible through a group is told by the group's own eligibility.
        objects: await inTurn(
          entries.filter((raw) => (textIn(raw, 'memberType') ?? 'Direct') === 'Direct'),
          async (raw) =>
            directoryRoleAssignment(raw, await principals.of(textIn(raw, 'principalId') ?? '', undefined), 'eligible'),
        ),
      }),
    },
  ],
};

/** In the order in which they are read. */
export const collections: readonly Collection[] = [
  directoryScopes,
  servicePrincipals,
  directoryRoles,
  appRoleCollection,
  federatedIdentities,
  appRoleAssignments,
  directoryRoleAssignments,
  eligibilities,
];
