/** Pages lie many in a file where much was read; a read that dies goes on behind what is durable, and no page is there twice. */
import { expect, it } from 'vitest';
import { pageFiles, pagesIn, PageWriter } from '../../../activities/authority/page-files.js';
import type { ReadItem } from '../../../activities/connectors/connector.js';
import { MemoryStore } from '../../support/memory-store.js';

const run = 'ab'.repeat(32);
const page = (number: number): ReadItem => ({
  kind: 'objects',
  scope: 'all',
  objects: [{ type: 'user', id: `${number}`, body: { text: 'two\nlines, and as many words as a page has'.repeat(3) } }],
  cursor: `${number}`,
});

async function idsIn(store: MemoryStore): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const item of pagesIn(store, 'people', run))
    if (item.kind === 'objects') ids.push(...item.objects.map(({ id }) => id));
  return ids;
}

async function write(store: MemoryStore, from: number, to: number): Promise<void> {
  const writer = await PageWriter.behind(store, 'people', run, () => undefined);
  for (let number = from; number < to; number += 1) await writer.add(page(number));
  await writer.end();
}

it('come back in their order, from fewer files than there are pages', async () => {
  const store = new MemoryStore();
  await write(store, 0, 400);
  expect(await idsIn(store)).toEqual(Array.from({ length: 400 }, (_, number) => `${number}`));
  expect((await pageFiles(store, 'people', run)).length).toBeLessThan(60);
});

it('are nearly all there when the worker dies, and are gone on from', async () => {
  for (const dies of [1, 5, 40, 300]) {
    const store = new MemoryStore();
    const dying = await PageWriter.behind(store, 'people', run, () => undefined);
    for (let number = 0; number < dies; number += 1) await dying.add(page(number));
    // Never ended: what was not put is lost. What was being put may be there or not.
    await new Promise(setImmediate);
    const there = (await idsIn(store)).length;
    expect(there).toBeGreaterThanOrEqual(Math.floor(dies * 0.85));
    await write(store, there, 310);
    expect(await idsIn(store)).toEqual(Array.from({ length: 310 }, (_, number) => `${number}`));
  }
});

it('of two reads at once do not lie behind one another', async () => {
  const store = new MemoryStore();
  const [one, other] = await Promise.all([1, 2].map(() => PageWriter.behind(store, 'people', run, () => undefined)));
  await one?.add(page(1));
  await one?.end();
  await other?.add(page(2));
  await expect(other?.end()).rejects.toMatchObject({ code: 'storeFault' });
  expect(await idsIn(store)).toEqual(['1']);
});

it('larger than one piece hold each object once, in any script, with what a text may hold', async () => {
  const store = new MemoryStore();
  const words = [
    'plain',
    'two\nlines\t"quoted"\\',
    'blåbærsyltetøy',
    '\u65e5\u672c\u8a9e \u{1f600}',
    '\n]}',
    '},\n{',
    '',
  ];
  const objects = Array.from({ length: 900 }, (_, number) => ({
    type: 'user',
    id: `${number}`,
    // Of every length, so that pieces end at every place of an object, and one longer than a piece.
    body: { text: `${words[number % words.length]}${'x'.repeat(number === 500 ? 50_000 : number % 211)}`, list: words },
  }));
  const items: readonly ReadItem[] = [
    { kind: 'objects', scope: 'some', objects, cursor: 'first' },
    { kind: 'objects', scope: 'none', objects: [], cursor: 'second' },
    { kind: 'objects', scope: 'one', objects: objects.slice(500, 501), cursor: 'third' },
    { kind: 'scopeEnd', scope: 'søppel', nativeType: 'user', complete: true, cursor: 'end' },
  ];
  const writer = await PageWriter.behind(store, 'people', run, () => undefined);
  for (const item of items) await writer.add(item);
  await writer.end();
  const read: ReadItem[] = [];
  for await (const item of pagesIn(store, 'people', run)) read.push(item);
  expect(read).toEqual(items);
});
