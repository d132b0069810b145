/** The three clouds of the sandbox as worlds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../../sandbox/start.js';
import type { KeystoneSandbox } from '../../sandbox/keystone/server.js';
import type { SandboxServer } from '../../sandbox/http/server.js';
import type { CloudName } from '../../sandbox/population.js';
import { trustInThisProcess } from '../support/certificate.js';
import { connectorFor, type Administrator, type World } from './world.js';

export interface SandboxWorld extends World {
  readonly server: SandboxServer;
}

function administratorOf({ origin, state }: KeystoneSandbox): Administrator {
  return {
    request: async (method, path, body) => {
      const response = await fetch(`${origin}/v3${path}`, {
        method,
        headers: { 'x-auth-token': state.administratorToken() },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
  };
}

export async function startSandboxWorld(cloud: CloudName): Promise<SandboxWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-sandbox-'));
  const sandbox = await startSandbox({ folder, people: 0 });
  trustInThisProcess({ cert: sandbox.entra.server.authority });
  const { mesh, environment, server } = sandbox[cloud];
  const { options } = sandbox.keystone.server;
  return {
    name: `sandbox ${cloud}`,
    mesh,
    environment,
    server,
    deviations: [],
    ...(cloud === 'keystone' ? { administrator: administratorOf(sandbox.keystone.server) } : {}),
    connector: (wishes = {}) => {
      if (cloud === 'keystone' && wishes.pageSize !== undefined)
        Object.assign(options, { pages: true, listLimit: wishes.pageSize });
      return connectorFor(mesh, environment, wishes);
    },
    reset: () => {
      server.reset();
      return Promise.resolve();
    },
    stop: async () => {
      await sandbox.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
