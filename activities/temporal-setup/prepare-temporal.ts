/**
 * Makes a Temporal server ready for a federation: namespaces, search attributes and Nexus endpoints. Idempotent, and safe
 * when several workers and the command line do it at once. Used by `concordat prepare`, `concordat dev` and workers.
 */
import { ConcordatError } from '../../core/errors.js';
import {
  authorityEndpoint,
  authorityNamespace,
  federationEndpoint,
  federationNamespace,
  taskQueue,
} from '../../core/names.js';
import type { AuthorityId } from '../../core/record.js';
import { ensureNamespace, type Made } from './namespaces.js';
import { ensureEndpoint } from './nexus-endpoints.js';
import { ensureSearchAttributes } from './search-attributes.js';
import { grpcCodeOf, grpcStatus, type TemporalServices } from './temporal-services.js';

export interface PrepareTemporal {
  readonly connection: TemporalServices;
  readonly federation: string;
  readonly authorities: readonly AuthorityId[];
  /** How long closed runs stay readable on the server; of namespaces made now only. */
  readonly retentionDays?: number;
}

export interface Prepared {
  readonly kind: 'namespace' | 'searchAttributes' | 'endpoint';
  readonly name: string;
  readonly made: Made;
}

/**
 * Errors: `invalidFederation` where a name on the server belongs to somebody else, `forbidden` where the server does not
 * let this connection administer it; what the server answers besides is thrown as it came.
 */
export async function prepareTemporal(options: PrepareTemporal): Promise<readonly Prepared[]> {
  const { connection, federation } = options;
  const retentionDays = options.retentionDays ?? 30;
  const places = [
    {
      namespace: federationNamespace(federation),
      endpoint: federationEndpoint(federation),
      description: `Concordat federation ${federation}: runs and schedules`,
    },
    ...options.authorities.map((authority) => ({
      namespace: authorityNamespace(federation, authority),
      endpoint: authorityEndpoint(federation, authority),
      description: `Concordat federation ${federation}: steps and reviews of authority ${authority}`,
    })),
  ];
  try {
    const perPlace = await Promise.all(
      places.map(async ({ namespace, endpoint, description }): Promise<readonly Prepared[]> => [
        {
          kind: 'namespace',
          name: namespace,
          made: await ensureNamespace(connection, { namespace, federation, description, retentionDays }),
        },
        { kind: 'searchAttributes', name: namespace, made: await ensureSearchAttributes(connection, namespace) },
        {
          kind: 'endpoint',
          name: endpoint,
          made: await ensureEndpoint(connection, { name: endpoint, namespace, taskQueue }),
        },
      ]),
    );
    return perPlace.flat();
  } catch (error) {
    const code = grpcCodeOf(error);
    if (code === grpcStatus.permissionDenied || code === grpcStatus.unauthenticated) {
      throw new ConcordatError(
        'forbidden',
        'the Temporal server does not let this connection make namespaces and endpoints; use the credentials of its operator',
        { cause: error },
      );
    }
    throw error;
  }
}
