/** What each step reads, writes and refuses, by example. */
import { describe, expect, test } from 'vitest';
import { LensStep } from '../../core/federation/map.js';
import type { Json, JsonObject } from '../../core/json.js';
import { fieldMapProblem, foldAscii, stepLens, type References } from '../../core/lens.js';
import { constantLocation, pathLocation, tagLocation } from '../../core/lens/location.js';
import { isOneToOne } from '../../core/lens/table.js';

const links: Readonly<Record<string, string>> = { 'id-anna': 'p1', 'id-bob': 'p2', 'id-new': '~provisional' };
const references: References = {
  resolve: (type, id) => (type === 'person' ? (links[id] ?? null) : null),
  resolveBack: (type, key) => (type === 'person' ? (Object.keys(links).find((id) => links[id] === key) ?? null) : null),
};

function get(step: LensStep, native: Json): Json {
  const got = stepLens(step).get(native, references);
  return got.kind === 'value' ? got.value : got.kind === 'untranslatable' ? `! ${got.reason}` : `! ${got.kind}`;
}

function put(step: LensStep, wanted: Json, native?: Json): Json {
  const result = stepLens(step).put(wanted, native, references);
  return result.kind === 'value' ? result.value : `! ${result.code}: ${result.reason}`;
}

describe('fold: lower', () => {
  const fold: LensStep = { fold: 'lower' };

  test.each([
    ["Anna.O'Brien@Example.ORG", "anna.o'brien@example.org"],
    ['ÄRGER@X', 'Ärger@x'],
    ['İSTANBUL I', 'İstanbul i'],
    ['\u212a (kelvin) K', '\u212a (kelvin) k'],
    ['ΣΑΣ', 'ΣΑΣ'],
    ['already lower 😀', 'already lower 😀'],
    ['', ''],
    [null, null],
    [7, '! the value is not text'],
    [['A'], '! the value is not text'],
  ])('reads %j as %j', (native, expected) => expect(get(fold, native)).toBe(expected));

  test('keeps the native spelling as long as it folds to the value', () => {
    expect(put(fold, 'anna@example.org', 'Anna@Example.org')).toBe('Anna@Example.org');
    expect(put(fold, 'bob@example.org', 'Anna@Example.org')).toBe('bob@example.org');
  });

  test('refuses a value with A-Z, which it could never read back', () => {
    expect(put(fold, 'Anna', 'bob')).toBe(
      '! valueNotRepresentable: the value has letters A-Z where this mesh compares without regard to case',
    );
  });

  test('folds no letter beyond ASCII', () => {
    for (let unit = 128; unit < 0xd800; unit++) {
      const letter = String.fromCharCode(unit);
      if (foldAscii(`${letter}A`) !== `${letter}a`) throw new Error(`folded U+${unit.toString(16)}`);
    }
  });
});

describe('escape: iam-tag', () => {
  const escape: LensStep = { escape: 'iam-tag' };

  test.each([
    ["O'Brien", 'O=27Brien'],
    ['R&D', 'R=26D'],
    ['a=b', 'a=3Db'],
    ['Müller Straße', 'Müller Straße'],
    ['e\u0301', 'e=CC=81'],
    ['😀 ok', '=F0=9F=98=80 ok'],
    ['山田', '山田'],
    ['anna@example.org/x:y_z.+-1', 'anna@example.org/x:y_z.+-1'],
    ['tab\tand\u00a0hard space', 'tab=09and=C2=A0hard space'],
    ['100%', '100=25'],
    ['\u0000', '=00'],
    ['', ''],
    [null, null],
  ])('writes %j as %j and reads it back', (text, native) => {
    expect(put(escape, text)).toBe(native);
    expect(get(escape, native)).toBe(text);
  });

  test.each([
    ['a=b', 'no hexadecimal follows'],
    ['=', 'nothing follows'],
    ['=2', 'one digit follows'],
    ['=c3=a9', 'lower-case digits'],
    ['=C3', 'half a character'],
    ['=C3=28', 'not UTF-8'],
    ['=C0=A7', 'an overlong apostrophe'],
    ['=ED=A0=80', 'a surrogate'],
    ['=41', 'a letter that needs no escape'],
    ["=27 and '", 'a character that the escape would not have left as it is'],
  ])('takes %j literally: %s', (native) => {
    expect(get(escape, native)).toBe(native);
    expect(put(escape, native, native)).toBe(native);
    expect(get(escape, put(escape, native))).toBe(native);
  });

  test('writes a literal that looks like an escape so that it is not read as one', () => {
    expect(put(escape, '=27')).toBe('=3D27');
    expect(get(escape, '=3D27')).toBe('=27');
  });

  test('writes only what IAM takes', () => {
    const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;
    for (let point = 0; point < 0x3000; point++) {
      const native = put(escape, String.fromCodePoint(point));
      if (typeof native !== 'string' || !allowed.test(native))
        throw new Error(`U+${point.toString(16)} is not written as IAM takes it`);
    }
  });

  test('refuses half a character pair and anything but text', () => {
    expect(put(escape, '\ud83d')).toBe('! valueNotRepresentable: the value is not well-formed Unicode');
    expect(put(escape, true)).toBe('! valueNotRepresentable: the value is not text');
    expect(get(escape, 7)).toBe('! the value is not text');
  });
});

describe('enum', () => {
  const table: LensStep = { enum: { enabled: true, disabled: false } };

  test('reads and writes by its table', () => {
    expect(get(table, 'enabled')).toBe(true);
    expect(put(table, false, 'enabled')).toBe('disabled');
    expect(get(table, null)).toBeNull();
    expect(put(table, null, 'enabled')).toBeNull();
  });

  test.each(['unheard-of', 'Enabled', 'constructor', true, 7])('knows no native %j', (native) => {
    expect(get(table, native)).toBe('! the table of the map does not know the native value');
  });

  test('refuses a value outside its table without naming it', () => {
    expect(put(table, 'secret')).toBe('! valueNotRepresentable: the table of the map has no native value for it');
  });

  test('may give a text for null', () => {
    const withNull: LensStep = { enum: { none: null, x: 'X' } };
    expect(get(withNull, 'none')).toBeNull();
    expect(put(withNull, null, 'x')).toBe('none');
    expect(put(withNull, null, null)).toBeNull();
  });

  test('is refused where two texts lead to one value', () => {
    expect(isOneToOne({ on: true, off: false })).toBe(true);
    expect(isOneToOne({ on: { a: 1, b: 2 }, ON: { b: 2, a: 1 } })).toBe(false);
  });
});

describe('set', () => {
  const set: LensStep = { set: true };

  test('sorts by code unit and drops repetitions', () => {
    expect(get(set, ['b', 'a', 'b', 'Z', 'é', '\ud83d\ude00', '\uffee'])).toEqual([
      'Z',
      'a',
      'b',
      'é',
      '\ud83d\ude00',
      '\uffee',
    ]);
  });

  test('keeps the native order where the elements are the same', () => {
    expect(put(set, ['a', 'b'], ['b', 'a', 'b'])).toEqual(['b', 'a', 'b']);
    expect(put(set, ['a'], ['b', 'a'])).toEqual(['a']);
  });

  test('refuses lists that are no set', () => {
    expect(put(set, ['b', 'a'])).toMatch(/not sorted by code unit/);
    expect(put(set, ['a', 'a'])).toMatch(/not sorted by code unit/);
    expect(get(set, ['a', 7])).toBe('! the value is not a list of texts');
    expect(get(set, 'a')).toBe('! the value is not a list of texts');
    expect(get(set, ['\ud83d'])).toBe('! the value is not a list of texts');
  });
});

describe('references', () => {
  const members: LensStep = { references: 'person' };

  test('reads keys, and counts the ids that have none', () => {
    expect(stepLens(members).get(['id-bob', 'id-gone', 'id-anna', 'id-far'], references)).toEqual({
      kind: 'value',
      value: ['p1', 'p2'],
      setAside: 2,
    });
    expect(stepLens(members).get(['id-anna'], references)).toEqual({ kind: 'value', value: ['p1'] });
  });

  test('adds and removes by key and leaves the ids that have none', () => {
    expect(put(members, ['p2'], ['id-anna', 'id-gone'])).toEqual(['id-bob', 'id-gone']);
    expect(put(members, [], ['id-anna', 'id-gone'])).toEqual(['id-gone']);
    expect(put(members, ['p1', 'p2'])).toEqual(['id-anna', 'id-bob']);
  });

  test('refuses a key that no object of this mesh stands for, and asks no one for a key already here', () => {
    expect(put(members, ['p1', 'p9'], ['id-anna'])).toMatch(/^! dependencyNotMet: /);
    const blind: References = { resolve: references.resolve, resolveBack: () => null };
    expect(stepLens(members).put(['p1'], ['id-anna', 'id-bob'], blind)).toEqual({ kind: 'value', value: ['id-anna'] });
  });

  test('refuses an object that stands for another key by now', () => {
    const stale: References = { resolve: references.resolve, resolveBack: () => 'id-anna' };
    expect(stepLens(members).put(['p7'], [], stale)).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
  });
});

describe('emptyAs: null', () => {
  const emptyAs: LensStep = { emptyAs: 'null' };

  test('makes the empty text and null one', () => {
    expect(get(emptyAs, '')).toBeNull();
    expect(get(emptyAs, null)).toBeNull();
    expect(get(emptyAs, ' ')).toBe(' ');
    expect(put(emptyAs, null, '')).toBe('');
    expect(put(emptyAs, null, null)).toBeNull();
    expect(put(emptyAs, null, 'x')).toBeNull();
    expect(put(emptyAs, '', 'x')).toMatch(/^! valueNotRepresentable: /);
  });
});

describe('maxLength', () => {
  const short: LensStep = { maxLength: 3, loss: 'the directory keeps three characters' };

  test('refuses what is longer, names the declared loss and cuts nothing', () => {
    expect(put(short, 'abc')).toBe('abc');
    expect(put(short, 'abcd', 'x')).toBe(
      '! valueNotRepresentable: the value is longer than 3 UTF-16 code units: the directory keeps three characters',
    );
    expect(put(short, '😀😀')).toMatch(/^! valueNotRepresentable: /);
  });

  test('reads what the mesh holds even where it is longer, and leaves it', () => {
    expect(get(short, 'abcdef')).toBe('abcdef');
    expect(put(short, 'abcdef', 'abcdef')).toBe('abcdef');
  });
});

describe('locations', () => {
  const read = (lens: ReturnType<typeof pathLocation>, body: JsonObject): Json | undefined => {
    const got = lens.get(body, references);
    return got.kind === 'value' ? got.value : `! ${got.kind}`;
  };
  const write = (lens: ReturnType<typeof pathLocation>, wanted: Json, body: JsonObject): Json => {
    const result = lens.put(wanted, body, references);
    return result.kind === 'value' ? result.value : `! ${result.reason}`;
  };

  test('a path that is missing, at any depth, is held and empty', () => {
    const deep = pathLocation('a.b.c', false);
    for (const body of [{}, { a: null }, { a: {} }, { a: { b: null } }, { a: { b: { c: null } } }]) {
      expect(read(deep, body)).toBeNull();
      expect(write(deep, null, body)).toBe(body);
    }
    expect(read(deep, { a: { b: { c: 0 } } })).toBe(0);
    expect(write(deep, 'x', { a: { other: 1 } })).toEqual({ a: { other: 1, b: { c: 'x' } } });
    expect(write(deep, null, { a: { b: { c: 'x', d: 1 } } })).toEqual({ a: { b: { c: null, d: 1 } } });
  });

  test('a path through something that is no object is not translated and not overwritten', () => {
    const deep = pathLocation('a.b', false);
    for (const a of ['text', 7, ['list']]) {
      expect(read(deep, { a })).toBe('! untranslatable');
      expect(write(deep, 'x', { a })).toBe('! the path crosses a native value that is not an object');
    }
  });

  test('a path never reaches into the prototype', () => {
    expect(read(pathLocation('constructor.name', false), {})).toBeNull();
    const after = write(pathLocation('__proto__.polluted', false), true, {});
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.keys(after as JsonObject)).toEqual(['__proto__']);
  });

  test('a property that the connector left out is absent, and null or [] where it did not', () => {
    const members = pathLocation('members', true);
    expect(read(members, {})).toBe('! absent');
    expect(read(members, { members: [] })).toEqual([]);
    expect(write(members, [], {})).toEqual({ members: [] });
  });

  test('a tag is a property of Tags, whatever its case, and null removes it', () => {
    const mail = tagLocation('mail');
    expect(read(mail, {})).toBeNull();
    expect(read(mail, { Tags: { Mail: 'x' } })).toBe('x');
    expect(write(mail, 'y', { Tags: { Mail: 'x', team: 't' } })).toEqual({ Tags: { Mail: 'y', team: 't' } });
    expect(write(mail, null, { Tags: { Mail: 'x', team: 't' } })).toEqual({ Tags: { team: 't' } });
    expect(write(mail, 'y', { UserName: 'u' })).toEqual({ UserName: 'u', Tags: { mail: 'y' } });
    expect(read(mail, { Tags: ['mail'] })).toBe('! untranslatable');
    expect(write(mail, 'y', { Tags: 'mail' })).toBe('! the native tags are not an object');
  });

  test('a constant hears only itself', () => {
    const active = constantLocation(true);
    const body = { any: 'thing' };
    expect(read(active, body)).toBe(true);
    expect(write(active, true, body)).toBe(body);
    expect(write(active, false, body)).toMatch(/^! this mesh says one thing/);
  });
});

describe('fieldMapProblem', () => {
  const team = { kind: 'set', of: 'person', sensitivity: 'public' } as const;
  const text = { kind: 'text', equality: 'exact', sensitivity: 'public' } as const;

  test('refuses a map that would let native ids leave in the place of keys', () => {
    expect(fieldMapProblem({ path: 'members' }, team)).toBe('the map needs exactly one step { references: person }');
    expect(fieldMapProblem({ path: 'members', through: [{ references: 'person' }, { set: true }] }, team)).toBeNull();
    expect(fieldMapProblem({ path: 'members', through: [{ references: 'team' }] }, team)).not.toBeNull();
    expect(fieldMapProblem({ path: 'x', through: [{ references: 'person' }] }, text)).not.toBeNull();
    expect(fieldMapProblem({ constant: ['id-anna'] }, team)).not.toBeNull();
  });

  test('refuses a table that is not one to one', () => {
    expect(fieldMapProblem({ path: 'x', through: [{ enum: { a: 'x', b: 'x' } }] }, text)).not.toBeNull();
  });
});

test('every step that the schema knows has a lens of its own', () => {
  const examples: readonly unknown[] = [
    { fold: 'lower' },
    { enum: { a: 'b' } },
    { escape: 'iam-tag' },
    { set: true },
    { references: 'person' },
    { emptyAs: 'null' },
    { maxLength: 9, loss: 'x' },
    { reference: { user: 'person' } },
    { table: { a: ['b'] } },
    { special: { NaN: ['n/a'] } },
    { number: 'json' },
    { unit: 'kg', times: '1000' },
    { zone: '+02:00' },
    { epoch: 'second' },
    { bytes: 'hex' },
    { part: 'first', at: ' ' },
  ];
  expect(LensStep.options).toHaveLength(examples.length);
  for (const example of examples) expect(stepLens(LensStep.parse(example)).get(null, references).kind).toBe('value');
});

describe('reference', () => {
  const step: LensStep = { reference: { user: 'person', group: 'team' } };

  test.each<[Json, Json]>([
    ['user/id-anna', 'person/p1'],
    ['user/id-new', 'person/~provisional'],
    ['user/id-nobody', '! outside'],
    ['role/id-anna', '! outside'],
    ['user', '! the native reference is not of the form <native type>/<id>'],
    ['/id-anna', '! the native reference is not of the form <native type>/<id>'],
    [null, null],
  ])('reads %j as %j', (native, expected) => expect(get(step, native)).toBe(expected));

  test('writes the native reference, and keeps what means the record already', () => {
    expect(put(step, 'person/p2')).toBe('user/id-bob');
    expect(put(step, 'person/p1', 'user/id-anna')).toBe('user/id-anna');
  });

  test('refuses a record that this mesh does not hold yet, and a type that the map does not name', () => {
    expect(put(step, 'person/p9')).toBe('! dependencyNotMet: this mesh holds no person for the key');
    expect(put(step, 'workload/w1')).toBe(
      '! valueNotRepresentable: the map of this mesh names no native type for workload',
    );
  });
});

describe('table', () => {
  const table = { operator: ['PowerUserAccess', 'OpsAccess'], auditor: [] };

  test('reads every native text of a value, and writes the preferred one where none means it yet', () => {
    expect(get({ table }, 'OpsAccess')).toBe('operator');
    expect(put({ table }, 'operator', 'OpsAccess')).toBe('OpsAccess');
    expect(put({ table }, 'operator', 'ReadOnlyAccess')).toBe('PowerUserAccess');
  });

  test('cannot translate what it does not know, unless it says that this is set aside', () => {
    expect(get({ table }, 'AdministratorAccess')).toBe('! the table of the map does not know the native value');
    expect(get({ table, else: 'setAside' }, 'AdministratorAccess')).toBe('! outside');
  });

  test('refuses a value that this mesh has no text for', () => {
    const refusal = '! valueNotRepresentable: the table of the map has no native value for it';
    expect(put({ table }, 'auditor')).toBe(refusal);
    expect(put({ table }, 'constructor')).toBe(refusal);
  });
});
