/** Events of runs as the example federation would have them, against the published schemas of OpenLineage. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import { errorTable } from '../../../core/errors.js';
import type { Federation } from '../../../core/federation/federation.js';
import { stepWords } from '../../../core/open-lineage/column-lineage.js';
import {
  endEvent,
  startEvent,
  type EventDataset,
  type ToldEnd,
  type ToldRun,
} from '../../../core/open-lineage/run-event.js';
import type { ResultFacts, SnapshotFacts } from '../../../core/open-lineage/run-facts.js';
import { ResultFacts as ResultSchema } from '../../../core/open-lineage/run-facts.js';
import { facetCount, faultsOf } from '../../support/open-lineage.js';

const loaded = await loadFederation(
  fileURLToPath(new URL('../../../examples/01-workforce/federation', import.meta.url)),
);
if (loaded.kind === 'invalid') throw new Error('the example does not load');
const federation: Federation = loaded.federation;
const fed = federation.file.federation;

const digest = (letter: string): string => letter.repeat(64);
const run: ToldRun = {
  federation,
  dataset: 'workforce',
  runId: '886313e1-3b8a-5372-9b90-0c9aee199e5d',
  workflowId: 'reconcile/workforce',
  workflowRunId: 'e1f0',
  startedAt: '2026-11-22T10:00:00.000Z',
  version: '0.1.0',
  jobNamespace: null,
};
const plan = {
  planDigest: digest('d'),
  divergences: 0,
  accepted: 0,
  operations: 0,
  operationsBy: {},
  conflicts: 0,
  cases: 0,
  setAside: 0,
};
const quietResult: ResultFacts = {
  outcome: 'agreed',
  run: digest('e'),
  plan,
  newLinks: 0,
  records: { aws: 10, azure: 10, sov: 10 },
  reviews: [],
  commits: [],
  snapshots: [],
  receipts: [],
  agreement: null,
  left: 0,
  absent: [],
};
const snapshot = (authority: string, root: string, base: string | null = digest('b')): SnapshotFacts => ({
  authority,
  run: digest('e'),
  root,
  base,
  records: 10,
  complete: true,
});
const all = [snapshot('sov', digest('3')), snapshot('aws', digest('1')), snapshot('azure', digest('2'))];
const end = (change: Partial<ToldEnd> = {}): ToldEnd => ({
  endedAt: '2026-11-22T10:00:05.000Z',
  ending: 'completed',
  code: null,
  result: quietResult,
  plan: null,
  snapshots: all,
  logs: [],
  ...change,
});
const written = end({
  result: {
    ...quietResult,
    plan: { ...plan, divergences: 2, operations: 2, operationsBy: { aws: 2 } },
    reviews: [{ authority: 'aws', outcome: 'approved' }],
    commits: [
      {
        authority: 'aws',
        outcome: 'done',
        code: null,
        counts: { applied: 2, alreadyApplied: 0, conflict: 0, refused: 0, unknown: 0 },
      },
    ],
    receipts: [{ ref: 'aws/messages/x', sha256: digest('f') }],
    agreement: { sequence: 4, base: digest('c') },
  },
  logs: [{ authority: 'aws', origin: `${fed}/aws/lineage`, size: 7, root: digest('9') }],
});

const named = (datasets: readonly EventDataset[], name: string): EventDataset => {
  const found = datasets.find(({ namespace }) => namespace === name);
  if (!found) throw new Error(`no dataset in ${name}: ${datasets.map(({ namespace }) => namespace).join(', ')}`);
  return found;
};
interface Column {
  readonly inputFields: readonly {
    readonly namespace: string;
    readonly field: string;
    readonly transformations: readonly {
      readonly subtype: string;
      readonly description: string;
      readonly masking: boolean;
    }[];
  }[];
}
const columns = (dataset: EventDataset): Readonly<Record<string, Column>> =>
  dataset.facets['columnLineage']?.['fields'] as unknown as Readonly<Record<string, Column>>;

describe('every event keeps to the published schemas', () => {
  const failed = end({ ending: 'failed', code: 'waitingForMajority', result: null, snapshots: [] });
  const absent = end({
    snapshots: all.filter(({ authority }) => authority !== 'azure'),
    result: { ...quietResult, outcome: 'divergent', absent: [{ authority: 'azure', code: 'authorityAbsent' }] },
  });
  it.each([
    ['the start of a run', startEvent(run)],
    ['a quiet run', endEvent(run, end())],
    ['a run with writes and an agreement', endEvent(run, written)],
    ['a failed run', endEvent(run, failed)],
    ['a run that ran out of time, half way', endEvent(run, end({ ending: 'timedOut', result: null, plan }))],
    ['a run with an absent member', endEvent(run, absent)],
    ['a terminated run', endEvent(run, end({ ending: 'terminated', result: null, snapshots: [] }))],
    ['a run that another execution goes on from', endEvent(run, end({ ending: 'continued', result: null, plan }))],
    ['first contact, without a base', endEvent(run, end({ snapshots: [snapshot('aws', digest('1'), null)] }))],
  ])('%s', (_name, event) => {
    expect(facetCount(event)).toBeGreaterThan(2);
    expect(faultsOf(JSON.parse(JSON.stringify(event)))).toEqual([]);
  });

  it('and a validator that found no fault in anything would be seen', () => {
    const event = JSON.parse(JSON.stringify(endEvent(run, written))) as {
      run: { runId: string; facets: Record<string, Record<string, unknown>> };
      outputs: { facets: Record<string, Record<string, unknown>> }[];
    };
    event.run.runId = 'not-a-uuid';
    event.run.facets['concordat_reconciliation'] = { ...event.run.facets['concordat_reconciliation'], mail: 'x' };
    (event.outputs[0]?.facets['columnLineage'] ?? {})['fields'] = { 'native.user.mail': { inputFields: [{}] } };
    const faults = faultsOf(event).join('\n');
    expect(faults).toContain('event/run/runId must match format "uuid"');
    expect(faults).toContain('concordat_reconciliation must NOT have additional properties');
    expect(faults).toContain("inputFields/0 must have required property 'namespace'");
  });
});

describe('what an event says', () => {
  it('is one job in the namespace of the federation, or in the one that the operator names', () => {
    expect(startEvent(run).job).toMatchObject({ namespace: `concordat://${fed}`, name: 'workforce.reconcile' });
    expect(startEvent({ ...run, jobNamespace: 'prod' }).job.namespace).toBe('prod');
    expect(endEvent({ ...run, jobNamespace: 'prod' }, written).outputs.map(({ namespace }) => namespace)).toEqual([
      `concordat://${fed}/aws`,
      `concordat://${fed}`,
    ]);
  });

  it('reads each mesh in the state of its snapshot, and the base that all held before', () => {
    const { inputs, outputs } = endEvent(run, end());
    expect(inputs.map(({ namespace, facets }) => [namespace, facets['version']?.['datasetVersion']])).toEqual([
      [`concordat://${fed}/aws`, digest('1')],
      [`concordat://${fed}/azure`, digest('2')],
      [`concordat://${fed}/sov`, digest('3')],
      [`concordat://${fed}`, digest('b')],
    ]);
    expect(outputs).toEqual([]);
  });

  it('writes the meshes that were changed and the agreement, and no mesh that was only asked', () => {
    const { outputs } = endEvent(run, written);
    expect(outputs.map(({ facets }) => facets['version']?.['datasetVersion'])).toEqual([
      `${digest('1')}+${digest('f')}`,
      digest('c'),
    ]);
    expect(outputs[0]).toMatchObject({ outputFacets: { outputStatistics: { rowCount: 2 } } });
    expect(outputs[1]?.facets['concordat_lineage']).toMatchObject({ sequence: 4, logs: [{ size: 7 }] });
    const nothingApplied = written.result?.commits.map((commit) => ({
      ...commit,
      counts: { applied: 0, alreadyApplied: 0, conflict: 2, refused: 0, unknown: 0 },
    }));
    const conflicts = endEvent(run, {
      ...written,
      result: { ...quietResult, commits: nothingApplied ?? [] },
    });
    expect(conflicts.outputs).toEqual([]);
  });

  it('an absent member is named with its code and is neither read nor an origin of any field', () => {
    const {
      run: told,
      outputs,
      inputs,
    } = endEvent(run, {
      ...written,
      snapshots: all.filter(({ authority }) => authority !== 'azure'),
      result: {
        ...(written.result ?? quietResult),
        absent: [{ authority: 'azure', code: 'authorityAbsent' }],
      },
    });
    expect(told.facets['concordat_reconciliation']?.['absent']).toEqual([
      { authority: 'azure', code: 'authorityAbsent' },
    ]);
    expect(JSON.stringify([inputs, outputs])).not.toContain(`${fed}/azure`);
  });

  it('a failure is told in the words of its code; a run without a code does not pretend to one', () => {
    const of = (change: Partial<ToldEnd>) =>
      endEvent(run, end({ ending: 'failed', result: null, snapshots: [], ...change }));
    expect(of({ code: 'staleBase' })).toMatchObject({
      eventType: 'FAIL',
      run: { facets: { errorMessage: { message: `staleBase: ${errorTable.staleBase.next}` } } },
    });
    expect(of({}).run.facets['errorMessage']?.['message']).toBe('the run failed; see its history');
    expect(of({ ending: 'cancelled' })).toMatchObject({ eventType: 'ABORT' });
    expect(of({ ending: 'cancelled' }).run.facets['errorMessage']).toBeUndefined();
  });
});

describe('column lineage', () => {
  const { outputs } = endEvent(run, written);
  const agreed = columns(named(outputs, `concordat://${fed}`));
  const aws = columns(named(outputs, `concordat://${fed}/aws`));

  it('leads an agreed field back to the native field of each mesh, through the steps of its map in order', () => {
    expect(agreed['person.mail']?.inputFields.map(({ namespace, field }) => `${namespace} ${field}`)).toEqual([
      `concordat://${fed}/aws native.user.tags.email`,
      `concordat://${fed}/azure native.user.mail`,
      `concordat://${fed}/sov native.user.email`,
      `concordat://${fed} person.mail`,
    ]);
    expect(agreed['person.mail']?.inputFields[0]?.transformations.map(({ description }) => description)).toEqual([
      'IAM tag escapes (=XX) are undone',
      'A-Z are read as a-z',
    ]);
    expect(agreed['team.members']?.inputFields[0]?.transformations[0]).toMatchObject({
      description: 'native ids of person become federated keys',
      masking: true,
    });
  });

  it('leaves out a mesh that does not hold the field', () => {
    expect(agreed['person.active']?.inputFields.map(({ namespace }) => namespace)).toEqual([
      `concordat://${fed}/azure`,
      `concordat://${fed}/sov`,
      `concordat://${fed}`,
    ]);
    expect(aws['native.user.enabled']).toBeUndefined();
  });

  it('leads a written native field back to the others only, through their steps and back through its own', () => {
    expect(aws['native.user.tags.email']?.inputFields.map(({ namespace }) => namespace)).toEqual([
      `concordat://${fed}/azure`,
      `concordat://${fed}/sov`,
    ]);
    expect(
      aws['native.user.tags.email']?.inputFields[0]?.transformations.map(({ description }) => description),
    ).toEqual([
      'A-Z are read as a-z',
      'a native spelling in A-Z is kept',
      'characters that IAM tags refuse are written as =XX',
    ]);
  });

  it('names the fields by which records are joined', () => {
    const facet = named(outputs, `concordat://${fed}`).facets['columnLineage'];
    const joins = facet?.['dataset'] as unknown as Column['inputFields'];
    expect(joins.map(({ field }) => field)).toContain('native.user.tags.employeeId');
    expect(joins.map(({ field }) => field)).not.toContain('native.user.tags.department');
  });

  it('every column it names stands in the schema of its dataset', () => {
    interface Field {
      readonly name: string;
      readonly fields?: readonly Field[];
    }
    const pathsOf = (fields: readonly Field[], above = ''): readonly string[] =>
      fields.flatMap(({ name, fields: inner }) => (inner ? pathsOf(inner, `${above}${name}.`) : [`${above}${name}`]));
    const { inputs } = endEvent(run, written);
    const schemas = new Map(
      [...inputs, ...outputs].map(({ namespace, facets }) => [
        namespace,
        pathsOf(facets['schema']?.['fields'] as unknown as readonly Field[]),
      ]),
    );
    let checked = 0;
    for (const output of outputs)
      for (const [column, { inputFields }] of Object.entries(columns(output))) {
        expect(schemas.get(output.namespace)).toContain(column);
        for (const { namespace, field } of inputFields) expect(schemas.get(namespace), field).toContain(field);
        checked += 1;
      }
    expect(checked).toBeGreaterThan(10);
  });

  it('counts the values of a table and does not tell them', () => {
    expect(stepWords({ enum: { Ada: 'x', Bob: 'y' } }, 'get').description).toBe(
      'native to federated by a table of 2 values',
    );
    expect(stepWords({ maxLength: 5, loss: 'cut' }, 'get').subtype).toBe('IDENTITY');
  });

  it('says of a field that one authority shows only as a digest that all agree on digests of it', () => {
    const { azure } = federation.authorities;
    if (!azure) throw new Error('no azure');
    const person = { fields: { mail: 'clear', employeeId: 'clear', department: 'digest' } as const, where: [] };
    const sealing: Federation = {
      ...federation,
      authorities: { ...federation.authorities, azure: { ...azure, surface: { ...azure.surface, person } } },
    };
    const event = endEvent({ ...run, federation: sealing }, written);
    expect(faultsOf(JSON.parse(JSON.stringify(event)))).toEqual([]);
    const output = named(event.outputs, `concordat://${fed}`);
    const masked = (column: string) =>
      columns(output)
        [column]?.inputFields.slice(0, -1)
        .map(({ transformations }) => transformations.at(-1)?.masking);
    expect(masked('person.department')).toEqual([true, true, true]);
    expect(masked('person.mail')).toEqual([false, false, false]);
    expect(JSON.stringify(output.facets['schema'])).toContain('digest<text>');
  });

  it('says nothing of a field that is not on the surface', () => {
    const { aws: awsAuthority } = federation.authorities;
    if (!awsAuthority) throw new Error('no aws');
    const narrowed: Federation = {
      ...federation,
      authorities: {
        ...federation.authorities,
        aws: { ...awsAuthority, surface: { ...awsAuthority.surface, person: ['mail', 'employeeId'] } },
      },
    };
    const text = JSON.stringify(endEvent({ ...run, federation: narrowed }, written).outputs[0]);
    expect(text).toContain('native.user.tags.email');
    expect(text).not.toContain('department');
  });
});

it('what a forged result holds beside counts, codes and digests never reaches an event', () => {
  const forged = {
    ...quietResult,
    note: 'ada@example.org',
    absent: [{ authority: 'azure', code: 'authorityAbsent', message: 'ada@example.org' }],
  };
  const parsed = ResultSchema.parse(forged);
  expect(JSON.stringify(endEvent(run, end({ result: parsed })))).not.toContain('ada@');
  for (const change of [
    { absent: [{ authority: 'azure', code: 'ada@example.org' }] },
    { records: { 'Ada Example': 3 } },
    { reviews: [{ authority: 'aws', outcome: 'ada@example.org' }] },
  ])
    expect(ResultSchema.safeParse({ ...quietResult, ...change }).success, JSON.stringify(change)).toBe(false);
});
