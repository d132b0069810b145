/** The two clients of a mesh: one for its domain, one for what belongs to no domain. */
import { ConcordatError } from '../../../core/errors.js';
import { createKeystoneClient, type KeystoneClient } from './client.js';
import type { KeystoneConfig } from './config.js';

export interface Clients {
  readonly ofDomain: KeystoneClient;
  /** Each request throws `forbidden` where the service user holds no role on the system. */
  readonly ofSystem: KeystoneClient;
  /**
   * The client for roles, identity providers, mappings, trusts: of the system where the service user holds a role there,
   * else of the domain, which Keystone up to 2024.1 lets read and write them with role admin.
   */
  cloudWide(): Promise<KeystoneClient>;
}

/** How long the answer that there is no role on the system is believed. */
const refusalKeptMs = 60_000;

export function createClients(config: KeystoneConfig): Clients {
  const ofDomain = createKeystoneClient(config, { kind: 'domain', domain: config.mesh.domain });
  const ofSystem = createKeystoneClient(config, { kind: 'system' });
  let refusedUntilMs = -Infinity;
  return {
    ofDomain,
    ofSystem,
    cloudWide: async () => {
      if (performance.now() < refusedUntilMs) return ofDomain;
      try {
        await ofSystem.session.token();
        return ofSystem;
      } catch (error) {
        if (!(error instanceof ConcordatError && error.code === 'forbidden')) throw error;
        refusedUntilMs = performance.now() + refusalKeptMs;
        return ofDomain;
      }
    },
  };
}
