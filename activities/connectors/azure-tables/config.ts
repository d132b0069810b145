/** What the connector of Azure Tables takes from the authority file and from the environment of its worker. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';
import type { Environment } from '../../azure-storage.js';
import type { MakePace } from '../../pace.js';

export type AzureTablesMesh = Extract<Mesh, { readonly kind: 'azure-tables' }>;
export type TableMesh = AzureTablesMesh['tables'][string];

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits {
  /** Entities asked for per page: at most 1,000. Azure ends a page earlier where it crosses a partition or takes 5 seconds. */
  readonly pageSize: number;
  readonly requestTimeoutMs: number;
  readonly readRetriesMax: number;
  /** How often a write is sent while Azure answers that it did nothing because it is busy. */
  readonly throttledAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
}

export const standardLimits: Limits = {
  pageSize: 1_000,
  requestTimeoutMs: 60_000,
  readRetriesMax: 8,
  throttledAttemptsMax: 10,
  backOffBaseMs: 50,
  backOffMaxMs: 10_000,
};

export interface AzureTablesConnectorOptions {
  readonly mesh: AzureTablesMesh;
  readonly environment: Environment;
  readonly limits?: Partial<Limits>;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}

export function tableOf({ tables }: AzureTablesMesh, type: string): TableMesh {
  const table = Object.hasOwn(tables, type) ? tables[type] : undefined;
  if (!table) throw new ConcordatError('unexpectedAnswer', `the mesh declares no table for the native type ${type}`);
  return table;
}
