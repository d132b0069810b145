/** What narrows a plan: options that every command reads alike, and refuses alike. */
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { checkPlanFilter, filterWords, withPlanFilter } from '../../cli/plan-filter.js';

const federation = {
  authorities: { lyon: {}, oslo: {} },
  taxonomy: {
    shipment: {
      fields: { weight: {}, recipient: {} },
      earlier: { gone: ['note'], added: [], moved: { recipient: { from: 'receiver' } } },
    },
    person: { fields: { department: {} } },
  },
} as never;
const check = (filter: Parameters<typeof checkPlanFilter>[0]) => () => checkPlanFilter(filter, federation);

describe('a filter', () => {
  it.each([
    [{ authority: 'gcp' }, 'there is no authority gcp; the federation has lyon, oslo'],
    [{ type: 'parcel' }, 'there is no type parcel; the taxonomy has shipment, person'],
    [{ field: 'departmnet' }, 'there is no field departmnet; did you mean department?'],
    [{ field: 'x', type: 'person' }, 'there is no field x of person; there are department'],
    [{ field: 'weight', type: 'person' }, 'there is no field weight of person'],
  ])('is refused as %j', (filter, why) => {
    expect(check(filter)).toThrow(why);
  });

  it.each([
    {},
    { field: 'weight', type: 'shipment', authority: 'oslo', kind: 'changed', key: 'Ana' },
    { field: 'department' },
    // Of the version before, which an earlier plan speaks of.
    { field: 'note' },
    { field: 'receiver', type: 'shipment' },
  ])('may be %j', (filter) => {
    expect(check(filter)).not.toThrow();
  });

  it('is said in words, without what may be a name where that must not stand', () => {
    const filter = { kind: 'changed', key: 'Ana', authority: 'oslo' };
    expect(filterWords(filter)).toBe('authority oslo, key Ana, kind changed');
    expect(filterWords(filter, { withKey: false })).toBe('authority oslo, one key or name, kind changed');
    expect(filterWords({})).toBeUndefined();
  });

  it('is read from the command line, and a kind that there is none of is refused there', () => {
    const parse = (...argv: string[]) =>
      withPlanFilter(new Command('show'))
        .exitOverride()
        .configureOutput({ writeErr: () => undefined })
        .parse(argv, { from: 'user' })
        .opts();
    expect(parse('--kind', 'missing', '--field', 'weight', '--key', 'S-1')).toEqual({
      kind: 'missing',
      field: 'weight',
      key: 'S-1',
    });
    expect(() => parse('--kind', 'changes')).toThrow('Allowed choices are create, update, delete, changed,');
  });
});
