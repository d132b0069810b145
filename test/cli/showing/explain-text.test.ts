/** What `concordat explain` says of one record: rules and their alternatives, words of people, doubts, and what was not read. */
import { describe, expect, it } from 'vitest';
import { createColors } from 'picocolors';
import { shownStates, type StandingAcceptance } from '../../../core/acceptance-statement.js';
import type { Case } from '../../../core/correlation-cases.js';
import { digestOf } from '../../../core/digest.js';
import { shapeWithout, type DatasetShape } from '../../../core/federation/federation.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import type { NewVersion } from '../../../core/new-versions.js';
import type { PlanInput } from '../../../core/plan.js';
import { OpaqueIndex, type OpaqueRecord } from '../../../core/opaque.js';
import { explainRecord } from '../../../core/resolution/explain.js';
import { explanationLines, type ExplainedText } from '../../../cli/showing/explain-text.js';
import { agreedUnder } from '../../core/support/policy-worlds.js';
import { planInputOf, type World } from '../../core/support/round.js';

const record = { type: 'person', key: 'p1' };

function textOf(input: PlanInput, more: Partial<ExplainedText> = {}, about = record, field?: string): string {
  const explanation = explainRecord(input, about, field);
  if (!explanation) throw new Error('nothing to explain');
  return explanationLines(
    { explanation, name: 'Ada', doubtful: [], unwritten: [], names: {}, ...more },
    {
      paint: createColors(false),
      fixed: [],
      effects: ['effect'],
      elementTypes: (type, name) => (type === 'team' && name === 'people' ? 'person' : undefined),
    },
  ).join('\n');
}

function changed(world: World, member: string, fields: Record<string, string | null>): void {
  const people = world.clouds[member]?.records.person;
  people?.set('p1', { ...people.get('p1'), ...fields });
  world.observations?.observe(world.clouds);
}

function ownedWorld(): World {
  const world = agreedUnder({ fields: { phone: { kind: 'owned', by: 'bb' } } });
  changed(world, 'aa', { phone: 'c' });
  changed(world, 'cc', { phone: 'a', name: 'c' });
  return world;
}

const inputOf = (world: World): PlanInput => planInputOf(world).input;

function acceptedBy(input: PlanInput, authority: string, field: string | null): StandingAcceptance {
  const about = { ...record, field };
  return {
    ...about,
    authority,
    values: { ...shownStates(input, about) },
    owner: 'HR Berlin',
    reason: 'two spellings on purpose',
    untilMs: Date.UTC(2027, 0, 31),
    id: digestOf({ authority, ...about }),
    approver: 'ada',
  };
}

describe('a field that members hold differently', () => {
  it('reads as sentences a person can check: values, what changed, the rule, and every other rule', () => {
    const text = textOf(inputOf(ownedWorld()), {}, record, 'phone');
    expect(text).toContain('phone  owned by bb');
    expect(text).toContain('base  "b"');
    expect(text).toContain('cc    "a"  changed since');
    expect(text).toMatch(/^ {2}bb {4}"b"$/m);
    expect(text).toContain('-> aa "c" -> "b", by owned: bb owns it, by the policy of the dataset');
    expect(text).toContain('leastPrivilege would: aa "c" -> "a" (leastPrivilege); bb "b" -> "a" (leastPrivilege)');
    expect(text).toContain('three-way would: ask people: ');
    expect(text).not.toContain('name');
  });

  it('says which new type or map of it is asked first, with what proves it', () => {
    const input = inputOf(ownedWorld());
    const version: NewVersion = {
      kind: 'map',
      authority: 'cc',
      id: digestOf('new'),
      type: 'person',
      before: { version: 1, digest: digestOf('before') },
      now: { version: 1, digest: digestOf('now') },
      asked: ['aa', 'bb', 'cc'],
      proof: [{ authority: 'cc', records: 4, cameBack: 3 }],
    };
    expect(textOf(input, { newVersions: [version] })).toContain(
      '\n  map of cc for person is new: 3 of 4 records come back as they were; nothing of this plan is written before all who hold the type approve it\n',
    );
    expect(textOf(input)).not.toContain('is new');
  });

  it('says for whom it waits', () => {
    const world = ownedWorld();
    world.shape = shapeWithout(world.shape, ['bb']);
    const text = textOf(inputOf(world), {}, record, 'phone');
    expect(text).toContain('bb (takes no part)');
    expect(text).toContain('-> wait for bb');
  });

  it('that people accepted says who did, that nothing is asked of them, and what the rules would do without that', () => {
    const world = agreedUnder({});
    changed(world, 'aa', { name: 'c' });
    const input = inputOf(world);
    const one = textOf({ ...input, acceptances: [acceptedBy(input, 'bb', 'name')] }, {}, record, 'name');
    expect(one).toContain(
      'accepted by bb until 2027-01-31 00:00:00 UTC, owner HR Berlin: "two spellings on purpose"\n  -> cc "b" -> "c", by changedOnOneSide',
    );
    expect(one).toContain('had nobody accepted it: bb "b" -> "c" (changedOnOneSide); cc "b" -> "c" (changedOnOneSide)');
    const all = textOf(
      { ...input, acceptances: ['bb', 'cc'].map((authority) => acceptedBy(input, authority, 'name')) },
      {},
      record,
      'name',
    );
    expect(all).toContain('-> change nothing\n  had nobody accepted it: bb "b" -> "c"');
    // What another rule would have done is not "nothing" because somebody accepted what this one does.
    expect(all).toContain('owned by bb would: aa "c" -> "b" (owned)');
    expect(textOf(input, {}, record, 'name')).not.toContain('accepted');
  });
});

describe('a record as a whole', () => {
  it('that is gone somewhere says what is planned, what other policies would do, and who accepted that', () => {
    const world = agreedUnder({});
    world.clouds['bb']?.delete('person', 'p1');
    world.observations?.observe(world.clouds);
    const input = inputOf(world);
    const text = textOf({ ...input, acceptances: [acceptedBy(input, 'aa', null)] });
    expect(text).toContain('bb (no such record)');
    expect(text).toContain('accepted by aa until 2027-01-31');
    expect(text).toContain('delete at cc, by deletedOnOneSide');
    expect(text).not.toMatch(/^ *delete at aa/m);
    expect(text).toContain(
      'had nobody accepted it: delete at aa, by deletedOnOneSide; delete at cc, by deletedOnOneSide',
    );
    expect(text).toContain('under deletion keep: create at bb, by keptByPolicy');
  });

  it('that is nobody says who said so and why, and no rule', () => {
    const world = agreedUnder({});
    const key = `~${'7'.repeat(64)}`;
    world.clouds['aa']?.records.person.set(key, { mail: null, name: 'a', phone: null });
    const ignored = {
      authority: 'aa',
      type: 'person',
      record: key,
      reason: 'backup service account',
      id: digestOf('ignored'),
      approver: 'ada',
    };
    const text = textOf({ ...inputOf(world), ignored: [ignored] }, {}, { type: 'person', key });
    expect(text).toContain(`ignored nobody's, as ada of aa said: "backup service account"`);
    expect(text).toContain('-> change nothing');
    expect(text).not.toContain('-> aa');
  });

  it('that a case holds names the case, from both sides of the doubt', () => {
    const world = agreedUnder({});
    const key = `~${'7'.repeat(64)}`;
    world.clouds['aa']?.records.person.set(key, { mail: 'p1', name: 'b', phone: null });
    const found: Case = {
      id: digestOf('case'),
      type: 'person',
      authority: 'aa',
      record: key,
      rule: ['mail'],
      confidence: 90,
      doubt: 'replaced',
      candidates: [{ authority: 'bb', key: 'p1' }],
    };
    changed(world, 'bb', { phone: 'c' });
    const held = [key, 'p1'].map((one) => ({ type: 'person', key: one }));
    const input = { ...inputOf(world), cases: [found], held };
    const doubtful = textOf(input, {}, { type: 'person', key });
    expect(doubtful).toContain(
      `case ${found.id.slice(0, 12)}: this person of aa could be 1 record by mail (90 % sure), which this authority held as another native object; that one is gone; decide with  concordat cases`,
    );
    expect(doubtful).toContain('held by a case that a person decides');
    expect(textOf(input)).toContain('a person that could be this one of aa could be 1 record by mail');
  });

  it('that a mesh cannot represent says where and why, and shows no value of there', () => {
    const world = agreedUnder({});
    changed(world, 'cc', { phone: 'c' });
    const opaque: OpaqueRecord[] = [
      { authority: 'bb', ...record, reason: 'the user is synced from on-premises', changed: true },
    ];
    const input = inputOf(world);
    const index = new OpaqueIndex(opaque);
    const views = {
      ...input.views,
      person: (input.views['person'] ?? []).map((view) => index.silenced('person', view)),
    };
    const text = textOf({ ...input, views, opaque }, {}, record, 'phone');
    expect(text).toContain(
      'opaque at bb: the user is synced from on-premises; it is another object than at the last agreement',
    );
    expect(text).toContain('bb    (opaque: there, and says nothing)');
    expect(text).toContain('-> aa "b" -> "c", by changedOnOneSide');
    // What all others hold alike is in no view, and is explained all the same.
    const alone = { ...inputOf(agreedUnder({})), opaque };
    expect(textOf(alone)).toContain('opaque at bb: the user is synced from on-premises');
  });

  it('that was not read completely says which scope and why', () => {
    const world = agreedUnder({});
    changed(world, 'aa', { phone: 'c' });
    const { input } = planInputOf(world, [{ member: 'cc', type: 'person', keys: ['p1'], fields: [] }]);
    const text = textOf(input, {}, record, 'phone');
    expect(text).toMatch(/not read completely cc person person\/0, so no deletion follows from it \(truncated/);
    expect(text).toContain('cc    (not read)');
  });

  it('whose write nobody knows the effect of says so, and what to type; one that a read settled says that', () => {
    const world = agreedUnder({});
    changed(world, 'aa', { phone: 'c' });
    const write = {
      authority: 'bb',
      operation: digestOf('operation'),
      permit: digestOf('permit'),
      ...record,
      kind: 'update' as const,
      fields: ['phone'],
      code: 'effectUnknown',
      atMs: Date.UTC(2026, 10, 22, 21),
      settled: null,
    };
    const settled = {
      verdict: 'applied' as const,
      by: 'read' as const,
      approver: null,
      reason: null,
      run: digestOf('run'),
      atMs: 1,
    };
    const input = inputOf(world);
    expect(textOf(input, { doubtful: [write] })).toContain(
      `effect unknown bb update of phone at 2026-11-22 21:00:00 UTC: nothing is written there until it is settled:  concordat settle ${write.operation.slice(0, 12)} --as KEY`,
    );
    expect(textOf(input, { doubtful: [{ ...write, settled }] })).toContain(
      'settled, this run read that it had its effect',
    );
    const own = { authority: 'cc', operation: digestOf('own'), kind: 'update' as const };
    const unwritten = [
      { ...own, outcome: 'unknown' as const, code: 'effectUnknown' },
      { ...own, outcome: 'refused' as const, code: 'frozen' },
    ];
    const text = textOf(input, { unwritten });
    expect(text).toContain(`effect unknown cc update of this run`);
    expect(text).toMatch(/not written cc update: frozen: /);
  });

  it('is not there to explain where nothing differs', () => {
    expect(explainRecord(inputOf(agreedUnder({})), record)).toBeUndefined();
  });
});

it('a set shows its elements by name, and a long one only what differs', () => {
  const world = agreedUnder({});
  const teams = world.clouds['aa']?.records.team;
  teams?.set('t1', { ...teams.get('t1'), people: ['p1'] });
  const names = { 'person p1': 'Ada Ruiz', 'person p2': 'Bo' };
  const about = { type: 'team', key: 't1' };
  const text = textOf(inputOf(world), { names }, about, 'people');
  expect(text).toContain('base  [Ada Ruiz (p1), Bo (p2)]');
  expect(text).toContain('aa    [Ada Ruiz (p1)]  changed since');
  expect(text).toContain('-> bb - Bo (p2), by elementChanged');
  const many = Array.from({ length: 12 }, (_, at) => `l${at}`);
  for (const { records } of Object.values(world.clouds))
    records.team.set('t1', { ...records.team.get('t1'), labels: many });
  world.base.team.set('t1', { ...world.base.team.get('t1'), labels: many });
  teams?.set('t1', { ...teams.get('t1'), labels: [...many.slice(1), 'new'] });
  const long = textOf(inputOf(world), { names }, about, 'labels');
  expect(long).toMatch(/base {2}12 elements$/m);
  expect(long).toContain('aa    12 elements + "new" - "l0"  changed since');
});

it('an effect says what each mesh leaves, and that no rule decides about it', () => {
  const taxonomy = TaxonomyType.parse({
    type: 'grant',
    key: ['who'],
    fields: { who: { kind: 'text' }, effect: { kind: 'effect' } },
  });
  const fields = ['effect', 'who'];
  const shape = {
    dataset: { dataset: 'rights' },
    members: ['aws', 'sov'],
    types: [{ taxonomy, held: { aws: fields, sov: fields }, absent: [], groups: [], digests: [] }],
    absent: [],
    configuration: digestOf('configuration'),
  } as unknown as DatasetShape;
  const aws = { who: 'ada', effect: ['manage keys', 'read objects'] };
  const sov = { who: 'ada', effect: ['read objects'] };
  const input: PlanInput = {
    shape,
    base: null,
    standing: digestOf('standing'),
    rejections: {},
    correlation: digestOf('correlation'),
    cases: [],
    held: [],
    incomplete: [],
    views: { grant: [{ key: 'g1', members: { aws, sov }, base: undefined }] },
    heldAtBase: {},
  };
  const text = textOf(input, {}, { type: 'grant', key: 'g1' }, 'effect');
  expect(text).toContain('effect  worked out from what each mesh permits; no rule decides and nobody writes it');
  expect(text).toContain('aws   ["manage keys", "read objects"]');
  expect(text).toContain('-> names agree, effect differs: aws leaves manage keys; sov leaves none of it');
  expect(text).not.toContain('would:');
});
