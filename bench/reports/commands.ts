/**
 * What the bench of reports runs: all that `concordat plan` and `concordat show` do once the run is found, with the modules that
 * these commands load, written to a stream that counts. Only Temporal is not asked.
 */
import { Writable } from 'node:stream';
import '../../cli/commands/plan.js';
import '../../cli/commands/show.js';
import { documentParts } from '../../activities/documents/document-parts.js';
import { createFileStore } from '../../activities/store-files.js';
import { createOutput, type Output } from '../../cli/output/output.js';
import type { FederationSession } from '../../cli/reading/federation-session.js';
import { openAnyPlan, samplesOfLarge } from '../../cli/reading/filtered-plan.js';
import type { FoundPlan } from '../../cli/reading/find-run.js';
import type { PlanFilter } from '../../cli/reading/plan-view.js';
import { reportRun } from '../../cli/reading/run-report.js';
import { runPage } from '../../cli/showing/html/run-page.js';
import { planLines } from '../../cli/showing/plan-text.js';
import { reportLines } from '../../cli/showing/report-text.js';
import type { RunView } from '../../cli/temporal/runs.js';
import { syntheticNumber } from '../../test/support/synthetic-plan.js';

export interface Bench {
  readonly folder: string;
  readonly digest: string;
  readonly count: number;
}

/** What it did, in a few words. */
export type Task = (bench: Bench) => Promise<string>;

const federation = {
  file: { federation: 'bench' },
  authorities: {},
  datasets: {},
  taxonomy: { shipment: { type: 'shipment', key: ['number'], fields: { number: { kind: 'text' } } } },
} as unknown as FederationSession['federation'];

const keyOf = ({ count }: Bench): string => syntheticNumber(count >> 1);

type FilterOf = (bench: Bench) => PlanFilter;

/** By the words that people type. Of the synthetic plan 96 in 100 change weight, 2 receiver, 2 are missing. */
const filters: Readonly<Record<string, FilterOf>> = {
  '': () => ({}),
  '--authority': () => ({ authority: 'lyon' }),
  '--type': () => ({ type: 'shipment' }),
  '--field': () => ({ field: 'weight' }),
  '--kind changed': () => ({ kind: 'changed' }),
  '--kind missing': () => ({ kind: 'missing' }),
  '--kind update': () => ({ kind: 'update' }),
  '--key': (bench) => ({ key: keyOf(bench) }),
};

function ofEach(command: string, made: (filter: FilterOf) => Task, only = Object.keys(filters)): Record<string, Task> {
  return Object.fromEntries(
    only.flatMap((words) => {
      const filter = filters[words];
      return filter ? [[`${command} ${words}`.trim(), made(filter)] as const] : [];
    }),
  );
}

export const tasks: Readonly<Record<string, Task>> = {
  // The floor: each element of each list by JSON.parse, and nothing else. The document as one text is longer than Node can hold.
  parse: async ({ folder, digest }) => {
    let parsed = 0;
    const ref = { ref: `federation/documents/${digest}`, sha256: digest };
    for await (const parts of documentParts(createFileStore(folder), ref, () => true))
      for (const { text } of parts) if (JSON.parse(text) !== undefined) parsed += 1;
    return `${parsed} elements`;
  },
  ...ofEach('plan', (filter) => async (bench) => {
    const { session, found, output, written } = begun(bench, false);
    const plan = await openAnyPlan(session, found, { progress: () => undefined });
    const { view, large, census } = await plan.filtered(filter(bench));
    output.result({}, [...planLines(view, textOptions(output, large))]);
    return `${census.operations} operations, ${census.divergences} divergences, ${kilobytes(written())}`;
  }),
  ...ofEach(
    'plan --json',
    (filter) => async (bench) => {
      const { session, found, output, written } = begun(bench, true);
      const plan = await openAnyPlan(session, found, { progress: () => undefined });
      await output.stream(plan.document(filter(bench)));
      return kilobytes(written());
    },
    ['', '--field', '--kind changed', '--key'],
  ),
  ...ofEach('show', (filter) => async (bench) => {
    const { session, found, run, output, written } = begun(bench, false);
    const report = await reportRun(session, run);
    output.result({}, [...reportLines(report, output.paint, new Date(0))]);
    if (Object.keys(filter(bench)).length > 0) {
      const plan = await openAnyPlan(session, found, { read: report.plan, progress: () => undefined });
      const { view, large } = await plan.filtered(filter(bench));
      output.line(planLines(view, textOptions(output, large)).join('\n'));
    }
    return `${report.plan?.census.operations ?? 0} operations, ${kilobytes(written())}`;
  }),
  ...ofEach(
    'show --json',
    (filter) => async (bench) => {
      const { session, found, run, output, written } = begun(bench, true);
      const report = await reportRun(session, run);
      const plan = await openAnyPlan(session, found, { read: report.plan, progress: () => undefined });
      await output.stream(plan.document(filter(bench)));
      return kilobytes(written());
    },
    ['--kind changed'],
  ),
  ...ofEach(
    'show --html',
    (filter) => async (bench) => {
      const { session, found, run } = begun(bench, false);
      const report = await reportRun(session, run);
      const isPart = Object.keys(filter(bench)).length > 0;
      const plan = await openAnyPlan(session, found, { read: report.plan, progress: () => undefined });
      const part = isPart ? { asked: 'a part', ...(await plan.filtered(filter(bench))) } : null;
      const page = runPage({ federation: 'bench', report, part, brakes: [], madeAt: new Date(0), values: null });
      return `a page of ${kilobytes(page.length)}`;
    },
    ['', '--kind changed'],
  ),
};

function textOptions(output: Output, large: Parameters<typeof planLines>[1]['large']): Parameters<typeof planLines>[1] {
  return {
    paint: output.paint,
    elementTypes: () => undefined,
    operationsMax: samplesOfLarge,
    ...(large ? { large } : {}),
  };
}

function begun({ folder, digest, count }: Bench, json: boolean) {
  let bytes = 0;
  const counting = (): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    });
  const [stdout, stderr] = [counting(), counting()];
  const output = createOutput({ stdout, stderr, json, colour: false, environment: {} });
  const summary = {
    planDigest: digest,
    divergences: count,
    accepted: 0,
    operations: count,
    operationsBy: { lyon: count },
    conflicts: 0,
    cases: 0,
    incompleteScopes: [],
    setAside: 0,
    // Nobody's review is looked for, since there is no Temporal.
    affected: [],
    baseMoves: false,
  };
  const result = {
    outcome: 'planned',
    plan: summary,
    newLinks: 0,
    records: {},
    reviews: [],
    commits: [],
    snapshots: [],
    receipts: [],
    agreement: null,
    left: count,
    absent: [],
  };
  const run = {
    dataset: 'shipments',
    workflowId: 'reconcile/shipments',
    runId: '01a205ee-0000-4000-8000-000000000000',
    startedAt: new Date(0),
    closedAt: new Date(0),
    status: 'finished',
    progress: null,
    failure: null,
    continuedAs: null,
    result,
  } as unknown as RunView;
  const session = {
    federation,
    name: 'bench',
    layout: { privateFolder: () => `${folder}/private` },
    exchange: createFileStore(folder),
  } as unknown as FederationSession;
  const found: FoundPlan = { dataset: 'shipments', digest, run, snapshots: [] };
  return { session, found, run, output, written: () => bytes };
}

function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1_000)} kB`;
}
