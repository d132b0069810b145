import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SortedListWriter } from '../../../activities/spilling/sorted-list-writer.js';
import { viewLine, viewOfLine } from '../../../activities/spilling/view-line.js';
import { digestInPieces } from '../../../activities/documents/put-in-pieces.js';
import { canonicalPieces } from '../../../core/canonical-pieces.js';
import type { RecordView } from '../../../core/compare.js';
import { canonicalJson, digestOf } from '../../../core/digest.js';
import { byCodeUnit } from '../../../core/json.js';
import { lastOf } from '../../../core/steps.js';

interface Item {
  readonly key: string;
  readonly at: number;
  readonly text: string;
}
const keys = fc.oneof(fc.constantFrom('a', 'ab', 'b'), fc.string({ unit: 'grapheme', maxLength: 6 }));
const items = fc
  .array(fc.record({ key: keys, text: fc.string({ unit: 'grapheme', maxLength: 3_000 }) }), { maxLength: 60 })
  .map((given) => given.map((one, at): Item => ({ ...one, at })));

function listOf(given: readonly Item[], most: number) {
  const writer = new SortedListWriter((text) => JSON.parse(text) as Item, most);
  for (const item of given) writer.put(item.key, canonicalJson(item));
  return lastOf(writer.finish());
}

it('gives what an array in order of the keys gives, of which equal ones stay as they came', async () => {
  await fc.assert(
    fc.asyncProperty(items, fc.constantFrom(0, 200, 10_000), fc.nat(70), fc.nat(70), async (given, most, from, to) => {
      const sorted = [...given].sort((left, right) => byCodeUnit(left.key, right.key));
      const list = listOf(given, most);
      expect(list).toHaveLength(sorted.length);
      expect([...list]).toEqual(sorted);
      expect([...list]).toEqual(sorted);
      expect(Array.from(list.slice(from, to))).toEqual(sorted.slice(from, to));
      expect(Array.from(list.slice(from))).toEqual(sorted.slice(from));
      for (const { key } of given) {
        expect(list.withKey(key)?.key).toBe(key);
        const same = sorted.flatMap((item, place) => (item.key.startsWith(key) ? [{ item, place }] : []));
        expect(list.startingWith(key)).toEqual(same);
        const part = sorted.slice(from, to);
        const inPart = part.flatMap((item, place) => (item.key.startsWith(key) ? [{ item, place }] : []));
        expect(list.slice(from, to).startingWith(key)).toEqual(inPart);
      }
      expect(list.withKey('no such key')).toBeUndefined();
      const document = { before: 1, items: list, inner: { items: list } };
      const plain = { before: 1, items: sorted, inner: { items: sorted } };
      expect([...canonicalPieces(document)].join('')).toBe(canonicalJson(plain));
      expect(await digestInPieces(document)).toBe(digestOf(plain));
      list.discard();
    }),
    { numRuns: 60 },
  );
});

it('is taken by nobody for a plain value', () => {
  const list = listOf([{ key: 'a', at: 0, text: '' }], 0);
  expect(() => canonicalJson({ list })).toThrow('item by item');
  expect(() => JSON.stringify({ list })).toThrow('item by item');
});

const plain = { noNullPrototype: true };
const values = fc.oneof(
  fc.constantFrom(null, 0, 1.5, '', 'a', true),
  fc.array(fc.string({ maxLength: 3 })),
  fc.dictionary(fc.constantFrom('x', 'y'), fc.nat(), plain),
);
const fields = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'constructor', 'é'), values, plain)
  .map((given) => Object.fromEntries(Object.entries(given).sort(([left], [right]) => byCodeUnit(left, right))));
const views: fc.Arbitrary<RecordView> = fc.record(
  {
    key: fc.string({ unit: 'grapheme' }),
    members: fc.dictionary(fc.constantFrom('north', 'south', 'east'), fc.option(fields, { nil: undefined }), plain),
    base: fc.option(fields, { nil: undefined }),
    storedBase: fields,
    versions: fc.dictionary(
      fc.constantFrom('north', 'south'),
      fc.option(fc.record({ vectors: fc.constant({ a: { north: 1 } }), since: fc.nat() }, plain), { nil: undefined }),
      plain,
    ),
  },
  { requiredKeys: ['key', 'members', 'base'], noNullPrototype: true },
) as fc.Arbitrary<RecordView>;

it('keeps a view as it is, fields in their order', () => {
  fc.assert(
    fc.property(views, (view) => {
      const read = viewOfLine(viewLine(view));
      expect(read).toEqual(view);
      expect(Object.keys(read.members)).toEqual(Object.keys(view.members));
      expect(Object.keys(read.versions ?? {})).toEqual(Object.keys(view.versions ?? {}));
      for (const [member, own] of Object.entries(view.members))
        expect(Object.keys(read.members[member] ?? {})).toEqual(Object.keys(own ?? {}));
    }),
    { numRuns: 300 },
  );
});
