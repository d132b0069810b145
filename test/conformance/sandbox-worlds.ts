/** The three clouds of the sandbox as worlds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../../sandbox/start.js';
import type { SandboxServer } from '../../sandbox/http/server.js';
import type { CloudName } from '../../sandbox/population.js';
import { trustInThisProcess } from '../support/certificate.js';
import { connectorFor, type World } from './world.js';

export interface SandboxWorld extends World {
  readonly server: SandboxServer;
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
