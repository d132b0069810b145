/** What explains a plan: one field of one authority, by one factor or distance, or nothing at all. */
import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../core/operation.js';
import { CauseCounter, type OneCause } from '../../../core/report/one-cause.js';
import { oneCauseText } from '../../../cli/showing/census-text.js';
import type { Json } from '../../../core/json.js';

interface Change {
  readonly field?: string;
  readonly before: Json;
  readonly after: Json;
  readonly because?: string;
  readonly authority?: string;
}

function operation(
  { field = 'weight', before, after, because = 'oslo', authority = 'lyon' }: Change,
  at: number,
): Operation {
  return {
    id: '',
    authority,
    type: 'shipment',
    key: String(at),
    kind: 'update',
    changes: [{ kind: 'value', field, before, after }],
    rule: 'changedOnOneSide',
    because: [because],
    expects: '',
    leaves: '',
  };
}

function causeOf(count: number, change: (at: number) => Change, authority?: string): OneCause | null {
  const counter = new CauseCounter();
  for (let at = 0; at < count; at += 1) counter.add(operation(change(at), at));
  return counter.cause(authority);
}
const said = (cause: OneCause | null): string => (cause ? oneCauseText(cause) : 'nothing');

describe('one cause', () => {
  it('is a unit that somebody changed, though a tenth of the plan is something else', () => {
    const cause = causeOf(2_000, (at) =>
      at % 20 === 0
        ? { field: 'receiver', before: 'a', after: `b${at}`, because: 'berlin' }
        : { before: String(at), after: String(at * 1000) },
    );
    expect(cause).toEqual({
      type: 'shipment',
      field: 'weight',
      kind: 'update',
      because: ['oslo'],
      count: 1_900,
      of: 2_000,
      relation: { kind: 'factor', by: '1000', count: 1_900 },
    });
    expect(said(cause)).toBe(
      '95 % (1,900 of 2,000 operations) is weight of shipment, changed in oslo: each is 1000 times what it was. Was a unit changed? See `concordat taxonomy diff`',
    );
  });

  it.each<[string, (at: number) => Change, string]>([
    [
      'pounds that became kilograms',
      (at) => ({ before: `${at + 1}`, after: String(((at + 1) * 45_359_237) / 1e8) }),
      'each is 0.45359237 times',
    ],
    ['thirds', (at) => ({ before: `${(at + 1) * 3}`, after: `${at + 1}` }), 'each is 1/3 times'],
    ['a change of sign', (at) => ({ before: `${at + 1}`, after: `-${at + 1}` }), 'each is -1 times'],
    [
      'decimals as they are written',
      (at) => ({ before: `${at}.5`, after: `${at}500` === '0500' ? '500' : `${at}500` }),
      'each is 1000 times',
    ],
    ['degrees', (at) => ({ before: `${at}`, after: `${at + 273}.15` }), 'each is 273.15 more than it was'],
    ['a discount', (at) => ({ before: `${at + 10}`, after: `${at}` }), 'each is 10 less than it was'],
    [
      'a zone',
      (at) => ({
        before: `2024-05-01T10:${String(at % 60).padStart(2, '0')}:00Z`,
        after: `2024-05-01T08:${String(at % 60).padStart(2, '0')}:00Z`,
      }),
      'each is 2 h earlier than it was. Was a time zone changed?',
    ],
    ['a column that was dropped', (at) => ({ before: `${at}`, after: null }), 'each is emptied. Was it dropped?'],
    [
      'numbers that have nothing in common',
      (at) => ({ before: `${at + 1}`, after: `${at * at + 7}` }),
      'changed in oslo',
    ],
    ['words', (at) => ({ before: `a${at}`, after: `b${at}` }), 'changed in oslo'],
    ['numbers that no memory should hold', () => ({ before: '1', after: '9'.repeat(900) }), 'changed in oslo'],
  ])('is told for %s', (_, change, words) => {
    const text = said(causeOf(100, change));
    expect(text).toMatch(/^100 % \(100 of 100 operations\) is weight of shipment, changed in oslo/);
    expect(text).toContain(words);
    if (words === 'changed in oslo') expect(text.endsWith(words)).toBe(true);
  });

  it('names how many of its values are apart by it where not all are, and nothing below nine in ten', () => {
    const scaled = (one: number) => (at: number) => ({
      before: `${at + 1}`,
      after: at % one === 0 ? `${at * at}7` : `${(at + 1) * 10}`,
    });
    expect(said(causeOf(200, scaled(20)))).toContain(': 190 of 200 is 10 times what it was');
    expect(said(causeOf(200, scaled(5)))).toMatch(/changed in oslo$/);
  });

  it('is nothing where two fields share the plan, or where the plan is small', () => {
    expect(causeOf(100, (at) => ({ field: at % 5 === 0 ? 'weight' : 'height', before: '1', after: '2' }))).toBeNull();
    expect(causeOf(19, () => ({ before: '1', after: '2' }))).toBeNull();
  });

  it('of one authority counts its own operations', () => {
    const change = (at: number): Change =>
      at < 50
        ? { authority: 'lyon', before: '1', after: '2' }
        : { authority: 'berlin', field: `f${at}`, before: '1', after: '2' };
    expect(causeOf(100, change)).toBeNull();
    expect(causeOf(100, change, 'lyon')).toMatchObject({ field: 'weight', count: 50, of: 50 });
    expect(causeOf(100, change, 'berlin')).toBeNull();
  });

  it('does not forget the factor of all for a few odd ones that came first', () => {
    const change = (at: number): Change => ({
      before: `${at + 2}`,
      after: at < 30 ? `${at * 31}.${at}7` : `${(at + 2) * 1000}`,
    });
    expect(said(causeOf(1_000, change))).toContain('970 of 1,000 is 1000 times');
  });
});
