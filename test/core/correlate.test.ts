/** Joining records: independent of order, never two of one member, and people's word before any rule. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../core/digest.js';
import { correlate, newKey, type CorrelateInput, type Correlation, type LinkStatement } from '../../core/correlate.js';
import { candidatesMax } from '../../core/correlation-cases.js';
import { matchedValues, tokenField, tokenRules, tokenText } from '../../core/match-tokens.js';
import { isProvisional, type Fields } from '../../core/record.js';
import { FieldDigests } from '../../activities/surface/field-digests.js';

const members = ['aa', 'bb', 'cc'];
const rules = [{ match: ['number'] }, { match: ['mail', 'name'] }];
type Entry = CorrelateInput['records'][number];

function alone(authority: string, name: string, fields: Fields): Entry {
  return { key: `~${name}`, members: { [authority]: fields } };
}

function known(key: string, held: Readonly<Record<string, Fields>>): Entry {
  return { key, members: held };
}

function run(records: readonly Entry[], statements: readonly LinkStatement[] = []): Correlation {
  return correlate({ type: 'person', rules, statements, records });
}

function says(kind: LinkStatement['kind'], authority: string, record: string, to: string): LinkStatement {
  return { kind, authority, type: 'person', record, to };
}

/** What the records are once the assignments are applied. */
function rekeyed(records: readonly Entry[], { assignments }: Correlation): Entry[] {
  const found = new Map<string, Record<string, Fields | undefined>>();
  for (const { key, members: held } of records)
    for (const [authority, fields] of Object.entries(held)) {
      const to = assignments.find((one) => one.from === key && one.authority === authority)?.key ?? key;
      const entry = found.get(to) ?? {};
      expect(entry[authority], `two records of ${authority} under ${to}`).toBeUndefined();
      found.set(to, { ...entry, [authority]: fields });
    }
  return [...found].map(([key, held]) => ({ key, members: held }));
}

const text = fc.constantFrom('', '1', '1', '2', '3');
const fields = fc.record({ number: text, mail: text, name: fc.constantFrom('x', 'y', null) });
const worlds = fc
  .record({
    alone: fc.array(fc.record({ authority: fc.constantFrom(...members), fields }), { maxLength: 9 }),
    known: fc.array(fc.dictionary(fc.constantFrom(...members), fields, { minKeys: 1, maxKeys: 3 }), { maxLength: 3 }),
  })
  .map((drawn) => [
    ...drawn.alone.map((one, at) => alone(one.authority, `n${at}`, one.fields)),
    ...drawn.known.map((held, at) => known(`k${at}`, held)),
  ]);
const statementsOn = (records: readonly Entry[]): fc.Arbitrary<LinkStatement[]> =>
  records.length === 0
    ? fc.constant([])
    : fc.array(
        fc
          .record({
            kind: fc.constantFrom<LinkStatement['kind']>('link', 'apart'),
            record: fc.constantFrom(...records),
            to: fc.constantFrom(...records),
            by: fc.constantFrom(...members),
          })
          .map(({ kind, record, to, by }) => says(kind, by, record.key, to.key)),
        { maxLength: 4 },
      );
const spokenWorlds = worlds.chain((records) => fc.tuple(fc.constant(records), statementsOn(records)));

describe('correlation', () => {
  it('does not depend on the order of records, statements or members', () => {
    fc.assert(
      fc.property(spokenWorlds, fc.nat(), ([records, statements], seed) => {
        const turned = <Item>(items: readonly Item[]): Item[] => {
          const at = items.length === 0 ? 0 : seed % items.length;
          return [...items.slice(at), ...items.slice(0, at)].reverse();
        };
        const other = turned(records).map((record) => ({
          key: record.key,
          members: Object.fromEntries(Object.entries(record.members).reverse()),
        }));
        expect(canonicalJson(run(other, turned(statements)))).toBe(canonicalJson(run(records, statements)));
      }),
    );
  });

  it('never puts two records of one member under one key, and takes no key from a record that has one', () => {
    fc.assert(
      fc.property(spokenWorlds, ([records, statements]) => {
        const found = run(records, statements);
        rekeyed(records, found);
        for (const { from, key } of found.assignments) {
          expect(isProvisional(from)).toBe(true);
          expect(isProvisional(key)).toBe(false);
        }
      }),
    );
  });

  it('gives every record a key or holds it, never both', () => {
    fc.assert(
      fc.property(spokenWorlds, ([records, statements]) => {
        const found = run(records, statements);
        const held = new Set(found.held.map(({ key }) => key));
        const assigned = new Set(found.assignments.map(({ from }) => from));
        for (const { key } of records) {
          if (isProvisional(key)) expect(held.has(key)).not.toBe(assigned.has(key));
        }
        expect(assigned.size).toBe(found.assignments.length);
      }),
    );
  });

  it('assigns nothing the second time and finds the same cases', () => {
    fc.assert(
      fc.property(worlds, (records) => {
        const first = run(records);
        const second = run(rekeyed(records, first));
        expect(second.assignments).toEqual([]);
        expect(second.cases).toEqual(first.cases);
        expect(second.held).toEqual(first.held);
      }),
    );
  });

  it('holds exactly the records that the cases name, and each case names at least one other record', () => {
    fc.assert(
      fc.property(spokenWorlds, ([records, statements]) => {
        const { cases, held } = run(records, statements);
        const named = new Set(cases.flatMap(({ record, candidates }) => [record, ...candidates.map(({ key }) => key)]));
        for (const one of cases) {
          expect(one.candidates.length).toBeGreaterThan(0);
          expect(one.candidates.map(({ key }) => key)).not.toContain(one.record);
          expect(records.find(({ key }) => key === one.record)?.members[one.authority]).toBeDefined();
        }
        const heldKeys = new Set(held.map(({ key }) => key));
        for (const key of named) expect(heldKeys).toContain(key);
        // One doubtful record has one case: it names every candidate.
        expect(new Set(cases.map(({ record }) => record)).size).toBe(cases.length);
      }),
    );
  });

  it('never joins what a person told apart', () => {
    fc.assert(
      fc.property(spokenWorlds, ([records, statements]) => {
        const found = run(records, statements);
        const keyOf = (key: string): string => found.assignments.find(({ from }) => from === key)?.key ?? key;
        for (const { kind, authority, record, to } of statements) {
          const own = records.find(({ key }) => key === record)?.members[authority] !== undefined;
          if (kind === 'apart' && own && record !== to) expect(keyOf(record)).not.toBe(keyOf(to));
        }
      }),
    );
  });
});

describe('the ordered rules', () => {
  const one = { number: '1', mail: '', name: '' };

  it('link one candidate, whether it has a key or not', () => {
    const linked = run([alone('aa', 'a', one), known('k', { bb: one })]);
    expect(linked.assignments).toEqual([{ authority: 'aa', type: 'person', from: '~a', key: 'k' }]);
    const fresh = run([alone('aa', 'a', one), alone('bb', 'b', one)]);
    expect(fresh.assignments.map(({ from, key }) => [from, key])).toEqual(
      ['~a', '~b'].map((from) => [from, newKey('person', ['~b', '~a'])]),
    );
    expect(fresh.cases).toEqual([]);
  });

  it('make a new record where there is no candidate, also where the only like value is empty', () => {
    const empty = { number: '', mail: '', name: null };
    const { assignments } = run([alone('aa', 'a', empty), known('k', { bb: empty })]);
    expect(assignments).toMatchObject([{ from: '~a', key: newKey('person', ['~a']) }]);
  });

  it('need every field of a rule', () => {
    const half = { number: '', mail: '1', name: 'x' };
    const { assignments } = run([alone('aa', 'a', half), known('k', { bb: { ...half, name: 'y' } })]);
    expect(assignments[0]?.key).not.toBe('k');
    expect(run([alone('aa', 'a', half), known('k', { bb: half })]).assignments[0]?.key).toBe('k');
  });

  it('do not link to a record that the member already holds', () => {
    const { assignments, cases } = run([alone('aa', 'a', one), known('k', { aa: one, bb: one })]);
    expect(cases).toEqual([]);
    expect(assignments[0]?.key).not.toBe('k');
  });

  it('ask about several candidates in one case, and hold these and no others', () => {
    const { cases, held, assignments } = run([
      alone('aa', 'a', one),
      known('k1', { bb: one }),
      known('k2', { bb: one }),
      alone('cc', 'c', { number: '9', mail: '', name: '' }),
    ]);
    expect(cases).toMatchObject([
      {
        authority: 'aa',
        record: '~a',
        rule: ['number'],
        candidates: [
          { authority: 'bb', key: 'k1' },
          { authority: 'bb', key: 'k2' },
        ],
      },
    ]);
    expect(held.map(({ key }) => key)).toEqual(['k1', 'k2', '~a']);
    expect(assignments.map(({ from }) => from)).toEqual(['~c']);
  });

  it('never take two records that have keys for one, though their members differ', () => {
    const apart = [known('k1', { bb: one }), known('k2', { cc: one })];
    expect(run(apart)).toEqual({ assignments: [], cases: [], held: [] });
    const { cases, assignments } = run([alone('aa', 'a', one), ...apart]);
    expect(cases).toMatchObject([{ record: '~a', candidates: [{ key: 'k1' }, { key: 'k2' }] }]);
    expect(assignments).toEqual([]);
  });

  it('ask both where two records of one member could be the same known one', () => {
    const { cases, assignments } = run([alone('aa', 'a1', one), alone('aa', 'a2', one), known('k', { bb: one })]);
    expect(
      Object.fromEntries(cases.map(({ record, candidates }) => [record, candidates.map(({ key }) => key)])),
    ).toEqual({
      '~a1': ['k'],
      '~a2': ['k'],
    });
    expect(assignments).toEqual([]);
  });

  it('decide in their order: a later rule does not unsettle what an earlier one found', () => {
    const a = { number: '1', mail: '1', name: 'x' };
    const { assignments } = run([
      alone('aa', 'a', a),
      known('k1', { bb: { number: '1', mail: '', name: '' } }),
      known('k2', { bb: { number: '', mail: '1', name: 'x' } }),
    ]);
    expect(assignments[0]?.key).toBe('k1');
  });
});

describe('a value that many share', () => {
  const one = { number: '1', mail: '', name: '' };
  const crowd = (count: number): Entry[] =>
    Array.from({ length: count }, (_, at) => alone(at % 2 === 0 ? 'aa' : 'bb', String(at).padStart(6, '0'), one));

  it('names nobody: all of them wait, and each case lists the first candidates and says that there are more', () => {
    const records = crowd(2 * candidatesMax + 4);
    const { cases, held, assignments } = run(records);
    expect(assignments).toEqual([]);
    expect(held).toHaveLength(records.length);
    expect(cases).toHaveLength(records.length);
    for (const { candidates, more } of cases) expect([candidates.length, more]).toEqual([candidatesMax, true]);
    expect(run([...records].reverse())).toEqual(run(records));
    for (const { candidates, more } of run(crowd(2 * candidatesMax)).cases)
      expect([candidates.length, more]).toEqual([candidatesMax, undefined]);
  });

  it('is a case for each of those that compete for one known record, however many they are', () => {
    const { cases, held } = run([known('k', { bb: one }), ...crowd(80).filter(({ members: held }) => held['aa'])]);
    expect(cases).toHaveLength(40);
    for (const { candidates } of cases) expect(candidates).toEqual([{ authority: 'bb', key: 'k' }]);
    expect(held).toHaveLength(41);
  });

  // In pairs these are 16 million, and listing them all takes longer than a test may.
  it('takes work that grows with the records', () => {
    const records = crowd(4_000);
    const statements = records.slice(0, 20).map(({ key }) => says('apart', 'aa', key, '~000001'));
    const { cases, held } = run(records, statements);
    expect([cases.length, held.length]).toEqual([4_000, 4_000]);
    expect(cases.find(({ record }) => record === '~000000')?.candidates.map(({ key }) => key)).not.toContain('~000001');
  });

  it('joins no two of several whom people told apart from a third', () => {
    const pairs = [alone('aa', 'a0', one), alone('aa', 'a1', one), alone('bb', 'b0', one), alone('bb', 'b1', one)];
    // ~a0 could only be ~b1, but ~b1 could be ~a1 as well.
    const { cases, assignments } = run(pairs, [says('apart', 'aa', '~a0', '~b0')]);
    expect(assignments).toEqual([]);
    expect(cases.map(({ record }) => record).sort()).toEqual(['~a1', '~b1']);
  });
});

describe('what people say', () => {
  const one = { number: '1', mail: '', name: '' };
  const doubt = [alone('aa', 'a', one), alone('bb', 'b1', one), alone('bb', 'b2', one)];

  it('settles a case: the linked records are one, and the other candidate is a record of its own', () => {
    expect(run(doubt).cases).toHaveLength(1);
    const { cases, held, assignments } = run(doubt, [says('link', 'aa', '~a', '~b2')]);
    expect([...cases, ...held]).toEqual([]);
    expect(Object.fromEntries(assignments.map(({ from, key }) => [from, key]))).toEqual({
      '~a': newKey('person', ['~a', '~b2']),
      '~b2': newKey('person', ['~a', '~b2']),
      '~b1': newKey('person', ['~b1']),
    });
  });

  it('settles a case by what a record is not', () => {
    const { cases, assignments } = run(doubt, [says('apart', 'aa', '~a', '~b1')]);
    expect(cases).toEqual([]);
    expect(assignments.find(({ from }) => from === '~a')?.key).toBe(newKey('person', ['~a', '~b2']));
  });

  it('joins what no rule would join', () => {
    const { assignments } = run(
      [alone('aa', 'a', one), known('k', { bb: { number: '2', mail: '', name: '' } })],
      [says('link', 'aa', '~a', 'k')],
    );
    expect(assignments[0]?.key).toBe('k');
  });

  it('counts for records of the own authority only', () => {
    expect(run(doubt, [says('link', 'bb', '~a', '~b2')]).cases).toHaveLength(1);
    expect(run(doubt, [says('apart', 'cc', '~a', '~b1')]).cases).toHaveLength(1);
    expect(run(doubt, [says('link', 'bb', '~b2', '~a')]).cases).toEqual([]);
  });

  it('that contradicts itself settles nothing', () => {
    const both = [says('link', 'aa', '~a', '~b1'), says('link', 'aa', '~a', '~b2')];
    expect(run(doubt, both)).toEqual(run(doubt));
  });

  it('about a record whose place is taken leaves what others say of it standing', () => {
    const records = [
      alone('aa', 'a', one),
      alone('cc', 'c', { number: '3', mail: '', name: '' }),
      known('k', { aa: one }),
    ];
    const { assignments } = run(records, [says('link', 'aa', '~a', 'k'), says('link', 'cc', '~c', 'k')]);
    expect(assignments.find(({ from }) => from === '~c')?.key).toBe('k');
    expect(assignments.find(({ from }) => from === '~a')?.key).not.toBe('k');
  });

  it('to keep two apart still holds after the other became a record of its own', () => {
    const apart = [says('apart', 'aa', '~a', '~b1')];
    const records = [alone('aa', 'a', one), known(newKey('person', ['~b1']), { bb: one })];
    expect(run(records, apart).assignments[0]?.key).toBe(newKey('person', ['~a']));
  });
});

describe('correlation by match tokens', () => {
  const everyField = ['number', 'mail', 'name'];
  const key = new Uint8Array(32).fill(7);
  const digests = new FieldDigests('workforce', key);

  /** What leaves the authorities: the digests of values, which differ from record to record, and the tokens. */
  function sealed(records: readonly Entry[], hidden: readonly string[]): Entry[] {
    return records.map((record) => {
      const members: Record<string, Fields> = {};
      const tokens: Record<string, Fields> = {};
      for (const [member, held] of Object.entries(record.members)) {
        if (!held) continue;
        members[member] = Object.fromEntries(
          Object.entries(held).map(([field, value]) => [
            field,
            hidden.includes(field) ? digests.seal({ type: 'person', key: record.key, field }, value) : value,
          ]),
        );
        tokens[member] = digests.matchTokens('person', tokenRules(rules, hidden), held);
      }
      return { key: record.key, members, tokens };
    });
  }

  it('joins, doubts and keeps apart exactly what the values in clear would, whichever fields are digests', () => {
    fc.assert(
      fc.property(spokenWorlds, fc.subarray(everyField), ([records, statements], hidden) => {
        const found = correlate({
          type: 'person',
          rules,
          statements,
          digests: hidden,
          records: sealed(records, hidden),
        });
        expect(found).toEqual(run(records, statements));
      }),
    );
  });

  it('joins nothing by digests alone: without tokens a rule over a digest field finds nobody', () => {
    const records = [alone('aa', 'a', { number: '1' }), alone('bb', 'b', { number: '1' })];
    const without = sealed(records, ['number']).map(({ key: of, members }) => ({ key: of, members }));
    const joined = correlate({ type: 'person', rules, statements: [], digests: ['number'], records: without });
    expect(new Set(joined.assignments.map(({ key: of }) => of)).size).toBe(2);
    expect(new Set(run(records).assignments.map(({ key: of }) => of)).size).toBe(1);
  });

  it('gives no token for a value that is not held or empty, and never one token for two rules, types or datasets', () => {
    const [number, mail] = rules as [(typeof rules)[0], (typeof rules)[0]];
    for (const value of ['', null, true, ['x'], undefined])
      expect(matchedValues(number, value === undefined ? {} : { number: value })).toBeUndefined();
    const held = { number: '1', mail: '1', name: '1' };
    const tokens = [
      digests.matchTokens('person', [number], held)[tokenField(number)],
      digests.matchTokens('person', [mail], held)[tokenField(mail)],
      digests.matchTokens('team', [number], held)[tokenField(number)],
      new FieldDigests('another', key).matchTokens('person', [number], held)[tokenField(number)],
      new FieldDigests('workforce', new Uint8Array(32)).matchTokens('person', [number], held)[tokenField(number)],
      digests.seal({ type: 'person', key: 'k', field: 'number' }, '1')?.hmac,
    ];
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(tokens).not.toContain(undefined);
  });

  it('hashes the whole of what a rule asks for: values cannot be moved from one field to the next', () => {
    const place = { dataset: 'workforce', type: 'person' };
    const mail = { match: ['mail', 'name'] };
    expect(tokenText(place, mail, ['a', 'bc'])).not.toBe(tokenText(place, mail, ['ab', 'c']));
    expect(tokenText(place, mail, ['a', 'b'])).not.toBe(tokenText(place, { match: ['name', 'mail'] }, ['a', 'b']));
  });
});
