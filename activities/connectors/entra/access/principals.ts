/**
 * Who a grant is given to, and why Concordat may not understand it: asked of Graph once per principal and read.
 *
 * A role that a group holds reaches people only through the group: where a rule, another directory, or groups within the
 * group decide who that is, the grant is more than the edge that peers would see.
 */
import { isJsonObject, type Json, type JsonObject } from '../../../../core/json.js';
import type { Graph } from '../client.js';
import { isDynamic, masteredElsewhere } from '../mastered-elsewhere.js';
import type { Members } from '../objects.js';
import { idOf, literal, pageOf } from '../odata.js';
import { readMembers } from '../read-members.js';
import { textIn } from './objects.js';
import { opaqueBecause, reference, type PrincipalFacts } from './types.js';

/** `principalType` of an appRoleAssignment. */
export type PrincipalType = 'User' | 'Group' | 'ServicePrincipal';

const groupProperties = ['id', 'groupTypes', 'mailEnabled', 'onPremisesSyncEnabled', 'isAssignableToRole'];

/** `members` undefined: they could not be read. */
export function groupFacts(raw: JsonObject, members: Members | undefined): PrincipalFacts {
  const opaque =
    members === undefined && !isDynamic(raw) && raw['onPremisesSyncEnabled'] !== true
      ? opaqueBecause.membersUnread
      : masteredElsewhere('group', raw, members);
  return {
    reference: reference('group', idOf(raw)),
    opaque,
    opaqueForDirectory: opaque ?? (raw['isAssignableToRole'] === true ? undefined : opaqueBecause.notAssignable),
  };
}

/** null where Graph does not know it. Throws `forbidden` where it may not be seen: of whom a grant speaks is then not known. */
export async function shown(graph: Graph, path: string, signal?: AbortSignal): Promise<JsonObject | null> {
  const { status, body } = await graph.read(path, { allow: [404], signal });
  return status === 404 ? null : body;
}

/** The first object of a list with a filter; null where there is none. Throws `forbidden`. */
export async function onlyOne(graph: Graph, path: string, signal?: AbortSignal): Promise<JsonObject | null> {
  const { body } = await graph.read(path, { signal });
  return pageOf(body).value[0] ?? null;
}

/** The service principal of an application in this tenant; null where there is none. */
export async function servicePrincipalOf(graph: Graph, appId: string, signal?: AbortSignal): Promise<string | null> {
  const path = `/servicePrincipals?$filter=appId%20eq%20${literal(appId)}&$select=id`;
  const found = await onlyOne(graph, path, signal);
  return found === null ? null : idOf(found);
}

/** What lets outside workloads sign in as an application: at most 20, so one page. null where the application is gone. */
export async function credentialsOf(
  graph: Graph,
  application: string,
  signal?: AbortSignal,
): Promise<readonly JsonObject[] | null> {
  // No $select: v1.0 refuses names that it does not know yet, and an expression over claims must not stay unseen.
  const path = `/applications/${encodeURIComponent(application)}/federatedIdentityCredentials`;
  const { status, body } = await graph.read(path, { allow: [404], signal });
  if (status === 404) return null;
  return (pageOf(body).value as readonly Json[]).filter(isJsonObject);
}

export class Principals {
  private readonly known = new Map<string, Promise<PrincipalFacts>>();
  private readonly graph: Graph;
  private readonly signal: AbortSignal | undefined;

  constructor(graph: Graph, signal?: AbortSignal) {
    this.graph = graph;
    this.signal = signal;
  }

  /** What a list has told already: not asked again. */
  remember(raw: JsonObject, members: Members | undefined): void {
    this.known.set(idOf(raw), Promise.resolve(groupFacts(raw, members)));
  }

  /** `type` undefined: a directory role assignment does not say. A principal that is gone is a user that nobody finds. */
  of(id: string, type: string | undefined): Promise<PrincipalFacts> {
    if (type === 'User') return Promise.resolve({ reference: reference('user', id) });
    const known = this.known.get(id);
    if (known) return known;
    const asked = this.ask(id, type);
    this.known.set(id, asked);
    // A failure is not a fact about the principal.
    asked.catch(() => this.known.delete(id));
    return asked;
  }

  private async ask(id: string, type: string | undefined): Promise<PrincipalFacts> {
    if (type === 'Group') return (await this.group(id)) ?? { reference: reference('group', id) };
    if (type === 'ServicePrincipal') return (await this.servicePrincipal(id)) ?? justServicePrincipal(id);
    const nobody = { reference: reference('user', id) };
    const user = await shown(this.graph, `/users/${encodeURIComponent(id)}?$select=id`, this.signal);
    return user !== null ? nobody : ((await this.group(id)) ?? (await this.servicePrincipal(id)) ?? nobody);
  }

  private async group(id: string): Promise<PrincipalFacts | null> {
    const path = `/groups/${encodeURIComponent(id)}?$select=${groupProperties.join(',')}`;
    const raw = await shown(this.graph, path, this.signal);
    if (raw === null) return null;
    const read = await readMembers(this.graph, id, this.signal);
    return groupFacts(raw, 'members' in read ? read.members : undefined);
  }

  private async servicePrincipal(id: string): Promise<PrincipalFacts | null> {
    const raw = await shown(this.graph, `/servicePrincipals/${encodeURIComponent(id)}?$select=id,appId`, this.signal);
    if (raw === null) return null;
    const appId = textIn(raw, 'appId');
    if (appId === undefined) return justServicePrincipal(id);
    // Only an application that is registered in this tenant can hold credentials here.
    const path = `/applications?$filter=appId%20eq%20${literal(appId)}&$select=id`;
    const application = await onlyOne(this.graph, path, this.signal);
    const credentials = application === null ? null : await credentialsOf(this.graph, idOf(application), this.signal);
    const [only, ...more] = credentials ?? [];
    if (application === null || only === undefined) return justServicePrincipal(id);
    if (more.length > 0) return { ...justServicePrincipal(id), ...opaqueEverywhere(opaqueBecause.severalWorkloads) };
    return { reference: reference('federatedIdentity', `${idOf(application)}/${idOf(only)}`) };
  }
}

const justServicePrincipal = (id: string): PrincipalFacts => ({ reference: reference('servicePrincipal', id) });

const opaqueEverywhere = (reason: string): Pick<PrincipalFacts, 'opaque' | 'opaqueForDirectory'> => ({
  opaque: reason,
  opaqueForDirectory: reason,
});
