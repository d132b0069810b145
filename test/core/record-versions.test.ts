/**
 * One field of one record at several members, run after run: people change it in their clouds, some authorities take over
 * what is proposed and some do not, the base moves when all agree. Beside the vectors runs the plain set of all changes
 * that a value was made in knowledge of. The comparison must say exactly what those sets say.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareRecord, type RecordView } from '../../core/compare.js';
import type { FieldVerdict } from '../../core/verdict.js';
import type { Json } from '../../core/json.js';
import { joinedVector, observeRecord, type AppliedValue, type RecordVersions } from '../../core/record-versions.js';
import { References } from '../../core/references.js';
import { fullHoldings, shapeOf } from './support/shape.js';
import { fullRuns } from '../support/property-runs.js';

const names = ['aa', 'bb', 'cc', 'dd'];
const field = 'name';
const start = 'v0';

type Step =
  | { readonly kind: 'change'; readonly member: number; readonly back: boolean }
  /** Bits: which members do what the plan asks of them. */
  | { readonly kind: 'run'; readonly accepts: number; readonly order: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('change' as const), member: fc.nat(3), back: fc.boolean() }),
  fc.record({ kind: fc.constant('run' as const), accepts: fc.nat(15), order: fc.boolean() }),
);

interface Side {
  value: string;
  seen: string;
  versions: RecordVersions | undefined;
  applied: AppliedValue[];
  /** What the value was made in knowledge of; changes are named by member and round. */
  past: ReadonlySet<string>;
  /** Of values that Concordat wrote and nobody observed yet. */
  carried: ReadonlySet<string>;
}

/** What is broken on purpose, to see that the oracle notices. */
type Fault = 'echoIsADot' | 'nothingCarried' | 'neverAgreed';

function observeAll(sides: readonly Side[], round: number, agreed: boolean, fault?: Fault): void {
  for (const [position, side] of sides.entries()) {
    const member = names[position] as string;
    const applied =
      fault === 'echoIsADot'
        ? []
        : side.applied.map((one) => (fault === 'nothingCarried' ? { ...one, vector: {} } : one));
    side.versions = observeRecord({
      member,
      round,
      before: { [field]: side.seen },
      now: { [field]: side.value },
      known: side.versions,
      agreed: () => agreed && fault !== 'neverAgreed',
      applied: () => applied,
      fields: [field],
      seen: { after: '0'.repeat(16), until: '0'.repeat(15) + '1' },
    });
    const written = side.applied.at(-1);
    // A write without a receipt shows only where its value is found: else it may never have happened.
    const happened = written?.hadEffect === true || (written?.value === side.value && side.value !== side.seen);
    const isNew = side.value !== (happened ? written?.value : side.seen);
    const carried = happened ? side.carried : [];
    side.past = new Set([...side.past, ...carried, ...(isNew ? [`${member} ${round}`] : [])]);
    side.carried = new Set();
    side.applied = [];
    side.seen = side.value;
  }
}

const type = shapeOf(fullHoldings(names)).types.find((one) => one.taxonomy.type === 'person');

function verdictOf(sides: readonly Side[], base: string, turned: boolean): FieldVerdict | undefined {
  if (!type) throw new Error('no type');
  const members = names.slice(0, sides.length);
  const shape = shapeOf(fullHoldings(members));
  const own = shape.types.find((one) => one.taxonomy.type === 'person') ?? type;
  const entries = members.map((member, position) => [member, sides[position] as Side] as const);
  if (turned) entries.reverse();
  const view: RecordView = {
    key: 'p1',
    base: { [field]: base },
    members: Object.fromEntries(entries.map(([member, { value }]) => [member, { [field]: value }])),
    versions: Object.fromEntries(
      entries.map(([member, { versions }]) => [member, { vectors: versions?.vectors ?? {}, since: 1 }]),
    ),
  };
  const verdict = compareRecord(view, {
    type: own,
    incomplete: new Set(),
    references: new References(shape, []),
    heldAtBase: own.held,
  });
  return verdict.kind === 'differs' ? verdict.fields.find((one) => one.field === field) : undefined;
}

/** The value that all others were known to, or that alone left the base; undefined where people must decide. */
function expected(sides: readonly Side[], base: string): string | undefined {
  const groups = new Map<string, Set<string>>();
  for (const { value, past } of sides) groups.set(value, new Set([...(groups.get(value) ?? []), ...past]));
  const outdated = (value: string): boolean =>
    [...groups].some(
      ([other, past]) =>
        other !== value &&
        [...(groups.get(value) ?? [])].every((change) => past.has(change)) &&
        past.size > (groups.get(value)?.size ?? 0),
    );
  const open = [...groups.keys()].filter((value) => value !== base && !outdated(value));
  if (open.length === 0) return base;
  return open.length === 1 ? open[0] : undefined;
}

interface Told {
  readonly wrong: readonly string[];
  readonly ordered: number;
  readonly conflicts: number;
}

function play(size: number, steps: readonly Step[], fault?: Fault): Told {
  const sides: Side[] = Array.from({ length: size }, () => ({
    value: start,
    seen: start,
    versions: undefined,
    applied: [],
    past: new Set<string>(),
    carried: new Set<string>(),
  }));
  let base = start;
  let agreed = false;
  let round = 1;
  let made = 0;
  const wrong: string[] = [];
  const counts = { ordered: 0, conflicts: 0 };
  for (const one of steps) {
    if (one.kind === 'change') {
      const side = sides[one.member % size] as Side;
      side.value = one.back ? base : `v${(made += 1)}`;
      continue;
    }
    round += 1;
    observeAll(sides, round, agreed, fault);
    agreed = false;
    const verdict = verdictOf(sides, base, one.order);
    const wanted = expected(sides, base);
    if (new Set(sides.map(({ value }) => value)).size > 1) {
      const said = verdict?.kind === 'proposal' ? verdict.target : undefined;
      if (said !== wanted) wrong.push(`round ${round}: ${JSON.stringify(said)} instead of ${JSON.stringify(wanted)}`);
      if (verdict?.kind === 'conflict') counts.conflicts += 1;
      if (verdict?.kind === 'proposal' && verdict.cause === 'later') counts.ordered += 1;
    }
    if (verdict?.kind === 'proposal') apply(sides, verdict.target, base, one.accepts);
    // A conflict is settled by all at once or not at all.
    if (verdict?.kind === 'conflict' && one.accepts % 2 === 0)
      apply(sides, sides[one.accepts % size]?.value ?? base, base, 15);
    const [first] = sides;
    if (first && sides.every(({ value }) => value === first.value) && first.value !== base) {
      base = first.value;
      agreed = true;
      const all = new Set(sides.flatMap(({ past, carried }) => [...past, ...carried]));
      for (const side of sides) side.past = all;
    }
  }
  return { wrong, ...counts };
}

function apply(sides: readonly Side[], target: Json, base: string, accepts: number): void {
  const holders = sides.flatMap((side, position) => (side.value === target ? [names[position] as string] : []));
  const versions = Object.fromEntries(
    sides.map((side, position) => [names[position] as string, { vectors: side.versions?.vectors ?? {}, since: 1 }]),
  );
  const vector = joinedVector(versions, holders, field, target === base) ?? {};
  const past = new Set(sides.filter(({ value }) => value === target).flatMap((side) => [...side.past]));
  for (const [position, side] of sides.entries()) {
    if (side.value === target || (accepts & (1 << position)) === 0) continue;
    side.value = target as string;
    side.applied.push({ value: target, vector, hadEffect: (accepts & 1) === 0 });
    side.carried = past;
  }
}

const schedules = fc.tuple(fc.integer({ min: 2, max: 4 }), fc.array(step, { minLength: 6, maxLength: 30 }));

describe('over any runs in which some authorities take over what is proposed and some do not', () => {
  test('the comparison tells later from concurrent exactly as the changes that each value knew of', () => {
    const counts = { ordered: 0, conflicts: 0 };
    fc.assert(
      fc.property(schedules, ([size, steps]) => {
        const { wrong, ordered, conflicts } = play(size, steps);
        counts.ordered += ordered;
        counts.conflicts += conflicts;
        expect(wrong).toEqual([]);
      }),
      fullRuns(2_000),
    );
    // Were nothing ordered, or nothing in conflict, the property would say little.
    expect(counts.ordered).toBeGreaterThan(fullRuns(250).numRuns);
    expect(counts.conflicts).toBeGreaterThan(fullRuns(250).numRuns);
  });

  test.each<Fault>(['echoIsADot', 'nothingCarried', 'neverAgreed'])('and %s is found out', (fault) => {
    const check = fc.check(
      fc.property(schedules, ([size, steps]) => play(size, steps, fault).wrong.length === 0),
      { numRuns: 2_000 },
    );
    expect(check.failed).toBe(true);
  });
});
