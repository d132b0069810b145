/**
 * Making, changing and deleting roles, and what they imply.
 * https://docs.openstack.org/api-ref/identity/v3/#roles, #create-role-inference-rule
 */
import { byCodeUnit, isJsonObject, type JsonObject } from '../../../../core/json.js';
import type { NativeWrite, WriteAnswer } from '../../connector.js';
import { assignmentList } from './assignments.js';
import type { KeystoneClient } from '../client.js';
import type { Clients } from '../clients.js';
import { impliedBy, readImplications } from './implied-roles.js';
import { readPage } from '../page.js';
import { RoleAnswer } from './roles.js';
import { refused, sendInOrder, type PlannedRequest, type Sending } from '../request.js';
import { changed } from '../write-people.js';

type Write = NativeWrite<'role'>;

/** What Keystone removes in silence together with a role. */
const vanishesWithRole = [
  'role assignments',
  'rules by which other roles imply it',
  'application credentials',
  'trusts',
];

function impliedIn(body: JsonObject): readonly string[] {
  const { implies } = body;
  return Array.isArray(implies) ? implies.filter((id) => typeof id === 'string') : [];
}

function withoutImplied(body: JsonObject): JsonObject {
  const { implies: _, id: __, ...rest } = body;
  return rest;
}

function implication(method: 'PUT' | 'DELETE', prior: string, implied: string): PlannedRequest {
  return {
    call: {
      call: `${method} /v3/roles/{id}/implies/{id}`,
      target: prior === '' ? implied : `${prior}/${implied}`,
      arguments: { implies: implied },
    },
    method,
    path: (id) => `/roles/${encodeURIComponent(id)}/implies/${encodeURIComponent(implied)}`,
    ...(method === 'PUT' ? { thereIsDone: true } : { goneIsDone: true }),
  };
}

function implicationRequests(id: string, before: JsonObject, after: JsonObject): readonly PlannedRequest[] {
  if (after['implies'] === undefined) return [];
  const wanted = new Set(impliedIn(after));
  const held = new Set(impliedIn(before));
  const added = [...wanted].filter((each) => !held.has(each)).sort(byCodeUnit);
  const removed = [...held].filter((each) => !wanted.has(each)).sort(byCodeUnit);
  return [
    ...added.map((each) => implication('PUT', id, each)),
    ...removed.map((each) => implication('DELETE', id, each)),
  ];
}

export function plannedRole(write: Write): readonly PlannedRequest[] {
  switch (write.kind) {
    case 'create': {
      const body = withoutImplied(write.after);
      const { name } = body;
      return [
        {
          call: { call: 'POST /v3/roles', target: typeof name === 'string' ? name : '', arguments: body },
          method: 'POST',
          path: () => '/roles',
          body: { role: body },
          creates: true,
        },
        ...implicationRequests('', {}, write.after),
      ];
    }
    case 'update': {
      const body = changed(withoutImplied(write.before), withoutImplied(write.after));
      const patch: PlannedRequest = {
        call: { call: 'PATCH /v3/roles/{id}', target: write.id, arguments: body },
        method: 'PATCH',
        path: (id) => `/roles/${encodeURIComponent(id)}`,
        body: { role: body },
      };
      return [
        ...(Object.keys(body).length > 0 ? [patch] : []),
        ...implicationRequests(write.id, write.before, write.after),
      ];
    }
    case 'delete':
      return [
        {
          call: {
            call: 'DELETE /v3/roles/{id}',
            target: write.id,
            arguments: { vanishesWithIt: vanishesWithRole },
          },
          method: 'DELETE',
          path: (id) => `/roles/${encodeURIComponent(id)}`,
        },
      ];
  }
}

function isImmutable(body: JsonObject): boolean {
  const { options } = body;
  return isJsonObject(options) && options['immutable'] === true;
}

/** Whether any assignment of the role exists, as far as this token sees. */
async function isAssigned(client: KeystoneClient, id: string): Promise<boolean | 'unknown'> {
  const page = await readPage(client, assignmentList, `?${new URLSearchParams({ 'role.id': id }).toString()}`);
  if (page.kind !== 'page') return 'unknown';
  return page.records.length > 0 || page.truncated || page.next !== undefined;
}

async function refusalOfDeletion(
  client: KeystoneClient,
  domain: string,
  write: Extract<Write, { kind: 'delete' }>,
): Promise<WriteAnswer | undefined> {
  if (isImmutable(write.before)) return refused('readOnlyObject', 'the role is marked immutable');
  if (write.deletionMayRemove.includes('roleAssignments')) return undefined;
  // HAZARD: a token of the domain does not see where else in the cloud a role is held.
  const seesAll = client.scope.kind === 'system' || write.before['domain_id'] === domain;
  const assigned = seesAll ? await isAssigned(client, write.id) : 'unknown';
  if (assigned === false) return undefined;
  const detail = assigned === true ? 'the role is assigned' : 'whether the role is assigned elsewhere cannot be seen';
  return refused('deletionBlocked', detail);
}

async function refusal(client: KeystoneClient, domain: string, write: Write): Promise<WriteAnswer | undefined> {
  const bodies = [
    ...(write.kind === 'create' ? [] : [write.before]),
    ...(write.kind === 'delete' ? [] : [write.after]),
  ];
  if (bodies.some((body) => (body['domain_id'] ?? domain) !== domain))
    return refused('wrongAccount', 'the role belongs to another domain');
  if (write.kind === 'delete') return refusalOfDeletion(client, domain, write);
  if (write.kind === 'update') {
    if ((write.before['domain_id'] ?? null) !== (write.after['domain_id'] ?? null))
      return refused('valueNotRepresentable', 'a role cannot be moved to another domain');
    const isPatched = plannedRole(write).some(({ method }) => method === 'PATCH');
    if (isPatched && isImmutable(write.before)) return refused('readOnlyObject', 'the role is marked immutable');
    const wanted = impliedIn(write.after);
    if (wanted.length > 0) {
      const { implications, reason } = await readImplications(client);
      if (reason !== undefined) return refused(reason, 'implied roles could not be read');
      const next = new Map([...implications, [write.id, wanted]]);
      if (wanted.some((each) => impliedBy(each, next).includes(write.id)))
        return refused('valueNotRepresentable', 'the role would imply itself through other roles');
    }
  }
  return undefined;
}

export async function writeRole(
  clients: Clients,
  domain: string,
  write: Write,
  announce: Sending['announce'],
): Promise<WriteAnswer> {
  const client = await clients.cloudWide();
  const stopped = await refusal(client, domain, write);
  if (stopped) return stopped;
  return sendInOrder({
    client,
    requests: plannedRole(write),
    id: write.kind === 'create' ? '' : write.id,
    createdId: (reply) =>
      reply.kind === 'answered' ? RoleAnswer.safeParse(reply.reply.body).data?.role.id : undefined,
    announce,
  });
}
