/** Signed undos over clouds in memory: what a statement about one round names, and when it ends. */
import { setElements } from '../../../core/operation.js';
import type { Fields } from '../../../core/record.js';
import { stillUndone, undoRecordOf, type UndoneRecord } from '../../../core/undo.js';
import { typeNames, type TypeName } from './cloud.js';
import { agreeing, round, type Answers, type Gap, type Round, type World } from './round.js';

export type Bases = Record<TypeName, Map<string, Fields>>;

export function copyOfBase(world: World): Bases {
  return { person: new Map(world.base.person), team: new Map(world.base.team), grant: new Map(world.base.grant) };
}

/** A round that can be undone: with the bases before and after it. */
export interface Kept {
  readonly done: Round;
  readonly before: Bases;
  readonly after: Bases;
}

export function keptRound(world: World, answers: Answers = agreeing(), gaps: readonly Gap[] = []): Kept {
  const before = copyOfBase(world);
  const done = round(world, answers, gaps);
  const kept = { done, before, after: copyOfBase(world) };
  endReached(world);
  return kept;
}

/** The statement about one round, as its signer's authority publishes it. */
export function undoing(
  world: World,
  { done, before, after }: Kept,
  { authority = 'aa', approver = 'ada', id = '1'.repeat(64), sequence = 2 } = {},
): readonly UndoneRecord[] {
  const undo = { id, authority, approver, run: '2'.repeat(64), sequence, untilMs: 1 };
  const records = new Map(done.effective.map(({ type, key }) => [`${type} ${key}`, { type, key }]));
  return [...records.values()]
    .flatMap((record): UndoneRecord[] => {
      const type = record.type as TypeName;
      const was = before[type].get(record.key);
      const found = after[type].get(record.key);
      const written = done.effective.filter((one) => one.type === record.type && one.key === record.key);
      const named = undoRecordOf(record, written, was, found);
      if (named === 'nothingAgreed') return [];
      return [{ undo, ...named, was, found, left: null }];
    })
    .map((one, _, all) => living(world, one, all));
}

/** As activities/undone.ts does: what is gone for good is not named again. */
function living(world: World, one: UndoneRecord, all: readonly UndoneRecord[]): UndoneRecord {
  const isThere = (type: TypeName, key: string): boolean =>
    world.base[type].has(key) ||
    all.some((other) => other.type === type && other.key === key && other.fields === null && other.was !== undefined);
  if (!one.was) return one;
  if (one.type === 'grant') {
    const gone = Object.values(one.was).some((value) => {
      const [type = '', key = ''] = typeof value === 'string' ? value.split('/') : [];
      return !isThere(type as TypeName, key);
    });
    return gone ? { ...one, left: 'referenceGone' } : one;
  }
  const people = one.was['people'];
  if (people === undefined) return one;
  return { ...one, was: { ...one.was, people: setElements(people).filter((key) => isThere('person', key)) } };
}

/** What an authority does before it opens again: what is back, or was moved on, is over for good. */
export function endReached(world: World): void {
  world.undone = world.undone.flatMap((one) => {
    const { type, key, fields } = one;
    const still = stillUndone(
      { type, key, fields: fields && [...fields] },
      one.was,
      one.found,
      world.base[type as TypeName].get(key),
      (field) => type === 'team' && field !== 'title',
    );
    return still ? [{ ...one, fields: still.fields }] : [];
  });
}

export function baseText(bases: Bases): string {
  return JSON.stringify(typeNames.map((type) => [...bases[type]].sort(([a], [b]) => (a < b ? -1 : 1))));
}
