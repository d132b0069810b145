/**
 * Making and deleting grants and workloads: each call once, and what Graph answered as a value.
 *
 * What Concordat could not read as a whole it does not write either: before a grant is made its principal is looked at,
 * before anything is deleted the object itself. HAZARD: the permissions that this needs could grant anything on any
 * application; grants are made on the applications that the authority file lists and on no other.
 */
import { ConcordatError } from '../../../../core/errors.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeWrite, WriteAnswer } from '../../connector.js';
import type { Graph } from '../client.js';
import { idIn, Making, stop, Stopped, type Announce } from './making.js';
import { textIn } from './objects.js';
import { accessObstacle, appRoleGrant, directoryRoleGrant, moved, plannedAccessCalls, refused } from './orders.js';
import { Principals, shown } from './principals.js';
import { principalIdOf } from './find.js';
import { readOneAccess } from './read-one.js';
import { halves, opaqueBecause, referred, type AccessType } from './types.js';
import { createWorkload, deleteWorkload } from './write-workload.js';

type Create = Extract<NativeWrite<AccessType>, { kind: 'create' }>;
type Delete = Extract<NativeWrite<AccessType>, { kind: 'delete' }>;

/** The directory object that a grant is for, once it is known that the grant would be understood when read again. */
async function grantee(graph: Graph, principal: string, side: 'opaque' | 'opaqueForDirectory'): Promise<string> {
  const id = await principalIdOf(graph, principal);
  if (id === null) return stop(moved('the principal of the grant is gone'));
  const kinds: Readonly<Record<string, string>> = { user: 'User', group: 'Group' };
  const facts = await new Principals(graph).of(id, kinds[referred(principal)?.type ?? ''] ?? 'ServicePrincipal');
  const reason = facts[side];
  if (reason !== undefined)
    stop(
      refused(
        'valueNotRepresentable',
        reason === opaqueBecause.notAssignable ? `${reason}, and that cannot be changed later` : reason,
      ),
    );
  return id;
}

async function requireListed(graph: Graph, owner: string): Promise<void> {
  const raw = await shown(graph, `/servicePrincipals/${encodeURIComponent(owner)}?$select=id,appId`);
  if (raw === null) stop(moved('the service principal that declares the role is gone'));
  else if (!graph.config.applications.includes(textIn(raw, 'appId') ?? ''))
    stop(refused('valueNotRepresentable', 'the application is not among `applications` of the authority file'));
}

async function createAppRoleGrant(graph: Graph, making: Making, after: JsonObject): Promise<string> {
  const grant = appRoleGrant(after);
  if (!grant) return stop(refused('valueNotRepresentable', 'the body names no app role'));
  const { owner, role } = grant;
  await requireListed(graph, owner);
  const principalId = await grantee(graph, grant.principal, 'opaque');
  await making.announced('POST /servicePrincipals/{id}/appRoleAssignedTo', owner);
  const made = await making.send({
    method: 'POST',
    path: `/servicePrincipals/${encodeURIComponent(owner)}/appRoleAssignedTo`,
    body: { principalId, resourceId: owner, appRoleId: role },
  });
  return `${owner}/${idIn(made)}`;
}

async function createDirectoryRoleGrant(graph: Graph, making: Making, after: JsonObject): Promise<string> {
  const grant = directoryRoleGrant(after);
  if (!grant) return stop(refused('valueNotRepresentable', 'the body names no directory role'));
  const principalId = await grantee(graph, grant.principal, 'opaqueForDirectory');
  await making.announced('POST /roleManagement/directory/roleAssignments', '(new)');
  const made = await making.send({
    method: 'POST',
    path: '/roleManagement/directory/roleAssignments',
    body: { principalId, roleDefinitionId: grant.role, directoryScopeId: grant.scope },
  });
  return idIn(made);
}

async function create(graph: Graph, making: Making, { type, after }: Create): Promise<string> {
  switch (type) {
    case 'appRoleAssignment':
      return createAppRoleGrant(graph, making, after);
    case 'directoryRoleAssignment':
      return createDirectoryRoleGrant(graph, making, after);
    default:
      return createWorkload(graph, making, after);
  }
}

async function remove(graph: Graph, making: Making, order: Delete): Promise<void> {
  const current = await readOneAccess(graph, order.type, order.id);
  if (current === null) return stop(moved('it is gone already'));
  if (current.opaque !== undefined) return stop(refused('readOnlyObject', current.opaque));
  if (order.type === 'federatedIdentity') return deleteWorkload(graph, making, order);
  const [owner = '', assignment = ''] = halves(order.id) ?? [];
  if (order.type === 'appRoleAssignment') await requireListed(graph, owner);
  const [call, path] =
    order.type === 'appRoleAssignment'
      ? [
          'DELETE /servicePrincipals/{id}/appRoleAssignedTo/{id}',
          `/servicePrincipals/${encodeURIComponent(owner)}/appRoleAssignedTo/${encodeURIComponent(assignment)}`,
        ]
      : [
          'DELETE /roleManagement/directory/roleAssignments/{id}',
          `/roleManagement/directory/roleAssignments/${encodeURIComponent(order.id)}`,
        ];
  await making.announced(call, order.id);
  await making.send({ method: 'DELETE', path });
}

/** Never throws for what Graph or the network did; an error of `announce` passes through. */
export async function writeAccess(
  graph: Graph,
  order: NativeWrite<AccessType>,
  announce: Announce = () => Promise.resolve(),
): Promise<WriteAnswer> {
  const obstacle = accessObstacle(order, graph.config);
  if (obstacle) return obstacle;
  const making = new Making(graph, announce, plannedAccessCalls(order));
  try {
    if (order.kind === 'create') return { kind: 'applied', id: await create(graph, making, order) };
    if (order.kind === 'delete') await remove(graph, making, order);
    return { kind: 'applied', id: order.id };
  } catch (error) {
    if (error instanceof Stopped) return error.answer;
    // A look before a call failed: that call was not made.
    if (error instanceof ConcordatError && making.interrupted === undefined)
      return making.soFar(refused(error.code, error.message));
    throw error;
  }
}
