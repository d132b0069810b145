/** Grants and workloads as calls of Graph, and what can be said against them before anything is asked. Pure. */
import type { JsonObject } from '../../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../../connector.js';
import type { EntraConfig } from '../config.js';
import { underPrefix } from '../odata.js';
import { textIn } from './objects.js';
import { accessWrites } from './properties.js';
import { halves, opaqueBecause, referred, type AccessType } from './types.js';

export type Refused = Extract<WriteAnswer, { kind: 'refused' | 'conflict' }>;

export const refused = (code: Refused['code'], detail: string): Refused => ({ kind: 'refused', code, detail });
export const moved = (detail: string): Refused => ({ kind: 'conflict', code: 'expectationFailed', detail });

export interface AppRoleGrant {
  readonly principal: string;
  readonly owner: string;
  readonly role: string;
}

/** undefined where the body names no app role of the service principal that is its scope. */
export function appRoleGrant(body: JsonObject): AppRoleGrant | undefined {
  const role = referred(body['role']);
  const scope = referred(body['scope']);
  const [owner, id] = role?.type === 'appRole' ? (halves(role.id) ?? []) : [];
  const principal = textIn(body, 'principal');
  return principal === undefined || owner === undefined || id === undefined || scope?.id !== owner
    ? undefined
    : { principal, owner, role: id };
}

export interface DirectoryRoleGrant {
  readonly principal: string;
  readonly role: string;
  readonly scope: string;
}

export function directoryRoleGrant(body: JsonObject): DirectoryRoleGrant | undefined {
  const role = referred(body['role']);
  const scope = referred(body['scope']);
  const principal = textIn(body, 'principal');
  return principal === undefined || role?.type !== 'directoryRole' || scope?.type !== 'directoryScope'
    ? undefined
    : { principal, role: role.id, scope: scope.id };
}

const grantees = ['user', 'group', 'federatedIdentity'];

function grantObstacle(type: AccessType, after: JsonObject): Refused | undefined {
  const grant = type === 'appRoleAssignment' ? appRoleGrant(after) : directoryRoleGrant(after);
  if (!grant)
    return refused(
      'valueNotRepresentable',
      type === 'appRoleAssignment'
        ? 'an app role is granted on the service principal that declares it, and on no other scope'
        : 'a directory role is granted on the directory or an administrative unit',
    );
  return grantees.includes(referred(grant.principal)?.type ?? '')
    ? undefined
    : refused('valueNotRepresentable', 'Entra grants to users, groups and workloads');
}

function workloadObstacle(
  after: JsonObject,
  { workloadPrefix }: Pick<EntraConfig, 'workloadPrefix'>,
): Refused | undefined {
  const missing = ['issuer', 'subject', 'name', ...(textIn(after, 'application') ? [] : ['displayName'])].find(
    (property) => textIn(after, property) === undefined,
  );
  if (missing !== undefined)
    return refused(
      'valueNotRepresentable',
      `a new workload needs ${missing}: give it a field or \`create\` of the map`,
    );
  for (const [property, most] of [
    ['issuer', 600],
    ['subject', 600],
    ['name', 120],
  ] as const)
    if ((textIn(after, property)?.length ?? 0) > most)
      return refused('valueNotRepresentable', `Entra holds ${most} characters of the ${property} of a workload`);
  if (!/^[A-Za-z0-9._~-]+$/.test(textIn(after, 'name') ?? ''))
    return refused('valueNotRepresentable', 'the name of a credential holds only letters, digits and . _ ~ -');
  return textIn(after, 'application') !== undefined || underPrefix(after['displayName'], workloadPrefix)
    ? undefined
    : refused('valueNotRepresentable', 'the displayName does not start with workloadPrefix of the authority file');
}

export function accessObstacle(
  write: NativeWrite<AccessType>,
  config: Pick<EntraConfig, 'workloadPrefix'>,
): Refused | undefined {
  const { kind, type } = write;
  if (!(accessWrites[type] as readonly string[]).includes(kind))
    return refused(
      'valueNotRepresentable',
      kind === 'update' ? `a ${type} is made and deleted, never changed` : `a ${type} is only read here`,
    );
  if (write.kind === 'delete')
    return write.before['state'] === undefined ? undefined : refused('readOnlyObject', opaqueBecause.eligible);
  if (write.kind === 'update') return undefined;
  return type === 'federatedIdentity' ? workloadObstacle(write.after, config) : grantObstacle(type, write.after);
}

const madeLater = '(new)';

/** The id where a reference is one; a workload's service principal is looked up when the call is made. */
function shownPrincipal(value: string): string {
  const named = referred(value);
  return named?.type === 'federatedIdentity' ? `the service principal of ${value}` : (named?.id ?? value);
}

function creation(type: AccessType, after: JsonObject): readonly NativeCall[] {
  const app = type === 'appRoleAssignment' ? appRoleGrant(after) : undefined;
  if (app)
    return [
      {
        call: 'POST /servicePrincipals/{id}/appRoleAssignedTo',
        target: app.owner,
        arguments: { principalId: shownPrincipal(app.principal), resourceId: app.owner, appRoleId: app.role },
      },
    ];
  const directory = type === 'directoryRoleAssignment' ? directoryRoleGrant(after) : undefined;
  if (directory)
    return [
      {
        call: 'POST /roleManagement/directory/roleAssignments',
        target: madeLater,
        arguments: {
          principalId: shownPrincipal(directory.principal),
          roleDefinitionId: directory.role,
          directoryScopeId: directory.scope,
        },
      },
    ];
  return type === 'federatedIdentity' ? workloadCreation(after) : [];
}

function workloadCreation(after: JsonObject): readonly NativeCall[] {
  const uniqueName = textIn(after, 'uniqueName');
  const displayName = textIn(after, 'displayName') ?? null;
  const application = textIn(after, 'application');
  const first: readonly NativeCall[] =
    application !== undefined
      ? []
      : uniqueName === undefined
        ? [{ call: 'POST /applications', target: madeLater, arguments: { displayName } }]
        : [
            {
              call: "PATCH /applications(uniqueName='{uniqueName}')",
              target: uniqueName,
              arguments: { Prefer: 'create-if-missing', displayName },
            },
          ];
  const { name = null, issuer = null, subject = null } = after;
  return [
    ...first,
    { call: 'POST /servicePrincipals (unless there)', target: application ?? madeLater, arguments: {} },
    {
      call: 'POST /applications/{id}/federatedIdentityCredentials',
      target: application ?? madeLater,
      arguments: { name, issuer, subject },
    },
  ];
}

function deletion(write: Extract<NativeWrite<AccessType>, { kind: 'delete' }>): readonly NativeCall[] {
  const { type, id, deletionMayRemove } = write;
  switch (type) {
    case 'appRoleAssignment':
      return [{ call: 'DELETE /servicePrincipals/{id}/appRoleAssignedTo/{id}', target: id, arguments: {} }];
    case 'directoryRoleAssignment':
      return [{ call: 'DELETE /roleManagement/directory/roleAssignments/{id}', target: id, arguments: {} }];
    case 'federatedIdentity':
      return deletionMayRemove.includes('application')
        ? [
            {
              call: 'DELETE /applications/{id} (as attached)',
              target: id,
              arguments: {
                restorable: 'from /directory/deletedItems for 30 days',
                otherwise: 'where others sign in as it too, its federatedIdentityCredential alone',
              },
            },
          ]
        : [{ call: 'DELETE /applications/{id}/federatedIdentityCredentials/{id}', target: id, arguments: {} }];
    default:
      return [];
  }
}

export function plannedAccessCalls(write: NativeWrite<AccessType>): readonly NativeCall[] {
  switch (write.kind) {
    case 'create':
      return creation(write.type, write.after);
    case 'delete':
      return deletion(write);
    case 'update':
      return [];
  }
}
