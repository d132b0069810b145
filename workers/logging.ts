/** Logs: pino lines on standard error; `info` for operators, `debug` for us. Keys, digests and counts, never values. */
import { DefaultLogger, Runtime, type LogLevel } from '@temporalio/worker';
import { pino, type Logger } from 'pino';

const levels: Readonly<Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Once a process, before anything of Temporal starts. */
export function installLogging(name: string, environment: Readonly<Record<string, string | undefined>>): Logger {
  const logger = pino(
    { name, level: environment['CONCORDAT_LOG_LEVEL'] ?? 'info' },
    pino.destination({ dest: 2, sync: true }),
  );
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const { sdkComponent, taskQueue, workflowId, activityType, attempt, namespace, error } = (meta ?? {}) as Record<
        string,
        unknown
      >;
      logger[levels[level]](
        {
          sdkComponent,
          taskQueue,
          workflowId,
          activityType,
          attempt,
          namespace,
          ...(error instanceof Error ? { error: errorFacts(error) } : {}),
        },
        message,
      );
    }),
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  });
  return logger;
}

/** HAZARD: a provider's message may quote what it refused. Names, codes and our own messages only. */
function errorFacts(error: Error): Readonly<Record<string, unknown>> {
  const code =
    (error as { readonly code?: unknown; readonly type?: unknown }).code ?? (error as { readonly type?: unknown }).type;
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack
      ?.split('\n')
      .filter((line) => line.trimStart().startsWith('at '))
      .slice(0, 8),
  };
}
