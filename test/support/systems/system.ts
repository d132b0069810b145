/** A real or emulated cloud that a system test runs against: started by the test, or missing with the reason. */
import type { Mesh } from '../../../core/federation/authority.js';

export type System =
  | {
      readonly kind: 'available';
      readonly name: string;
      readonly version: string;
      /** Where it listens, without a slash at the end. */
      readonly endpoint: string;
      /** As an authority file would have it. */
      readonly mesh: Mesh;
      /** Variables for a process that uses it: credentials, and whatever makes its certificate trusted. */
      readonly environment: Readonly<Record<string, string>>;
      /** Empties it. */
      reset(): Promise<void>;
      stop(): Promise<void>;
    }
  | { readonly kind: 'missing'; readonly name: string; readonly reason: string; readonly howToGet: string };
