/**
 * A plan as people work with it: operations and conflicts under numbers, records under names, and the native calls where
 * the authority's own store is here. The numbers follow from the plan alone, so they are the same on every machine.
 */
import type { ReviewSheet } from '../../activities/authority/review-sheet.js';
import type { Digest } from '../../core/digest.js';
import type { Json } from '../../core/json.js';
import type { Operation } from '../../core/operation.js';
import { referenceOf } from '../../core/lens/reference.js';
import type { NewVersion } from '../../core/new-versions.js';
import { affectedAuthorities } from '../../core/affected-authorities.js';
import type { Conflict, Divergence, Plan } from '../../core/plan.js';
import type { AuthorityId } from '../../core/record.js';
import type { Records } from './records.js';
import type { SheetView } from './stores.js';

export interface PlannedOperation {
  /** null for one that only a choice releases: it is named by its candidate. */
  readonly number: number | null;
  readonly operation: Operation;
  readonly name: string | null;
  /** null where they are not known here. */
  readonly calls: ReviewSheet['operations'][number]['calls'] | null;
  /** What its cloud does beyond the write; empty where that is not known here. */
  readonly consequences: readonly string[];
  /** Why its authority does not ask its people about it. */
  readonly refused: { readonly code: string; readonly message: string } | null;
}

export interface PlannedCandidate {
  readonly number: number;
  readonly candidate: Conflict['candidates'][number];
  readonly operations: readonly PlannedOperation[];
}

export interface PlannedConflict {
  readonly number: number;
  readonly conflict: Conflict;
  readonly name: string | null;
  readonly candidates: readonly PlannedCandidate[];
}

/** How far the native calls of an authority are known here. */
export type CallsKnown = SheetView['kind'];

/** What of a plan is shown; of one that is too large to be held whole, the beginning of its lists. */
export type ShownPlan = Pick<
  Plan,
  | 'base'
  | 'operations'
  | 'conflicts'
  | 'divergences'
  | 'cases'
  | 'incomplete'
  | 'opaque'
  | 'ignored'
  | 'undos'
  | 'newVersions'
> &
  Partial<Pick<Plan, 'absent'>>;

export interface PlanView {
  readonly digest: Digest;
  readonly plan: ShownPlan;
  readonly operations: readonly PlannedOperation[];
  readonly conflicts: readonly PlannedConflict[];
  /** Of each new version by its id, from 1: which `v1` is, whatever else is shown. */
  readonly versionNumbers: ReadonlyMap<Digest, number>;
  /** By type and key, joined by a space: records that the plan mentions. */
  readonly names: ReadonlyMap<string, string>;
  readonly callsOf: Readonly<Record<AuthorityId, CallsKnown>>;
  readonly sheets: Readonly<Record<AuthorityId, ReviewSheet>>;
  /** Clear values of `digest` fields that the people who work here may read, by digest. */
  readonly clear: ReadonlyMap<Digest, Json>;
}

export interface PlanFilter {
  readonly authority?: string;
  readonly type?: string;
  /** The beginning of a key, or a part of a name. */
  readonly key?: string;
  readonly field?: string;
  /** Of operations: create, update, delete. Else a kind of divergence. */
  readonly kind?: string;
}

/** `elementTypes` says to which type the elements of a set refer: person for the members of a team. */
export async function planView(options: {
  readonly plan: ShownPlan;
  readonly digest: Digest;
  readonly records: Records;
  readonly sheets: Readonly<Record<AuthorityId, SheetView>>;
  readonly elementTypes: (type: string, field: string) => string | undefined;
  /** Where the plan given is a part of the one that is shown: the numbers in that one. */
  readonly numbers?: {
    readonly operations: ReadonlyMap<Digest, number>;
    readonly conflicts: ReadonlyMap<Digest, number>;
    readonly newVersions: ReadonlyMap<Digest, number>;
  };
}): Promise<PlanView> {
  const { plan, digest, records, elementTypes, numbers } = options;
  const sheets: Record<AuthorityId, ReviewSheet> = {};
  for (const [authority, view] of Object.entries(options.sheets))
    if (view.kind === 'sheet') sheets[authority] = view.sheet;
  const onSheets = new Map(
    Object.values(sheets).flatMap((sheet) => sheet.operations.map((entry) => [entry.operation.id, entry] as const)),
  );
  const names = await namesOf(plan, records, elementTypes, sheets);
  const nameOf = (type: string, key: string): string | null => names.get(`${type} ${key}`) ?? null;
  const planned = (operation: Operation, number: number | null): PlannedOperation => {
    const known = onSheets.get(operation.id);
    return {
      number,
      operation,
      name: nameOf(operation.type, operation.key),
      calls: known?.calls ?? null,
      consequences: known?.consequences ?? [],
      refused: known?.refused ?? null,
    };
  };
  return {
    digest,
    plan,
    operations: plan.operations.map((operation, position) =>
      planned(operation, numbers?.operations.get(operation.id) ?? position + 1),
    ),
    conflicts: plan.conflicts.map((conflict, position) => ({
      number: numbers?.conflicts.get(conflict.id) ?? position + 1,
      conflict,
      name: nameOf(conflict.type, conflict.key),
      candidates: conflict.candidates.map((candidate, at) => ({
        number: at + 1,
        candidate,
        operations: candidate.operations.map((operation) => planned(operation, null)),
      })),
    })),
    versionNumbers: numbers?.newVersions ?? versionNumbersOf(plan),
    names,
    callsOf: Object.fromEntries(
      affectedAuthorities(plan).map((authority) => [authority, options.sheets[authority]?.kind ?? 'unreadable']),
    ),
    sheets,
    clear: new Map(Object.values(sheets).flatMap(({ clear }) => Object.entries(clear))),
  };
}

async function namesOf(
  plan: ShownPlan,
  records: Records,
  elementTypes: (type: string, field: string) => string | undefined,
  sheets: Readonly<Record<AuthorityId, ReviewSheet>>,
): Promise<ReadonlyMap<string, string>> {
  const mentioned = new Map<string, readonly [type: string, key: string]>();
  const mention = (type: string, key: string): void => void mentioned.set(`${type} ${key}`, [type, key]);
  const all = [
    ...plan.operations,
    ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap((one) => one.operations)),
  ];
  for (const { type, key, changes } of all) {
    mention(type, key);
    for (const change of changes) {
      if (change.kind === 'value')
        for (const named of [referenceOf(change.before), referenceOf(change.after)])
          if (named) mention(named.type, named.key);
      const elements = change.kind === 'set' ? elementTypes(type, change.field) : undefined;
      if (change.kind !== 'set' || elements === undefined) continue;
      for (const element of [...change.add, ...change.remove]) mention(elements, element);
    }
  }
  for (const { type, key } of [...plan.conflicts, ...plan.divergences]) mention(type, key);
  const names = new Map<string, string>();
  for (const [id, [type, key]] of mentioned) {
    const name = await records.name(type, key);
    const shown = name ?? Object.values(sheets).find((sheet) => sheet.labels[key] !== undefined)?.labels[key];
    if (shown !== undefined) names.set(id, shown);
  }
  return names;
}

/** What is left when only one authority, type or record is asked for. */

export function filtered(view: PlanView, filter: PlanFilter): PlanView {
  const isWanted = (type: string, key: string): boolean => {
    if (filter.type !== undefined && filter.type !== type) return false;
    if (filter.key === undefined) return true;
    const name = view.names.get(`${type} ${key}`) ?? '';
    return key.startsWith(filter.key) || name.toLowerCase().includes(filter.key.toLowerCase());
  };
  const isOfKind = divergencesOfKind(view.plan.divergences, filter.kind);
  const touches = touchesOf(filter);
  return {
    ...view,
    operations: view.operations.filter(
      ({ operation }) =>
        isOfKind.operation(operation) &&
        changesField(operation, filter.field) &&
        touches([operation.authority]) &&
        isWanted(operation.type, operation.key),
    ),
    conflicts: view.conflicts.filter(
      ({ conflict }) =>
        isOfKind.conflict(conflict) &&
        isOfField(conflict, filter.field) &&
        isWanted(conflict.type, conflict.key) &&
        touches(conflictMembers(conflict)),
    ),
    plan: {
      ...view.plan,
      divergences: view.plan.divergences.filter(
        (divergence) =>
          isOfKind.divergence(divergence) &&
          isOfField(divergence, filter.field) &&
          isWanted(divergence.type, divergence.key) &&
          touches([...divergence.because, ...divergence.at]),
      ),
      ...restOf(view.plan, filter),
      ...versionsOf(view.plan, filter),
    },
  };
}

/** What has neither key nor field is left out where one is asked for. */
export function restOf(
  { cases, incomplete }: Pick<Plan, 'cases' | 'incomplete'>,
  filter: PlanFilter,
): Pick<Plan, 'cases' | 'incomplete'> {
  const touches = touchesOf(filter);
  const isOfType = (type: string): boolean => filter.type === undefined || filter.type === type;
  const isNarrow = filter.key !== undefined || filter.field !== undefined || filter.kind !== undefined;
  return {
    cases: isNarrow
      ? []
      : cases.filter(
          ({ type, authority, candidates }) =>
            isOfType(type) && touches([authority, ...candidates.map((one) => one.authority)]),
        ),
    incomplete: incomplete.filter(({ type, authority }) => touches([authority]) && isOfType(type)),
  };
}

/** HAZARD: of the whole plan, before any filter, or `approve --only v1` would mean another document than the one shown as v1. */
export function versionNumbersOf({
  newVersions = [],
}: {
  readonly newVersions?: readonly NewVersion[] | undefined;
}): ReadonlyMap<Digest, number> {
  return new Map(newVersions.map(({ id }, at) => [id, at + 1]));
}

/** Left out where one key, field or kind is asked for, or none is left. */
export function versionsOf(
  { newVersions }: { readonly newVersions?: readonly NewVersion[] | undefined },
  filter: PlanFilter,
): { readonly newVersions: NewVersion[] | undefined } {
  const isNarrow = filter.key !== undefined || filter.field !== undefined || filter.kind !== undefined;
  const touches = touchesOf(filter);
  const shown = (isNarrow ? [] : (newVersions ?? [])).filter(
    ({ type, asked }) => (filter.type === undefined || filter.type === type) && touches(asked),
  );
  return { newVersions: shown.length > 0 ? shown : undefined };
}

export function touchesOf({ authority }: PlanFilter): (authorities: readonly string[]) => boolean {
  return (authorities) => authority === undefined || authorities.includes(authority);
}

export function changesField({ changes }: Pick<Operation, 'changes'>, wanted: string | undefined): boolean {
  return wanted === undefined || changes.some(({ field }) => field === wanted);
}

export function isOfField({ field }: { readonly field: string | null }, wanted: string | undefined): boolean {
  return wanted === undefined || field === wanted;
}

export function conflictMembers({ candidates }: Conflict): readonly AuthorityId[] {
  return candidates.flatMap(({ operations, heldBy }) => [...heldBy, ...operations.map(({ authority }) => authority)]);
}

export const operationKinds: readonly string[] = ['create', 'update', 'delete'];

export interface KindFilter {
  /** Whether operations are wanted because of the divergences that they would settle. */
  readonly settles: boolean;
  divergence(divergence: Pick<Divergence, 'kind' | 'operations'>): boolean;
  operation(operation: Pick<Operation, 'id' | 'kind'>): boolean;
  conflict(conflict: Pick<Conflict, 'field'>): boolean;
}

/** Divergences of a kind are shown with the operations that would settle them, operations of a kind by themselves. */
export function kindFilter(kind: string | undefined, settling: Pick<ReadonlySet<Digest>, 'has'>): KindFilter {
  if (kind === undefined)
    return { settles: false, divergence: () => true, operation: () => true, conflict: () => true };
  if (operationKinds.includes(kind))
    return {
      settles: false,
      divergence: () => false,
      operation: (operation) => operation.kind === kind,
      conflict: () => false,
    };
  return {
    settles: true,
    divergence: (divergence) => divergence.kind === kind,
    operation: ({ id }) => settling.has(id),
    conflict: ({ field }) => kind === (field === null ? 'editedAndDeleted' : 'conflict'),
  };
}

function divergencesOfKind(divergences: readonly Divergence[], kind: string | undefined): KindFilter {
  return kindFilter(
    kind,
    new Set(divergences.filter((one) => one.kind === kind).flatMap(({ operations }) => operations)),
  );
}
