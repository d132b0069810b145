/** Users and groups as Graph tells them, and as bodies of native objects. */
import { byCodeUnit, type Json, type JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { groupProperties, userProperties } from './capabilities.js';
import { masteredElsewhere } from './mastered-elsewhere.js';
import { idOf } from './odata.js';

export type NativeType = 'user' | 'group';

/** A member of a group that is not a user: a nested group, a device, a service principal, a contact. Kept, never removed. */
export interface OtherMember {
  readonly id: string;
  /** `group`, `device`, `servicePrincipal`, `orgContact`, … as Graph names its types */
  readonly kind: string;
}

export interface Members {
  readonly users: readonly string[];
  readonly others: readonly OtherMember[];
}

const propertiesOf: Readonly<Record<NativeType, readonly string[]>> = { user: userProperties, group: groupProperties };

/** For $select: Graph leaves employeeId and accountEnabled out where they are not named. */
export function selectOf(type: NativeType): string {
  return `$select=${['id', ...propertiesOf[type]].join(',')}`;
}

export const collectionOf: Readonly<Record<NativeType, string>> = { user: '/users', group: '/groups' };

export function pathOf(type: NativeType, id: string): string {
  return `${collectionOf[type]}/${encodeURIComponent(id)}`;
}

function sorted(value: Json): Json {
  return Array.isArray(value) ? (value as string[]).toSorted(byCodeUnit) : value;
}

/** A property that Graph did not send stays absent; null is held and empty. */
export function nativeObject(type: NativeType, raw: JsonObject, members?: Members): NativeObject {
  const body: Record<string, Json> = {};
  for (const property of propertiesOf[type]) {
    const value = raw[property];
    if (value !== undefined) body[property] = sorted(value);
  }
  if (members) {
    body['members'] = members.users;
    body['otherMembers'] = members.others.map(({ id, kind }) => ({ id, kind }));
  }
  const opaque = masteredElsewhere(type, raw, members);
  return { type, id: idOf(raw), body, ...(opaque === undefined ? {} : { opaque }) };
}

const typePrefix = '#microsoft.graph.';

/** undefined where an entry does not say of what type it is. */
export function membersOf(entries: readonly JsonObject[]): Members | undefined {
  const users = new Set<string>();
  const others = new Map<string, string>();
  for (const entry of entries) {
    const type = entry['@odata.type'];
    if (typeof type !== 'string' || !type.startsWith(typePrefix)) return undefined;
    const kind = type.slice(typePrefix.length);
    if (kind === 'user') users.add(idOf(entry));
    else others.set(idOf(entry), kind);
  }
  return {
    users: [...users].sort(byCodeUnit),
    others: [...others].map(([id, kind]) => ({ id, kind })).sort((a, b) => byCodeUnit(a.id, b.id)),
  };
}
