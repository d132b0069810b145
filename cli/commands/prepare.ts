/** `concordat prepare`: makes a Temporal server ready for the federation. */
import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { prepareTemporal, type Prepared } from '../../activities/temporal-setup/prepare-temporal.js';
import { Duration, durationMs } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import { withTemporal } from '../temporal/with-temporal.js';

interface Options {
  readonly retentionDays: string;
  readonly wait?: string;
}

export function registerPrepare(program: Command): void {
  defineCommand(program, {
    name: 'prepare',
    description:
      'Make the namespaces, search attributes and Nexus endpoints of the federation on the Temporal server that TEMPORAL_ADDRESS names. Changes nothing that is there already.',
    examples: [
      ['concordat prepare', 'once per server, and after a member joined'],
      ['concordat prepare --wait 2m', 'beside a server that is still starting'],
      ['concordat prepare --retention-days 90', 'keep closed runs for 90 days'],
    ],
  })
    .option('--retention-days <days>', 'how long closed runs stay on the server; for new namespaces only', '30')
    .option('--wait <duration>', 'how long to wait for a server that does not answer yet, such as 2m')
    .action(
      action<Options>(async (invocation, options) => {
        const retentionDays = days(options.retentionDays);
        const waitMs = options.wait === undefined ? 0 : duration(options.wait);
        const { file } = await openFederation(invocation.federationFolder);
        const federation = file.federation;
        const authorities = file.members.map((member) => member.id);
        const { address, prepared } = await whenItAnswers(invocation, waitMs, () =>
          withTemporal({ environment: invocation.environment, withinMs: 120_000 }, async ({ connection, address }) => ({
            address,
            prepared: await prepareTemporal({ connection, federation, authorities, retentionDays }),
          })),
        );
        invocation.output.result({ federation, address, prepared }, lines(federation, address, prepared));
        return 0;
      }),
    );
}

async function whenItAnswers<Answer>(
  { output, signal }: Invocation,
  waitMs: number,
  act: () => Promise<Answer>,
): Promise<Answer> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const away = error instanceof ConcordatError && error.code === 'temporalUnreachable';
      if (!away || signal.aborted || performance.now() >= deadline) throw error;
      output.progress('waiting for the Temporal server');
      await setTimeout(500);
    }
  }
}

function lines(federation: string, address: string, prepared: readonly Prepared[]): readonly string[] {
  const changed = prepared.filter((entry) => entry.made !== 'present');
  const words = {
    namespace: 'namespace',
    searchAttributes: 'search attributes of',
    endpoint: 'Nexus endpoint',
  } as const;
  return [
    ...changed.map((entry) => `${entry.made} ${words[entry.kind]} ${entry.name}`),
    `federation ${federation} is ready on ${address}${changed.length === 0 ? ' (nothing to do)' : ''}`,
  ];
}

function days(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 36_500) {
    throw new ConcordatError('usage', `--retention-days must be a whole number of days from 1 on, not ${text}`);
  }
  return count;
}

function duration(text: string): number {
  const parsed = Duration.safeParse(text);
  if (!parsed.success) throw new ConcordatError('usage', `--wait ${text}: must be a duration such as 30s or 2m`);
  return durationMs(parsed.data);
}
