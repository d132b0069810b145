/** What `concordat doctor` learns: whether the domain is reached, as whom, and which roles are held there. Never throws. */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import { keystoneCapabilities } from './capabilities.js';
import type { KeystoneClient } from './client.js';
import { readPage } from './page.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];

export async function probeKeystone(client: KeystoneClient, domain: string): Promise<ProbeResult> {
  const all = [...keystoneCapabilities.permissions.read, ...keystoneCapabilities.permissions.write];
  const notChecked = all.map((permission) => ({ permission, held: 'notChecked' as const }));
  try {
    const token = await client.session.token();
    const identity = `user ${token.user.name} (${token.user.id}) of domain ${token.user.domain.id}`;
    const known = { reachable: true, authenticated: true, identity };
    if (token.domain !== domain) {
      return {
        ...known,
        permissions: notChecked,
        code: 'wrongAccount',
        detail: 'the token is scoped to another domain',
      };
    }
    const query = `?${new URLSearchParams({ domain_id: domain, limit: '1' }).toString()}`;
    const users = await readPage(client, domain, '/users', 'users', query);
    const groups = await readPage(client, domain, '/groups', 'groups', query);
    const reads = users.kind === 'page' && groups.kind === 'page';
    const writes = token.roles.includes('admin');
    const roles = token.roles.length === 0 ? 'no roles' : `roles ${[...token.roles].sort().join(', ')}`;
    return {
      ...known,
      permissions: [
        ...keystoneCapabilities.permissions.read.map((permission) => ({ permission, held: reads, detail: roles })),
        // Policy may give the right to another role, which only a write would show.
        ...keystoneCapabilities.permissions.write.map((permission) => ({ permission, held: writes, detail: roles })),
      ],
      ...(reads ? {} : { code: 'forbidden' as const, detail: 'users or groups of the domain cannot be listed' }),
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
