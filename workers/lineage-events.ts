/**
 * Tells an OpenLineage endpoint of runs, beside the worker of the federation and never in its way: whatever fails here is
 * logged and tried again, and no run knows of it.
 */
import { Client, type ConnectionLike } from '@temporalio/client';
import type { Logger } from 'pino';
import { createCollector } from '../activities/open-lineage/collect.js';
import { createDrain } from '../activities/open-lineage/drain.js';
import { createOutbox } from '../activities/open-lineage/outbox.js';
import { postEventTo } from '../activities/open-lineage/post-event.js';
import type { LineageSettings } from '../activities/open-lineage/settings.js';
import { createTurns } from '../activities/open-lineage/turns.js';
import type { ObjectStore } from '../activities/store.js';
import { ConcordatError } from '../core/errors.js';
import type { Federation } from '../core/federation/federation.js';
import { federationNamespace } from '../core/names.js';
import { temporalRuns } from './lineage-runs.js';
import { packageVersion } from './package-version.js';

export interface LineageEvents {
  /** Ends what is under way; resolves when nothing is. */
  stop(): Promise<void>;
}

export function startLineageEvents(options: {
  readonly federation: Federation;
  readonly exchange: ObjectStore;
  readonly connection: ConnectionLike;
  readonly settings: LineageSettings;
  readonly logger: Logger;
}): LineageEvents {
  const { federation, exchange, connection, settings, logger } = options;
  const now = (): number => Date.now();
  const outbox = createOutbox(exchange);
  const client = new Client({ connection, namespace: federationNamespace(federation.file.federation) });
  const collector = createCollector({
    federation,
    exchange,
    outbox,
    runs: temporalRuns(client),
    version: packageVersion(),
    jobNamespace: settings.jobNamespace,
    now,
  });
  const drain = createDrain({ outbox, post: postEventTo(settings, now), now, random: Math.random });
  const turns = createTurns({
    store: exchange,
    turnMs: 2 * settings.timeoutMs + 2 * settings.everyMs,
    workMs: settings.timeoutMs,
    now,
  });
  const stopping = new AbortController();
  const log = changesOnly(logger);

  const look = async (): Promise<void> => {
    if (!(await turns.mine())) return;
    const { added, full, failed } = await collector.collect(stopping.signal);
    const { posted, refused, waiting, trouble } = await drain.pass(stopping.signal, () => turns.mine());
    if (added + posted > 0) logger.debug({ added, posted, waiting }, 'lineage events');
    if (refused > 0) logger.warn({ refused }, 'the endpoint refused lineage events: see concordat lineage-events');
    log('outbox', full ? 'the outbox of lineage events is full; runs wait to be told' : null, { waiting });
    log('unread', failed.length > 0 ? 'lineage events of some runs cannot be made yet' : null, { failed });
    log('trouble', trouble ? 'lineage events wait: the endpoint does not take them' : null, { ...trouble, waiting });
  };

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await look();
        log('look', null, {});
      } catch (error) {
        // Told and tried again, never thrown: lineage events must not end a worker that runs depend on.
        log('look', 'lineage events could not be looked after', { code: codeOf(error) });
      }
      await pause(settings.everyMs, stopping.signal);
    }
    await turns.leave().catch(() => undefined);
  })();
  logger.info({ host: settings.address.host }, 'lineage events go to an OpenLineage endpoint');
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

function codeOf(error: unknown): string {
  if (error instanceof ConcordatError) return error.code;
  return error instanceof Error ? error.name : 'unknown';
}

/** What lasts is said once when it begins and once when it is over. */
function changesOnly(logger: Logger): (subject: string, problem: string | null, facts: object) => void {
  const said = new Map<string, string>();
  return (subject, problem, facts) => {
    const before = said.get(subject);
    if (problem === null) {
      if (before !== undefined) logger.info({ ended: before }, 'lineage events: back in order');
      said.delete(subject);
    } else if (before !== problem) {
      logger.warn(facts, problem);
      said.set(subject, problem);
    }
  };
}

async function pause(lengthMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lengthMs);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
