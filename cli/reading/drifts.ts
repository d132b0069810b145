/** What a run saw of the schemas of all stores, by the signed snapshots of their authorities. */
import type { SnapshotStatement } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';
import type { DriftThere } from '../showing/drift-text.js';
import { viewRun } from '../temporal/runs.js';
import type { FederationSession } from './federation-session.js';
import { chooseDataset, findRun } from './find-run.js';
import { reportRun } from './run-report.js';

export interface SchemasSeen {
  readonly dataset: string;
  readonly drifts: readonly DriftThere[];
  /** Per authority whose snapshot was read, the native properties that its maps neither read nor ignore. */
  readonly unmapped: Readonly<Record<AuthorityId, SnapshotStatement['unmapped']>>;
}

/** Of one run, or of the newest of the dataset. Throws notFound and usage where none is meant. */
export async function schemasSeen(
  session: FederationSession,
  { run, dataset }: { readonly run?: string; readonly dataset?: string },
): Promise<SchemasSeen> {
  const { federation, runs } = session;
  const selector = run ?? chooseDataset(federation, dataset);
  const report = await reportRun(session, await viewRun(runs, await findRun(runs, federation, selector)));
  return {
    dataset: report.run.dataset,
    drifts: report.snapshots.flatMap(({ authority, drifts = [] }) => drifts.map((drift) => ({ authority, ...drift }))),
    unmapped: Object.fromEntries(report.snapshots.map(({ authority, unmapped }) => [authority, unmapped])),
  };
}
