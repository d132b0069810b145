/** For `concordat doctor`: whether Graph answers, as whom, in which tenant, and with which permissions. */
import { ConcordatError } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { accessPermissions, trialReadOf, type Satisfying } from './access/capabilities.js';
import { isAccessType } from './access/types.js';
import { permissionsNeeded } from './capabilities.js';
import { refusalWords, type Graph } from './client.js';

type Permission = ProbeResult['permissions'][number];

const trialReads = ['/users?$top=1&$select=id', '/groups?$top=1&$select=id'];

function textClaim(claims: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  const value = claims?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** The roles claim of an application's own token lists the permissions that an administrator granted; it is read, not verified. */
function byRoles(claims: Readonly<Record<string, unknown>> | undefined, satisfiedBy: readonly string[]): Permission {
  const [permission = ''] = satisfiedBy;
  const roles = claims?.['roles'];
  if (claims === undefined) return { permission, held: 'notChecked', detail: 'the access token is opaque' };
  const held = Array.isArray(roles) ? satisfiedBy.find((role) => roles.includes(role)) : undefined;
  if (held !== undefined)
    return held === permission ? { permission, held: true } : { permission, held: true, detail: `through ${held}` };
  const directoryRoles = claims['wids'];
  if (Array.isArray(directoryRoles) && directoryRoles.length > 0)
    return { permission, held: 'notChecked', detail: 'not granted itself; a directory role may give it' };
  return { permission, held: false };
}

/** The roles claim says what was granted; a trial read says what holds. */
async function byTrial(graph: Graph, path: string, claimed: Permission): Promise<Permission> {
  const reply = await graph.ask({ method: 'GET', path });
  if (reply.kind !== 'answered') return claimed;
  if (reply.status === 200)
    return claimed.held === true ? claimed : { ...claimed, held: true, detail: 'a trial read succeeded' };
  if (reply.status === 403) return { ...claimed, held: false, detail: refusalWords(reply) };
  return claimed;
}

/** What the native types need that users and groups do not, each permission once. */
async function beyondPeople(
  graph: Graph,
  claims: Readonly<Record<string, unknown>> | undefined,
  nativeTypes: readonly string[],
): Promise<readonly Permission[]> {
  const types = nativeTypes.filter(isAccessType);
  const told = new Set([...permissionsNeeded.read, ...permissionsNeeded.write].map(([least]): string => least));
  const permissions: Permission[] = [];
  const needed = (side: 'read' | 'write'): readonly Satisfying[] =>
    types.flatMap((type) => accessPermissions[type][side]);
  for (const satisfying of [...needed('read'), ...needed('write')]) {
    const [least] = satisfying;
    if (told.has(least)) continue;
    told.add(least);
    const claimed = byRoles(claims, satisfying);
    const path = trialReadOf[least];
    permissions.push(path === undefined ? claimed : await byTrial(graph, path, claimed));
  }
  return permissions;
}

/** Undefined where the tenant is the right one or Graph does not let us look. */
async function otherTenant(graph: Graph): Promise<string | undefined> {
  const reply = await graph.ask({ method: 'GET', path: '/organization?$select=id,verifiedDomains' });
  const value = reply.kind === 'answered' && reply.status === 200 ? reply.body?.['value'] : undefined;
  const [organization] = Array.isArray(value)
    ? (value as { id?: string; verifiedDomains?: { name?: string }[] }[])
    : [];
  if (!organization) return undefined;
  const names = [organization.id, ...(organization.verifiedDomains ?? []).map(({ name }) => name)];
  const wanted = graph.config.tenant.toLowerCase();
  return names.some((name) => name?.toLowerCase() === wanted) ? undefined : organization.id;
}

function failed(error: unknown, reached: { reachable: boolean; authenticated: boolean }): ProbeResult {
  const known = error instanceof ConcordatError;
  return {
    ...reached,
    permissions: [],
    code: known ? error.code : 'unexpectedAnswer',
    detail: known ? error.message : 'the probe failed in a way that it does not know',
  };
}

async function probeGraph(graph: Graph, nativeTypes: readonly string[]): Promise<ProbeResult> {
  const claims = await graph.claims();
  const [usersRead, groupsRead] = permissionsNeeded.read.map((satisfiedBy) => byRoles(claims, satisfiedBy));
  const first = await graph.ask({ method: 'GET', path: trialReads[0] as string });
  if (first.kind === 'notSent') return failed(first.failure, { reachable: false, authenticated: false });
  if (first.kind === 'lost')
    return failed(new ConcordatError('unreachable', first.detail), { reachable: false, authenticated: false });
  if (first.status === 401)
    return failed(new ConcordatError('credentialsRejected', refusalWords(first)), {
      reachable: true,
      authenticated: false,
    });

  const application = textClaim(claims, 'appid') ?? textClaim(claims, 'azp') ?? textClaim(claims, 'sub');
  const tenant = textClaim(claims, 'tid') ?? graph.config.tenant;
  const permissions = [
    await byTrial(graph, trialReads[0] as string, usersRead as Permission),
    await byTrial(graph, trialReads[1] as string, groupsRead as Permission),
    ...permissionsNeeded.write.map((satisfiedBy) => byRoles(claims, satisfiedBy)),
    ...(await beyondPeople(graph, claims, nativeTypes)),
  ];
  const other = await otherTenant(graph);
  return {
    reachable: true,
    authenticated: true,
    identity: `application ${application ?? '(not named in the token)'} of tenant ${tenant}`,
    permissions,
    ...(other === undefined
      ? {}
      : { code: 'wrongAccount', detail: `Graph answers for tenant ${other}, the authority file names another` }),
  };
}

/** Never throws. */
export async function probe(graph: () => Graph, nativeTypes: readonly string[] = []): Promise<ProbeResult> {
  try {
    return await probeGraph(graph(), nativeTypes);
  } catch (error) {
    const unreached =
      error instanceof ConcordatError &&
      ['unreachable', 'credentialsMissing', 'invalidFederation'].includes(error.code);
    return failed(error, { reachable: !unreached, authenticated: false });
  }
}
