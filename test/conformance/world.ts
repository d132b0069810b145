/** A cloud that the conformance suite can run over: the sandbox, a real system, or somebody else's emulator. */
import type { Connector } from '../../activities/connectors/connector.js';
import { createAwsIamConnector } from '../../activities/connectors/aws-iam/connector.js';
import { createEntraConnector } from '../../activities/connectors/entra/connector.js';
import { createKeystoneConnector } from '../../activities/connectors/keystone/connector.js';
import { createFolderConnector } from '../../activities/connectors/folder/connector.js';
import { createDynamodbConnector } from '../../activities/connectors/dynamodb/connector.js';
import { createAzureBlobConnector } from '../../activities/connectors/azure-blob/connector.js';
import { createAzureTablesConnector } from '../../activities/connectors/azure-tables/connector.js';
import { createCosmosConnector } from '../../activities/connectors/cosmos/connector.js';
import { createSwiftConnector } from '../../activities/connectors/swift/connector.js';
import { createS3Connector } from '../../activities/connectors/s3/connector.js';
import { createPostgresqlConnector } from '../../activities/connectors/postgresql/connector.js';
import type { MakePace, PerSecond } from '../../activities/pace.js';
import type { Mesh } from '../../core/federation/authority.js';
import { assertNever } from '../../core/json.js';
import type { AvailableSystem, System } from '../support/systems/system.js';
import { missingWords } from '../support/systems/system.js';

interface Excuse {
  /** What the system does instead. */
  readonly why: string;
  /** Why the connector need not be right about it. */
  readonly allowedBecause: string;
}

/**
 * Where a system is known not to behave as its cloud does. The suite holds it to this too: an entry that is no longer true
 * fails.
 *
 * - `case`: this case is run and must fail.
 * - `property`: the system does not keep a property. Cases do not look for it, and where it is `notWritten` do not give it.
 */
export type Deviation =
  | (Excuse & { readonly kind: 'case'; readonly case: string })
  | (Excuse & {
      readonly kind: 'property';
      readonly type: 'user' | 'group';
      readonly property: string;
      readonly treatment: 'notKept' | 'notWritten';
    });

export interface ConnectorWishes {
  /** How many objects a list is to show at once, so that a few of them make several pages. */
  readonly pageSize?: number;
  /** Of stores of objects: a larger part takes no more rows. */
  readonly partBytesMax?: number;
  /** Of stores of records: limits of the authority file, and who is asked for a turn. */
  readonly perSecond?: PerSecond;
  readonly meshPageSize?: number;
  readonly makePace?: MakePace;
  /** A secret that the cloud must refuse. */
  readonly wrongSecret?: boolean;
  /** Keystone: another service user of the same domain. */
  readonly as?: { readonly user: string; readonly password: string };
}

/** What a test does behind the connector's back, as somebody who may do everything. */
export interface Administrator {
  request(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }>;
}

export interface World {
  readonly name: string;
  readonly mesh: Mesh;
  readonly environment: Readonly<Record<string, string>>;
  readonly deviations: readonly Deviation[];
  /** Keystone lends one. */
  readonly administrator?: Administrator;
  /** Without memory of earlier ones. */
  connector(wishes?: ConnectorWishes): Connector;
  /** Empties the scopes of the mesh. */
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** A world, or why there is none on this machine. */
export type WorldAttempt =
  { readonly available: true; readonly world: World } | { readonly available: false; readonly reason: string };

const limitNames = {
  dynamodb: 'unitsPerSecond',
  cosmos: 'unitsPerSecond',
  postgresql: 'rowsPerSecond',
  s3: 'requestsPerSecond',
  'azure-tables': 'requestsPerSecond',
  'azure-blob': 'requestsPerSecond',
  swift: 'requestsPerSecond',
} as const;

function limited(mesh: Mesh, { perSecond, meshPageSize }: ConnectorWishes): Mesh {
  const name = Object.hasOwn(limitNames, mesh.kind) ? limitNames[mesh.kind as keyof typeof limitNames] : undefined;
  return {
    ...mesh,
    ...(perSecond !== undefined && name !== undefined ? { [name]: perSecond } : {}),
    ...(meshPageSize === undefined ? {} : { pageSize: meshPageSize }),
  };
}

/** Waits of production would make a suite of faults last for minutes. */
export function connectorFor(
  declared: Mesh,
  environment: Readonly<Record<string, string>>,
  wishes: ConnectorWishes = {},
): Connector {
  const { pageSize, partBytesMax, wrongSecret = false, as, makePace } = wishes;
  const mesh = limited(declared, wishes);
  const pace = makePace ? { makePace } : {};
  const secrets = ['AWS_SECRET_ACCESS_KEY', 'AZURE_CLIENT_SECRET', 'OS_PASSWORD'];
  const known = wrongSecret
    ? Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [
          name,
          secrets.includes(name) ? 'wrong' : value.replace(/^(postgres:\/\/[^:]+:)[^@]+@/, '$1wrong@'),
        ]),
      )
    : environment;
  const person = as === undefined ? known : { ...known, OS_USERNAME: as.user, OS_PASSWORD: as.password };
  const size = pageSize === undefined ? {} : { pageSize };
  const ofObjects = {
    ...size,
    ...(pageSize === undefined ? {} : { listPageSize: pageSize }),
    ...(partBytesMax === undefined ? {} : { partBytesMax }),
  };
  switch (mesh.kind) {
    case 'aws-iam': {
      const attempts = { readAttemptsMax: 4, throttledAttemptsMax: 4 };
      const limits = { backOffBaseMs: 2, backOffMaxMs: 10, settleMs: 300, ...attempts, ...size };
      return createAwsIamConnector({ mesh, environment: known, limits });
    }
    case 'entra':
      return createEntraConnector({ mesh, environment: known, tuning: { retryDelayMs: 5, ...size } });
    case 'keystone':
      // The size of a page is a constant there: the cloud's own limit cuts pages.
      return createKeystoneConnector({ mesh, environment: person, timing: { retryPauseMs: 2 } });
    case 'folder':
      return createFolderConnector({ mesh, limits: { backOffBaseMs: 2, ...ofObjects } });
    case 'postgresql':
      return createPostgresqlConnector({ mesh, environment: known, ...size, ...pace });
    case 's3':
      return createS3Connector({ mesh, environment: known, limits: { backOffBaseMs: 5, ...ofObjects }, ...pace });
    case 'dynamodb':
      return createDynamodbConnector({ mesh, environment: known, limits: { backOffBaseMs: 2, ...size }, ...pace });
    case 'azure-tables':
      return createAzureTablesConnector({ mesh, environment: known, limits: { backOffBaseMs: 2, ...size }, ...pace });
    case 'azure-blob':
      return createAzureBlobConnector({
        mesh,
        environment: known,
        limits: { backOffBaseMs: 5, ...ofObjects },
        ...pace,
      });
    case 'cosmos':
      return createCosmosConnector({ mesh, environment: known, limits: { backOffBaseMs: 2, ...size }, ...pace });
    case 'swift':
      return createSwiftConnector({ mesh, environment: known, limits: { backOffBaseMs: 5, ...ofObjects }, ...pace });
    default:
      return assertNever(mesh);
  }
}

export function systemWorld(
  system: System & { readonly admin?: Administrator },
  deviations: readonly Deviation[],
  mesh?: Partial<Mesh>,
): WorldAttempt {
  if (system.kind === 'missing') return { available: false, reason: missingWords(system) };
  const available: AvailableSystem & { readonly admin?: Administrator } = system;
  const whole = { ...available.mesh, ...mesh } as Mesh;
  return {
    available: true,
    world: {
      name: `${available.name} ${available.version}`,
      mesh: whole,
      environment: available.environment,
      deviations,
      ...(available.admin ? { administrator: available.admin } : {}),
      connector: (wishes) => connectorFor(whole, available.environment, wishes),
      reset: () => available.reset(),
      stop: () => available.stop(),
    },
  };
}
