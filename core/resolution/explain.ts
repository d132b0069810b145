/**
 * Why a record is planned as it is: what every member holds, what changed since the base, which rule decided, and what
 * another rule would have done. The alternatives are not guessed: each is planned again with one policy exchanged.
 */
import type { RecordView } from '../compare.js';
import type { DatasetShape, DatasetType } from '../federation/federation.js';
import type { DeletionPolicy, FieldPolicy, TypePolicy } from '../federation/resolution.js';
import { referredTypes } from '../federation/taxonomy.js';
import { byCodeUnit, type Json } from '../json.js';
import { sameJson } from '../lens/same-json.js';
import { setElements } from '../operation.js';
import { makePlan, type PlanInput } from '../plan.js';
import type { AuthorityId } from '../record.js';
import { circumstancesOf, type Circumstances } from './circumstances.js';
import { outcomeOf, type Outcome } from './outcome.js';

export interface MemberValue {
  readonly authority: AuthorityId;
  /**
   * `notHeld`: its mesh has no place for the field, or shows none. `gone`: it has no such record. `unread`: its snapshot is
   * not complete, or did not tell the field. `opaque`: its mesh holds what it cannot fully represent. `absent`: it takes no part.
   */
  readonly state: 'holds' | 'notHeld' | 'gone' | 'unread' | 'opaque' | 'absent';
  readonly value: Json;
  readonly changed: boolean;
}

export interface Alternative {
  /** `threeWay` where the dataset declared nothing. */
  readonly policy: FieldPolicy | DeletionPolicy | { readonly kind: 'threeWay' };
  readonly outcome: Outcome;
}

export interface FieldExplanation {
  readonly field: string;
  /** Null where nothing was agreed on it yet. */
  readonly base: { readonly value: Json } | null;
  readonly members: readonly MemberValue[];
  readonly decided: Alternative;
  /** What the same rule would have done had nobody accepted the difference; absent where nobody did. */
  readonly unaccepted?: Outcome;
  /** What each of these would have done in its place; of an accepted difference, had nobody accepted it. */
  readonly alternatives: readonly Alternative[];
}

export interface Explanation {
  readonly type: string;
  readonly key: string;
  readonly members: readonly Pick<MemberValue, 'authority' | 'state'>[];
  readonly hasBase: boolean;
  /** What happens to the record as a whole. */
  readonly decided: Alternative;
  readonly unaccepted?: Outcome;
  /** Only where the record is gone somewhere. */
  readonly alternatives: readonly Alternative[];
  readonly circumstances: Circumstances;
  readonly fields: readonly FieldExplanation[];
}

/** Undefined where the record differs nowhere: then there is nothing to explain. */
export function explainRecord(
  input: PlanInput,
  record: { readonly type: string; readonly key: string },
  field?: string,
): Explanation | undefined {
  const type = input.shape.types.find(({ taxonomy }) => taxonomy.type === record.type);
  if (!type) return undefined;
  const found = input.views[record.type]?.find(({ key }) => key === record.key);
  // What all hold alike can still be opaque, or hold a value that another record has too.
  const view = found ?? { key: record.key, members: {}, base: undefined };
  const small = onlyAround(input, type, view);
  const declared = type.policy;
  const plan = makePlan(small);
  const circumstances = circumstancesOf(plan, input.opaque ?? [], record);
  const isShown = found !== undefined || circumstances.opaque.length > 0;
  if (!isShown && !plan.divergences.some((one) => one.type === record.type && one.key === record.key)) return undefined;
  const isAccepted = (name: string | null): boolean =>
    circumstances.accepted.some((one) => one.field === null || one.field === name);
  // Under what people accepted every rule does the same: nothing there.
  const free = circumstances.accepted.length > 0 ? { ...small, rejections: {}, acceptances: [] } : small;
  const planned = (policy: TypePolicy | undefined, name?: string): Outcome =>
    outcomeOf(makePlan({ ...free, shape: withPolicy(free.shape, record.type, policy) }), record, name);
  const incomplete = new Set(
    input.incomplete.filter((scope) => scope.type === record.type).map(({ authority }) => authority),
  );
  const opaque = new Set(circumstances.opaque.map(({ authority }) => authority));
  const states = found ? memberStates(type, view, incomplete, opaque) : [];
  const isGone = view.base !== undefined && states.some(({ state }) => state === 'gone');
  const deletion: DeletionPolicy = declared?.deletion ?? { kind: 'propose' };
  const otherDeletions = ([{ kind: 'propose' }, { kind: 'keep' }] as const).filter(
    ({ kind }) => kind !== deletion.kind,
  );
  return {
    ...record,
    members: states,
    hasBase: view.base !== undefined,
    decided: { policy: deletion, outcome: outcomeOf(plan, record) },
    ...(isAccepted(null) ? { unaccepted: planned(declared) } : {}),
    alternatives: isGone
      ? otherDeletions.map((policy) => ({ policy, outcome: planned({ ...declared, deletion: policy }) }))
      : [],
    circumstances,
    fields: (found ? Object.keys(type.taxonomy.fields) : [])
      .filter((name) => field === undefined || name === field)
      .filter((name) => Object.values(type.held).some((held) => held.includes(name)))
      .sort(byCodeUnit)
      .map((name): FieldExplanation => {
        const own = declared?.fields?.[name];
        const base = view.base?.[name];
        return {
          field: name,
          base: base === undefined ? null : { value: base },
          members: states.map(({ authority, state }) => memberValue(authority, state, type, view, name)),
          decided: { policy: own ?? { kind: 'threeWay' }, outcome: outcomeOf(plan, record, name) },
          ...(isAccepted(name) ? { unaccepted: planned(declared, name) } : {}),
          alternatives: otherPolicies(type, name, own).map((policy) => ({
            policy,
            outcome: planned(exchanged(declared, name, policy), name),
          })),
        };
      }),
  };
}

function memberStates(
  type: DatasetType,
  view: RecordView,
  incomplete: ReadonlySet<AuthorityId>,
  opaque: ReadonlySet<AuthorityId>,
): readonly Pick<MemberValue, 'authority' | 'state'>[] {
  const present = Object.keys(type.held).map((authority) => ({
    authority,
    state: opaque.has(authority)
      ? ('opaque' as const)
      : view.members[authority]
        ? ('holds' as const)
        : incomplete.has(authority)
          ? ('unread' as const)
          : ('gone' as const),
  }));
  const absent = type.absent.map((authority) => ({ authority, state: 'absent' as const }));
  return [...present, ...absent].sort((left, right) => byCodeUnit(left.authority, right.authority));
}

function memberValue(
  authority: AuthorityId,
  state: MemberValue['state'],
  type: DatasetType,
  view: RecordView,
  field: string,
): MemberValue {
  if (state !== 'holds') return { authority, state, value: null, changed: false };
  if (!type.held[authority]?.includes(field)) return { authority, state: 'notHeld', value: null, changed: false };
  const value = view.members[authority]?.[field];
  if (value === undefined) return { authority, state: 'unread', value: null, changed: false };
  return { authority, state, value, changed: view.base !== undefined && !sameJson(value, view.base[field] ?? null) };
}

function otherPolicies(
  type: DatasetType,
  field: string,
  own: FieldPolicy | undefined,
): readonly Alternative['policy'][] {
  const kind = type.taxonomy.fields[field];
  // Nobody could write it, whatever rule were declared.
  if (kind?.kind === 'effect') return [];
  const owners = Object.keys(type.held)
    .filter((member) => type.held[member]?.includes(field))
    .sort(byCodeUnit);
  const all: readonly Alternative['policy'][] = [
    { kind: 'threeWay' },
    ...owners.map((by) => ({ kind: 'owned' as const, by })),
    ...(kind?.kind === 'set'
      ? [{ kind: 'union' as const }, { kind: 'intersection' as const }]
      : [{ kind: 'latest' as const }]),
    ...(kind && 'privileges' in kind && kind.privileges ? [{ kind: 'leastPrivilege' as const }] : []),
    { kind: 'people' },
  ];
  return all.filter((policy) => !sameJson(policy, own ?? { kind: 'threeWay' }));
}

function exchanged(declared: TypePolicy | undefined, field: string, policy: Alternative['policy']): TypePolicy {
  const { [field]: _own, ...others } = declared?.fields ?? {};
  const fields = policy.kind === 'threeWay' ? others : { ...others, [field]: policy as FieldPolicy };
  return { ...declared, fields };
}

function withPolicy(shape: DatasetShape, name: string, policy: TypePolicy | undefined): DatasetShape {
  return {
    ...shape,
    types: shape.types.map((type) => {
      if (type.taxonomy.type !== name) return type;
      const { policy: _declared, ...rest } = type;
      return policy ? { ...rest, policy } : rest;
    }),
  };
}

/** The record, and those that it refers to: what else differs decides nothing about it. Planned many times over. */
function onlyAround(input: PlanInput, type: DatasetType, view: RecordView): PlanInput {
  const wanted = new Set<string>();
  for (const [field, kind] of Object.entries(type.taxonomy.fields))
    for (const fields of [view.base, ...Object.values(view.members)]) {
      const value = fields?.[field];
      for (const element of setElements(value)) for (const of of referredTypes(kind)) wanted.add(`${of} ${element}`);
      if (kind.kind === 'reference' && typeof value === 'string') {
        const slash = value.indexOf('/');
        wanted.add(`${value.slice(0, slash)} ${value.slice(slash + 1)}`);
      }
    }
  // Whoever holds a value that is to be unique stands in the way of this record too.
  const isUnique = (type.policy?.unique ?? []).length > 0 || type.policy?.sameEffect !== undefined;
  const views = Object.fromEntries(
    Object.entries(input.views).map(([name, ofType]) => [
      name,
      ofType.filter(
        ({ key }) => wanted.has(`${name} ${key}`) || (name === type.taxonomy.type && (isUnique || key === view.key)),
      ),
    ]),
  );
  return { ...input, views };
}
