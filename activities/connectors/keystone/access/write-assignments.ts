/**
 * Making and removing role assignments: one request each. Keystone answers a second PUT like the first, and a second
 * DELETE with 404.
 * https://docs.openstack.org/api-ref/identity/v3/#assign-role-to-user-on-project-owned-by-domain, #os-inherit
 */
import type { NativeWrite, WriteAnswer } from '../../connector.js';
import {
  edgeOfBody,
  edgeOfId,
  idOfEdge,
  nativeAssignment,
  pathOfEdge,
  templateOfEdge,
  type Edge,
} from './assignments.js';
import type { Clients } from '../clients.js';
import type { Lookup } from '../collection.js';
import type { KeystoneReader } from '../read.js';
import { refused, sendInOrder, type PlannedRequest } from '../request.js';

type Write = NativeWrite<'roleAssignment'>;

function edgeOfWrite(write: Write): Edge | null {
  return write.kind === 'create' ? edgeOfBody(write.after) : edgeOfId(write.id);
}

export function plannedAssignment(write: Write): readonly PlannedRequest[] {
  const edge = edgeOfWrite(write);
  if (edge === null || write.kind === 'update') return [];
  const method = write.kind === 'create' ? 'PUT' : 'DELETE';
  const { body } = nativeAssignment(edge);
  return [
    {
      call: { call: `${method} ${templateOfEdge(edge)}`, target: idOfEdge(edge), arguments: body },
      method,
      path: () => pathOfEdge(edge),
    },
  ];
}

export interface AssignmentSurroundings {
  readonly clients: Clients;
  readonly domain: string;
  readonly people: KeystoneReader;
  readonly projects: Lookup;
}

/** What is refused before anything is sent, because Keystone would reach beyond the mesh. */
async function refusal(edge: Edge, write: Write, around: AssignmentSurroundings): Promise<WriteAnswer | undefined> {
  const { clients, domain, people, projects } = around;
  const { principal, scope } = edge;
  // HAZARD: role admin on one domain gives and takes roles on all of them in Keystone 22.
  if (scope.kind === 'domain' && scope.id !== domain)
    return refused('wrongAccount', 'the assignment is on another domain');
  if (scope.kind === 'project' && (await projects.readOne(scope.id)) === null)
    return { kind: 'conflict', code: 'expectationFailed', detail: 'the domain has no such project' };
  if (!(await people.isOurs(principal.kind, principal.id))) {
    return write.kind === 'delete'
      ? refused('wrongAccount', `the ${principal.kind} of the assignment is not of this domain`)
      : { kind: 'conflict', code: 'expectationFailed', detail: `the domain has no such ${principal.kind}` };
  }
  const token = await clients.ofDomain.session.token();
  if (write.kind === 'delete' && principal.kind === 'user' && principal.id === token.user.id)
    return refused('readOnlyObject', 'the service user of this connector would lose a role of its own');
  return undefined;
}

export async function writeAssignment(
  write: Write,
  around: AssignmentSurroundings,
  announce: Parameters<typeof sendInOrder>[0]['announce'],
): Promise<WriteAnswer> {
  const edge = edgeOfWrite(write);
  if (write.kind === 'update') return refused('readOnlyObject', 'an assignment is made or removed, never changed');
  if (edge === null) return refused('valueNotRepresentable', 'this is no assignment that Keystone can hold');
  const stopped = await refusal(edge, write, around);
  if (stopped) return stopped;
  const client = edge.scope.kind === 'system' ? around.clients.ofSystem : around.clients.ofDomain;
  return sendInOrder({ client, requests: plannedAssignment(write), id: idOfEdge(edge), announce });
}
