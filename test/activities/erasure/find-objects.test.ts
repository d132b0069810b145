/** What of a store holds a record and may go, and what stays because others, or the next run, read it. */
import { beforeEach, expect, it } from 'vitest';
import { findObjects, type WhereToLook } from '../../../activities/erasure/find-objects.js';
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
