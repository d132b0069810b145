/** What an administrator has laid down in a tenant before Concordat comes: applications with roles, administrative units, and the past. */
import type { EntraSandbox } from '../../sandbox/entra/server.js';
import type { SandboxWorld } from './sandbox-worlds.js';
import type { World } from './world.js';

export interface Ground {
  /** Its client id. */
  readonly application: (displayName: string, roles: readonly string[]) => Promise<string>;
  /** Its id. */
  readonly administrativeUnit: (displayName: string) => Promise<string>;
  /** A call of Graph as the application that Concordat is, past its connector. */
  readonly graph: (
    method: string,
    path: string,
    body?: object,
  ) => Promise<{ status: number; body: Record<string, unknown> }>;
}

function meshOf(world: World) {
  if (world.mesh.kind !== 'entra') throw new Error('these cases are about Entra');
  return world.mesh;
}

async function call(world: World, method: string, path: string, body?: object) {
  const { tenant, endpoint = '', authorityHost = '' } = meshOf(world);
  const { AZURE_CLIENT_ID = '', AZURE_CLIENT_SECRET = '' } = world.environment;
  const granted = await fetch(`${authorityHost}/${tenant}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      scope: 'https://graph.microsoft.com/.default',
      client_id: AZURE_CLIENT_ID,
      client_secret: AZURE_CLIENT_SECRET,
    }),
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const answer = await fetch(`${endpoint}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown> };
}

export function groundOf(world: World): Ground {
  const graph: Ground['graph'] = (method, path, body) => call(world, method, path, body);
  if ('server' in world) {
    const { access } = ((world as SandboxWorld).server as EntraSandbox).state;
    return {
      graph,
      application: (displayName, roles) =>
        Promise.resolve(access.addResource(displayName, roles).properties['appId'] as string),
      administrativeUnit: (displayName) => Promise.resolve(access.addAdministrativeUnit(displayName)),
    };
  }
  // The emulator gives roles to applications through its own administration only.
  const administration = `${meshOf(world).authorityHost ?? ''}/admin/api`;
  const made = async (path: string, body: object): Promise<string> => {
    const answer = await fetch(`${administration}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}`);
    return ((await answer.json()) as { id: string }).id;
  };
  return {
    graph,
    application: async (displayName, roles) => {
      const id = await made('/apps', { displayName, isConfidential: true });
      for (const value of roles)
        await made(`/apps/${id}/roles`, { value, displayName: value, allowedMemberTypes: ['User', 'Application'] });
      return id;
    },
    administrativeUnit: async (displayName) => {
      const { body } = await graph('POST', '/directory/administrativeUnits', { displayName });
      return body['id'] as string;
    },
  };
}
