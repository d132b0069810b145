/** What the connector of Cosmos DB takes from the authority file and from the environment of its worker. */
import { ConcordatError } from '../../../core/errors.js';
import type { Mesh } from '../../../core/federation/authority.js';
import type { MakePace } from '../../pace.js';

export type CosmosMesh = Extract<Mesh, { readonly kind: 'cosmos' }>;
export type ContainerMesh = CosmosMesh['containers'][string];
export type Environment = Readonly<Record<string, string | undefined>>;

/** Durations and sizes that tests shorten; production uses `standardLimits`. */
export interface Limits {
  /** Items asked for per page. Cosmos DB ends a page earlier where it has 4 MB or the request units are used up. */
  readonly pageSize: number;
  readonly requestTimeoutMs: number;
  /** How often the SDK sends a request again that was answered with 429: nothing was done, and the answer says how long to wait. */
  readonly throttledAttemptsMax: number;
  readonly throttledWaitMaxSeconds: number;
  /** How often a read is repeated after a fault or a lost answer. */
  readonly readAttemptsMax: number;
  readonly backOffBaseMs: number;
  readonly backOffMaxMs: number;
}

export const standardLimits: Limits = {
  pageSize: 1_000,
  requestTimeoutMs: 60_000,
  throttledAttemptsMax: 9,
  throttledWaitMaxSeconds: 30,
  readAttemptsMax: 8,
  backOffBaseMs: 50,
  backOffMaxMs: 10_000,
};

export interface CosmosConnectorOptions {
  readonly mesh: CosmosMesh;
  readonly environment: Environment;
  readonly limits?: Partial<Limits>;
  /** Only tests give another. */
  readonly makePace?: MakePace;
}

export function containerOf({ containers }: CosmosMesh, type: string): ContainerMesh {
  const container = Object.hasOwn(containers, type) ? containers[type] : undefined;
  if (!container)
    throw new ConcordatError('unexpectedAnswer', `the mesh declares no container for the native type ${type}`);
  return container;
}

export interface CosmosAccount {
  readonly endpoint: string;
  /** Undefined where the standard chain of @azure/identity is asked. */
  readonly key: string | undefined;
}

/** Throws wrongAccount, credentialsRejected where the connection string is none. */
export function accountOf(mesh: CosmosMesh, environment: Environment): CosmosAccount {
  const { account, connectionFrom } = mesh;
  const standard = `https://${account}.documents.azure.com:443/`;
  const connection = environment[connectionFrom];
  if (connection === undefined || connection === '') return { endpoint: mesh.endpoint ?? standard, key: undefined };
  const parts = new Map(
    connection.split(';').flatMap((part): (readonly [string, string])[] => {
      const at = part.indexOf('=');
      return at < 1 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]];
    }),
  );
  const [given, key] = [parts.get('accountendpoint'), parts.get('accountkey')];
  if (key === undefined || given === undefined || !URL.canParse(given))
    throw new ConcordatError(
      'credentialsRejected',
      `${connectionFrom} is no connection string: it needs AccountEndpoint and AccountKey`,
    );
  const host = new URL(given).hostname;
  if (host.includes('.documents.azure.') && host.split('.')[0] !== account)
    throw new ConcordatError('wrongAccount', `${connectionFrom} is for another account than the authority file names`);
  return { endpoint: mesh.endpoint ?? given, key };
}
