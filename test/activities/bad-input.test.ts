/** What is said of input that no store and no peer should give, word for word. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { executeWrite as writeItem } from '../../activities/connectors/dynamodb/write.js';
import { itemBytes, itemBytesMax } from '../../activities/connectors/dynamodb/item-size.js';
import type { FolderMesh } from '../../activities/connectors/folder/config.js';
import { createFolderConnector } from '../../activities/connectors/folder/connector.js';
import { readAll } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import { visibleText } from '../../cli/showing/value-text.js';
import { naturalKeyOf } from '../../core/natural-key.js';
import { equalTextStep } from '../../core/lens/text.js';
import type { TaxonomyType } from '../../core/federation/taxonomy.js';
import type { NativeObject } from '../../core/record.js';
import { CountingStore, prefixes, seal } from './sealing/worlds.js';

it('a corrupt segment is named by its digest, wherever the byte is that changed', async () => {
  const rows = new Map(Array.from({ length: 20 }, (_, at) => [`key-${at}`, { mail: `Ana ${at}` }] as const));
  for (const change of ['column', 'body'] as const) {
    const store = new CountingStore();
    const sealed = await seal(store, 'aws', rows, {});
    const [segment] = sealed.segments;
    const digest = (change === 'body' ? segment?.body : segment?.keys) ?? '';
    const object = store.objects.get(`aws/segments/${digest}`);
    const at = Buffer.from(object ?? []).indexOf(change === 'body' ? 'Ana' : '');
    if (object) object[at + 2] = (object[at + 2] ?? 0) ^ 1;
    const read = async (): Promise<void> => {
      for await (const _ of readAll(sealed, createSegmentReader({ store, prefixes })));
    };
    await expect(read(), change).rejects.toMatchObject({ code: 'inputNotAuthentic' });
    await expect(read(), change).rejects.toThrow(
      change === 'body'
        ? `a sealed segment is not what its manifest says: a body does not hash to its index entry (aws/segments/${digest})`
        : `the object aws/segments/${digest} is not what its name says`,
    );
  }
});

it('rows of one key in a file are one record that nobody writes, and say so', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-twice-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'parcels.csv'), 'nr,weight\nS-1,1\nS-2,2\nS-1,3\n');
  const mesh: FolderMesh = {
    kind: 'folder',
    path: folder,
    files: { parcel: { file: 'parcels.csv', format: 'csv', key: ['nr'] } },
  };
  const objects: NativeObject[] = [];
  const connector = createFolderConnector({ mesh });
  for await (const item of connector.readAll({ nativeTypes: ['parcel'] }))
    if (item.kind === 'objects') objects.push(...item.objects);
  expect(objects.map(({ id, opaque }) => [id, opaque])).toEqual([
    ['S-1', undefined],
    ['S-2', undefined],
    ['S-1', 'its key stands in more than one row'],
  ]);
  const before = { nr: 'S-1', weight: '1' };
  expect(
    await connector.write({ kind: 'update', type: 'parcel', id: 'S-1', before, after: { ...before, weight: '9' } }),
  ).toMatchObject({ kind: 'refused', code: 'opaqueRecord', detail: 'the key stands twice' });
});

it('an item of more than 400 kB is refused before it is sent, with its size', async () => {
  const table = {
    name: 'parcels',
    key: [{ name: 'nr', type: 'S' }],
    indexed: new Map(),
    declared: () => undefined,
  } as never;
  const mesh = {
    kind: 'dynamodb',
    region: 'eu-north-1',
    tables: { parcel: { table: 'parcels', key: ['nr'] } },
  } as never;
  const sent: string[] = [];
  const client = { writeOnce: (call: string) => Promise.resolve(void sent.push(call)) } as never;
  const create = (note: string) =>
    writeItem(client, mesh, table, { kind: 'create', type: 'parcel', after: { nr: 'S-1', note } });
  // Names count: nr, note and S-1 are nine bytes; é has two.
  expect(await create('é'.repeat(204_796))).toEqual({
    kind: 'refused',
    code: 'valueNotRepresentable',
    detail: 'the item would have 409601 bytes or more, and DynamoDB holds 409600 at most',
  });
  expect(sent).toEqual([]);
  expect((await create('x'.repeat(itemBytesMax - 9))).kind).toBe('applied');
  expect(sent).toEqual(['dynamodb:PutItem']);
  expect(itemBytes({ a: { L: [{ N: '12' }, { M: { b: { BOOL: true } } }] }, c: { B: new Uint8Array(5) } })).toBe(19);
});

it('keys that differ by Unicode form alone are one record where the type says a normal form, and look apart where it does not', () => {
  const composed = 'Zo\u00eb';
  const decomposed = 'Zoe\u0308';
  const taxonomy = { type: 'person', key: ['name'], fields: { name: { kind: 'text' } } } as unknown as TaxonomyType;
  const keyOf = (name: string) => naturalKeyOf(taxonomy, { name });
  expect(keyOf(decomposed)).not.toEqual(keyOf(composed));
  expect([composed, decomposed].map(visibleText)).toEqual([composed, 'Zoe\\u0308']);
  const read = equalTextStep({ fold: null, normalForm: 'NFC' });
  const held = [composed, decomposed].map((native) => read.get(native, {} as never));
  expect(held).toEqual([
    { kind: 'value', value: composed },
    { kind: 'value', value: composed },
  ]);
});
