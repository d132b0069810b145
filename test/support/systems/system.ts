/**
 * A real or realistic cloud API on this machine, for tests. One that cannot be had here is `missing`: its tests then say
 * so and how to get it, and count as skipped, never as passed.
 */
import type { Mesh } from '../../../core/federation/authority.js';

export interface AvailableSystem {
  readonly kind: 'available';
  readonly name: string;
  readonly version: string;
  /** Base address without a path. */
  readonly endpoint: string;
  /** What an authority file would say to reach it. */
  readonly mesh: Mesh;
  /** What the environment of a worker would hold: test credentials, valid nowhere else. */
  readonly environment: Readonly<Record<string, string>>;
  /** Empties it, as far as it can be emptied. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

export interface MissingSystem {
  readonly kind: 'missing';
  readonly name: string;
  readonly reason: string;
  readonly howToGet: string;
}

export type System = AvailableSystem | MissingSystem;

/** The line that a skipped test prints. */
export function missingWords({ name, reason, howToGet }: MissingSystem): string {
  return `skipped: ${name} is not available (${reason}). To get it: ${howToGet}`;
}
