/** What of a store holds a record and may go, and what stays because others, or the next run, read it. */
import { beforeEach, expect, it } from 'vitest';
import { pieceListIn } from '../../../activities/documents/piece-list.js';
import { findObjects, type WhereToLook } from '../../../activities/erasure/find-objects.js';
import { putDocument } from '../../../activities/exchange.js';
import type { SealedSegment } from '../../../core/sealed.js';
import { MemoryStore } from '../../support/memory-store.js';

const key = 'e'.repeat(64);
const digest = (letter: string): string => letter.repeat(64);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Two segments of one snapshot: the first holds the record, and their keys are one and the same column. */
const holding: SealedSegment = {
  bucket: 0,
  count: 1,
  bodyBytes: 66,
  body: digest('1'),
  keys: digest('2'),
  groups: [digest('3')],
  offsets: digest('4'),
};
const other: SealedSegment = { ...holding, bucket: 1, body: digest('5'), groups: [digest('6')], offsets: digest('7') };

let store: MemoryStore;
beforeEach(async () => {
  store = new MemoryStore();
  for (const name of ['2', '3', '4', '5', '6', '7'])
    await store.putIfAbsent(`aws/segments/${digest(name)}`, bytes('x'));
  await store.putIfAbsent(`aws/segments/${holding.body}`, bytes(`\u0001 ${key}`));
  await store.putIfAbsent(
    `aws/documents/${digest('8')}`,
    bytes(JSON.stringify({ types: [{ segments: [holding, other] }] })),
  );
});

const found = async (change: Partial<WhereToLook> = {}): Promise<readonly string[]> =>
  (
    await findObjects({
      exchange: store,
      prefix: 'aws',
      marks: { name: { dataset: 'd', type: 'person', key }, provisional: [], salt: null },
      tableId: Buffer.from('a table'),
      operations: new Set(),
      needed: [],
      heartbeat: () => undefined,
      ...change,
    })
  ).map(({ name, kind }) => `${kind} ${name.slice(-1)}`);

it('a segment goes with its own columns, and a column that another segment shares stays', async () => {
  expect(await found()).toEqual(['segments 1', 'indexes 3', 'indexes 4']);
});

it('a column that the next run reads stays, whichever segment it stands in', async () => {
  expect(await found({ needed: [{ ...other, body: digest('9'), keys: digest('3') }] })).toEqual([
    'segments 1',
    'indexes 4',
  ]);
});

it('nothing goes where the next run reads what holds the record', async () => {
  await expect(found({ needed: [holding] })).rejects.toMatchObject({ code: 'recordStillAgreed' });
});

it('of a segment whose later lines lie apart both objects are looked at, and both are kept where the next run reads it', async () => {
  const later = { earlierBytes: 66, body: holding.body, bodyBytes: 66, places: digest('3'), placesCount: 2 };
  const apart: SealedSegment = { ...other, later };
  await expect(found({ needed: [apart] })).rejects.toMatchObject({ code: 'recordStillAgreed' });
  await store.putIfAbsent(`aws/documents/${digest('a')}`, bytes(JSON.stringify([{ ...apart, keys: digest('f') }])));
  expect(await found({ needed: [other] })).toEqual(['segments 1', 'indexes 3', 'indexes 4', 'indexes f']);
});

it('what lies apart in a base that the next run reads stays', async () => {
  const later = { earlierBytes: 66, body: digest('b'), bodyBytes: 66, places: digest('3'), placesCount: 2 };
  expect(await found({ needed: [{ ...other, later }] })).toEqual(['segments 1', 'indexes 4']);
});

it('a document in pieces goes with all of its pieces, wherever in them the record lies, and another one stays', async () => {
  store.documentPieceBytes = 16;
  const plan = (own: string): object => ({
    algorithm: 'a',
    operations: [{ key: 'other' }, { key: own }, { key: 'last' }],
  });
  const holds = await putDocument(store, 'aws', plan(key));
  const stays = await putDocument(store, 'aws', plan('d'.repeat(64)));
  const piecesOf = (ref: string): readonly string[] =>
    (pieceListIn(store.objects.get(ref) ?? new Uint8Array())?.pieces ?? []).map((piece) => `aws/pieces/${piece}`);
  const shared = piecesOf(holds.ref).filter((name) => piecesOf(stays.ref).includes(name));
  expect(shared.length).toBeGreaterThan(0);
  const where = {
    exchange: store,
    prefix: 'aws',
    marks: { name: { dataset: 'd', type: 'person', key }, provisional: [], salt: null },
    tableId: Buffer.from('a table'),
    operations: new Set<string>(),
    needed: [],
    heartbeat: () => undefined,
  };
  const gone = await findObjects(where);
  expect(gone.filter(({ kind }) => kind === 'plans').map(({ name }) => name)).toEqual([holds.ref]);
  expect(new Set(gone.filter(({ kind }) => kind === 'pieces').map(({ name }) => name))).toEqual(
    new Set(piecesOf(holds.ref).filter((name) => !shared.includes(name))),
  );
  // Cut off after its first piece went, the rest is found again by its list.
  store.objects.delete(piecesOf(holds.ref).find((name) => !shared.includes(name)) ?? '');
  expect((await findObjects(where)).map(({ name }) => name)).toContain(holds.ref);
});

it('what a group of a compare left goes where it holds the record, and stays where it does not', async () => {
  await store.putIfAbsent(`aws/compared/${digest('a')}`, bytes(`["${key}",{"aws":{"mail":"a@b"}}]\n`));
  await store.putIfAbsent(`aws/compared/${digest('b')}`, bytes('["another",{}]\n'));
  expect(await found()).toEqual(['comparisons a', 'segments 1', 'indexes 3', 'indexes 4']);
});
