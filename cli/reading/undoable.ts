/** What an undo of a run can name: the records that the run wrote, as far as they stand as its agreement left them. */
import { findDocument } from '../../activities/exchange.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { BaseChain, fieldsIn, valuesOf } from '../../activities/undone.js';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit } from '../../core/json.js';
import { Base } from '../../core/messages.js';
import type { Operation } from '../../core/operation.js';
import { operationsOf } from '../../core/permit.js';
import { hadEffect } from '../../core/receipt.js';
import { stillUndone, undoRecordOf, type UndoRecord } from '../../core/undo.js';
import { viewRun, latestRun, type RunView } from '../temporal/runs.js';
import { readPlan, readReceipts } from './documents.js';
import type { FederationSession } from './federation-session.js';
import { planOf } from './find-run.js';
import { openRecords } from './records.js';
import { readSnapshots } from './documents.js';

export interface Undoable {
  readonly record: UndoRecord;
  readonly name: string | null;
  readonly what: 'changed' | 'created' | 'deleted';
}

export interface LeftAlone {
  readonly type: string;
  readonly key: string;
  readonly name: string | null;
  readonly field: string | null;
  readonly reason: 'moved' | 'nothingAgreed' | 'valuesGone';
}

export interface UndoableRun {
  readonly dataset: string;
  readonly run: Digest;
  readonly sequence: number;
  readonly before: Digest;
  readonly after: Digest;
  readonly undoable: readonly Undoable[];
  readonly left: readonly LeftAlone[];
}

/** Throws undoRefused where the run agreed on nothing, or where nothing was agreed before it. */
export async function undoableRun(session: FederationSession, run: RunView): Promise<UndoableRun> {
  const { federation, exchange } = session;
  const { dataset, result } = run;
  if (!result?.agreement)
    throw new ConcordatError(
      'undoRefused',
      `run ${run.runId.slice(0, 8)} made no agreement, so there is nothing to undo`,
    );
  const { sequence, base: after } = result.agreement;
  const members = federation.datasets[dataset]?.members ?? [];
  const made = await findDocument(exchange, members, after, Base);
  const before = made.previous;
  if (before === null)
    throw new ConcordatError(
      'undoRefused',
      `run ${run.runId.slice(0, 8)} made the first agreement of ${dataset}: nothing was agreed before it, so there is nothing to go back to`,
    );
  const chain = await chainOf(session, dataset, members);
  const pair = await chain.bases.pair(before, after, sequence);
  if (!pair)
    throw new ConcordatError(
      'undoRefused',
      `the agreements between base ${sequence} of ${dataset} and the one that stands now are not all here`,
    );
  const reader = createSegmentReader({ store: exchange, prefixes: members });
  const records = openRecords(
    federation,
    exchange,
    dataset,
    await readSnapshots(federation, exchange, result.snapshots),
  );
  const undoable: Undoable[] = [];
  const left: LeftAlone[] = [];
  for (const [type, key, written] of await writtenBy(session, run)) {
    const name = await records.name(type, key);
    const values = await valuesOf(type, key, pair, reader);
    const named = values && undoRecordOf({ type, key }, written, values.was, values.found);
    if (!values || named === undefined || named === 'nothingAgreed') {
      left.push({ type, key, name, field: null, reason: values ? 'nothingAgreed' : 'valuesGone' });
      continue;
    }
    let still: UndoRecord | undefined = named;
    for (let number = sequence + 1; number <= chain.sequence && still; number += 1) {
      const later = await chain.bases.at(number);
      const now = await fieldsIn(later?.base ?? null, type, key, reader);
      const fields = federation.taxonomy[type]?.fields;
      still = stillUndone(still, values.was, values.found, now, (field) => fields?.[field]?.kind === 'set');
    }
    const gone = (named.fields ?? [null]).filter(
      (field) => !still || (field !== null && !still.fields?.includes(field)),
    );
    for (const field of gone) left.push({ type, key, name, field, reason: 'moved' });
    const what = named.fields !== null ? 'changed' : values.was === undefined ? 'created' : 'deleted';
    if (still) undoable.push({ record: still, name, what });
  }
  return { dataset, run: result.run, sequence, before, after, undoable, left };
}

/** The records of operations that had an effect, in order. */
async function writtenBy(
  { federation, exchange }: FederationSession,
  run: RunView,
): Promise<readonly (readonly [type: string, key: string, written: readonly Operation[]])[]> {
  const found = planOf(run);
  if (!found) return [];
  const byId = operationsOf(await readPlan(exchange, found.summary.planDigest));
  const receipts = await readReceipts(federation, exchange, run.result?.receipts ?? []);
  const byRecord = new Map<string, Operation[]>();
  for (const { operation: id, outcome } of receipts.flatMap((own) => own.receipts)) {
    const operation = byId.get(id);
    if (!operation || !hadEffect(outcome)) continue;
    const record = `${operation.type} ${operation.key}`;
    byRecord.set(record, [...(byRecord.get(record) ?? []), operation]);
  }
  return [...byRecord]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .flatMap(([, written]) => {
      const [first] = written;
      return first ? [[first.type, first.key, written] as const] : [];
    });
}

async function chainOf(
  { exchange, runs }: FederationSession,
  dataset: string,
  members: readonly string[],
): Promise<{ readonly bases: BaseChain; readonly sequence: number }> {
  const latest = await latestRun(runs, dataset);
  const view = latest && (await viewRun(runs, latest));
  const summary = view ? planOf(view)?.summary : undefined;
  const digest =
    view?.result?.agreement?.base ?? (summary ? (await readPlan(exchange, summary.planDigest)).base : null);
  if (digest === null || digest === undefined)
    throw new ConcordatError('undoRefused', `no run of ${dataset} says on which agreement it stands; start one first`);
  const base = await findDocument(exchange, members, digest, Base);
  return { bases: new BaseChain(exchange, members, base, digest), sequence: base.sequence };
}
