/**
 * A run as OpenLineage tells it (spec 2-0-2): one START and one of COMPLETE, ABORT, FAIL. Pure: what is told follows from
 * the arguments, so an event that is made twice, by another worker or after a crash, is the same.
 *
 * HAZARD: events leave the federation. Counts, codes, names of fields and digests only: no value, no record, no native id.
 */
import { datasetShape, type DatasetShape, type Federation } from '../federation/federation.js';
import { errorTable, type ErrorCode } from '../errors.js';
import { byCodeUnit, type JsonObject } from '../json.js';
import type { AuthorityId } from '../record.js';
import { agreedLineage, agreedSchema, meshLineage, meshSchema, type Origins } from './column-lineage.js';
import {
  columnLineageFacet,
  documentationFacet,
  engineFacet,
  errorMessageFacet,
  facet,
  jobTypeFacet,
  rowsReadFacet,
  rowsWrittenFacet,
  schemaFacet,
  versionFacet,
  type Facet,
} from './facets.js';
import { agreedDataset, jobName, jobNamespace, meshDataset, ownSchema, producerOf, runEventSchema } from './names.js';
import type { AbsentFact, Ending, LogFacts, PlanFacts, ResultFacts, SnapshotFacts } from './run-facts.js';

export type EventType = 'START' | 'COMPLETE' | 'ABORT' | 'FAIL';

export interface EventDataset extends JsonObject {
  readonly namespace: string;
  readonly name: string;
  readonly facets: Readonly<Record<string, Facet>>;
}

export interface RunEvent {
  readonly eventType: EventType;
  /** ISO 8601, UTC. */
  readonly eventTime: string;
  readonly producer: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, Facet>> };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Readonly<Record<string, Facet>> };
  readonly inputs: readonly EventDataset[];
  readonly outputs: readonly EventDataset[];
}

export interface ToldRun {
  readonly federation: Federation;
  readonly dataset: string;
  /** A UUID that follows from the two ids below. */
  readonly runId: string;
  readonly workflowId: string;
  readonly workflowRunId: string;
  readonly startedAt: string;
  /** Of Concordat. */
  readonly version: string;
  /** Where jobs live; `concordat://<federation>` where null. */
  readonly jobNamespace: string | null;
}

/** What is known of a run that has ended. */
export interface ToldEnd {
  readonly endedAt: string;
  readonly ending: Ending;
  /** Why it failed; null where it did not, or without a code. */
  readonly code: ErrorCode | null;
  /** null for a run that ended without one. */
  readonly result: ResultFacts | null;
  /** Of a run without a result, as far as it came. */
  readonly plan: PlanFacts | null;
  readonly snapshots: readonly SnapshotFacts[];
  readonly logs: readonly LogFacts[];
}

/** Its inputs are the meshes that it will read: who answers, and in which state they are, is not known yet. */
export function startEvent(run: ToldRun): RunEvent {
  const shape = datasetShape(run.federation, run.dataset);
  return {
    ...frame(run, 'START', run.startedAt, {}),
    inputs: shape.members.map((member) => meshOf(run, shape, member, {})),
    outputs: [],
  };
}

export function endEvent(run: ToldRun, end: ToldEnd): RunEvent {
  const producer = producerOf(run.version);
  const whole = datasetShape(run.federation, run.dataset);
  const absent = (end.result?.absent ?? []).map(({ authority }) => authority);
  const snapshots = [...end.snapshots].sort((a, b) => byCodeUnit(a.authority, b.authority));
  const base = snapshots[0]?.base ?? null;
  const origins: Origins = {
    federation: run.federation,
    shape: whole,
    members: whole.members.filter((member) => !absent.includes(member)),
    hasBase: base !== null,
  };
  const agreed = agreedDataset(run.federation.file.federation, run.dataset);
  const read = snapshots.map((snapshot): EventDataset => ({
    ...meshOf(run, whole, snapshot.authority, {
      version: versionFacet(producer, snapshot.root),
      concordat_lineage: lineageFacet(producer, {
        authority: snapshot.authority,
        run: snapshot.run,
        root: snapshot.root,
        complete: snapshot.complete,
        sequence: null,
        logs: [],
      }),
    }),
    inputFacets: { inputStatistics: rowsReadFacet(producer, snapshot.records) },
  }));
  const before: readonly EventDataset[] =
    base === null
      ? []
      : [
          {
            ...agreed,
            facets: { version: versionFacet(producer, base), schema: schemaFacet(producer, agreedSchema(whole)) },
          },
        ];
  return {
    ...frame(run, eventTypeOf(end.ending), end.endedAt, {
      concordat_reconciliation: reconciliationFacet(producer, run, end),
      ...(eventTypeOf(end.ending) === 'FAIL' ? { errorMessage: errorMessageFacet(producer, failureWords(end)) } : {}),
    }),
    inputs: [...read, ...before],
    outputs: [...writtenMeshes(run, end, whole, origins, producer), ...agreement(run, end, whole, origins, producer)],
  };
}

export function eventTypeOf(ending: Ending): Exclude<EventType, 'START'> {
  switch (ending) {
    case 'completed':
    case 'continued':
      return 'COMPLETE';
    case 'cancelled':
    case 'terminated':
      return 'ABORT';
    case 'failed':
    case 'timedOut':
      return 'FAIL';
  }
}

function frame(
  run: ToldRun,
  eventType: EventType,
  eventTime: string,
  facets: Readonly<Record<string, Facet>>,
): Omit<RunEvent, 'inputs' | 'outputs'> {
  const producer = producerOf(run.version);
  const description = run.federation.datasets[run.dataset]?.description;
  return {
    eventType,
    eventTime,
    producer,
    schemaURL: runEventSchema,
    run: { runId: run.runId, facets: { processing_engine: engineFacet(producer, run.version), ...facets } },
    job: {
      namespace: run.jobNamespace ?? jobNamespace(run.federation.file.federation),
      name: jobName(run.dataset),
      facets: {
        jobType: jobTypeFacet(producer),
        ...(description === undefined ? {} : { documentation: documentationFacet(producer, description) }),
      },
    },
  };
}

function meshOf(
  { federation, dataset, version }: ToldRun,
  shape: DatasetShape,
  authority: AuthorityId,
  facets: Readonly<Record<string, Facet>>,
): EventDataset {
  const producer = producerOf(version);
  return {
    ...meshDataset(federation.file.federation, authority, dataset),
    facets: { schema: schemaFacet(producer, meshSchema(federation, shape, authority)), ...facets },
  };
}

/**
 * The meshes that this run changed. Their new state has no root before the next snapshot: its version is what was read
 * and the signed receipts of what was written over it.
 */
function writtenMeshes(
  run: ToldRun,
  { result, snapshots }: ToldEnd,
  shape: DatasetShape,
  origins: Origins,
  producer: string,
): readonly EventDataset[] {
  return (result?.commits ?? []).flatMap(({ authority, counts }): readonly EventDataset[] => {
    const written = counts?.applied ?? 0;
    if (written === 0 || !shape.members.includes(authority)) return [];
    const root = snapshots.find((snapshot) => snapshot.authority === authority)?.root;
    const receipts = result?.receipts.find(({ ref }) => ref.startsWith(`${authority}/`))?.sha256;
    const state = root && receipts ? `${root}+${receipts}` : null;
    return [
      {
        ...meshOf(run, shape, authority, {
          ...(state === null ? {} : { version: versionFacet(producer, state) }),
          columnLineage: columnLineageFacet(producer, meshLineage(origins, authority)),
        }),
        outputFacets: { outputStatistics: rowsWrittenFacet(producer, written) },
      },
    ];
  });
}

function agreement(
  { federation, dataset }: ToldRun,
  { result, logs }: ToldEnd,
  shape: DatasetShape,
  origins: Origins,
  producer: string,
): readonly EventDataset[] {
  if (!result?.agreement) return [];
  const { base, sequence } = result.agreement;
  return [
    {
      ...agreedDataset(federation.file.federation, dataset),
      facets: {
        version: versionFacet(producer, base),
        schema: schemaFacet(producer, agreedSchema(shape)),
        columnLineage: columnLineageFacet(producer, agreedLineage(origins)),
        concordat_lineage: lineageFacet(producer, {
          authority: null,
          run: result.run,
          root: base,
          complete: null,
          sequence,
          logs: logs.map(({ authority, origin, size, root }) => ({ authority, origin, size, root })),
        }),
      },
    },
  ];
}

function lineageFacet(producer: string, content: JsonObject): Facet {
  return facet(producer, ownSchema('ConcordatLineageDatasetFacet'), content);
}

function reconciliationFacet(producer: string, run: ToldRun, { ending, code, result, plan }: ToldEnd): Facet {
  const facts = result?.plan ?? plan;
  return facet(producer, ownSchema('ConcordatReconciliationRunFacet'), {
    workflowId: run.workflowId,
    workflowRunId: run.workflowRunId,
    ending,
    code,
    outcome: result?.outcome ?? null,
    run: result?.run ?? null,
    plan: facts?.planDigest ?? null,
    counts: facts
      ? {
          divergences: facts.divergences,
          accepted: facts.accepted,
          operations: facts.operations,
          conflicts: facts.conflicts,
          cases: facts.cases,
          setAside: facts.setAside,
          ...(result ? { newLinks: result.newLinks, left: result.left } : {}),
        }
      : null,
    operationsBy: facts?.operationsBy ?? {},
    records: result?.records ?? {},
    reviews: (result?.reviews ?? []).map(({ authority, outcome }) => ({ authority, outcome })),
    commits: (result?.commits ?? []).map(({ authority, outcome, code: refused, counts }) => ({
      authority,
      outcome,
      code: refused,
      counts,
    })),
    absent: (result?.absent ?? []).map(({ authority, code: why }: AbsentFact) => ({ authority, code: why })),
  });
}

/** The words of the error table and never the message of the failure, which may name what only the federation may see. */
function failureWords({ ending, code }: ToldEnd): string {
  if (code !== null) return `${code}: ${errorTable[code].next}`;
  return ending === 'timedOut' ? 'the run took longer than it may' : 'the run failed; see its history';
}
