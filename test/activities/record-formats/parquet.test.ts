/**
 * Parquet files as pyarrow 26.0.1 wrote them (samples/make.py), read without loss; and files that are damaged.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFolderConnector } from '../../../activities/connectors/folder/connector.js';
import { parquetRows } from '../../../activities/record-formats/parquet.js';
import type { Row } from '../../../activities/record-formats/rows.js';
import { TaxonomyType } from '../../../core/federation/taxonomy.js';
import { TypeMap } from '../../../core/federation/map.js';
import { translate } from '../../../core/translate.js';
import { collect, endsIn } from '../../conformance/scene.js';
import { propertyRuns } from '../../support/property-runs.js';

const samples = fileURLToPath(new URL('./samples/', import.meta.url));
const rowsOf = async (name: string, key: readonly string[] = ['id']): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for await (const row of parquetRows(path.join(samples, name), key)) rows.push(row);
  return rows;
};

let folder = '';
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'concordat-parquet-test-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('every type of a column is read to its last digit, and null is not empty', async () => {
  const [header, first, second, third] = await rowsOf('every-type.parquet');
  expect(header?.columns).toHaveLength(25);
  // As the library that wrote the file printed them (samples/make.py), in the words of the format.
  expect(header?.declares).toMatchObject({
    id: 'STRING',
    long: 'INT64',
    unsigned: 'UINT(64)',
    byte: 'INT(8)',
    price: 'DECIMAL(38,3)',
    double: 'DOUBLE',
    millis: 'TIMESTAMP(MILLIS,UTC)',
    local: 'TIMESTAMP(MICROS,LOCAL)',
    fixed: 'FIXED_LEN_BYTE_ARRAY(2)',
    amounts: 'LIST<DECIMAL(10,2)>',
    place: 'GROUP<city: STRING, zip: INT64>',
    lines: 'LIST<GROUP<sku: STRING, count: INT64>>',
    labels: 'MAP<STRING, STRING>',
  });
  expect(first?.body).toEqual({
    id: 'a',
    long: '9223372036854775807',
    unsigned: '18446744073709551615',
    small: '4294967295',
    byte: '-128',
    price: '12345678901234567890123456789012345.678',
    wide: '1234567890123456789012345678901234567890.5',
    cents: '0.1',
    double: '0.1',
    single: '0.1',
    millis: '1970-01-01T00:00:00Z',
    micros: '2024-05-01T11:00:00.123456Z',
    nanos: '2024-05-01T11:00:00.123456789Z',
    local: '2024-05-01T11:00:00.123456',
    day: '2024-02-29',
    time: '23:59:59.999999',
    flag: true,
    raw: 'AP8=',
    fixed: 'AQI=',
    text: 'e\u0301 李 😀',
    tags: ['x', null, 'y'],
    amounts: ['1.5'],
    place: { city: 'Turku', zip: '20100' },
    lines: [{ sku: 'k', count: '9223372036854775807' }],
    labels: [
      { key: 'k', value: 'v' },
      { key: 'l', value: null },
    ],
  });
  expect(second?.body).toEqual({
    id: 'b',
    long: '-9223372036854775808',
    unsigned: '0',
    small: '7',
    byte: '127',
    price: '-0.001',
    wide: '-0.5',
    cents: '-99.99',
    double: 'NaN',
    single: '-Infinity',
    millis: '1969-12-31T23:59:59.999Z',
    micros: '0001-01-01T00:00:00Z',
    nanos: '1969-12-31T23:59:59.999999999Z',
    local: '1969-12-31T23:59:59.999999',
    day: '0001-01-01',
    time: '00:00:00',
    flag: false,
    raw: '',
    fixed: 'AwQ=',
    text: '',
    tags: [],
    amounts: [],
    place: { city: null, zip: null },
    lines: [],
    labels: [],
  });
  expect(third?.body).toEqual({
    ...Object.fromEntries(Object.keys(first?.body ?? {}).map((name) => [name, null])),
    id: 'c',
  });
});

test('moments of 96 bits keep their nanoseconds and say no zone', async () => {
  expect((await rowsOf('int96.parquet')).slice(1).map(({ body }) => body?.['nanos'])).toEqual([
    '2024-05-01T11:00:00.123456789',
    '1969-12-31T23:59:59.999999999',
    null,
  ]);
});

test('rows of several groups come in their order, once each, whole parts of a group at a time', async () => {
  const [, ...rows] = await rowsOf('groups.parquet');
  expect(rows).toHaveLength(18_000);
  expect(rows.every(({ body }, at) => body?.['id'] === String(at) && body['same'] === 'x')).toBe(true);
});

const files = { sample: { file: 'sample.parquet', format: 'parquet' as const, key: ['id'] } };
const connector = () => createFolderConnector({ mesh: { kind: 'folder', path: folder, files } });
const place = (bytes: Uint8Array): Promise<void> => writeFile(path.join(folder, 'sample.parquet'), bytes);

test('a file that is cut short anywhere is one fault of that file, and never a shorter list', async () => {
  const whole = await readFile(path.join(samples, 'every-type.parquet'));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 1 }), async (length) => {
      await place(whole.subarray(0, length));
      const items = await collect(connector().readAll({}));
      expect(endsIn(items)).toEqual(['sample: fileDamaged']);
      expect(items).toHaveLength(1);
      await expect(connector().readOne('sample', 'a')).rejects.toMatchObject({
        code: 'fileDamaged',
        message: 'sample.parquet cannot be read: it is cut short, damaged, or no Parquet file',
      });
    }),
    propertyRuns(10),
  );
});

test('bytes that are damaged in the footer lead to that same fault or to as many rows, and to nothing else', async () => {
  const whole = await readFile(path.join(samples, 'int96.parquet'));
  const footer = whole.readUInt32LE(whole.length - 8) + 8;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: footer }), fc.integer({ min: 1, max: 255 }), async (fromEnd, change) => {
      const bytes = Buffer.from(whole);
      bytes[bytes.length - fromEnd] = (bytes.at(-fromEnd) ?? 0) ^ change;
      await place(bytes);
      const items = await collect(connector().readAll({}));
      const rows = items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));
      const [end = ''] = endsIn(items);
      expect(['sample', 'sample: fileDamaged', 'sample: rowUnreadable']).toContain(end);
      if (end === 'sample') expect(rows).toHaveLength(3);
    }),
    propertyRuns(30),
  );
});

test('a key that is no column of the file makes its type incomplete', async () => {
  await place(await readFile(path.join(samples, 'int96.parquet')));
  const mesh = {
    kind: 'folder' as const,
    path: folder,
    files: { sample: { ...files.sample, key: ['nanos', 'none'] } },
  };
  expect(endsIn(await collect(createFolderConnector({ mesh }).readAll({})))).toEqual(['sample: rowUnreadable']);
});

test('a Parquet file is never written', async () => {
  const whole = await readFile(path.join(samples, 'int96.parquet'));
  await place(whole);
  expect(connector().capabilities.nativeTypes).toMatchObject([{ type: 'sample', writes: [] }]);
  expect(await connector().write({ kind: 'create', type: 'sample', after: { id: 'd' } })).toMatchObject({
    kind: 'refused',
    code: 'valueNotRepresentable',
  });
  expect(await readFile(path.join(folder, 'sample.parquet'))).toEqual(whole);
});

test('NaN and the infinities of a column are values where the taxonomy names them, and else hold their record back', async () => {
  const columns = { double: 'NaN', single: '-Infinity' };
  const map = TypeMap.parse({
    type: 'sample',
    native: 'sample',
    lifecycle: 'active',
    fields: { double: { path: 'double' }, single: { path: 'single' } },
  });
  const [, , second] = await rowsOf('every-type.parquet');
  const translated = (special: readonly string[]) => {
    const field = { kind: 'decimal', ...(special.length > 0 ? { special } : {}) };
    const taxonomy = TaxonomyType.parse({ type: 'sample', fields: { double: field, single: field } });
    const object = { type: 'sample', id: 'b', body: second?.body ?? {} };
    return translate({ object, map, taxonomy, surface: Object.keys(columns), key: 'k', resolve: () => null });
  };
  expect(translated(['NaN', '-Infinity'])).toMatchObject({
    kind: 'record',
    roundTrips: true,
    record: { fields: columns },
  });
  for (const special of [[], ['NaN'], ['-Infinity']]) expect(translated(special).kind).toBe('untranslatable');
});
