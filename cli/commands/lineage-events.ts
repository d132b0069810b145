/** `concordat lineage-events`: what waits for the OpenLineage endpoint, and what it refused. */
import type { Command } from 'commander';
import { action, defineCommand } from '../invocation.js';
import { layoutOf } from '../local/layout.js';
import { outboxOf, readLineageEvents, troubleWords } from '../reading/lineage-events.js';
import { tableLines } from '../showing/table.js';
import { visibleText } from '../showing/value-text.js';
import { counted } from '../showing/words.js';

const shownMax = 20;

export function registerLineageEvents(program: Command): void {
  defineCommand(program, {
    name: 'lineage-events',
    description:
      'Show the OpenLineage events that wait to be posted and those that the endpoint refused. The federation worker posts them (OPENLINEAGE_URL); no run ever waits for it. Ends with 1 where events were refused or the endpoint takes none.',
    examples: [
      ['concordat lineage-events', 'what waits and what was refused, and why'],
      ['concordat lineage-events --retry', 'send refused events again, once the endpoint was mended'],
      ['concordat lineage-events --json', 'for monitoring'],
    ],
  })
    .option('--retry', 'put refused events back to wait')
    .action(
      action<{ readonly retry?: boolean }>(async ({ federationFolder, environment, output }, { retry }) => {
        const layout = layoutOf(federationFolder, environment);
        const retried = retry === true ? await outboxOf(layout).retryRefused() : 0;
        const report = await readLineageEvents(layout);
        const { waiting, refused, trouble } = report;
        const rows = refused
          .slice(0, shownMax)
          .map(({ kind, runId, eventTime, status, answer }) => [
            output.paint.red('refused'),
            kind,
            runId,
            eventTime,
            `${status} ${visibleText(answer)}`,
          ]);
        const oldest = waiting[0];
        output.result({ ...report, retried }, [
          ...(retried > 0 ? [`${counted(retried, 'event')} put back to wait`] : []),
          waiting.length === 0 || !oldest
            ? 'no events wait'
            : `${counted(waiting.length, 'event waits', 'events wait')}, the oldest of ${oldest.eventTime}`,
          ...(trouble ? [output.paint.yellow(visibleText(troubleWords(trouble)))] : []),
          ...tableLines(rows),
          ...(refused.length > shownMax ? [`and ${refused.length - shownMax} more: see --json`] : []),
          ...(refused.length > 0 ? ['send them again with --retry, once the endpoint was mended'] : []),
        ]);
        return refused.length > 0 || trouble ? 1 : 0;
      }),
    );
}
