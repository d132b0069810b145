/** Operations: one name for one change, and digests of exactly what a change touches. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '../../core/digest.js';
import {
  applyChanges,
  makeOperation,
  Operation,
  setElements,
  touchedState,
  type Change,
} from '../../core/operation.js';
import type { Fields } from '../../core/record.js';
import type { TypeName } from './support/cloud.js';
import { planOf } from './support/round.js';
import { act, edits, plots, worldOf } from './support/worlds.js';

const everyOperation = (plan: ReturnType<typeof planOf>['plan']): Operation[] => [
  ...plan.operations,
  ...plan.conflicts.flatMap(({ candidates }) => candidates.flatMap(({ operations }) => operations)),
];
const sameness = ({ authority, type, key, kind, changes, rule }: Operation): string =>
  canonicalJson({ authority, type, key, kind, changes, rule });

describe('the id of an operation', () => {
  it('is the same in two plans for the identical operation and for no other', () => {
    fc.assert(
      fc.property(plots, edits, (plot, more) => {
        const world = worldOf(plot);
        const first = everyOperation(planOf(world).plan);
        for (const one of more) act(world, one);
        const both = [...first, ...everyOperation(planOf(world).plan)];
        const bodyOf = new Map(both.map((operation) => [operation.id, sameness(operation)]));
        for (const operation of both) expect(bodyOf.get(operation.id)).toBe(sameness(operation));
        expect(new Set(both.map(sameness)).size).toBe(bodyOf.size);
      }),
      { numRuns: 100 },
    );
  });

  it('does not depend on who caused it, on the order of its changes or on what it does not touch', () => {
    const changes: readonly Change[] = [
      { kind: 'value', field: 'name', before: 'a', after: 'b' },
      { kind: 'value', field: 'mail', before: null, after: 'm' },
    ];
    const draft = { authority: 'aa', type: 'person', key: 'p1', kind: 'update', rule: 'changedOnOneSide' } as const;
    const one = makeOperation({ ...draft, changes, because: ['bb', 'cc'], current: { name: 'a', mail: null } });
    const other = makeOperation({
      ...draft,
      changes: [...changes].reverse(),
      because: ['dd'],
      current: { mail: null, name: 'a', phone: '1' },
    });
    expect(other.id).toBe(one.id);
    expect([other.expects, other.leaves]).toEqual([one.expects, one.leaves]);
    const otherRule = makeOperation({
      ...draft,
      rule: 'chosen',
      changes,
      because: ['bb'],
      current: { name: 'a', mail: null },
    });
    expect(otherRule.id).not.toBe(one.id);
  });
});

describe('what an operation expects and leaves', () => {
  it('is what the mesh holds now and what it holds once the changes are made', () => {
    fc.assert(
      fc.property(plots, (plot) => {
        const world = worldOf(plot);
        for (const operation of everyOperation(planOf(world).plan)) {
          expect(Operation.parse(operation)).toEqual(operation);
          const current =
            world.clouds[operation.authority]?.records[operation.type as TypeName].get(operation.key) ?? null;
          expect(current === null).toBe(operation.kind === 'create');
          const after = operation.kind === 'delete' ? null : applyChanges(operation.changes, current);
          expect(operation.expects).toBe(digestOf(touchedState(operation.changes, current)));
          expect(operation.leaves).toBe(digestOf(touchedState(operation.changes, after)));
          expect(operation.leaves).not.toBe(operation.expects);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('tells a state whose touched part differs, and is blind to the rest', () => {
    const elements = fc.uniqueArray(fc.constantFrom<string>('p1', 'p2', 'p3', 'p4')).map((set) => [...set].sort());
    const state = fc.record({ title: fc.constantFrom(null, 'T', 'U'), people: elements, labels: elements });
    fc.assert(
      fc.property(state, state, elements, elements, (before, found, add, remove) => {
        const changes: readonly Change[] = [
          { kind: 'value', field: 'title', before: before.title, after: 'V' },
          { kind: 'set', field: 'people', add, remove: remove.filter((element) => !add.includes(element)) },
        ];
        const operation = makeOperation({
          authority: 'aa',
          type: 'team',
          key: 't1',
          kind: 'update',
          changes,
          rule: 'elementChanged',
          because: [],
          current: before,
        });
        const named = [...add, ...remove];
        const touched = (fields: Fields): string =>
          canonicalJson([
            fields['title'] ?? null,
            setElements(fields['people']).filter((element) => named.includes(element)),
          ]);
        const isSame = digestOf(touchedState(changes, found)) === operation.expects;
        expect(isSame).toBe(touched(found) === touched(before));
        expect(digestOf(touchedState(changes, null))).not.toBe(operation.expects);
      }),
    );
  });

  it('takes a field that is not there for an empty one', () => {
    const changes: readonly Change[] = [{ kind: 'value', field: 'mail', before: null, after: 'm' }];
    expect(touchedState(changes, {})).toEqual(touchedState(changes, { mail: null }));
    expect(touchedState(changes, {})).not.toEqual(touchedState(changes, null));
  });
});

describe('applying changes', () => {
  it('twice is the same as once, keeps sets sorted and free of doubles, and leaves the input alone', () => {
    const elements = fc.array(fc.constantFrom('b', 'a', 'd', 'c'));
    fc.assert(
      fc.property(elements, elements, elements, (start, add, remove) => {
        const fields = Object.freeze({ people: Object.freeze([...new Set(start)].sort()) as string[], title: 'T' });
        const changes: readonly Change[] = [{ kind: 'set', field: 'people', add, remove }];
        const once = applyChanges(changes, fields);
        const people = setElements(once['people']);
        expect(people).toEqual([...new Set(people)].sort());
        expect(applyChanges(changes, once)).toEqual(once);
        expect(once['title']).toBe('T');
        for (const element of add) expect(people).toContain(element);
        for (const element of remove) if (!add.includes(element)) expect(people).not.toContain(element);
      }),
    );
  });
});
