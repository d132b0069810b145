/** What is on its way to an OpenLineage endpoint, as the outbox in the exchange store tells it. */
import { createOutbox, runOfName, type Outbox, type Trouble } from '../../activities/open-lineage/outbox.js';
import { ConcordatError } from '../../core/errors.js';
import type { Layout } from '../local/layout.js';
import type { HealthCheck } from './health.js';
import { exchangeStore } from './stores.js';

export interface EventLine {
  readonly name: string;
  /** Of OpenLineage, not of Temporal. */
  readonly runId: string;
  /** START, or END for whichever end the run had. */
  readonly kind: 'START' | 'END';
  readonly eventTime: string;
}
export interface RefusedLine extends EventLine {
  readonly status: number;
  readonly answer: string;
  readonly refusedAt: string;
}

export interface LineageEventsReport {
  readonly waiting: readonly EventLine[];
  readonly refused: readonly RefusedLine[];
  /** Why nothing goes out; null where the last answer was a good one. */
  readonly trouble: Trouble | null;
}

export function outboxOf(layout: Layout): Outbox {
  return createOutbox(exchangeStore(layout));
}

export async function readLineageEvents(layout: Layout): Promise<LineageEventsReport> {
  const outbox = outboxOf(layout);
  const [waiting, refused, trouble] = await Promise.all([outbox.waiting(), outbox.refused(), outbox.trouble()]);
  return {
    waiting: waiting.map(lineOf),
    refused: refused.map(({ name, status, answer, at }) => ({ ...lineOf(name), status, answer, refusedAt: at })),
    trouble,
  };
}

function lineOf(name: string): EventLine {
  return {
    name,
    runId: runOfName(name),
    kind: name.endsWith('-1') ? 'START' : 'END',
    eventTime: new Date(Number(name.slice(0, 15))).toISOString(),
  };
}

const causes: Readonly<Record<string, string>> = {
  '401': 'the key is not accepted',
  '403': 'the key may not do this',
  '404': 'there is no such address',
};

export function troubleWords({ kind, status, reason, since }: Trouble): string {
  const what =
    kind === 'unreachable'
      ? reason === 'tooSlow'
        ? 'the endpoint takes too long to answer'
        : 'nothing answers at the endpoint'
      : `the endpoint answers ${status}${causes[String(status)] === undefined ? '' : `, ${causes[String(status)]}`}`;
  return `${what}, since ${since}`;
}

/** Nothing where nothing waits: whoever sends no events hears of none. What waits is no fault of a run. */
export async function checkLineageEvents(layout: Layout): Promise<readonly HealthCheck[]> {
  let report: LineageEventsReport;
  try {
    report = await readLineageEvents(layout);
  } catch (error) {
    if (!(error instanceof ConcordatError)) throw error;
    return [check('unknown', error.message, 'check the exchange store')];
  }
  const { waiting, refused, trouble } = report;
  if (refused.length > 0)
    return [
      check(
        'broken',
        `${refused.length} were refused by the endpoint, ${waiting.length} wait`,
        'run `concordat lineage-events`',
      ),
    ];
  if (trouble)
    return [
      check(
        trouble.kind === 'closed' ? 'broken' : 'unknown',
        `${waiting.length} wait: ${troubleWords(trouble)}`,
        trouble.kind === 'closed'
          ? 'check OPENLINEAGE_URL, OPENLINEAGE_ENDPOINT and OPENLINEAGE_API_KEY of the federation worker'
          : 'nothing is lost: they are posted once the endpoint answers',
      ),
    ];
  return waiting.length === 0 ? [] : [check('ok', `${waiting.length} on their way`, null)];
}

function check(state: HealthCheck['state'], detail: string, next: string | null): HealthCheck {
  return { subject: 'federation', what: 'lineage events', state, detail, next };
}
