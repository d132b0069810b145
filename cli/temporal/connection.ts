/**
 * How the command line reaches the Temporal server that TEMPORAL_* variables or a profile of the Temporal configuration
 * file name (https://docs.temporal.io/develop/environment-configuration). Namespaces follow from the federation's name
 * (core/names.ts), so TEMPORAL_NAMESPACE is not read.
 */
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { ConcordatError } from '../../core/errors.js';

export interface ConnectTemporal {
  /** A profile of the Temporal configuration file; TEMPORAL_PROFILE, else `default`, where left out. */
  readonly profile?: string;
  readonly connectWithinMs?: number;
}

export interface TemporalConnection {
  readonly connection: Connection;
  readonly address: string;
}

/** Throws `temporalUnreachable` where nothing answers in time, `usage` where variables or profile cannot be read. */
export async function connectTemporal(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  options: ConnectTemporal = {},
): Promise<TemporalConnection> {
  const { address = 'localhost:7233', ...rest } = connectionOptions(environment, options.profile);
  const connectTimeout = options.connectWithinMs ?? 5_000;
  try {
    return { connection: await Connection.connect({ ...rest, address, connectTimeout }), address };
  } catch (error) {
    throw unreachable(error, address);
  }
}

function connectionOptions(environment: Readonly<Record<string, string | undefined>>, profile: string | undefined) {
  const overrideEnvVars: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) if (value !== undefined) overrideEnvVars[name] = value;
  try {
    return loadClientConnectConfig({ overrideEnvVars, ...(profile === undefined ? {} : { profile }) })
      .connectionOptions;
  } catch (error) {
    throw new ConcordatError(
      'usage',
      `the Temporal configuration cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function unreachable(error: unknown, address: string): ConcordatError {
  const code = grpcCodeOf(error);
  if (code === grpcStatus.permissionDenied || code === grpcStatus.unauthenticated) {
    return new ConcordatError(
      'temporalUnreachable',
      `the Temporal server at ${address} does not accept these credentials; check TEMPORAL_API_KEY or the client certificate`,
      { cause: error },
    );
  }
  return new ConcordatError(
    'temporalUnreachable',
    `no Temporal server answers at ${address}; set TEMPORAL_ADDRESS, or start a server with \`concordat dev\``,
    { cause: error },
  );
}
