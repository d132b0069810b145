/**
 * Making and deleting a workload: an application, its service principal, and the credential by which an outside issuer's
 * subject signs in as it (https://learn.microsoft.com/en-us/graph/api/application-post-federatedidentitycredentials).
 */
import type { JsonObject } from '../../../../core/json.js';
import type { NativeWrite } from '../../connector.js';
import type { Graph, Reply } from '../client.js';
import { idOf, literal } from '../odata.js';
import { idIn, stop, type Making } from './making.js';
import { textIn } from './objects.js';
import { moved, refused } from './orders.js';
import { credentialsOf, onlyOne, servicePrincipalOf, shown } from './principals.js';
import { pagesOf } from './find.js';
import { halves, type AccessType } from './types.js';

interface Application {
  readonly id: string;
  readonly appId: string;
}

function applicationIn(raw: JsonObject): Application | undefined {
  const id = textIn(raw, 'id');
  const appId = textIn(raw, 'appId');
  return id === undefined || appId === undefined ? undefined : { id, appId };
}

/** The application that the workload signs in as: the named one, else one of its own. */
async function applicationFor(graph: Graph, making: Making, after: JsonObject): Promise<Application> {
  const appId = textIn(after, 'application');
  if (appId !== undefined) {
    const raw = await onlyOne(graph, `/applications?$filter=appId%20eq%20${literal(appId)}&$select=id,appId`);
    return (raw === null ? undefined : applicationIn(raw)) ?? stop(moved('the application is gone'));
  }
  const displayName = textIn(after, 'displayName') ?? '';
  const uniqueName = textIn(after, 'uniqueName');
  if (uniqueName === undefined) {
    await making.announced('POST /applications', '(new)');
    const made = await making.send({ method: 'POST', path: '/applications', body: { displayName } });
    return applicationIn(made) ?? { id: idIn(made), appId: '' };
  }
  const address = `/applications(uniqueName=${literal(uniqueName)})`;
  const there = await shown(graph, `${address}?$select=id,appId,passwordCredentials,keyCredentials`);
  const existing = there === null ? undefined : applicationIn(there);
  if (there !== null && existing) {
    // Half of an earlier attempt is empty. HAZARD: an application in use would lend the workload all that it may do.
    if (await isInUse(graph, existing, there))
      stop({ kind: 'conflict', code: 'nameTaken', detail: 'an application in use holds the uniqueName' });
    return existing;
  }
  await making.announced('PATCH /applications(uniqueName', uniqueName);
  const made = await making.send({
    method: 'PATCH',
    path: address,
    headers: { Prefer: 'create-if-missing' },
    body: { displayName },
  });
  return applicationIn(made) ?? stop(moved('somebody else made an application under the uniqueName'));
}

function holdsSecrets(application: JsonObject): boolean {
  const filled = (value: unknown): boolean => Array.isArray(value) && value.length > 0;
  return filled(application['passwordCredentials']) || filled(application['keyCredentials']);
}

async function isInUse(graph: Graph, { id, appId }: Application, raw: JsonObject): Promise<boolean> {
  return holdsSecrets(raw) || ((await credentialsOf(graph, id)) ?? []).length > 0 || holdsGrants(graph, appId);
}

/** The application was made a moment ago, and this replica has not heard of it: it did nothing. */
function withoutApplication(reply: Reply): boolean {
  if (reply.kind !== 'answered') return false;
  return reply.status === 404 || (reply.status === 400 && reply.refusal?.code === 'NoBackingApplicationObject');
}

export async function createWorkload(graph: Graph, making: Making, after: JsonObject): Promise<string> {
  const { id, appId } = await applicationFor(graph, making, after);
  if ((await servicePrincipalOf(graph, appId)) === null) {
    await making.announced('POST /servicePrincipals (', appId);
    await making.sendToNew({ method: 'POST', path: '/servicePrincipals', body: { appId } }, withoutApplication);
  }
  await making.announced('POST /applications/{id}/federatedIdentityCredentials', id);
  const { name = null, issuer = null, subject = null } = after;
  const made = await making.sendToNew(
    {
      method: 'POST',
      path: `/applications/${encodeURIComponent(id)}/federatedIdentityCredentials`,
      body: { name, issuer, subject, audiences: [graph.config.audience] },
    },
    withoutApplication,
  );
  return `${id}/${idIn(made)}`;
}

/** Whether the service principal of an application holds a grant of any kind. */
async function holdsGrants(graph: Graph, appId: string): Promise<boolean> {
  const owner = await servicePrincipalOf(graph, appId);
  if (owner === null) return false;
  const roles = await pagesOf(graph, `/servicePrincipals/${owner}/appRoleAssignments?$select=id`);
  if (roles.length > 0) return true;
  const path = `/roleManagement/directory/roleAssignments?$filter=principalId%20eq%20${literal(owner)}`;
  return (await pagesOf(graph, path)).length > 0;
}

/**
 * The application itself where nobody else signs in as it and the map lets it go, with its service principal and all that
 * is granted to it; else the credential alone. HAZARD: an application that is left with its grants and without a credential
 * would lend them to whoever gets one next.
 */
export async function deleteWorkload(
  graph: Graph,
  making: Making,
  order: Extract<NativeWrite<AccessType>, { kind: 'delete' }>,
): Promise<void> {
  const [id = '', credential = ''] = halves(order.id) ?? [];
  const path = `/applications/${encodeURIComponent(id)}`;
  const raw = await shown(graph, `${path}?$select=id,appId,passwordCredentials,keyCredentials`);
  if (raw === null) return stop(moved('the application is gone'));
  const credentials = (await credentialsOf(graph, id)) ?? [];
  const others = credentials.some((each) => idOf(each) !== credential) || holdsSecrets(raw);
  if (!others && order.deletionMayRemove.includes('application')) {
    await making.announced('DELETE /applications/{id}', id);
    await making.send({ method: 'DELETE', path });
    return;
  }
  if (!others && (await holdsGrants(graph, textIn(raw, 'appId') ?? '')))
    stop(
      refused(
        'deletionBlocked',
        'the service principal still holds grants, and the map does not allow the application to be removed',
      ),
    );
  await making.announced('DELETE /applications/{id}/federatedIdentityCredentials/{id}', order.id);
  await making.send({
    method: 'DELETE',
    path: `${path}/federatedIdentityCredentials/${encodeURIComponent(credential)}`,
  });
}
