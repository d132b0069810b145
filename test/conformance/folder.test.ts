/** Folders of files are held to what every store of records must do, and to what only files can get wrong. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFolderConnector } from '../../activities/connectors/folder/connector.js';
import { batchCases } from './batch-cases.js';
import { describeParts } from './parts-suite.js';
import { recordCases } from './record-cases.js';
import { holdsEveryValue, sampleMap } from './record-types.js';
import { startFolderWorld, type FolderWorld } from './record-worlds.js';
import { collect, endsIn } from './scene.js';
import { describeWorld } from './suite.js';
import { connectorFor } from './world.js';

for (const format of ['jsonLines', 'csv'] as const)
  describeWorld(
    `folder ${format}`,
    [],
    async () => ({ available: true, world: await startFolderWorld(format) }),
    [],
    undefined,
    [...recordCases, ...batchCases],
  );

for (const format of ['jsonLines', 'csv'] as const)
  describeWorld(
    `parts of a folder, ${format}`,
    [],
    async () => ({ available: true, world: await startFolderWorld(format, 'parts') }),
    [],
    undefined,
    [...recordCases, ...batchCases],
  );

let world: FolderWorld;
let csv: FolderWorld;
let lake: FolderWorld;
beforeAll(async () => {
  world = await startFolderWorld('jsonLines');
  csv = await startFolderWorld('csv');
  lake = await startFolderWorld('jsonLines', 'parts');
});
afterAll(async () => {
  await world.stop();
  await csv.stop();
  await lake.stop();
});
beforeEach(async () => {
  await world.reset();
  await csv.reset();
});

const at = (name: string): string => join(lake.folder, name);
describeParts({
  name: 'a folder',
  connector: (files, wishes) => connectorFor({ ...lake.mesh, files }, {}, wishes),
  following: (files) => createFolderConnector({ mesh: { ...lake.mesh, files, changes: { fullReadEvery: 24 } } }),
  emptied: () => rm(at('parcels'), { recursive: true, force: true }),
  put: async (name, text) => {
    await mkdir(join(at(name), '..'), { recursive: true });
    // As programs put parts: what was there is another file.
    await writeFile(at('new'), text);
    await rename(at('new'), at(name));
  },
  held: (name) => readFile(at(name), 'utf8'),
  remove: (name) => rm(at(name)),
});

const objects = async (of: FolderWorld) =>
  (await collect(of.connector().readAll({}))).flatMap((item) => (item.kind === 'objects' ? item.objects : []));
const ends = async (of: FolderWorld) => endsIn(await collect(of.connector().readAll({})));

describe('values', () => {
  it('of every kind come back from JSON Lines', async () => {
    await writeFile(join(world.folder, 'samples.jsonl'), '');
    const files = { sample: { file: 'samples.jsonl', format: 'jsonLines', key: ['id'] } } as const;
    const connector = createFolderConnector({
      mesh: { ...world.mesh, files: { sample: { ...files.sample, key: ['id'] } } },
    });
    await holdsEveryValue(
      connector,
      sampleMap({
        long: [{ number: 'json' }],
        amount: [{ number: 'json' }],
        price: [{ number: 'json' }],
        weight: [{ number: 'json' }, { unit: 'kg', times: '1000' }],
        localAt: [{ epoch: 'second' }],
        raw: [{ bytes: 'hex' }],
        tags: [{ set: true }],
      }),
      15,
    );
  });

  it('of every kind but lists come back from CSV', async () => {
    const names = [
      'id',
      'text',
      'composed',
      'folded',
      'flag',
      'long',
      'amount',
      'price',
      'weight',
      'seenAt',
      'localAt',
      'day',
      'raw',
    ];
    await writeFile(join(csv.folder, 'samples.csv'), `${names.join(';')}\r\n`);
    const connector = createFolderConnector({
      mesh: { ...csv.mesh, files: { sample: { file: 'samples.csv', format: 'csv', delimiter: ';', key: ['id'] } } },
    });
    await holdsEveryValue(
      connector,
      sampleMap({
        flag: [{ enum: { yes: true, no: false } }],
        weight: [{ unit: 'g' }],
        localAt: [{ zone: '+05:30' }],
        tags: null,
        numbers: null,
        lines: null,
      }),
      15,
    );
  });
});

describe('files as people leave them', () => {
  it('keep the bytes of every other row: spaces, line ends, byte order mark, blank lines and no end of the last line', async () => {
    const first = '\ufeff{"id": "a",  "name":1.50, "note":null}\r\n';
    const [second, third] = ['{"id":"b","note":"x"}\r\n', '\r\n{ "id" : "c", "big": 9223372036854775807 }'];
    await writeFile(join(world.folder, 'parcels.jsonl'), `${first}${second}${third}`);
    const connector = world.connector();
    const [a, b, c] = await objects(world);
    expect(a?.body).toEqual({ id: 'a', name: { $number: '1.50' }, note: null });
    expect(c?.body).toEqual({ id: 'c', big: { $number: '9223372036854775807' } });
    if (!b || !c) throw new Error('rows are missing');
    const { type, id, body } = b;
    await connector.write({ kind: 'update', type, id, before: body, after: { ...body, note: 'y' } });
    await connector.write({ kind: 'create', type, after: { id: 'd', note: null } });
    expect(await readFile(join(world.folder, 'parcels.jsonl'), 'utf8')).toBe(
      `${first}{"id":"b","note":"y"}\r\n${third}\r\n{"id":"d","note":null}\r\n`,
    );
    expect((await readdir(world.folder)).sort()).toEqual(['pairs.jsonl', 'parcels.jsonl', 'samples.jsonl']);
    await connector.write({ kind: 'update', type, id: 'c', before: c.body, after: { ...c.body, note: 'z' } });
    expect(await readFile(join(world.folder, 'parcels.jsonl'), 'utf8')).toContain(
      '{"id":"c","big":9223372036854775807,"note":"z"}\r\n',
    );
  });

  it('keep the bytes of every other CSV row, with quotes that nobody needed', async () => {
    const text = '"id",name,note\r\n"a","A",\r\nb,"B ""b""",""\r\nc,C,two\r\n';
    await writeFile(join(csv.folder, 'parcels.csv'), text);
    const rows = await objects(csv);
    expect(rows.map(({ body }) => body)).toEqual([
      { id: 'a', name: 'A', note: null },
      { id: 'b', name: 'B "b"', note: '' },
      { id: 'c', name: 'C', note: 'two' },
    ]);
    const before = rows[2]?.body ?? {};
    const write = { kind: 'update', type: 'parcel', id: 'c', before, after: { ...before, note: 'a,b' } } as const;
    expect(await csv.connector().write(write)).toMatchObject({ kind: 'applied' });
    expect(await readFile(join(csv.folder, 'parcels.csv'), 'utf8')).toBe(text.replace('two', '"a,b"'));
  });

  it('that hold a row nobody can read, a row without a key, or no UTF-8, are incomplete and not empty', async () => {
    const name = join(world.folder, 'parcels.jsonl');
    for (const bad of ['{"id":"b"', '{"name":"no key"}', '[1]', '{"id":{}}', '7']) {
      await writeFile(name, `{"id":"a"}\n${bad}\n{"id":"c"}\n`);
      expect((await objects(world)).map(({ id }) => id)).toEqual(['a', 'c']);
      expect(await ends(world)).toEqual(['parcel: rowUnreadable', 'pair']);
    }
    await writeFile(
      name,
      Buffer.concat([Buffer.from('{"id":"a"}\n{"id":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
    );
    expect(await ends(world)).toEqual(['parcel: rowUnreadable', 'pair']);
    await writeFile(join(csv.folder, 'parcels.csv'), 'id,name,note\na,"b" c,d\n');
    expect(await ends(csv)).toEqual(['parcel: rowUnreadable', 'pair']);
    for (const header of ['', 'name,note\n']) {
      await writeFile(join(csv.folder, 'parcels.csv'), header);
      expect(await ends(csv)).toEqual(['parcel: rowUnreadable', 'pair']);
    }
  });

  it('that are not there are incomplete, and so is a folder in the place of a file', async () => {
    await rename(join(world.folder, 'pairs.jsonl'), join(world.folder, 'elsewhere'));
    expect(await ends(world)).toEqual(['parcel', 'pair: scopeNotFound']);
    await rename(join(world.folder, 'elsewhere'), join(world.folder, 'pairs.jsonl'));
  });

  it('that hold a key twice show one opaque row, which is not written', async () => {
    await writeFile(join(world.folder, 'parcels.jsonl'), '{"id":"a","note":"1"}\n{"id":"b"}\n{"id":"a","note":"2"}\n');
    const latest = new Map((await objects(world)).map((object) => [object.id, object]));
    expect(latest.get('a')?.opaque).toMatch(/more than one row/);
    expect(latest.get('b')).not.toHaveProperty('opaque');
    expect((await world.connector().readOne('parcel', 'a'))?.opaque).toMatch(/more than one row/);
    const before = { id: 'a', note: '1' };
    for (const write of [
      { kind: 'update', type: 'parcel', id: 'a', before, after: { id: 'a', note: '3' } },
      { kind: 'delete', type: 'parcel', id: 'a', before, deletionMayRemove: [] },
    ] as const)
      expect(await world.connector().write(write)).toMatchObject({ kind: 'refused', code: 'opaqueRecord' });
  });

  it('with a row of more or fewer cells than the header show it as opaque', async () => {
    await writeFile(join(csv.folder, 'parcels.csv'), 'id,name,note\na,b\nc,d,e,f\ng,h,i\n');
    expect((await objects(csv)).map(({ id, opaque }) => [id, opaque !== undefined])).toEqual([
      ['a', true],
      ['c', true],
      ['g', false],
    ]);
  });

  it('that are changed while they are read start the read again; one that is only replaced is read as it was', async () => {
    const name = join(world.folder, 'parcels.jsonl');
    await writeFile(name, '{"id":"a"}\n{"id":"b"}\n');
    const begin = async (change: () => Promise<void>) => {
      const items = [];
      for await (const item of world.connector({ pageSize: 1 }).readAll({})) {
        if (items.length === 0) await change();
        items.push(item);
      }
      return endsIn(items);
    };
    await expect(begin(() => writeFile(name, '{"id":"a"}\n'))).rejects.toMatchObject({ code: 'cursorLost' });
    await writeFile(join(world.folder, 'new'), '{"id":"c"}\n');
    expect(await begin(() => rename(join(world.folder, 'new'), name))).toEqual(['parcel', 'pair']);
    expect((await objects(world)).map(({ id }) => id)).toEqual(['c']);
  });

  it('that somebody changes between the copy and its place keep that change: the row is put into what stands there now', async () => {
    const name = join(world.folder, 'parcels.jsonl');
    await writeFile(name, '{"id":"a"}\n');
    const write = { kind: 'create', type: 'parcel', after: { id: 'b' } } as const;
    const answer = await world.connector().write(write, () => writeFile(name, '{"id":"c"}\n'));
    expect(answer).toEqual({ kind: 'applied', id: 'b' });
    expect(await readFile(name, 'utf8')).toBe('{"id":"c"}\n{"id":"b"}\n');
    const theirs = '{"id":"d","note":"theirs"}\n';
    const late = await world.connector().write({ ...write, after: { id: 'd' } }, () => writeFile(name, theirs));
    expect(late).toMatchObject({ kind: 'conflict', code: 'nameTaken' });
    expect(await readFile(name, 'utf8')).toBe(theirs);
    expect((await readdir(world.folder)).filter((entry) => entry.startsWith('.'))).toEqual([]);
  });

  it('of CSV hold texts in the columns of the header and nothing else', async () => {
    const announced: unknown[] = [];
    for (const after of [
      { id: 'a', note: true },
      { id: 'a', other: 'x' },
      { id: 'a', note: ['x'] },
    ]) {
      const answer = await csv
        .connector()
        .write({ kind: 'create', type: 'parcel', after }, (call) => Promise.resolve(void announced.push(call)));
      expect(answer).toMatchObject({ kind: 'refused', code: 'valueNotRepresentable' });
    }
    expect(announced).toEqual([]);
    expect(await objects(csv)).toEqual([]);
  });

  it('are probed: a missing one is named, and so is a folder that is not there', async () => {
    await mkdir(join(world.folder, 'sub'), { recursive: true });
    const mesh = {
      ...world.mesh,
      files: { parcel: { file: 'sub/none.jsonl', format: 'jsonLines' as const, key: ['id'] } },
    };
    expect(await createFolderConnector({ mesh }).probe()).toMatchObject({ reachable: true, code: 'scopeNotFound' });
    expect(await createFolderConnector({ mesh: { ...mesh, path: join(world.folder, 'gone') } }).probe()).toMatchObject({
      reachable: false,
      code: 'scopeNotFound',
    });
  });
});
