/**
 * Which native types of a run are told by what changed and which are read whole, decided once for each run and kept, so that a
 * repeated attempt goes on with the same decision.
 *
 * HAZARD: an increment counts only where it was told to its end and all that it builds on is there. In every other case
 * the type is read whole; nothing is ever taken away because something was not told.
 */
import { z } from 'zod';
import type { Digest } from '../../../core/digest.js';
import { ReadReport } from '../../../core/messages.js';
import type { NativeObject } from '../../../core/record.js';
import type { StepProgress } from '../../../core/step-progress.js';
import type { ChangeCursors, ChangeItem, Changes, ReadItem } from '../../connectors/connector.js';
import type { AuthorityContext } from '../context.js';
import { forgetOwnWrites, ownWrites, tellOwnWrites } from './own-writes.js';
import { NativeState, putAnew, stateBefore } from './state.js';

type Why = ReadReport['why'];

/** What changes told of one type. */
export interface Increment {
  /** By id, the last word on it; null where it is gone. */
  readonly objects: ReadonlyMap<string, NativeObject | null>;
}

const ScopeEnd = z.custom<Extract<ReadItem, { kind: 'scopeEnd' }>>();

export const ReadPlan = z.strictObject({
  /** By native type. */
  types: z.record(
    z.string(),
    z.strictObject({
      read: ReadReport.shape.read,
      why: ReadReport.shape.why,
      objects: z.int().nonnegative(),
      /** What the next run builds on; null where it must read all. */
      next: NativeState.nullable(),
      /** Read whole, and what changed was told too: one can be held against the other. */
      isChecked: z.boolean(),
    }),
  ),
  /** Own writes that this run reads by key, or with everything else (own-writes.ts). */
  written: z.array(z.string()).optional(),
});
export type ReadPlan = z.infer<typeof ReadPlan>;

export const ReadRecord = z.strictObject({
  plan: ReadPlan,
  ends: z.array(ScopeEnd),
  /** Of checked types, the ids that changed while all was read; null where that could not be told. */
  meanwhile: z.record(z.string(), z.array(z.string()).nullable()),
  /** By native type, how many objects the changes were wrong about; not of types whose seal is the proof. */
  missed: z.record(z.string(), z.int().nonnegative()).optional(),
});
export type ReadRecord = z.infer<typeof ReadRecord>;

export const folderOf = (dataset: string, run: Digest): string => `pages/${dataset}/${run}/`;
const planName = (dataset: string, run: Digest): string => `${folderOf(dataset, run)}plan`;
const changesPrefix = (dataset: string, run: Digest): string => `${folderOf(dataset, run)}changes-`;

/** A share of all objects beyond which the layers are worth a full read. */
const layersShare = 5;
const layersMin = 20;

export async function planRead(
  context: AuthorityContext,
  changes: Changes,
  dataset: string,
  run: Digest,
  nativeTypes: readonly string[],
  signal?: AbortSignal,
): Promise<ReadPlan> {
  const kept = await context.privateStore.get(planName(dataset, run));
  if (kept) return ReadPlan.parse(JSON.parse(new TextDecoder().decode(kept)));
  const before = await stateBefore(context, dataset, run);
  const known = new Map(
    nativeTypes.flatMap((type) => {
      const state = before?.state.natives[type];
      return state ? [[type, state] as const] : [];
    }),
  );
  await forgetOwnWrites(context, before?.state.written ?? []);
  const written = await ownWrites(context, dataset);
  const told = await tellChanges(context, changes, dataset, run, { known, written }, signal);
  const types: Record<string, ReadPlan['types'][string]> = {};
  for (const type of nativeTypes) {
    const state = known.get(type);
    const change = told.get(type);
    const isTold = change?.kind === 'told';
    const why: Why = !state ? 'first' : !change ? 'expired' : whyNot(state, change, changes.fullReadEvery);
    if (state && isTold && why === 'changes') {
      const next: NativeState = {
        ...state,
        layers: change.objects > 0 ? [...state.layers, run] : state.layers,
        changed: state.changed + change.objects,
        runs: state.runs + 1,
        cursor: change.cursor,
      };
      types[type] = { read: 'increment', why, objects: change.objects, next, isChecked: false };
    } else types[type] = { read: 'full', why, objects: 0, next: null, isChecked: isTold };
  }
  const whole = nativeTypes.filter((type) => types[type]?.read === 'full');
  if (whole.length > 0) {
    const asked = whole.filter((type) => told.get(type)?.kind !== 'told');
    const positions = asked.length > 0 ? await changes.positions(asked, signal) : {};
    for (const type of whole) {
      const decided = types[type];
      const position = positions[type];
      const change = told.get(type);
      if (!decided) continue;
      if (position?.kind === 'none' && decided.why === 'first') types[type] = { ...decided, why: position.why };
      // What was told before all is read is in what is read, and its cursor is as good.
      const cursor =
        change?.kind === 'told' ? change.cursor : position?.kind === 'cursor' ? position.cursor : undefined;
      if (cursor === undefined) continue;
      const isTrusted = known.get(type)?.isTrusted ?? true;
      types[type] = { ...decided, next: { full: run, count: 0, layers: [], changed: 0, runs: 0, cursor, isTrusted } };
    }
  }
  const plan: ReadPlan = { types, ...(written.length > 0 ? { written: [...written] } : {}) };
  await putAnew(context, planName(dataset, run), plan);
  return plan;
}

function whyNot(state: NativeState, change: Told | Untold, fullReadEvery: number): Why {
  if (change.kind === 'untold') return change.why;
  if (state.isDoubtful) return 'doubtful';
  if (!state.isTrusted) return 'missed';
  if (state.runs + 1 >= fullReadEvery) return 'scheduled';
  const changed = state.changed + change.objects;
  return changed > layersMin && changed * layersShare > state.count ? 'many' : 'changes';
}

interface Told {
  readonly kind: 'told';
  readonly cursor: string;
  readonly objects: number;
}
interface Untold {
  readonly kind: 'untold';
  readonly why: Why;
}

/** Reads what changed into the folder of the run. Types of which it says nothing are untold. */
async function tellChanges(
  context: AuthorityContext,
  changes: Changes,
  dataset: string,
  run: Digest,
  { known, written }: { readonly known: ReadonlyMap<string, NativeState>; readonly written: readonly string[] },
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Told | Untold>> {
  const store = context.privateStore;
  // Of an attempt that did not come to its end.
  for (const name of await store.list(changesPrefix(dataset, run))) await store.remove(name);
  if (known.size === 0) return new Map();
  const answers = new Map<string, Told | Untold>();
  const counts = new Map<string, number>();
  const count = (type: string, more: number): void => void counts.set(type, (counts.get(type) ?? 0) + more);
  const cursors: ChangeCursors = Object.fromEntries([...known].map(([type, { cursor }]) => [type, cursor]));
  let sequence = 0;
  let end: ChangeCursors = {};
  const keep = async (item: Extract<ChangeItem, { kind: 'objects' | 'gone' }>): Promise<void> => {
    for (const type of item.kind === 'gone' ? [item.nativeType] : item.objects.map((object) => object.type))
      count(type, item.kind === 'gone' ? item.ids.length : 1);
    const name = `${changesPrefix(dataset, run)}${String(sequence).padStart(8, '0')}`;
    await store.putIfAbsent(name, new TextEncoder().encode(JSON.stringify(item)));
    sequence += 1;
    const objects = [...counts.values()].reduce((sum, told) => sum + told, 0);
    context.heartbeat({ kind: 'reading', objects } satisfies StepProgress);
  };
  for await (const item of changes.changesSince(cursors, signal)) {
    if (item.kind === 'untold') answers.set(item.nativeType, { kind: 'untold', why: item.why });
    else if (item.kind === 'end') end = item.cursors;
    else await keep(item);
  }
  // A type that is read whole shows them.
  const isTold = (type: string): boolean => !answers.has(type) && end[type] !== undefined;
  const toldTypes = new Set([...known.keys()].filter(isTold));
  for await (const item of tellOwnWrites(context, written, toldTypes))
    if (item.kind === 'objects' || item.kind === 'gone') await keep(item);
  for (const type of known.keys()) {
    const cursor = end[type];
    if (answers.has(type)) continue;
    // HAZARD: what was not told to its end is not told.
    answers.set(
      type,
      cursor === undefined
        ? { kind: 'untold', why: 'doubtful' }
        : { kind: 'told', cursor, objects: counts.get(type) ?? 0 },
    );
  }
  return answers;
}

/** What changed while all was read: ids only. */
export async function changedMeanwhile(
  context: AuthorityContext,
  changes: Changes,
  plan: ReadPlan,
  signal?: AbortSignal,
): Promise<ReadRecord['meanwhile']> {
  const checked = Object.entries(plan.types).flatMap(([type, { isChecked, next }]) =>
    isChecked && next ? [[type, next.cursor] as const] : [],
  );
  if (checked.length === 0) return {};
  const ids = new Map(checked.map(([type]): readonly [string, Set<string> | null] => [type, new Set<string>()]));
  let end: ChangeCursors = {};
  for await (const item of changes.changesSince(Object.fromEntries(checked), signal)) {
    if (item.kind === 'untold') ids.set(item.nativeType, null);
    else if (item.kind === 'end') end = item.cursors;
    else if (item.kind === 'gone') for (const id of item.ids) ids.get(item.nativeType)?.add(id);
    else for (const { type, id } of item.objects) ids.get(type)?.add(id);
    context.heartbeat();
  }
  return Object.fromEntries([...ids].map(([type, told]) => [type, told && end[type] !== undefined ? [...told] : null]));
}

/** What the changes of some runs come to, oldest first. */
export async function incrementOf(
  context: AuthorityContext,
  dataset: string,
  runs: readonly Digest[],
  nativeType: string,
): Promise<Increment> {
  const objects = new Map<string, NativeObject | null>();
  for (const run of runs)
    for (const name of await context.privateStore.list(changesPrefix(dataset, run))) {
      const bytes = await context.privateStore.get(name);
      // Written by this worker's own connector and read by nobody else: trusted inside.
      const item = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as ChangeItem);
      if (item?.kind === 'objects')
        for (const object of item.objects) {
          if (object.type !== nativeType) continue;
          objects.delete(object.id);
          objects.set(object.id, object);
        }
      if (item?.kind === 'gone' && item.nativeType === nativeType)
        for (const id of item.ids) {
          objects.delete(id);
          objects.set(id, null);
        }
    }
  return { objects };
}
