/** Comparing one record: each verdict by example, where members hold unlike fields, are silent or came late. */
import { describe, expect, it } from 'vitest';
import { compareRecord, type CompareContext, type HeldFields } from '../../core/compare.js';
import type { FieldVerdict, RecordVerdict } from '../../core/verdict.js';
import type { Fields } from '../../core/record.js';
import { References } from '../../core/references.js';
import { fullHoldings, shapeOf, type Holdings } from './support/shape.js';

interface Scene {
  readonly base?: Fields;
  readonly members: Readonly<Record<string, Fields | undefined>>;
  readonly incomplete?: readonly string[];
  readonly holdings?: Holdings;
  readonly heldAtBase?: HeldFields;
  readonly prepare?: (references: References) => void;
  readonly together?: readonly (readonly string[])[];
}

function verdictOn(type: 'person' | 'team', scene: Scene): RecordVerdict {
  const shape = shapeOf(scene.holdings ?? fullHoldings(Object.keys(scene.members)));
  const found = shape.types.find((one) => one.taxonomy.type === type);
  if (!found) throw new Error(`the shape has no ${type}`);
  const references = new References(shape, []);
  scene.prepare?.(references);
  const { together } = scene;
  const context: CompareContext = {
    type: together ? { ...found, policy: { together: together.map((group) => [...group]) } } : found,
    incomplete: new Set(scene.incomplete),
    references,
    heldAtBase: scene.heldAtBase ?? (scene.base ? found.held : undefined),
  };
  return compareRecord({ key: 'k', members: scene.members, base: scene.base }, context);
}

/** The verdict on one field of two people who are alike in all others. */
function verdictOnName(
  base: string | null | undefined,
  ...names: readonly (string | null | undefined)[]
): FieldVerdict {
  const whole = (name: string | null | undefined): Fields => ({
    mail: 'm',
    phone: null,
    ...(name === undefined ? {} : { name }),
  });
  const members = Object.fromEntries(names.map((name, at) => [['aa', 'bb', 'cc', 'dd'][at] ?? '', whole(name)]));
  const verdict = verdictOn('person', { base: whole(base), members });
  if (verdict.kind === 'agreed') return { kind: 'equal', field: 'name', value: verdict.fields['name'] ?? null };
  if (verdict.kind !== 'differs') throw new Error(verdict.kind);
  return verdict.fields.find(({ field }) => field === 'name') as FieldVerdict;
}

const ada: Fields = { mail: 'm', name: 'Ada', phone: null };
const crew: Fields = { title: 'T', people: ['p1', 'p2'], labels: [] };

describe('a value', () => {
  it.each([
    ['is equal where all moved alike', ['a', 'b', 'b'], { kind: 'equal', value: 'b' }],
    [
      'is proposed where one moved',
      ['a', 'b', 'a'],
      { kind: 'proposal', target: 'b', because: ['aa'], behind: ['bb'], cause: 'changed' },
    ],
    [
      'is proposed where several moved alike',
      ['a', 'b', 'a', 'b'],
      { kind: 'proposal', target: 'b', because: ['aa', 'cc'], behind: ['bb'] },
    ],
    [
      'is proposed where one emptied it',
      ['a', null, 'a'],
      { kind: 'proposal', target: null, because: ['aa'], behind: ['bb'] },
    ],
    [
      'is proposed where one filled what was agreed to be empty',
      [null, 'a', null],
      { kind: 'proposal', target: 'a', cause: 'changed' },
    ],
    ['is a conflict where two moved apart', ['a', 'b', 'c'], { kind: 'conflict', base: 'a' }],
    ['is a conflict where one emptied and one moved', ['a', 'b', null], { kind: 'conflict', base: 'a' }],
    [
      'is filled where it was never agreed',
      [undefined, 'a', null],
      { kind: 'proposal', target: 'a', cause: 'filled', behind: ['bb'] },
    ],
    [
      'is a conflict where it was never agreed and two have it',
      [undefined, 'a', 'b', null],
      { kind: 'conflict', base: undefined },
    ],
    [
      'is nothing of one who could not read it',
      ['a', 'b', undefined, 'a'],
      { kind: 'proposal', because: ['aa'], behind: ['cc'] },
    ],
  ] as const)('%s', (_, [base, ...names], expected) => {
    expect(verdictOnName(base, ...names)).toMatchObject(expected);
  });

  it('names each candidate of a conflict with all that hold it', () => {
    expect(verdictOnName('a', 'b', 'a', 'c', 'b')).toMatchObject({
      candidates: [
        { value: 'a', heldBy: ['bb'] },
        { value: 'b', heldBy: ['aa', 'dd'] },
        { value: 'c', heldBy: ['cc'] },
      ],
    });
  });
});

describe('a set', () => {
  const people = (...elements: string[]): Fields => ({ ...crew, people: elements });
  const perMember = (scene: Scene): unknown => {
    const verdict = verdictOn('team', scene);
    if (verdict.kind !== 'differs') return verdict.kind;
    const field = verdict.fields.find((one) => one.field === 'people');
    return field?.kind === 'setProposal' ? field.perMember : field?.kind;
  };

  it('merges additions and removals of all sides element by element', () => {
    expect(
      perMember({ base: people('p1', 'p2'), members: { aa: people('p1', 'p2', 'p3'), bb: people('p2', 'p4') } }),
    ).toEqual({
      aa: { add: ['p4'], remove: ['p1'] },
      bb: { add: ['p3'], remove: [] },
    });
  });

  it('unites what was never agreed', () => {
    const { people: _, ...base } = crew;
    expect(perMember({ base, members: { aa: people('p1'), bb: people('p2') } })).toEqual({
      aa: { add: ['p2'], remove: [] },
      bb: { add: ['p1'], remove: [] },
    });
  });

  it('takes no removal from an incomplete snapshot, and additions from it', () => {
    const base = people('p1', 'p2');
    expect(perMember({ base, members: { aa: people('p3'), bb: base }, incomplete: ['aa'] })).toEqual({
      bb: { add: ['p3'], remove: [] },
    });
  });

  it('takes no removal of a record that the mesh could not read', () => {
    const base = people('p1', 'p2');
    const prepare = (references: References): void => references.markUnread('person', 'p1', 'aa');
    expect(perMember({ base, members: { aa: people('p2'), bb: base }, prepare })).toBe('agreed');
  });

  it('is not added to where the record is not and will not be', () => {
    const prepare = (references: References): void => references.markWithout('person', 'p3', 'bb');
    const members = { aa: people('p1', 'p2', 'p3'), bb: crew, cc: crew };
    expect(perMember({ base: crew, members, prepare })).toEqual({ cc: { add: ['p3'], remove: [] } });
  });

  it('is compared without provisional and open elements', () => {
    const prepare = (references: References): void => references.markOpen('person', 'p2');
    expect(perMember({ base: crew, members: { aa: people('p1', '~x'), bb: crew }, prepare })).toBe('agreed');
  });

  it('of references is not spoken of by a mesh that holds no such records', () => {
    const whole = fullHoldings(['aa', 'bb', 'cc']);
    const { cc: _, ...person } = whole.person;
    const members = { aa: crew, bb: crew, cc: people() };
    expect(perMember({ base: crew, members, holdings: { ...whole, person } })).toBe('agreed');
  });
});

describe('a record', () => {
  const holders = { aa: ada, bb: ada };

  it.each<[string, Scene, object]>([
    ['is agreed where all show it alike', { base: ada, members: holders }, { kind: 'agreed', fields: ada }],
    ['is gone where none shows it', { base: ada, members: { aa: undefined, bb: undefined } }, { kind: 'gone' }],
    [
      'is not gone where one could not be read',
      { base: ada, members: { aa: undefined, bb: undefined }, incomplete: ['bb'] },
      { kind: 'deleted', heldBy: [], unread: ['bb'], heldBackBy: ['bb'] },
    ],
    [
      'is missing where it never was',
      { members: { ...holders, cc: undefined } },
      { kind: 'differs', missing: ['cc'], unread: [] },
    ],
    [
      'is unread where the snapshot is incomplete',
      { members: { ...holders, cc: undefined }, incomplete: ['cc'] },
      { kind: 'differs', missing: [], unread: ['cc'] },
    ],
    [
      'is deleted where it was',
      { base: ada, members: { ...holders, cc: undefined } },
      { kind: 'deleted', by: ['cc'], heldBy: ['aa', 'bb'], heldBackBy: [] },
    ],
    [
      'is held back while anybody who holds it is incomplete',
      { base: ada, members: { ...holders, cc: undefined }, incomplete: ['aa'] },
      { kind: 'deleted', heldBackBy: ['aa'] },
    ],
    [
      'is disputed where it was edited too',
      { base: ada, members: { aa: { ...ada, name: 'A' }, bb: ada, cc: undefined } },
      { kind: 'editedAndDeleted', by: ['cc'], editedBy: ['aa'] },
    ],
    [
      'is disputed where it holds what was never agreed',
      { base: { mail: 'm' }, members: { aa: { mail: 'm', name: 'A', phone: null }, bb: undefined } },
      { kind: 'editedAndDeleted', editedBy: ['aa'] },
    ],
  ])('%s', (_, scene, expected) => {
    expect(verdictOn('person', scene)).toMatchObject(expected);
  });

  it('of a type that a member does not hold is complete without it', () => {
    const whole = fullHoldings(['aa', 'bb', 'cc']);
    const { cc: _, ...team } = whole.team;
    const scene = { base: crew, members: { aa: crew, bb: crew, cc: undefined }, holdings: { ...whole, team } };
    expect(verdictOn('team', scene)).toEqual({ kind: 'agreed', fields: crew });
  });

  it('that loses members while its last ones leave is no edit that keeps a deleted team alive; gaining one is', () => {
    const on = (elements: readonly string[]): string =>
      verdictOn('team', { base: crew, members: { aa: { ...crew, people: elements }, bb: undefined } }).kind;
    expect(on(['p1'])).toBe('deleted');
    expect(on(['p1', 'p2', 'p3'])).toBe('editedAndDeleted');
    expect(on(['p1', 'p2', '~p3'])).toBe('deleted');
  });

  it('is at first contact for a member that did not take part in the base', () => {
    const scene: Scene = {
      base: ada,
      members: { aa: ada, bb: ada, cc: undefined },
      heldAtBase: fullHoldings(['aa', 'bb']).person,
    };
    expect(verdictOn('person', scene)).toMatchObject({ kind: 'differs', missing: ['cc'] });
  });

  it('is at first contact in a field that a member did not hold at the base', () => {
    const scene: Scene = {
      base: ada,
      members: { aa: ada, bb: { ...ada, name: null } },
      heldAtBase: { ...fullHoldings(['aa', 'bb']).person, bb: ['mail', 'phone'] },
    };
    expect(verdictOn('person', scene)).toMatchObject({
      kind: 'differs',
      fields: [
        { field: 'mail', kind: 'equal' },
        { field: 'name', kind: 'proposal', target: 'Ada', behind: ['bb'] },
        { field: 'phone' },
      ],
    });
  });
});

describe('fields that belong together', () => {
  const both = (base: Fields | undefined, aa: Fields, bb: Fields, cc?: Fields): readonly string[] => {
    const members = { aa: { ...ada, ...aa }, bb: { ...ada, ...bb }, ...(cc ? { cc: { ...ada, ...cc } } : {}) };
    const verdict = verdictOn('person', {
      ...(base ? { base: { ...ada, ...base } } : {}),
      members,
      together: [['name', 'phone']],
    });
    if (verdict.kind !== 'differs') throw new Error(verdict.kind);
    return verdict.fields.map(({ field, kind }) => `${field} ${kind}`);
  };
  const moved = { name: 'Ada L', phone: '1' };

  it('are proposed where one side changed one of them, or all', () => {
    expect(both({}, { name: 'Ada L' }, {})).toEqual(['mail equal', 'name proposal', 'phone equal']);
    expect(both({}, moved, {})).toEqual(['mail equal', 'name proposal', 'phone proposal']);
  });

  it('are for people to choose where one side changed the one and another the other', () => {
    expect(both({}, { name: 'Ada L' }, { phone: '1' })).toEqual(['mail equal', 'name conflict', 'phone conflict']);
    const { fields } = verdictOn('person', {
      base: ada,
      members: { aa: { ...ada, name: 'Ada L' }, bb: { ...ada, phone: '1' } },
      together: [['name', 'phone']],
    }) as Extract<RecordVerdict, { kind: 'differs' }>;
    expect(fields.find(({ field }) => field === 'phone')).toEqual({
      kind: 'conflict',
      field: 'phone',
      base: null,
      candidates: [
        { value: '1', heldBy: ['bb'] },
        { value: null, heldBy: ['aa'] },
      ],
    });
  });

  it('are proposed where one member holds all that is proposed, whoever else made a part of the change too', () => {
    expect(both({}, moved, {}, { name: 'Ada L' })).toEqual(['mail equal', 'name proposal', 'phone proposal']);
  });

  it('are all for people where one of them is in conflict', () => {
    expect(both({}, moved, { name: 'Ada B' })).toEqual(['mail equal', 'name conflict', 'phone conflict']);
  });

  it('leave fields beside them as they are', () => {
    expect(both({}, { name: 'Ada L', mail: 'n' }, { phone: '1' })).toEqual([
      'mail proposal',
      'name conflict',
      'phone conflict',
    ]);
  });

  it('are for people where nothing was agreed and each side has the half', () => {
    expect(both(undefined, { name: null, phone: '1' }, {})).toEqual(['mail equal', 'name conflict', 'phone conflict']);
  });
});
