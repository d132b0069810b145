/**
 * Tables of base and member values against what a dataset's policies must make of them. They run the planner itself over
 * one record, so that what a table shows is what a run would plan.
 */
import { z } from 'zod';
import { hlcOf, type Hlc } from '../clock/hlc.js';
import { Duration, durationMs } from '../duration.js';
import type { FieldKind } from '../federation/taxonomy.js';
import { shapeWithout, type DatasetShape, type DatasetType } from '../federation/federation.js';
import { byCodeUnit, type Json } from '../json.js';
import { applyChanges, Rule } from '../operation.js';
import { makePlan } from '../plan.js';
import { AuthorityId, type Fields } from '../record.js';
import type { FieldTimes, VersionsOfRecord } from '../record-versions.js';
import { outcomeOf, type Outcome } from './outcome.js';

const Value = z.union([z.string(), z.boolean(), z.null(), z.array(z.string())]);
const Values = z.record(z.string(), Value);
const Members = z.array(AuthorityId);

export const PolicyCase = z.strictObject({
  name: z.string().min(1).describe('a sentence that can be false'),
  base: Values.optional().describe('what was agreed last; left out for first contact'),
  members: z
    .record(AuthorityId, Values.nullable())
    .default({})
    .describe('what members hold now; null: no such record. A member or field that is left out is as in the base'),
  absent: Members.default([]).describe('members that take no part in the run'),
  incomplete: Members.default([]).describe('members whose snapshot was not read to its end'),
  seen: z
    .record(AuthorityId, z.record(z.string(), z.strictObject({ old: Duration.optional(), new: Duration })))
    .default({})
    .describe('for `latest`: how long ago the old value was last seen (left out: never) and the new one first'),
  stands: z
    .record(AuthorityId, Duration)
    .default({})
    .describe('for `suspendFirst`: how long the suspension has been seen there, or where it was agreed, the deletion'),
  others: z.array(Values).default([]).describe('for `unique`: other records, agreed by all members'),
  expect: z
    .strictObject({
      writes: z
        .record(AuthorityId, Values)
        .default({})
        .describe('per member, the fields that are changed and their value afterwards; of sets all elements'),
      creates: Members.default([]),
      deletes: Members.default([]),
      asks: z.array(z.string()).default([]).describe('fields that people choose about; `record` for its existence'),
      waits: z.record(z.string(), Members).default({}).describe('fields that wait, and for whom'),
      doubled: z.array(z.string()).default([]).describe('fields whose value another record holds'),
      rules: z
        .record(z.string(), Rule)
        .optional()
        .describe('per field, the rule of every change of it; `record` for creations and deletions'),
    })
    .describe('all that is planned; what is left out must not happen'),
});
export type PolicyCase = z.infer<typeof PolicyCase>;

export const PolicyTable = z.strictObject({
  dataset: z.string(),
  type: z.string(),
  cases: z.array(PolicyCase).min(1),
});
export type PolicyTable = z.infer<typeof PolicyTable>;

export interface Mismatch {
  /** Inside the case: `['expect', 'writes', 'aws', 'department']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface CaseResult {
  readonly name: string;
  readonly mismatches: readonly Mismatch[];
}

const key = 'this';
/** Any time will do; only distances from it count. */
const nowMs = 4_102_444_800_000;

function ago(duration: string | undefined): Hlc {
  return hlcOf({ ms: duration === undefined ? 0 : nowMs - durationMs(duration), counter: 0 });
}

/** What of a case cannot be: members and fields that are none, or that are not held. */
function isList(kind: FieldKind | undefined): boolean {
  return kind?.kind === 'set' || kind?.kind === 'effect';
}

export function caseFaults(shape: DatasetShape, type: DatasetType, table: PolicyCase): readonly Mismatch[] {
  const faults: Mismatch[] = [];
  const members = Object.keys(type.held);
  const checkMember = (path: readonly (string | number)[], member: string): void => {
    if (!shape.members.includes(member))
      faults.push({ path, message: `${member} is no member of the dataset; it has ${shape.members.join(', ')}` });
    else if (!members.includes(member)) faults.push({ path, message: `${member} holds no ${type.taxonomy.type}` });
  };
  const checkValues = (path: readonly (string | number)[], values: Fields, member?: string): void => {
    for (const [field, value] of Object.entries(values)) {
      const kind = type.taxonomy.fields[field];
      if (!kind) faults.push({ path: [...path, field], message: `${type.taxonomy.type} has no field ${field}` });
      else if (member !== undefined && members.includes(member) && !type.held[member]?.includes(field))
        faults.push({ path: [...path, field], message: `${member} does not hold ${field}` });
      else if (isList(kind) !== Array.isArray(value))
        faults.push({ path: [...path, field], message: isList(kind) ? 'is a set: give a list' : 'is no set' });
    }
  };
  checkValues(['base'], table.base ?? {});
  table.others.forEach((values, at) => checkValues(['others', at], values));
  for (const [member, values] of Object.entries(table.members)) {
    checkMember(['members', member], member);
    checkValues(['members', member], values ?? {}, member);
  }
  for (const [member, values] of Object.entries(table.expect.writes)) {
    checkMember(['expect', 'writes', member], member);
    checkValues(['expect', 'writes', member], values, member);
  }
  for (const list of ['absent', 'incomplete'] as const)
    table[list].forEach((member, at) => checkMember([list, at], member));
  for (const list of ['creates', 'deletes'] as const)
    table.expect[list].forEach((member, at) => checkMember(['expect', list, at], member));
  for (const member of [...Object.keys(table.seen), ...Object.keys(table.stands)])
    if (!members.includes(member)) faults.push({ path: ['seen'], message: `${member} holds no ${type.taxonomy.type}` });
  return faults;
}

/** Plans the one record and compares with what is expected. */
export function runCase(shape: DatasetShape, type: DatasetType, table: PolicyCase): CaseResult {
  const name = type.taxonomy.type;
  const mentioned = new Set(
    [table.base ?? {}, ...Object.values(table.members)].flatMap((values) => Object.keys(values ?? {})),
  );
  const suspension = type.policy?.deletion?.kind === 'suspendFirst' ? type.policy.deletion.field : undefined;
  const fields = Object.keys(type.taxonomy.fields).filter((field) => mentioned.has(field) || field === suspension);
  const empty = (field: string): Json => (isList(type.taxonomy.fields[field]) ? [] : null);
  const held = Object.fromEntries(
    Object.entries(type.held).map(([member, own]) => [member, own.filter((field) => fields.includes(field))]),
  );
  const base =
    table.base && Object.fromEntries(fields.map((field) => [field, normal(table.base?.[field] ?? empty(field))]));
  const heldBy = (member: AuthorityId): Fields | undefined => {
    const own = table.members[member];
    if (own === null || (own === undefined && !base)) return undefined;
    return Object.fromEntries(
      (held[member] ?? []).map((field) => [
        field,
        normal(own?.[field] ?? (own && field in own ? null : base?.[field]) ?? empty(field)),
      ]),
    );
  };
  const narrowed: DatasetShape = { ...shape, types: [{ ...type, held }] };
  const views = [
    {
      key,
      members: Object.fromEntries(Object.keys(held).map((member) => [member, heldBy(member)])),
      base,
      versions: versionsOf(table, type, base),
    },
  ];
  const seen = shapeWithout(narrowed, table.absent);
  const plan = makePlan({
    shape: seen,
    base: null,
    standing: '',
    rejections: {},
    correlation: '',
    cases: [],
    held: [],
    incomplete: table.incomplete.map((authority) => ({ authority, type: name, scope: name, reason: 'truncated' })),
    views: {
      [name]: views.map((view) => ({
        ...view,
        members: Object.fromEntries(Object.entries(view.members).filter(([member]) => !table.absent.includes(member))),
      })),
    },
    heldAtBase: base ? { [name]: held } : {},
    openedAt: Object.fromEntries(shape.members.map((member) => [member, hlcOf({ ms: nowMs, counter: 0 })])),
    agreedValues: table.others.flatMap((values, at) =>
      Object.entries(values).flatMap(([field, value]) =>
        typeof value === 'string' ? [{ type: name, field, value, keys: [`other ${at + 1}`] }] : [],
      ),
    ),
  });
  return {
    name: table.name,
    mismatches: mismatchesOf(table, outcomeOf(plan, { type: name, key }), views[0]?.members ?? {}),
  };
}

function versionsOf(table: PolicyCase, type: DatasetType, base: Fields | undefined): VersionsOfRecord {
  const deletion = type.policy?.deletion;
  return Object.fromEntries(
    Object.keys(type.held).map((member) => {
      const times: Record<string, FieldTimes> = {};
      for (const [field, own] of Object.entries(table.seen[member] ?? {}))
        times[field] = { changed: { after: ago(own.old), until: ago(own.new) }, stands: ago(own.new) };
      const standing = table.stands[member];
      const isGone = table.members[member] === null;
      if (
        standing !== undefined &&
        deletion?.kind === 'suspendFirst' &&
        !isGone &&
        base?.[deletion.field] !== deletion.value
      )
        times[deletion.field] = { changed: null, stands: ago(standing) };
      return [
        member,
        { vectors: {}, since: 1, times, ...(standing !== undefined && isGone ? { gone: ago(standing) } : {}) },
      ];
    }),
  );
}

function normal(value: Json): Json {
  return Array.isArray(value) ? [...new Set(value.map(String))].sort(byCodeUnit) : value;
}

function mismatchesOf(
  { expect }: PolicyCase,
  outcome: Outcome,
  members: Readonly<Record<AuthorityId, Fields | undefined>>,
): readonly Mismatch[] {
  const found: Mismatch[] = [];
  const written: Record<AuthorityId, Record<string, Json>> = {};
  for (const { authority, change } of outcome.changes) {
    const after = applyChanges([change], members[authority] ?? {})[change.field] ?? null;
    (written[authority] ??= {})[change.field] = after;
  }
  const expected = (authority: string, field: string): Json | undefined => {
    const value = expect.writes[authority]?.[field];
    return value === undefined ? undefined : normal(value);
  };
  for (const [authority, fields] of Object.entries(expect.writes))
    for (const field of Object.keys(fields)) {
      const path = ['expect', 'writes', authority, field];
      const planned = written[authority]?.[field];
      const wanted = expected(authority, field) ?? null;
      if (planned === undefined)
        found.push({ path, message: `${text(wanted)} is expected at ${authority}, and nothing is written there` });
      else if (text(planned) !== text(wanted))
        found.push({ path, message: `${text(wanted)} is expected at ${authority}, and ${text(planned)} is planned` });
    }
  for (const { authority, change, rule } of outcome.changes)
    if (expected(authority, change.field) === undefined)
      found.push({
        path: ['expect', 'writes'],
        message: `${change.field} of ${authority} is to become ${text(written[authority]?.[change.field] ?? null)} by ${rule}, and nothing is expected there`,
      });
  const lists = [
    ['creates', expect.creates, outcome.creates.map(({ authority }) => authority)],
    ['deletes', expect.deletes, outcome.deletes.map(({ authority }) => authority)],
    ['asks', expect.asks, outcome.asks.map(({ field }) => field ?? 'record')],
    [
      'doubled',
      expect.doubled,
      outcome.divergences.flatMap(({ kind, field }) => (kind === 'doubled' && field !== null ? [field] : [])),
    ],
  ] as const;
  for (const [what, wanted, planned] of lists)
    if (listText(wanted) !== listText(planned))
      found.push({
        path: ['expect', what],
        message: `${what}: ${listText(wanted)} expected, ${listText(planned)} planned`,
      });
  const waiting = outcome.divergences.filter(({ kind, field }) => kind === 'waitsForMember' && field !== null);
  for (const field of new Set([...Object.keys(expect.waits), ...waiting.map((one) => one.field ?? '')])) {
    const wanted = listText(expect.waits[field] ?? []);
    const planned = listText(waiting.find((one) => one.field === field)?.because ?? []);
    if (wanted !== planned)
      found.push({
        path: ['expect', 'waits', field],
        message: `${field} waits for: ${wanted} expected, ${planned} planned`,
      });
  }
  for (const [field, rule] of Object.entries(expect.rules ?? {})) {
    const rules: readonly Rule[] =
      field === 'record'
        ? [...outcome.creates, ...outcome.deletes].map((one) => one.rule)
        : outcome.changes.filter(({ change }) => change.field === field).map((one) => one.rule);
    const other = rules.find((one) => one !== rule);
    if (rules.length === 0)
      found.push({
        path: ['expect', 'rules', field],
        message: `${rule} is expected to decide, and nothing is planned`,
      });
    else if (other !== undefined)
      found.push({ path: ['expect', 'rules', field], message: `${rule} is expected to decide, and ${other} does` });
  }
  return found;
}

function text(value: Json): string {
  return JSON.stringify(value);
}

function listText(items: readonly string[]): string {
  return items.length === 0 ? 'nothing' : [...new Set(items)].sort(byCodeUnit).join(', ');
}
