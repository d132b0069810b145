/**
 * Users and groups that Entra shows and somebody else decides about: marked opaque, with the reason in words without values.
 * https://learn.microsoft.com/en-us/graph/api/resources/user (onPremisesSyncEnabled), group (groupTypes, membershipRule)
 */
import type { JsonObject } from '../../../core/json.js';
import type { Members, NativeType } from './objects.js';

export const masteredBecause = {
  syncedUser: 'the user is synced from on-premises',
  syncedGroup: 'the group is synced from on-premises',
  dynamicGroup: 'a rule decides who is in the group',
  exchangeGroup: 'Exchange masters the group',
  nestedGroup: 'groups are nested in the group',
  servicePrincipalInGroup: 'a service principal is in the group',
} as const;

/** Not a Microsoft 365 group and yet with mail: a distribution list or mail-enabled security group, which Exchange masters. */
export function isMasteredByExchange(body: JsonObject): boolean {
  return body['mailEnabled'] === true && !hasGroupType(body, 'Unified');
}

export function isDynamic(body: JsonObject): boolean {
  return hasGroupType(body, 'DynamicMembership');
}

function hasGroupType(body: JsonObject, type: string): boolean {
  const types = body['groupTypes'];
  return Array.isArray(types) && types.includes(type);
}

/** `members` undefined: they were not read, which is told as a scope that is incomplete. */
export function masteredElsewhere(type: NativeType, raw: JsonObject, members?: Members): string | undefined {
  const isSynced = raw['onPremisesSyncEnabled'] === true;
  if (type === 'user') return isSynced ? masteredBecause.syncedUser : undefined;
  if (isDynamic(raw)) return masteredBecause.dynamicGroup;
  if (isSynced) return masteredBecause.syncedGroup;
  if (isMasteredByExchange(raw)) return masteredBecause.exchangeGroup;
  const kinds = members?.others.map(({ kind }) => kind) ?? [];
  if (kinds.includes('group')) return masteredBecause.nestedGroup;
  return kinds.includes('servicePrincipal') ? masteredBecause.servicePrincipalInGroup : undefined;
}
