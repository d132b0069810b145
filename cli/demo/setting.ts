/** What the scenes of the demo share: everything that runs, and how they speak. */
import type { FederationSession } from '../reading/federation-session.js';
import type { SandboxReady } from '../local/local-federation.js';
import type { Paint } from '../output/output.js';
import type { Narrator } from './narrator.js';

export interface Setting {
  readonly narrator: Narrator;
  readonly paint: Paint;
  readonly dataset: string;
  readonly session: FederationSession;
  readonly sandbox: SandboxReady;
  /** Aborted by Ctrl-C, and where a process ended that nobody stopped. */
  readonly signal: AbortSignal;
}
