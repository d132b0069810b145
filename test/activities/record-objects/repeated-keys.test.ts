/** Keys that stand twice, and hashes of keys that only look so, over an object store in memory. */
import { expect, it } from 'vitest';
import { readAll } from '../../../activities/record-objects/read.js';
import { callsOf, type ObjectStore, type RecordFile } from '../../../activities/record-objects/object-store.js';
import type { ReadItem } from '../../../activities/connectors/connector.js';
import { ConcordatError } from '../../../core/errors.js';

interface Memory {
  readonly objects: Map<string, string>;
  /** How often each was opened. */
  readonly opened: Map<string, number>;
  readonly store: ObjectStore;
}

function memory(declared: RecordFile, objects: Readonly<Record<string, string>>, hash?: ObjectStore['hash']): Memory {
  const held = new Map(Object.entries(objects));
  const opened = new Map<string, number>();
  const store: ObjectStore = {
    files: { parcel: declared },
    limits: {
      pageSize: 2,
      listPageSize: 2,
      partBytesMax: 100,
      writeAttemptsMax: 1,
      backOffBaseMs: 1,
      backOffMaxMs: 1,
    },
    calls: callsOf('put'),
    ...(hash ? { hash } : {}),
    nameOf: ({ file }) => file,
    open: ({ file }, { etag } = {}) => {
      opened.set(file, (opened.get(file) ?? 0) + 1);
      const text = held.get(file);
      if (text === undefined) return Promise.reject(new ConcordatError('scopeNotFound', 'gone'));
      if (etag !== undefined && etag !== text) return Promise.reject(new ConcordatError('cursorLost', 'another one'));
      return Promise.resolve({ etag: text, bytes: bytesOf(text), close: () => undefined });
    },
    put: () => Promise.reject(new Error('nothing is written here')),
    putNew: () => Promise.reject(new Error('nothing is written here')),
    async *list(prefix) {
      for (const [name, text] of held)
        if (name.startsWith(prefix))
          yield await Promise.resolve([{ name, etag: text, bytes: text.length, changedAtMs: null, version: null }]);
    },
  };
  return { objects: held, opened, store };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}

const file: RecordFile = { file: 'parcels.jsonl', format: 'jsonLines', key: ['id'] };
const parts: RecordFile = { parts: 'parcels/', format: 'jsonLines', key: ['id'] };
const rows = (...ids: readonly string[]): string => ids.map((id) => `{"id":"${id}"}\n`).join('');

async function read(store: ObjectStore, cursor?: string) {
  const items: ReadItem[] = [];
  for await (const item of readAll(store, cursor === undefined ? {} : { cursor })) items.push(item);
  const latest = new Map(
    items.flatMap((item) =>
      item.kind === 'objects' ? item.objects.map(({ id, opaque }) => [id, opaque !== undefined] as const) : [],
    ),
  );
  const end = items.at(-1);
  return { items, latest: Object.fromEntries(latest), reason: end?.kind === 'scopeEnd' ? end.reason : 'no end' };
}

it('what only looks so is told as it is in the end; what does stand twice is not', async () => {
  // Three keys of one hash, of which one stands twice.
  const one = memory(file, { 'parcels.jsonl': rows('a', 'b', 'c', 'd', 'b') }, (key) => (key === 'd' ? 7n : 5n));
  expect(await read(one.store)).toMatchObject({
    latest: { a: false, b: true, c: false, d: false },
    reason: undefined,
  });
  const several = memory(parts, { 'parcels/1': rows('c', 'b'), 'parcels/0': rows('a', 'b', 'd') }, () => 5n);
  expect(await read(several.store)).toMatchObject({ latest: { a: false, b: true, c: false, d: false } });
});

it('of keys that stand twice no more is read again than shows it, and of others nothing', async () => {
  const clean = memory(parts, { 'parcels/0': rows('a', 'b'), 'parcels/1': rows('c') });
  await read(clean.store);
  expect([...clean.opened.values()]).toEqual([1, 1]);
  const early = memory(parts, { 'parcels/0': rows('a', 'a'), 'parcels/1': rows('b') });
  expect((await read(early.store)).latest).toEqual({ a: true, b: false });
  expect([...early.opened.values()]).toEqual([2, 1]);
});

it('a read that is resumed anywhere says the same of them, also within the second look', async () => {
  const world = memory(file, { 'parcels.jsonl': rows('a', 'b', 'c', 'd', 'e') }, () => 5n);
  const whole = await read(world.store);
  expect(whole.latest).toEqual({ a: false, b: false, c: false, d: false, e: false });
  for (const [at, { cursor }] of whole.items.entries()) {
    if (at === whole.items.length - 1) continue;
    const rest = await read(world.store, cursor);
    expect({ ...whole.latest, ...rest.latest }).toEqual(whole.latest);
    expect(rest.reason).toBeUndefined();
  }
});

it('a part that is another one at the second look leaves them opaque, and the type incomplete', async () => {
  const world = memory(parts, { 'parcels/0': rows('a', 'b'), 'parcels/1': rows('c') }, () => 5n);
  let opens = 0;
  const store: ObjectStore = {
    ...world.store,
    open: (of, wanted) => {
      opens += 1;
      if (opens === 3) world.objects.set('parcels/0', rows('a'));
      return world.store.open(of, wanted);
    },
  };
  expect(await read(store)).toMatchObject({ latest: { a: false, b: true, c: true }, reason: 'listChanged' });
});

it('more of them than anybody looks up are opaque, and the type is incomplete', async () => {
  const world = memory(file, { 'parcels.jsonl': rows('a', 'b', 'c', 'd').repeat(2) });
  const all = { a: true, b: true, c: true, d: true };
  expect(await read({ ...world.store, doubtedMax: 3 })).toMatchObject({ latest: all, reason: 'keyRepeated' });
  expect(await read({ ...world.store, doubtedMax: 4 })).toMatchObject({ latest: all, reason: undefined });
});

it('a list that shows one name twice is one that changed', async () => {
  const world = memory(parts, { 'parcels/0': rows('a') });
  const list: ObjectStore['list'] = async function* (prefix) {
    yield* world.store.list(prefix);
    yield* world.store.list(prefix);
  };
  expect((await read({ ...world.store, list })).reason).toBe('listChanged');
});
