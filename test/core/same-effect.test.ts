/** `sameEffect`: names that may differ where what is left is the same, from plan to next base. */
import { expect, it } from 'vitest';
import { baseChanges } from '../../core/next-base.js';
import type { DatasetShape, DatasetType } from '../../core/federation/federation.js';
import { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { RecordView } from '../../core/compare.js';
import { makePlan, type Plan } from '../../core/plan.js';
import { digestOf } from '../../core/digest.js';
import type { Fields } from '../../core/record.js';

const members = ['aws', 'sov'];
const taxonomy = TaxonomyType.parse({
  type: 'grant',
  key: ['who', 'role'],
  fields: {
    who: { kind: 'text' },
    role: { kind: 'text' },
    note: { kind: 'text' },
    // Where it counts says nothing of what it leaves.
    counts: { kind: 'effect', of: 'scopes' },
    effect: { kind: 'effect' },
  },
});
const fields = Object.keys(taxonomy.fields).sort();
const heldAtBase = { grant: { aws: fields, sov: fields } };

function shapeWith(sameEffect?: string[]): DatasetShape {
  const type: DatasetType = {
    taxonomy,
    held: { aws: fields, sov: fields },
    absent: [],
    groups: [{ id: 'aws+sov', fields, members }],
    digests: [],
    ...(sameEffect ? { policy: { sameEffect } } : {}),
  };
  const dataset = { dataset: 'rights' } as DatasetShape['dataset'];
  return { dataset, members, types: [type], absent: [], configuration: digestOf('configuration') };
}

const grant = (who: string, role: string, effect: readonly string[], note = ''): Fields => ({
  who,
  role,
  note,
  effect: [...effect],
});
const view = (key: string, aws?: Fields, sov?: Fields, base?: Fields): RecordView => ({
  key,
  members: { aws, sov },
  base,
});

function planOf(views: readonly RecordView[], sameEffect?: string[]): Plan {
  return makePlan({
    shape: shapeWith(sameEffect),
    base: null,
    standing: digestOf('standing'),
    rejections: {},
    correlation: digestOf('correlation'),
    cases: [],
    held: [],
    incomplete: [],
    views: { grant: views },
    heldAtBase,
  });
}
const basesOf = (views: readonly RecordView[], sameEffect: string[]) =>
  baseChanges({
    shape: shapeWith(sameEffect),
    views: { grant: views },
    incomplete: [],
    held: [],
    effective: [],
    heldAtBase,
  });
const told = ({ operations, divergences }: Plan) => ({
  operations: operations.map(({ kind, authority }) => `${kind} ${authority}`),
  divergences: divergences.map(({ kind, at }) => `${kind} ${at.join()}`),
});

const keys = ['manage keys', 'read objects'];
const renamed = [view('1', grant('ana', 'power', keys)), view('2', undefined, grant('ana', 'member', keys))];

it('other names with one effect are two missing grants where the dataset says nothing', () => {
  expect(told(planOf(renamed))).toEqual({
    operations: ['create aws', 'create sov'],
    divergences: ['missing sov', 'missing aws'],
  });
});

it('and none where it says that the role may differ; the base does not take over what only one member holds', () => {
  expect(told(planOf(renamed, ['role']))).toEqual({ operations: [], divergences: [] });
  expect(basesOf(renamed, ['role'])).toEqual([]);
});

it.each([
  ['less', ['read objects']],
  ['the same, but not wholly', ['manage keys (conditional)', 'read objects']],
  ['what was not all seen', ['manage keys (partial, not all seen)', 'read objects']],
  ['nothing', []],
])('a grant that leaves %s stands in for nothing', (_, effect) => {
  const views = [view('1', grant('ana', 'power', keys)), view('2', undefined, grant('ana', 'member', effect))];
  expect(told(planOf(views, ['role'])).divergences).toEqual(['missing sov', 'missing aws']);
});

it('where a grant counts differs with every mesh: no divergence, no write, nothing for the base', () => {
  const there = (...counts: string[]): Fields => ({ ...grant('ana', 'power', keys), counts });
  const views = [view('1', there('scope/a'), there('scope/a', 'scope/b'))];
  expect(told(planOf(views))).toEqual({ operations: [], divergences: [] });
  const changes = basesOf(views, []);
  expect(JSON.stringify(changes)).toContain('power');
  expect(JSON.stringify(changes)).not.toContain('scope/');
  const missing = planOf([view('1', there('scope/a'))]);
  expect(missing.operations.map(({ kind }) => kind)).toEqual(['create']);
  expect(JSON.stringify(missing)).not.toContain('scope/a');
});

it('two grants of nothing are not the same right', () => {
  const views = [view('1', grant('ana', 'power', [])), view('2', undefined, grant('ana', 'member', []))];
  expect(told(planOf(views, ['role'])).divergences).toEqual(['missing sov', 'missing aws']);
});

it('the grant of somebody else stands in for nothing', () => {
  const views = [view('1', grant('ana', 'power', keys)), view('2', undefined, grant('ben', 'member', keys))];
  expect(told(planOf(views, ['role'])).divergences).toEqual(['missing sov', 'missing aws']);
});

it('a mesh that replaced an agreed grant by one of the same effect deleted nothing, and the base keeps it', () => {
  const power = grant('ana', 'power', keys);
  const views = [view('1', power, undefined, power), view('2', undefined, grant('ana', 'member', keys))];
  expect(told(planOf(views))).toMatchObject({ operations: ['delete aws', 'create aws'] });
  expect(told(planOf(views, ['role']))).toEqual({ operations: [], divergences: [] });
  expect(basesOf(views, ['role'])).toEqual([]);
});

it('effects that part again are first contact and delete nothing', () => {
  const views = [
    view('1', grant('ana', 'power', keys)),
    view('2', undefined, grant('ana', 'member', ['read objects'])),
  ];
  expect(told(planOf(views, ['role'])).operations).toEqual(['create aws', 'create sov']);
});

it('another field differs without a word where effects agree, and is proposed where they do not', () => {
  const base = grant('ana', 'power', keys, 'old');
  const agreeing = [view('1', grant('ana', 'power', keys, 'new'), base, base)];
  expect(told(planOf(agreeing, ['note']))).toEqual({ operations: [], divergences: [] });
  const parting = [view('1', grant('ana', 'power', ['read objects'], 'new'), base, base)];
  expect(told(planOf(parting, ['note']))).toEqual({
    operations: ['update sov'],
    divergences: ['effectDiffers aws,sov', 'changed sov'],
  });
});

it('members in any order, and views in any order, give the same plan', () => {
  const turned = [...renamed]
    .reverse()
    .map(({ key, members: { aws, sov } }): RecordView => ({ key, members: { sov, aws }, base: undefined }));
  expect(planOf(turned, ['role'])).toEqual(planOf(renamed, ['role']));
});
