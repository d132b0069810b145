/**
 * Writing users, groups and memberships: planned calls and their execution from one list, so that what approvers saw is
 * what is sent.
 * https://docs.openstack.org/api-ref/identity/v3/#users, #groups
 */
import { ConcordatError } from '../../../core/errors.js';
import { canonicalJson } from '../../../core/digest.js';
import { assertNever, byCodeUnit, type Json, type JsonObject } from '../../../core/json.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { GroupAnswer, UserAnswer } from './body.js';
import type { KeystoneClient, WriteReply } from './client.js';
import type { PersonType } from './native-types.js';
import type { KeystoneReader } from './read.js';
import { refused, sendInOrder, valueOf, type PlannedRequest } from './request.js';

/** Never part of a request body: ids, what Keystone writes itself, secrets, and what has calls of its own. */
const notSent = ['id', 'links', 'password', 'original_password', 'password_expires_at', 'members', 'otherMembers'];

/** What Keystone removes in silence together with the object. */
const vanishesWith = {
  user: ['memberships', 'role assignments', 'credentials', 'application credentials', 'trusts'],
  group: ['memberships', 'role assignments'],
} as const;

function memberIds(body: JsonObject): readonly string[] {
  const members = body['members'];
  return Array.isArray(members) ? members.filter((id) => typeof id === 'string') : [];
}

function membership(method: 'PUT' | 'DELETE', group: string, user: string): PlannedRequest {
  return {
    call: {
      call: `${method} /v3/groups/{id}/users/{id}`,
      target: `${group}/${user}`,
      arguments: { group, user },
    },
    method,
    path: (id) => `/groups/${encodeURIComponent(id)}/users/${encodeURIComponent(user)}`,
    ...(method === 'DELETE' ? { goneIsDone: true } : {}),
  };
}

/** Members to add and to remove, each in code unit order. `otherMembers` are never touched. */
function membershipRequests(group: string, before: JsonObject, after: JsonObject): readonly PlannedRequest[] {
  if (after['members'] === undefined) return [];
  const wanted = new Set(memberIds(after));
  const held = new Set(memberIds(before));
  const added = [...wanted].filter((id) => !held.has(id)).sort(byCodeUnit);
  const removed = [...held].filter((id) => !wanted.has(id)).sort(byCodeUnit);
  return [...added.map((id) => membership('PUT', group, id)), ...removed.map((id) => membership('DELETE', group, id))];
}

export function sameJson(one: Json, other: Json): boolean {
  return canonicalJson([one]) === canonicalJson([other]);
}

/** Keystone cannot remove an extra attribute, so a property that is to go becomes null. */
export function changed(before: JsonObject, after: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(byCodeUnit);
  const differing = names.filter(
    (name) => !notSent.includes(name) && name !== 'domain_id' && !sameJson(valueOf(before, name), valueOf(after, name)),
  );
  return Object.fromEntries(differing.map((name) => [name, valueOf(after, name)]));
}

export function plannedPerson(domain: string, write: NativeWrite<PersonType>): readonly PlannedRequest[] {
  const { type } = write;
  const target = `${type}s`;
  switch (write.kind) {
    case 'create': {
      const given = Object.fromEntries(Object.entries(write.after).filter(([name]) => !notSent.includes(name)));
      // Nobody can sign in to a new account before its own authority says so.
      const body = { ...(type === 'user' ? { enabled: false } : {}), ...given, domain_id: domain };
      const name = typeof given['name'] === 'string' ? given['name'] : '';
      return [
        {
          call: { call: `POST /v3/${target}`, target: name, arguments: body },
          method: 'POST',
          path: () => `/${target}`,
          body: { [type]: body },
          creates: true,
        },
        ...(type === 'group' ? membershipRequests(name, {}, write.after) : []),
      ];
    }
    case 'update': {
      const body = changed(write.before, write.after);
      const patch: PlannedRequest = {
        call: { call: `PATCH /v3/${target}/{id}`, target: write.id, arguments: body },
        method: 'PATCH',
        path: (id) => `/${target}/${encodeURIComponent(id)}`,
        body: { [type]: body },
      };
      return [
        ...(Object.keys(body).length > 0 ? [patch] : []),
        ...(type === 'group' ? membershipRequests(write.id, write.before, write.after) : []),
      ];
    }
    case 'delete':
      return [
        {
          call: {
            call: `DELETE /v3/${target}/{id}`,
            target: write.id,
            arguments: { vanishesWithIt: vanishesWith[type] },
          },
          method: 'DELETE',
          path: (id) => `/${target}/${encodeURIComponent(id)}`,
        },
      ];
    default:
      return assertNever(write);
  }
}

/** What is refused before anything is sent, because Keystone would do something else than what was approved. */
async function refusal(
  client: KeystoneClient,
  reader: KeystoneReader,
  domain: string,
  write: NativeWrite<PersonType>,
): Promise<WriteAnswer | undefined> {
  const token = await client.session.token();
  if (token.domain !== domain) return refused('wrongAccount', 'the token is scoped to another domain');
  if (write.kind !== 'delete') {
    const name = write.after['name'];
    // Keystone strips the white space around a name and says nothing.
    if (typeof name === 'string' && name !== name.trim()) {
      return refused('valueNotRepresentable', 'a name cannot start or end with white space');
    }
    const wantedDomain = write.after['domain_id'];
    if (wantedDomain !== undefined && wantedDomain !== domain) {
      return refused('valueNotRepresentable', 'an object cannot be moved to another domain');
    }
  }
  if (write.kind === 'create') return undefined;
  if (write.before['domain_id'] !== undefined && write.before['domain_id'] !== domain) {
    return refused('wrongAccount', 'the object belongs to another domain');
  }
  const locksItselfOut =
    write.kind === 'delete' || write.after['enabled'] === false || write.after['name'] !== write.before['name'];
  if (write.type === 'user' && write.id === token.user.id && locksItselfOut) {
    return refused('readOnlyObject', 'the service user of this connector would lock itself out');
  }
  if (write.kind === 'delete' && !write.deletionMayRemove.includes('memberships')) {
    const attached = await reader.hasMemberships(write.type, write.id);
    if (attached) return refused('deletionBlocked', 'memberships are attached');
  }
  return undefined;
}

function createdId(type: 'user' | 'group', reply: WriteReply): string | undefined {
  if (reply.kind !== 'answered') return undefined;
  const answer = type === 'user' ? UserAnswer.safeParse(reply.reply.body) : GroupAnswer.safeParse(reply.reply.body);
  if (!answer.success) return undefined;
  return 'user' in answer.data ? answer.data.user.id : answer.data.group.id;
}

export async function writePerson(
  client: KeystoneClient,
  reader: KeystoneReader,
  domain: string,
  write: NativeWrite<PersonType>,
  announce?: (call: NativeCall) => Promise<void>,
): Promise<WriteAnswer> {
  try {
    const stopped = await refusal(client, reader, domain, write);
    if (stopped) return stopped;
  } catch (error) {
    // Nothing was sent yet.
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    throw error;
  }
  return sendInOrder({
    client,
    requests: plannedPerson(domain, write),
    id: write.kind === 'create' ? '' : write.id,
    createdId: (reply) => createdId(write.type, reply),
    announce,
  });
}
