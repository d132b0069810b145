/** `concordat schedule`: the schedules of the dataset files on the Temporal server. */
import type { ScheduleClient } from '@temporalio/client';
import type { Command } from 'commander';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { action, defineCommand, type Invocation } from '../invocation.js';
import { openFederation } from '../open-federation.js';
import {
  applySchedules,
  backfillSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  scheduleClient,
  triggerSchedule,
  type ListedSchedule,
} from '../temporal/schedules.js';
import { withTemporal } from '../temporal/with-temporal.js';
import { visibleText } from '../showing/value-text.js';

export function registerSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('Apply, show and steer the schedules that the dataset files declare.');

  defineCommand(schedule, {
    name: 'apply',
    description:
      "Make the server's schedules what the dataset files say. A pause stays. Applying twice changes nothing.",
    examples: [
      ['concordat schedule apply', 'after a dataset file changed'],
      ['concordat schedule apply --prune', 'also remove schedules that no file declares any more'],
    ],
  })
    .option('--prune', 'remove schedules of datasets that declare none')
    .action(
      action<{ readonly prune?: true }>(async (invocation, { prune }) => {
        const applied = await withSchedules(invocation, (client, { datasets }) =>
          applySchedules(client, Object.values(datasets), { prune: prune === true }),
        );
        const lines = applied.map(
          ({ dataset, outcome, paused }) => `schedule ${dataset}: ${outcome}${paused ? ' (paused)' : ''}`,
        );
        invocation.output.result({ applied }, lines.length > 0 ? lines : 'no dataset declares a schedule');
        return 0;
      }),
    );

  defineCommand(schedule, {
    name: 'list',
    description: 'Show what the dataset files declare beside what the server has.',
    examples: [['concordat schedule list', 'all datasets']],
  }).action(
    action(async (invocation) => {
      const schedules = await withSchedules(invocation, (client, { datasets }) =>
        listSchedules(client, Object.values(datasets)),
      );
      const lines = schedules.map(listedLine);
      invocation.output.result({ schedules }, lines.length > 0 ? lines : 'no schedules');
      return 0;
    }),
  );

  defineCommand(schedule, {
    name: 'pause <dataset>',
    description: 'Start no runs of a dataset until it is resumed. A run that is going goes on.',
    examples: [['concordat schedule pause people --note "tenant migration"', 'say why, for whoever finds it']],
  })
    .option('--note <text>', 'why; shown by `schedule list`, so write no personal value', 'paused by hand')
    .action(
      action<{ readonly note: string }, [dataset: string]>(async (invocation, { note }, dataset) => {
        await withSchedules(invocation, (client) => pauseSchedule(client, dataset, note));
        invocation.output.result({ dataset, paused: true, note }, `schedule ${dataset}: paused`);
        return 0;
      }),
    );

  defineCommand(schedule, {
    name: 'resume <dataset>',
    description: 'Start runs of a dataset again. What was missed in a pause is not made up for; see `backfill`.',
    examples: [['concordat schedule resume people', 'go on']],
  })
    .option('--note <text>', 'why; write no personal value', 'resumed by hand')
    .action(
      action<{ readonly note: string }, [dataset: string]>(async (invocation, { note }, dataset) => {
        await withSchedules(invocation, (client) => resumeSchedule(client, dataset, note));
        invocation.output.result({ dataset, paused: false, note }, `schedule ${dataset}: active`);
        return 0;
      }),
    );

  defineCommand(schedule, {
    name: 'trigger <dataset>',
    description: 'Ask for a run now, as the schedule would. Nothing starts where a run is going.',
    examples: [['concordat schedule trigger people', 'do not wait for the next time']],
  }).action(
    action<object, [dataset: string]>(async (invocation, _, dataset) => {
      await withSchedules(invocation, (client) => triggerSchedule(client, dataset));
      invocation.output.result(
        { dataset, triggered: true },
        `schedule ${dataset}: triggered; follow it with \`concordat runs\``,
      );
      return 0;
    }),
  );

  defineCommand(schedule, {
    name: 'backfill <dataset>',
    description: 'Make up for starts that were missed in a period. One run at most: a run reads what is true now.',
    examples: [['concordat schedule backfill people --from 2026-11-01T00:00:00Z', 'from then until now']],
  })
    .requiredOption('--from <instant>', 'begin of the period, as 2026-11-01T00:00:00Z')
    .option('--to <instant>', 'end of the period; now where left out')
    .action(
      action<{ readonly from: string; readonly to?: string }, [dataset: string]>(
        async (invocation, { from, to }, dataset) => {
          const start = instant('--from', from);
          const end = to === undefined ? new Date() : instant('--to', to);
          if (end <= start) throw new ConcordatError('usage', 'the period ends before it begins');
          await withSchedules(invocation, (client) => backfillSchedule(client, dataset, { start, end }));
          invocation.output.result(
            { dataset, from: start.toISOString(), to: end.toISOString() },
            `schedule ${dataset}: made up for from ${start.toISOString()} to ${end.toISOString()}`,
          );
          return 0;
        },
      ),
    );
}

async function withSchedules<Answer>(
  { environment, federationFolder }: Invocation,
  body: (client: ScheduleClient, federation: Federation) => Promise<Answer>,
): Promise<Answer> {
  const federation = await openFederation(federationFolder);
  return withTemporal({ environment, withinMs: 60_000 }, ({ connection }) =>
    body(scheduleClient(connection, federation.file.federation), federation),
  );
}

function listedLine({ dataset, state, note, next, last, skippedOverlap, missedCatchUp }: ListedSchedule): string {
  const words = {
    active: 'active',
    paused: 'paused',
    absent: 'declared but not applied; run `concordat schedule apply`',
    undeclared: 'no file declares it; remove it with `concordat schedule apply --prune`',
  } as const;
  const parts: string[] = [words[state]];
  if (note !== undefined) parts.push(`note: ${visibleText(note)}`);
  if (next !== undefined) parts.push(`next ${next}`);
  if (last !== undefined) parts.push(`last ${last}`);
  if (skippedOverlap > 0) parts.push(`${skippedOverlap} skipped while a run was starting`);
  if (missedCatchUp > 0) parts.push(`${missedCatchUp} missed while the server was away`);
  return `schedule ${visibleText(dataset)}: ${parts.join(', ')}`;
}

/** With a time zone, so that it means the same to everyone. */
function instant(option: string, text: string): Date {
  const isComplete = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const read = new Date(text);
  if (!isComplete || Number.isNaN(read.getTime())) {
    throw new ConcordatError('usage', `${option} must be an instant such as 2026-11-01T00:00:00Z, not ${text}`);
  }
  return read;
}
