/** What the Keystone connector takes from the authority file and from the environment of its worker. */
import { z } from 'zod';
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';

export type KeystoneMesh = Extract<Mesh, { readonly kind: 'keystone' }>;

/** Lengths in milliseconds; tests shorten them. */
export interface KeystoneTiming {
  /** One request, from sending to the last byte of its answer. */
  readonly requestTimeoutMs: number;
  /** First pause before a read is repeated; doubles each time. */
  readonly retryPauseMs: number;
  /** A pause that the cloud asks for beyond this is left to whoever called. */
  readonly longestPauseMs: number;
  /** HAZARD: must exceed one second, see session.ts. */
  readonly renewalPauseMs: number;
}

export const defaultTiming: KeystoneTiming = {
  requestTimeoutMs: 30_000,
  retryPauseMs: 250,
  longestPauseMs: 20_000,
  renewalPauseMs: 1_100,
};

export interface KeystoneConnectorOptions {
  readonly mesh: KeystoneMesh;
  /** Holds the variables that `userFrom` and `passwordFrom` name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timing?: Partial<KeystoneTiming>;
}

export interface KeystoneConfig {
  readonly mesh: KeystoneMesh;
  readonly timing: KeystoneTiming;
  /** The identity endpoint without a slash at its end. */
  readonly endpoint: string;
  /** Throws credentialsMissing. Read at each authentication, so that a rotated secret is found. */
  credentials(): { readonly name: string; readonly password: string };
}

const presentText = z.string().min(1);

export function keystoneConfig(options: KeystoneConnectorOptions): KeystoneConfig {
  const { mesh, environment } = options;
  const variable = (name: string): string => {
    const value = presentText.safeParse(environment[name]);
    if (!value.success) throw new ConcordatError('credentialsMissing', `set ${name} for the worker of this authority`);
    return value.data;
  };
  return {
    mesh,
    timing: { ...defaultTiming, ...options.timing },
    endpoint: mesh.endpoint.replace(/\/+$/, ''),
    credentials: () => ({ name: variable(mesh.userFrom), password: variable(mesh.passwordFrom) }),
  };
}
