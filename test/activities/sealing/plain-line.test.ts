/** That bytes are found canonical by a look at them is held to the long way: to parse them and to write them again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecordLayout } from '../../../activities/sealing/record-layout.js';
import { canonicalJson } from '../../../core/digest.js';
import type { Json } from '../../../core/json.js';
import { groupText } from '../../../core/record-digest.js';
import { fieldsOf, type Fields } from '../../../core/record.js';
import { groups } from './worlds.js';

const names = ['mail', 'path', 'phone', 'team'];
const layouts = [new RecordLayout(groups), new RecordLayout([{ id: 'all', fields: names, members: ['aws'] }])];

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 4 }));
const value = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.array(text, { maxLength: 3 }),
  fc.constantFrom<Json>(null, true, false, 7, {}, [1], [[]], [null], '\u007f', 'tab\t', 'a"b', 'a\\b', 'true', '}'),
);
const record = fc.tuple(text, fc.tuple(...names.map(() => fc.option(value, { nil: undefined, freq: 4 }))));

interface Read {
  readonly fields: Fields;
  readonly key: string;
}

/** The long way; null where it is not the canonical JSON of a record of the layout. */
function readLong(bytes: Buffer, layout: RecordLayout): Read | null {
  try {
    const written = bytes.toString('utf8');
    const parsed = JSON.parse(written) as Read;
    return parsed.key !== '' && layout.texts(parsed.key, parsed.fields)?.whole === written ? parsed : null;
  } catch {
    return null;
  }
}

/** In the middle of other bytes, as in a body: whether it was found canonical; if so, all is as the long way has it. */
function agrees(line: Buffer, layout: RecordLayout): boolean {
  const bytes = Buffer.concat([Buffer.from('0123456789abcdef\t'), line, Buffer.from('\n{"fields":{},"key":"next"}\n')]);
  const { plain } = layout;
  if (!plain?.isCanonical(bytes, 17, 17 + line.length)) return false;
  const read = readLong(line, layout);
  expect(read, line.toString('latin1')).not.toBeNull();
  if (read)
    layout.groups.forEach(({ fields }, group) =>
      expect(Buffer.from(plain.groupText(group, bytes)).toString('utf8')).toBe(
        groupText(read.key, read.fields, fields),
      ),
    );
  return true;
}

function lineOf(key: string, values: readonly (Json | undefined)[]): Buffer | null {
  try {
    return Buffer.from(canonicalJson({ key, fields: fieldsOf(names, values) }));
  } catch {
    return null;
  }
}

test('a line that is found canonical is so, and its groups are what they are', () => {
  let plain = 0;
  let other = 0;
  fc.assert(
    fc.property(record, fc.constantFrom(...layouts), ([key, values], layout) => {
      const line = lineOf(key, values);
      if (!line) return;
      if (agrees(line, layout)) plain += 1;
      else other += 1;
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
  expect(other).toBeGreaterThan(100);
});

test('so it is with lines that somebody altered', () => {
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom('cut', 'add', 'swap', 'repeat'),
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ',',
      ':',
      '\\',
      ' ',
      '\n',
      '\t',
      '\u0000',
      '\u00ff',
      '0',
      'a',
      't',
      'f',
      'n',
    ),
  );
  let plain = 0;
  fc.assert(
    fc.property(record, fc.constantFrom(...layouts), change, ([key, values], layout, [where, how, unit]) => {
      const line = lineOf(key, values);
      if (!line) return;
      const at = where % line.length;
      const with_ = Buffer.from(unit, 'latin1');
      const altered = {
        cut: () => Buffer.concat([line.subarray(0, at), line.subarray(at + 1)]),
        add: () => Buffer.concat([line.subarray(0, at), with_, line.subarray(at)]),
        swap: () => Buffer.concat([line.subarray(0, at), with_, line.subarray(at + 1)]),
        repeat: () => Buffer.concat([line.subarray(0, at), line.subarray(at >> 1)]),
      }[how]();
      if (agrees(altered, layout)) plain += 1;
    }),
    { numRuns: 6000 },
  );
  expect(plain).toBeGreaterThan(20);
});

test.each([
  ['nothing but a key', '{"fields":{},"key":"k"}', true],
  ['all kinds of values', '{"fields":{"mail":"m","path":["a","b"],"phone":null,"team":[]},"key":"k"}', true],
  ['truth values', '{"fields":{"mail":true,"path":false},"key":"k"}', true],
  ['no key', '{"fields":{},"key":""}', false],
  ['names out of order', '{"fields":{"path":"p","mail":"m"},"key":"k"}', false],
  ['one name twice', '{"fields":{"mail":"m","mail":"n"},"key":"k"}', false],
  ['a name of no group', '{"fields":{"mail":"m","role":"r"},"key":"k"}', false],
  ['a comma too many', '{"fields":{"mail":"m",},"key":"k"}', false],
  ['a comma too many in a list', '{"fields":{"team":["a",]},"key":"k"}', false],
  ['a text that does not end', '{"fields":{"mail":"m},"key":"k"}', false],
  ['a list in a list', '{"fields":{"team":[["a"]]},"key":"k"}', false],
  ['a space', '{"fields":{"mail": "m"},"key":"k"}', false],
  ['an escape that need not be', '{"fields":{"mail":"\\u006d"},"key":"k"}', false],
  ['more behind it', '{"fields":{},"key":"k"},"more":1}', false],
  ['a second record', '{"fields":{},"key":"k"}{"fields":{},"key":"k"}', false],
])('%s', (_, line, expected) => {
  for (const layout of layouts) expect(agrees(Buffer.from(line), layout)).toBe(expected);
});

test('no line is plain where names are none that are written alike everywhere', () => {
  expect(new RecordLayout([{ id: 'all', fields: ['1'], members: ['aws'] }]).plain).toBeNull();
  expect(new RecordLayout([{ id: 'all', fields: ['näme'], members: ['aws'] }]).plain).toBeNull();
});
