/** Lines made of what COPY tells are those of the objects that the same rows make as texts, byte for byte, however the stream is cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, Table } from '../../../../activities/connectors/postgresql/catalog.js';
import { CopyLines, hasLines, type PageOfLines } from '../../../../activities/connectors/postgresql/copy-lines.js';
import { rowId } from '../../../../activities/connectors/postgresql/row-id.js';
import { bodyOf, type TextRow } from '../../../../activities/connectors/postgresql/rows.js';
import { lineBreak, lineOf } from '../../../../activities/object-line.js';
import { propertyRuns } from '../../../support/property-runs.js';

const column = (name: string, type: string, isArray = false): Column => ({
  name,
  type,
  isArray,
  written: type,
  isGenerated: false,
});

/** As the server writes a field. https://www.postgresql.org/docs/15/sql-copy.html#id-1.9.3.55.9.2 */
const letters: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};
const copyField = (text: string | null): string =>
  text === null ? '\\N' : text.replace(/[\b\f\n\r\t\v\\]/g, (letter) => letters[letter] ?? letter);

/** What PostgreSQL can hold: no U+0000, and nothing that is no character. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...Array.from('ab\\"\t\n\r\v\b\f\u0001\u001f\u007f{},nN\u2028é😀 ')) }),
    fc.constantFrom('', '\\N', 'NULL', 'null', '\\', '"', '\\.', 'N'),
  )
  .map((some) => some.replaceAll('\0', '').toWellFormed());
const quotedElement = (element: string | null): string =>
  element === null ? 'NULL' : `"${element.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
const array = (of: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    fc.array(fc.option(of)).map((elements) => `{${elements.map(quotedElement).join(',')}}`),
    fc.array(fc.constantFrom('a', 'bc', 'NOT', 'null', 'x y', 'é')).map((elements) => `{${elements.join(',')}}`),
    fc.constantFrom('{}', '[0:1]={1,2}', '{{a,b},{c,NULL}}', '{NULL}', '{n}', '{a,n,b}'),
  );

const kinds: readonly { readonly column: (name: string) => Column; readonly value: fc.Arbitrary<string> }[] = [
  { column: (name) => column(name, 'text'), value: text },
  { column: (name) => column(name, 'int8'), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  { column: (name) => column(name, 'bool'), value: fc.constantFrom('t', 'f') },
  {
    column: (name) => column(name, 'bytea'),
    value: fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`),
  },
  {
    column: (name) => column(name, 'jsonb'),
    value: fc.oneof(fc.json(), fc.constantFrom('1.50', '[1.0, 1.0]', '1e400')),
  },
  { column: (name) => column(name, 'text', true), value: array(text) },
  { column: (name) => column(name, 'varchar', true), value: array(fc.constantFrom('a', 'b c')) },
  { column: (name) => column(name, 'int4', true), value: fc.constantFrom('{}', '{1,2}', '{{1},{2}}', '{NULL,3}') },
  { column: (name) => column(name, 'bool', true), value: fc.constantFrom('{t,f}', '{NULL}') },
];

interface Sample {
  readonly table: Table;
  readonly rows: readonly TextRow[];
}
const sample: fc.Arbitrary<Sample> = fc
  .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom('id', 'a b', 'é"', 'Z'), text), fc.constantFrom(...kinds)), {
    minLength: 1,
    maxLength: 6,
    selector: ([name]) => name,
  })
  .filter((columns) =>
    hasLines(
      tableOf(
        columns.map(([name, kind]) => kind.column(name)),
        [],
      ),
    ),
  )
  .chain((columns) =>
    fc.record({
      table: fc.uniqueArray(fc.nat({ max: columns.length - 1 }), { minLength: 1, maxLength: 3 }).map((key) =>
        tableOf(
          columns.map(([name, kind]) => kind.column(name)),
          key.map((at) => columns[at]?.[0] ?? ''),
        ),
      ),
      rows: fc.array(fc.tuple(...columns.map(([, kind]) => fc.option(kind.value, { freq: 6 }))), { maxLength: 12 }),
    }),
  );

function tableOf(columns: readonly Column[], key: readonly string[]): Table {
  return { name: '"public"."sample"', key, columns, isUnique: true };
}

const placeOf = (at: number): string => `(${Math.floor(at / 7)},${at % 7})`;

function pagesOf({ table, rows }: Sample, cuts: readonly number[], rowsMax: number): readonly PageOfLines[] {
  const bytes = Buffer.from(rows.map((row, at) => `${[...row.map(copyField), placeOf(at)].join('\t')}\n`).join(''));
  const lines = new CopyLines('sample', table, true);
  const pages: PageOfLines[] = [];
  let start = 0;
  for (const end of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length]) {
    lines.push(bytes.subarray(start, end));
    while (lines.fill(rowsMax)) pages.push(lines.page());
    start = end;
  }
  lines.end();
  pages.push(lines.page());
  return pages;
}

describe('rows that are copied', () => {
  it('make the lines of their objects', () => {
    fc.assert(
      fc.property(sample, fc.array(fc.nat()), fc.integer({ min: 1, max: 5 }), (of, cuts, rowsMax) => {
        const pages = pagesOf(of, cuts, rowsMax);
        let at = 0;
        for (const { rows, count, unreadable, lines, place } of pages) {
          const own = of.rows.slice(at, at + rows).map((row) => bodyOf(of.table, row));
          const objects = own.flatMap((body) => {
            const id = rowId(body, of.table.key);
            return id === null ? [] : [{ type: 'sample', id, body }];
          });
          expect(rows).toBeLessThanOrEqual(rowsMax);
          expect(Buffer.from(lines).toString('utf8')).toBe(objects.map((object) => lineOf(object)).join(lineBreak));
          expect(count).toBe(objects.length);
          expect(unreadable).toBe(rows - objects.length);
          at += rows;
          expect(place).toBe(rows === 0 ? null : placeOf(at - 1));
        }
        expect(at).toBe(of.rows.length);
      }),
      propertyRuns(1_000),
    );
  });

  it('may be longer than what is reserved at once, and than a page', () => {
    const table = tableOf([column('id', 'text'), column('note', 'text'), column('more', 'jsonb')], ['id']);
    const rows = ['a', 'b', 'c', 'd'].map((id, at) => [
      id,
      '\u0001"é'.repeat(at * 60_000),
      JSON.stringify([1.5, 'x'.repeat(at * 90_000)]),
    ]);
    const pages = pagesOf({ table, rows }, [10, 100_000, 100_001, 700_000], 100);
    expect(pages.length).toBeGreaterThan(1);
    expect(
      pages.flatMap(({ count, lines }) => (count > 0 ? [Buffer.from(lines).toString('utf8')] : [])).join(lineBreak),
    ).toBe(rows.map((row) => lineOf({ type: 'sample', id: row[0] ?? '', body: bodyOf(table, row) })).join(lineBreak));
  });

  it.each([
    ['fewer fields', 'a\t(0,1)\n'],
    ['more fields', 'a\tb\tc\t(0,1)\n'],
    ['an end inside a row', 'a\tb\t(0,1)\nb\tc'],
  ])('of another form are refused: %s', (_case, bytes) => {
    const lines = new CopyLines('sample', tableOf([column('id', 'text'), column('note', 'text')], ['id']), true);
    expect(() => {
      lines.push(Buffer.from(bytes));
      lines.fill(10);
      lines.end();
    }).toThrow('another form');
  });

  it('of columns that an object orders otherwise are left to objects', () => {
    for (const name of ['1', '__proto__']) expect(hasLines(tableOf([column(name, 'text')], [name]))).toBe(false);
    expect(hasLines({ ...tableOf([column('id', 'text')], ['id']), isUnique: false })).toBe(false);
    expect(hasLines(tableOf([column('a1', 'text')], ['a1']))).toBe(true);
  });
});
