/** A command that speaks with Temporal: connected before, closed after, and its failures said in our words. */
import { NamespaceNotFoundError, type Connection } from '@temporalio/client';
import { grpcCodeOf, grpcStatus } from '../../activities/temporal-setup/temporal-services.js';
import { ConcordatError } from '../../core/errors.js';
import { connectTemporal, type ConnectTemporal, type TemporalConnection } from './connection.js';

export interface WithTemporal extends ConnectTemporal {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Deadline for all calls together; a command that waits for a run has none and gives each call its own. */
  readonly withinMs?: number;
}

/**
 * Errors of Temporal become `temporalUnreachable`, `notFound` for a namespace that was never prepared, `forbidden`; others
 * are thrown as they came.
 */
export async function withTemporal<Answer>(
  options: WithTemporal,
  body: (temporal: TemporalConnection) => Promise<Answer>,
): Promise<Answer> {
  const temporal = await connectTemporal(options.environment, options);
  try {
    const { withinMs } = options;
    return withinMs === undefined
      ? await body(temporal)
      : await temporal.connection.withDeadline(Date.now() + withinMs, () => body(temporal));
  } catch (error) {
    throw inOurWords(error, temporal.address);
  } finally {
    await close(temporal.connection);
  }
}

export function inOurWords(error: unknown, address: string): unknown {
  if (error instanceof ConcordatError) return error;
  const code = grpcCodeOf(error);
  if (error instanceof NamespaceNotFoundError || (code === grpcStatus.notFound && isNamespaceMissing(error))) {
    return new ConcordatError(
      'notFound',
      `the Temporal server at ${address} does not know this federation; run \`concordat prepare\` first`,
      { cause: error },
    );
  }
  if (code === grpcStatus.unavailable || code === grpcStatus.deadlineExceeded) {
    return new ConcordatError('temporalUnreachable', `the Temporal server at ${address} stopped answering`, {
      cause: error,
    });
  }
  if (code === grpcStatus.permissionDenied || code === grpcStatus.unauthenticated) {
    return new ConcordatError(
      'forbidden',
      `the Temporal server at ${address} does not permit this to these credentials`,
      {
        cause: error,
      },
    );
  }
  return error;
}

/** Calls that the client does not translate carry the server's words: `Namespace acme is not found.` */
function isNamespaceMissing(error: unknown): boolean {
  for (let current: unknown = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if (/namespace \S+ is not found/i.test(current.message)) return true;
    current = current.cause;
  }
  return false;
}

async function close(connection: Connection): Promise<void> {
  try {
    await connection.close();
  } catch {
    // What the command did stands; a connection that cannot be closed ends with the process.
  }
}
