/** `concordat doctor`: everything that a run needs, checked; nothing changed. */
import type { Command } from 'commander';
import { Duration, durationMs } from '../../core/duration.js';
import { ConcordatError, errorTable } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { byCodeUnit } from '../../core/json.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import type { Paint } from '../output/output.js';
import {
  checkAuthority,
  checkCoordinator,
  checkExchange,
  checkFolder,
  checkServer,
  type HealthCheck,
} from '../reading/health.js';
import { checkLineageEvents } from '../reading/lineage-events.js';
import { tableLines } from '../showing/table.js';
import { visibleText } from '../showing/value-text.js';
import { counted } from '../showing/words.js';
import { withTemporal } from '../temporal/with-temporal.js';

export function registerDoctor(program: Command): void {
  defineCommand(program, {
    name: 'doctor',
    description:
      'Check the folder and its signatures, the Temporal server, every worker, and through each worker its mesh, credentials and permissions. Changes nothing; ends with 1 where something is broken.',
    examples: [
      ['concordat doctor', 'everything'],
      ['concordat doctor --authority aws', 'the server and one authority'],
      ['concordat doctor --json', 'for monitoring'],
    ],
  })
    .option('--authority <id>', 'of the authorities this one only')
    .option('--within <duration>', 'how long a worker may take to answer', '45s')
    .action(
      action<{ readonly authority?: string; readonly within: string }>(async (invocation, { authority, within }) => {
        const duration = Duration.safeParse(within);
        if (!duration.success) throw new ConcordatError('usage', `--within ${within}: must be a duration such as 45s`);
        const { output } = invocation;
        output.progress('looking');
        const checks = await examine(invocation, authority, durationMs(duration.data));
        const failures = checks.filter(({ state }) => state === 'broken');
        output.result({ healthy: failures.length === 0, checks }, [
          ...tableLines(checks.map((check) => row(check, output.paint))),
          failures.length === 0
            ? output.paint.green('all is well')
            : output.paint.red(`${counted(failures.length, 'thing')} to mend`),
        ]);
        return failures.length === 0 ? 0 : 1;
      }),
    );
}

async function examine(
  { environment, federationFolder, output }: Invocation,
  only: string | undefined,
  withinMs: number,
): Promise<readonly HealthCheck[]> {
  const { checks, federation } = await checkFolder(federationFolder);
  if (!federation) return checks;
  const authorities = chosen(federation, only);
  const layout = layoutOf(federationFolder, environment);
  const exchange = await checkExchange(layout);
  const lineage = await checkLineageEvents(layout);
  try {
    return await withTemporal({ environment }, async ({ connection, address }) => {
      const server = await checkServer(connection, address, federation);
      const found = [...checks, exchange, ...lineage, ...server];
      if (server.some(({ state }) => state === 'broken')) return found;
      output.progress(`asking the workers of ${authorities.join(', ')}`);
      const coordinator = await checkCoordinator(connection, federation);
      const perAuthority = await Promise.all(
        authorities.map((authority) => checkAuthority(connection, federation, authority, withinMs)),
      );
      return [...found, coordinator, ...perAuthority.flat()];
    });
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    const server: HealthCheck = {
      subject: 'temporal',
      what: 'server',
      state: 'broken',
      detail: error.message,
      next: errorTable[error.code].next,
    };
    return [...checks, exchange, ...lineage, server];
  }
}

function chosen({ file }: Federation, only: string | undefined): readonly string[] {
  const ids = file.members.map(({ id }) => id).sort(byCodeUnit);
  if (only === undefined) return ids;
  if (!ids.includes(only))
    throw new ConcordatError('usage', `there is no authority ${only}; the federation has ${ids.join(', ')}`);
  return [only];
}

function row({ subject, what, state, detail, next }: HealthCheck, paint: Paint): readonly string[] {
  const marks = { ok: paint.green('ok'), broken: paint.red('!!'), unknown: paint.yellow('??') };
  return [
    marks[state],
    subject,
    what,
    `${visibleText(detail)}${next === null ? '' : `; ${paint.bold('next:')} ${visibleText(next)}`}`,
  ];
}
