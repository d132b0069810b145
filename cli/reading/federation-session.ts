/** What the operating commands work with: the signed folder, the stores of this machine and a connection to Temporal. */
import type { Connection } from '@temporalio/client';
import type { ObjectStore } from '../../activities/store.js';
import type { Federation } from '../../core/federation/federation.js';
import type { Invocation } from '../invocation.js';
import { layoutOf, type Layout } from '../local/layout.js';
import { openSignedFederation } from '../open-federation.js';
import { runClient, type RunClient } from '../temporal/runs.js';
import { withTemporal } from '../temporal/with-temporal.js';
import { readSnapshots } from './documents.js';
import type { FoundPlan } from './find-run.js';
import { openRecords, type Records } from './records.js';
import { exchangeStore } from './stores.js';

export interface FederationSession {
  readonly federation: Federation;
  readonly name: string;
  readonly layout: Layout;
  readonly exchange: ObjectStore;
  readonly connection: Connection;
  readonly runs: RunClient;
}

/** `withinMs` is a deadline for all calls together; a command that waits gives each call its own. */
export async function withFederation<Answer>(
  { environment, federationFolder }: Invocation,
  options: { readonly withinMs?: number },
  body: (session: FederationSession) => Promise<Answer>,
): Promise<Answer> {
  const federation = await openSignedFederation(federationFolder);
  const name = federation.file.federation;
  const layout = layoutOf(federationFolder, environment);
  return withTemporal({ environment, ...options }, ({ connection }) =>
    body({
      federation,
      name,
      layout,
      exchange: exchangeStore(layout),
      connection,
      runs: runClient(connection, name),
    }),
  );
}

export function elementTypesOf(federation: Federation): (type: string, field: string) => string | undefined {
  return (type, field) => {
    const kind = federation.taxonomy[type]?.fields[field];
    return kind?.kind === 'set' && kind.of !== 'text' ? kind.of : undefined;
  };
}

/** Records of the run that a plan was found in; without its snapshots there are no names. */
export async function recordsOf(session: FederationSession, found: FoundPlan): Promise<Records> {
  const { federation, exchange } = session;
  return openRecords(federation, exchange, found.dataset, await readSnapshots(federation, exchange, found.snapshots));
}
