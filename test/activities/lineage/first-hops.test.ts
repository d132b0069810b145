/** Hops that are made from the bytes of a seal are those that are made of the records. */
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FirstHops } from '../../../activities/lineage/first-hops.js';
import { Hmac } from '../../../activities/log/hmac.js';
import { canonicalJson } from '../../../core/digest.js';
import type { Json } from '../../../core/json.js';
import { draftHop } from '../../../core/lineage/make-hops.js';
import { agreedAsShown } from '../../../core/unanimous.js';
import { propertyRuns } from '../../support/property-runs.js';

const held = ['tags', 'name', 'note', 'nameOfThem', 'höhe'];
const type = {
  taxonomy: { fields: Object.fromEntries(held.map((name) => [name, { kind: name === 'tags' ? 'set' : 'text' }])) },
} as unknown as Parameters<typeof agreedAsShown>[1];
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"', '\\', '\\"', '},"key":"', '{"fields":{', 'ø'.repeat(3_000), 'n'),
);
const value: fc.Arbitrary<Json> = fc.oneof(
  text,
  fc.constantFrom(null, true, 0, -1.5e-7),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, fc.array(text, { maxLength: 2 }), { maxKeys: 2 }),
);
const fields = fc.record(
  {
    tags: fc.oneof(
      fc.constant(null),
      fc.uniqueArray(text, { maxLength: 4 }).map((all) => [...all].sort()),
    ),
    name: value,
    note: value,
    nameOfThem: value,
    höhe: value,
  },
  { requiredKeys: [] },
);
const first = (): FirstHops => new FirstHops({ dataset: 'parcels', type: 'parcel', held, setFields: ['tags'] });
const line = (key: string, all: Record<string, Json>): Buffer => Buffer.from(canonicalJson({ fields: all, key }));
const isJson = (record: Json): boolean =>
  !/[\ud800-\udfff]/.test(JSON.stringify(record).replace(/[\ud800-\udbff][\udc00-\udfff]/g, ''));

describe('a first hop', () => {
  it('is the one of the record, whatever it says', () => {
    const hops = first();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fields), { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (records, hasNative) => {
          for (const [key, shown] of records) {
            fc.pre(isJson([key, shown]));
            const salt = createHash('sha256').update(key).digest();
            const native = hasNative ? 'ab'.repeat(32) : null;
            const bytes = Buffer.concat([Buffer.from('other "'), line(key, shown), Buffer.from('\n{')]);
            expect(hops.read(bytes, 7, bytes.length - 2)).toBe(key);
            const after = agreedAsShown(shown, type);
            const change = { dataset: 'parcels', type: 'parcel', key, before: null, after, salt, native };
            expect(hops.draft(salt, native)).toEqual(
              draftHop({ ...change, cause: { kind: 'observed' }, previous: null }),
            );
          }
        },
      ),
      propertyRuns(300),
    );
  });

  it.each([
    ['has a field that the authority does not hold', line('k', { name: 'a', other: 'b' })],
    ['has one behind all that it holds', line('k', { zebra: 'b' })],
    ['is cut off in a text', line('k', { name: 'a' }).subarray(0, 22)],
    ['is cut off in its key', line('k', { name: 'a' }).subarray(0, -1)],
    ['is cut off behind its fields', Buffer.from('{"fields":{"name":"a"}')],
    ['has more than a key', Buffer.from('{"fields":{},"key":"k","more":"m"}')],
    ['has no comma between two fields', Buffer.from('{"fields":{"name":"a""note":"b"},"key":"k"}')],
    ['has a number for a key', Buffer.from('{"fields":{},"key":12}')],
    ['is another thing', Buffer.from('[]')],
  ])('is not made where a line %s', (_what, bytes) => {
    expect(first().read(bytes, 0, bytes.length)).toBeNull();
  });
});

describe('an HMAC of many', () => {
  it('is the one of the platform, whatever key was there before', () => {
    const hmac = new Hmac();
    const key = fc.uint8Array({ maxLength: 130 });
    const message = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(4_095, 4_096, 4_097).map((length) => new Uint8Array(length).fill(7)),
    );
    fc.assert(
      fc.property(key, message, text, fc.boolean(), (given, bytes, words, isBinary) => {
        const keyBytes = isBinary ? createHash('sha256').update(given).digest() : given;
        if (isBinary) hmac.setBinaryKey(Buffer.from(keyBytes).toString('latin1'));
        else hmac.setKey(keyBytes);
        const expected = (what: Uint8Array | string): string =>
          createHmac('sha256', keyBytes).update(what).digest('hex');
        expect(hmac.hex(bytes)).toBe(expected(bytes));
        expect(hmac.hex(bytes, 1, Math.max(1, bytes.length - 1))).toBe(
          expected(bytes.subarray(1, Math.max(1, bytes.length - 1))),
        );
        expect(Buffer.from(hmac.binary(bytes), 'latin1').toString('hex')).toBe(expected(bytes));
        expect(hmac.hexOfText(words)).toBe(expected(words));
      }),
      propertyRuns(300),
    );
  });
});
