/** From what people type to a run or a plan: `latest`, the name of a dataset, the beginning of a run id or of a plan's digest. */
import type { ObjectStore } from '../../activities/store.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import type { Federation } from '../../core/federation/federation.js';
import { nearest } from '../../core/federation/nearest.js';
import { byCodeUnit } from '../../core/json.js';
import type { Ref } from '../../core/messages.js';
import type { PlanSummary } from '../../workflows/messages.js';
import {
  latestRun,
  listRuns,
  runByIds,
  viewRun,
  type ListedRun,
  type RunClient,
  type RunView,
} from '../temporal/runs.js';
import { planHead, planRef, plansWith } from './documents.js';

/** How far back a plan's own run is looked for. */
const runsLookedAt = 30;

/** The dataset that is meant: the only one where none is named. */
export function chooseDataset(federation: Federation, named: string | undefined): string {
  const datasets = Object.keys(federation.datasets).sort(byCodeUnit);
  if (named !== undefined) {
    if (datasets.includes(named)) return named;
    const near = nearest(named, datasets);
    throw new ConcordatError(
      'usage',
      `the federation has no dataset ${named}; ${near === undefined ? `it has ${datasets.join(', ')}` : `did you mean ${near}?`}`,
    );
  }
  const [only, ...more] = datasets;
  if (only === undefined)
    throw new ConcordatError('usage', 'the federation folder has no dataset; write one in datasets/');
  if (more.length > 0) throw new ConcordatError('usage', `name a dataset: this federation has ${datasets.join(', ')}`);
  return only;
}

/** Throws notFound where no run is meant, usage where several could be. */
export async function findRun(client: RunClient, federation: Federation, selector: string): Promise<ListedRun> {
  const datasets = Object.keys(federation.datasets);
  if (selector === 'latest' || datasets.includes(selector)) {
    const wanted = selector === 'latest' ? datasets : [selector];
    const found = await newest(client, wanted);
    if (found) return found;
    throw new ConcordatError(
      'notFound',
      `there is no run of ${wanted.join(', ')} yet; start one with \`concordat run\``,
    );
  }
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(selector)) {
    for (const dataset of datasets) {
      const run = await runByIds(client, dataset, selector);
      if (run) return run;
    }
  } else if (/^[0-9a-f-]{4,}$/.test(selector)) {
    const found: ListedRun[] = [];
    for await (const run of listRuns(client, undefined)) if (run.runId.startsWith(selector)) found.push(run);
    const [only, ...more] = found;
    if (only && more.length > 0)
      throw new ConcordatError(
        'usage',
        `several runs begin with ${selector}: ${found.map(({ runId }) => runId).join(', ')}`,
      );
    if (only) return only;
  }
  throw new ConcordatError(
    'notFound',
    `there is no run ${selector}; give \`latest\`, a dataset or the beginning of a run id`,
  );
}

async function newest(client: RunClient, datasets: readonly string[]): Promise<ListedRun | undefined> {
  const runs = await Promise.all(datasets.map((dataset) => latestRun(client, dataset)));
  return runs
    .filter((run) => run !== undefined)
    .sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
    .at(0);
}

export interface FoundPlan {
  readonly dataset: string;
  readonly digest: Digest;
  /** The run it was found in; null where only the plan itself is known any more. */
  readonly run: RunView | null;
  readonly snapshots: readonly Ref[];
}

export function planOf(run: RunView): { readonly summary: PlanSummary; readonly snapshots: readonly Ref[] } | null {
  if (run.result) return { summary: run.result.plan, snapshots: run.result.snapshots };
  if (run.progress?.plan) return { summary: run.progress.plan, snapshots: run.progress.snapshots };
  return null;
}

/**
 * `latest` and a dataset's name mean the newest run that has a plan, so that a run that has just begun or failed does not
 * hide the plan that waits. Throws notFound, usage where several plans are meant.
 */
export async function findPlan(
  client: RunClient,
  federation: Federation,
  exchange: ObjectStore,
  selector: string,
): Promise<FoundPlan> {
  const datasets = Object.keys(federation.datasets);
  if (selector === 'latest' || datasets.includes(selector)) {
    const candidates = await Promise.all(
      (selector === 'latest' ? datasets : [selector]).map((dataset) => newestPlan(client, dataset)),
    );
    const found = candidates
      .filter((candidate) => candidate !== undefined)
      .sort((a, b) => (b.run?.startedAt.getTime() ?? 0) - (a.run?.startedAt.getTime() ?? 0))
      .at(0);
    if (found) return found;
    throw new ConcordatError('notFound', 'no run has made a plan yet; start one with `concordat run`');
  }
  const prefix = selector.toLowerCase();
  if (/^[0-9a-f]{4,64}$/.test(prefix)) {
    const found = await planWith(client, federation, exchange, prefix);
    if (found) return found;
  }
  let run: ListedRun;
  try {
    run = await findRun(client, federation, selector);
  } catch (error) {
    if (!(error instanceof ConcordatError) || error.code !== 'notFound') throw error;
    throw new ConcordatError(
      'notFound',
      `there is no plan and no run ${selector}; give \`latest\`, a dataset, or the beginning of a plan's digest or a run's id`,
    );
  }
  const found = foundIn(await viewRun(client, run));
  if (found) return found;
  throw new ConcordatError('notFound', `run ${run.runId} has no plan; see \`concordat show ${run.runId.slice(0, 8)}\``);
}

function foundIn(run: RunView): FoundPlan | undefined {
  const plan = planOf(run);
  return plan ? { dataset: run.dataset, digest: plan.summary.planDigest, run, snapshots: plan.snapshots } : undefined;
}

async function newestPlan(client: RunClient, dataset: string): Promise<FoundPlan | undefined> {
  const latest = await latestRun(client, dataset);
  if (!latest) return undefined;
  const found = foundIn(await viewRun(client, latest));
  return found ?? (await scan(client, dataset, () => true));
}

async function planWith(
  client: RunClient,
  federation: Federation,
  exchange: ObjectStore,
  prefix: string,
): Promise<FoundPlan | undefined> {
  const digests = await plansWith(exchange, prefix);
  if (digests.length > 1)
    throw new ConcordatError(
      'usage',
      `several plans begin with ${prefix}: ${digests.map((digest) => digest.slice(0, 16)).join(', ')}`,
    );
  const [digest] = digests;
  const wanted = digest ?? prefix;
  for (const dataset of Object.keys(federation.datasets)) {
    const latest = await latestRun(client, dataset);
    const found = latest && foundIn(await viewRun(client, latest));
    if (found?.digest.startsWith(wanted)) return found;
  }
  const older = await scan(client, undefined, (found) => found.digest.startsWith(wanted));
  if (older || digest === undefined) return older;
  const head = await planHead(exchange, await planRef(exchange, digest));
  return head ? { dataset: head.dataset, digest, run: null, snapshots: [] } : undefined;
}

async function scan(
  client: RunClient,
  dataset: string | undefined,
  matches: (found: FoundPlan) => boolean,
): Promise<FoundPlan | undefined> {
  let seen = 0;
  for await (const run of listRuns(client, dataset)) {
    if (seen++ >= runsLookedAt) return undefined;
    if (run.status === 'continued') continue;
    const found = foundIn(await viewRun(client, run));
    if (found && matches(found)) return found;
  }
  return undefined;
}
