/** What `concordat doctor` learns: whether the domain is reached, as whom, and which roles are held there. Never throws. */
import { z } from 'zod';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { keystoneCapabilities } from './capabilities.js';
import type { KeystoneClient } from './client.js';
import type { Clients } from './clients.js';
import type { NativeType } from './native-types.js';
import { listOf, readPage, type List } from './page.js';
import { isScopedTo, type Token } from './session.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];

type Access = NonNullable<ProbeResult['nativeTypes']>[number];

const rolesIn = ({ roles }: Token): string =>
  roles.length === 0 ? 'no roles' : `roles ${[...roles].sort().join(', ')}`;

const isAdmin = ({ roles }: Token): boolean => roles.includes('admin');

/** Which of the native types beside users and groups can be read, and whether the role is held that writes them. */
async function accessTo(clients: Clients, token: Token): Promise<readonly Access[]> {
  const wide = await clients.cloudWide();
  const wideToken = await wide.session.token();
  const where = wide.scope.kind === 'system' ? 'the system' : 'the domain';
  const listed = async (client: KeystoneClient, path: string, collection: string): Promise<boolean> => {
    // Only whether it is answered: the entries of these lists differ.
    const list: List<unknown> = { path, collection, entry: z.unknown() };
    return (await readPage(client, list, '?limit=1')).kind === 'page';
  };
  const access = async (
    type: NativeType,
    client: KeystoneClient,
    of: Token,
    path: string,
    collection: string,
  ): Promise<Access> => ({
    type,
    read: await listed(client, path, collection),
    write: keystoneCapabilities.nativeTypes.find((each) => each.type === type)?.writes.length
      ? isAdmin(of)
      : 'notChecked',
    detail: `${rolesIn(of)} on ${client === wide ? where : 'the domain'}`,
  });
  const system = wide.scope.kind === 'system';
  return [
    await access('project', clients.ofDomain, token, `/projects`, 'projects'),
    {
      type: 'system',
      read: system,
      write: system && isAdmin(wideToken),
      detail: system ? `${rolesIn(wideToken)} on the system` : 'no role on the system: assignments there stay unseen',
    },
    await access('role', wide, wideToken, '/roles', 'roles'),
    await access('mappingRule', wide, wideToken, '/OS-FEDERATION/mappings', 'mappings'),
    await access('roleAssignment', clients.ofDomain, token, '/role_assignments', 'role_assignments'),
    await access('trust', wide, wideToken, '/OS-TRUST/trusts', 'trusts'),
  ];
}

/** The native types that a map names: their permissions are missing, not only unused, where they are not held. */
function neededFor(wanted: readonly string[], held: readonly Access[]): ProbeResult['permissions'] {
  return held
    .filter(({ type }) => wanted.includes(type))
    .flatMap(({ type, read, write, detail }) => {
      const needs = keystoneCapabilities.nativeTypes.find((each) => each.type === type)?.permissions;
      const told = detail === undefined ? {} : { detail };
      return [
        ...(needs?.read ?? []).map((permission) => ({ permission: `${type}: ${permission}`, held: read, ...told })),
        ...(needs?.write ?? []).map((permission) => ({ permission: `${type}: ${permission}`, held: write, ...told })),
      ];
    });
}

export async function probeKeystone(
  clients: Clients,
  domain: string,
  wanted: readonly string[] = [],
): Promise<ProbeResult> {
  const client = clients.ofDomain;
  const all = [...keystoneCapabilities.permissions.read, ...keystoneCapabilities.permissions.write];
  const notChecked = all.map((permission) => ({ permission, held: 'notChecked' as const }));
  try {
    const token = await client.session.token();
    const identity = `user ${token.user.name} (${token.user.id}) of domain ${token.user.domain.id}`;
    const known = { reachable: true, authenticated: true, identity };
    if (!isScopedTo(token, client.scope)) {
      return {
        ...known,
        permissions: notChecked,
        code: 'wrongAccount',
        detail: 'the token is scoped to another domain',
      };
    }
    const query = `?${new URLSearchParams({ domain_id: domain, limit: '1' }).toString()}`;
    const users = await readPage(client, listOf('/users', 'users'), query);
    const groups = await readPage(client, listOf('/groups', 'groups'), query);
    const reads = users.kind === 'page' && groups.kind === 'page';
    const roles = rolesIn(token);
    const nativeTypes = reads ? await accessTo(clients, token) : [];
    return {
      ...known,
      permissions: [
        ...keystoneCapabilities.permissions.read.map((permission) => ({ permission, held: reads, detail: roles })),
        // Policy may give the right to another role, which only a write would show.
        ...keystoneCapabilities.permissions.write.map((permission) => ({
          permission,
          held: isAdmin(token),
          detail: roles,
        })),
        ...neededFor(wanted, nativeTypes),
      ],
      ...(reads
        ? { nativeTypes }
        : { code: 'forbidden' as const, detail: 'users or groups of the domain cannot be listed' }),
    };
  } catch (error) {
    const code = error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
    const reachable = !unreached.includes(code) && code !== 'credentialsMissing';
    return {
      reachable,
      authenticated: code === 'scopeNotFound',
      permissions: notChecked,
      code,
      detail: error instanceof ConcordatError ? error.message : 'the connector failed',
    };
  }
}
