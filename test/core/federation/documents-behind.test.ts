/** Which signed documents stand behind an operation, and until when. */
import { describe, expect, it } from 'vitest';
import { authoredOfNextBase, freshDocuments, isDocumentBehind } from '../../../core/federation/documents-behind.js';
import type { ConfiguredDocument } from '../../../core/federation/documents.js';
import type { DatasetShape } from '../../../core/federation/federation.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { Base } from '../../../core/messages.js';
import { makeOperation, type Operation, type OperationDraft } from '../../../core/operation.js';
import type { Plan } from '../../../core/plan.js';

const document = (name: string, authority: string | null, type: string | null, digest = 'a'): ConfiguredDocument => ({
  name,
  digest: digest.repeat(64),
  authority,
  type,
  statements: [],
});
const documents = [
  document('datasets/workforce', null, null),
  document('taxonomy/person', null, 'person'),
  document('taxonomy/team', null, 'team'),
  document('maps/aws.person', 'aws', 'person'),
  document('maps/sov.person', 'sov', 'person'),
  document('maps/azure.person', 'azure', 'person'),
  document('maps/sov.team', 'sov', 'team'),
  document('authorities/sov', 'sov', null),
  document('authorities/azure', 'azure', null),
];
const taxonomies = [
  TaxonomyType.parse({ type: 'person', fields: { mail: { kind: 'text' } } }),
  TaxonomyType.parse({ type: 'team', fields: { handle: { kind: 'text' }, members: { kind: 'set', of: 'person' } } }),
];
const shape = {
  documents,
  types: taxonomies.map((taxonomy) => ({ taxonomy, absent: [] as string[] })),
} as unknown as DatasetShape;

const operation = (change: Partial<OperationDraft> = {}): Operation =>
  makeOperation({
    authority: 'aws',
    type: 'person',
    key: 'p',
    kind: 'update',
    changes: [{ kind: 'value', field: 'mail', before: 'a', after: 'b' }],
    rule: 'changedOnOneSide',
    because: ['sov'],
    current: { mail: 'a' },
    ...change,
  });
const behind = (one: Operation, isFresh: boolean): readonly string[] =>
  documents.filter((each) => isDocumentBehind(shape, each, isFresh, one)).map(({ name }) => name);

describe('behind an operation', () => {
  it('stand the changed documents of both sides and of its type, and of nobody else', () => {
    expect(behind(operation(), true)).toEqual([
      'datasets/workforce',
      'taxonomy/person',
      'maps/aws.person',
      'maps/sov.person',
      'authorities/sov',
    ]);
    expect(behind(operation(), false)).toEqual([]);
  });

  it('stands also the map of what its sets refer to', () => {
    const member = { kind: 'set' as const, field: 'members', add: ['p'], remove: [] };
    const handle = { kind: 'value', field: 'handle', before: 'a', after: 'b' } as const;
    const of = (changes: OperationDraft['changes']) => behind(operation({ type: 'team', changes }), true);
    expect(of([member])).toContain('maps/sov.person');
    expect(of([handle])).not.toContain('maps/sov.person');
    expect(of([handle])).toContain('maps/sov.team');
  });

  it.each([
    'owned',
    'union',
    'intersection',
    'latestObserved',
    'suspendedFirst',
    'deletedAfterSuspension',
    'keptByPolicy',
  ] as const)('stands the dataset whose policy decided it (%s), changed or not', (rule) => {
    expect(behind(operation({ rule }), false)).toEqual(['datasets/workforce']);
  });

  it('stands the type that says which privilege is the lesser one', () => {
    expect(behind(operation({ rule: 'leastPrivilege' }), false)).toEqual(['datasets/workforce', 'taxonomy/person']);
  });
});

describe('a document', () => {
  const digests = Object.fromEntries(documents.map(({ name, digest }) => [name, digest]));
  const base = (fresh: readonly string[], change: Record<string, string> = {}): Base =>
    ({ authored: { documents: { ...digests, ...change }, fresh: [...fresh] } }) as unknown as Base;
  const plan = (change: Partial<Plan> = {}): Plan =>
    ({ divergences: [], conflicts: [], cases: [], incomplete: [], ...change }) as unknown as Plan;
  const divergence = (type: string, operations: readonly Operation[], change: object = {}) =>
    ({
      type,
      operations: operations.map(({ id }) => id),
      accepted: [],
      ...change,
    }) as unknown as Plan['divergences'][number];
  const names = (found: readonly ConfiguredDocument[]) => found.map(({ name }) => name);

  it('is fresh where it changed, where something of it was left open, and where the base says nothing', () => {
    expect(names(freshDocuments(shape, base([])))).toEqual([]);
    expect(names(freshDocuments(shape, base(['taxonomy/team'])))).toEqual(['taxonomy/team']);
    expect(names(freshDocuments(shape, base([], { 'maps/sov.team': 'b'.repeat(64) })))).toEqual(['maps/sov.team']);
    expect(freshDocuments(shape, null)).toHaveLength(documents.length);
    expect(freshDocuments(shape, {} as Base)).toHaveLength(documents.length);
  });

  it('is agreed only with all that it is about: nothing open, left, turned down, unread or in doubt', () => {
    const one = operation();
    const fresh = (change: Partial<Plan>, effective: readonly Operation[] = []): readonly string[] =>
      authoredOfNextBase(
        shape,
        base(['maps/sov.person', 'maps/sov.team']),
        plan(change),
        new Set(effective.map(({ id }) => id)),
      )?.fresh ?? [];
    expect(fresh({})).toEqual([]);
    expect(fresh({ divergences: [divergence('person', [one])] }, [one])).toEqual([]);
    for (const change of [
      { divergences: [divergence('person', [one])] },
      { divergences: [divergence('person', [])] },
      { cases: [{ type: 'person' }] as unknown as Plan['cases'] },
      { conflicts: [{ type: 'person' }] as unknown as Plan['conflicts'] },
      { incomplete: [{ type: 'person' }] as unknown as Plan['incomplete'] },
    ])
      expect(fresh(change)).toEqual(['maps/sov.person']);
    expect(fresh({ divergences: [divergence('person', [one], { accepted: [{}] })] }, [one])).toEqual([
      'maps/sov.person',
    ]);
    // Teams refer to people, so a map of people is about teams too.
    expect(fresh({ divergences: [divergence('team', [])] })).toEqual(['maps/sov.person', 'maps/sov.team']);
  });

  it('is open while a member that holds its type takes no part', () => {
    const [person, team] = shape.types;
    if (!person || !team) throw new Error('no types');
    const away = { ...shape, types: [{ ...person, absent: ['azure'] }, team] };
    expect(authoredOfNextBase(away, base(['maps/sov.person']), plan(), new Set())?.fresh).toEqual(['maps/sov.person']);
  });

  it('is in no base where nobody signed anything', () => {
    const { documents: _, ...unsigned } = shape;
    expect(authoredOfNextBase(unsigned, null, plan(), new Set())).toBeUndefined();
  });
});
