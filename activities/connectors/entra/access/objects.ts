/**
 * Scopes, roles, workloads and grants as Graph tells them, and as bodies of native objects. Pure.
 *
 * https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipal, approle, approleassignment, unifiedroledefinition,
 * unifiedroleassignment, unifiedroleassignmentscheduleinstance, unifiedroleeligibilityscheduleinstance,
 * federatedidentitycredential, administrativeunit.
 */
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import { idOf } from '../odata.js';
import { credentialProperties, servicePrincipalProperties, directoryRoleProperties } from './properties.js';
import { defaultAccess, opaqueBecause, reference, tenantScope, type PrincipalFacts } from './types.js';

function picked(raw: JsonObject, properties: readonly string[]): Record<string, Json> {
  const body: Record<string, Json> = {};
  for (const property of properties) {
    const value = raw[property];
    // What Graph did not send stays absent; null is held and empty.
    if (value !== undefined) body[property] = Array.isArray(value) ? sortedTexts(value) : value;
  }
  return body;
}

function sortedTexts(values: readonly Json[]): readonly Json[] {
  return (values as readonly string[]).toSorted(byCodeUnit);
}

export function textIn(raw: JsonObject, property: string): string | undefined {
  const value = raw[property];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The tenant itself is in no list: the admin center calls this scope the directory. */
export const tenant: NativeObject = {
  type: 'directoryScope',
  id: tenantScope,
  body: { id: tenantScope, displayName: 'Directory' },
};

/** Its id is what `directoryScopeId` of an assignment says. */
export function administrativeUnit(raw: JsonObject): NativeObject {
  const id = `/administrativeUnits/${idOf(raw)}`;
  return { type: 'directoryScope', id, body: { id, ...picked(raw, ['displayName']) } };
}

export function servicePrincipal(raw: JsonObject): NativeObject {
  return { type: 'servicePrincipal', id: idOf(raw), body: picked(raw, servicePrincipalProperties) };
}

/** The roles that a service principal declares, and the one that every assignment without a role carries. */
export function appRoles(raw: JsonObject): readonly NativeObject[] {
  const owner = idOf(raw);
  const declared = (Array.isArray(raw['appRoles']) ? (raw['appRoles'] as readonly Json[]) : []).filter(isJsonObject);
  const byDefault = { id: defaultAccess, value: null, displayName: 'Default Access', isEnabled: true };
  const roles = declared.some(({ id }) => id === defaultAccess) ? declared : [...declared, byDefault];
  return roles.map((role) => ({
    type: 'appRole',
    id: `${owner}/${idOf(role)}`,
    body: {
      ...picked(role, ['value', 'displayName', 'isEnabled', 'allowedMemberTypes']),
      servicePrincipal: reference('servicePrincipal', owner),
    },
  }));
}

export function directoryRole(raw: JsonObject): NativeObject {
  return { type: 'directoryRole', id: idOf(raw), body: picked(raw, directoryRoleProperties) };
}

const because = (reason: string | undefined): { opaque?: string } => (reason === undefined ? {} : { opaque: reason });

/** https://learn.microsoft.com/en-us/graph/api/serviceprincipal-list-approleassignedto */
export function appRoleAssignment(raw: JsonObject, principal: PrincipalFacts): NativeObject {
  const owner = textIn(raw, 'resourceId') ?? '';
  return {
    type: 'appRoleAssignment',
    id: `${owner}/${idOf(raw)}`,
    body: {
      principal: principal.reference,
      role: reference('appRole', `${owner}/${textIn(raw, 'appRoleId') ?? defaultAccess}`),
      scope: reference('servicePrincipal', owner),
    },
    ...because(principal.opaque),
  };
}

/** How Privileged Identity Management holds an assignment; undefined where it is a plain one. */
export type PimState = 'activated' | 'timeBound' | 'eligible';

/** What tells one assignment from another, in all three lists of them. */
export function assignmentKey(raw: JsonObject): string {
  const scope = textIn(raw, 'directoryScopeId') ?? textIn(raw, 'appScopeId') ?? tenantScope;
  return JSON.stringify([raw['principalId'] ?? null, raw['roleDefinitionId'] ?? null, scope]);
}

/** undefined for what is no more than a plain assignment, or comes from a group's own one. */
export function pimStateOf(instance: JsonObject): PimState | undefined {
  const inherited = textIn(instance, 'memberType');
  if (inherited !== undefined && inherited !== 'Direct') return undefined;
  if (instance['assignmentType'] === 'Activated') return 'activated';
  return textIn(instance, 'endDateTime') === undefined ? undefined : 'timeBound';
}

const eligiblePrefix = 'eligible/';

export function isEligibleId(id: string): boolean {
  return id.startsWith(eligiblePrefix);
}

export function eligibleInstanceId(id: string): string {
  return id.slice(eligiblePrefix.length);
}

/** `raw`: a unifiedRoleAssignment, or an eligibility where `state` says so. */
export function directoryRoleAssignment(
  raw: JsonObject,
  principal: PrincipalFacts,
  state: PimState | undefined,
): NativeObject {
  const directoryScope = textIn(raw, 'directoryScopeId');
  const appScope = textIn(raw, 'appScopeId');
  const reason =
    (state === undefined ? undefined : opaqueBecause[state]) ??
    (directoryScope === undefined && appScope !== undefined ? opaqueBecause.appScope : undefined) ??
    principal.opaqueForDirectory;
  return {
    type: 'directoryRoleAssignment',
    id: state === 'eligible' ? `${eligiblePrefix}${idOf(raw)}` : idOf(raw),
    body: {
      principal: principal.reference,
      role: reference('directoryRole', textIn(raw, 'roleDefinitionId') ?? ''),
      scope: reference('directoryScope', directoryScope ?? appScope ?? tenantScope),
      ...(state === undefined ? {} : { state }),
    },
    ...because(reason),
  };
}

/**
 * A workload: what of an outside issuer may sign in as an application. `servicePrincipal` is that of the application in
 * this tenant, null where there is none.
 */
export function federatedIdentity(
  application: JsonObject,
  credential: JsonObject,
  owner: string | null,
  audience: string,
): NativeObject {
  const expression = credential['claimsMatchingExpression'];
  const audiences = credential['audiences'];
  const reason =
    textIn(credential, 'subject') === undefined || (expression !== undefined && expression !== null)
      ? opaqueBecause.claimsMatching
      : !Array.isArray(audiences) || audiences.length !== 1 || audiences[0] !== audience
        ? opaqueBecause.otherAudience
        : owner === null
          ? opaqueBecause.noServicePrincipal
          : undefined;
  return {
    type: 'federatedIdentity',
    id: `${idOf(application)}/${idOf(credential)}`,
    body: {
      ...picked(credential, credentialProperties),
      ...(expression === undefined || expression === null ? {} : { claimsMatchingExpression: expression }),
      application: textIn(application, 'appId') ?? null,
      ...picked(application, ['displayName', 'uniqueName']),
      servicePrincipal: owner === null ? null : reference('servicePrincipal', owner),
    },
    ...because(reason),
  };
}
