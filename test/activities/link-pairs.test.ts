/** Links as bytes say what a pair of maps says, and come back from the head as they were written. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LinkPairs } from '../../activities/link-pairs.js';
import { linkTableBytes, parseLinkTable } from '../../activities/link-table-json.js';
import { fullRuns } from '../support/property-runs.js';

const nativeIds = [
  '',
  'a',
  'ä "quoted" \\',
  '12',
  '["ab","c"]',
  '\u{1f600}',
  'a'.repeat(3_000),
  'z'.repeat(40_000),
  'b',
  'c',
  'd',
  'e',
  'f',
  'g',
];
const keys = ['k', '0'.repeat(64), 'f'.repeat(64), 'F'.repeat(64), 'ø', '~x'];
const anySteps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...nativeIds), fc.constantFrom(...keys)), {
  maxLength: 120,
});

describe('pairs of links', () => {
  it('find both ways what two maps find, also once they were written and read', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        // The long ids alone fill some chunks.
        const pairs = new LinkPairs(1);
        const [byNative, byKey] = [new Map<string, string>(), new Map<string, string>()];
        const remove = (nativeId: string): void => {
          const key = byNative.get(nativeId);
          byNative.delete(nativeId);
          if (key !== undefined && byKey.get(key) === nativeId) byKey.delete(key);
        };
        for (const [isSet, nativeId, key] of steps) {
          remove(nativeId);
          if (isSet) {
            pairs.set(nativeId, key);
            byNative.set(nativeId, key);
            byKey.set(key, nativeId);
          } else pairs.remove(nativeId);
        }
        for (const nativeId of nativeIds) {
          expect(pairs.keyOf(nativeId)).toBe(byNative.get(nativeId));
          expect(pairs.has(nativeId)).toBe(byNative.has(nativeId));
        }
        for (const key of keys) expect(pairs.nativeIdOf(key)).toBe(byKey.get(key));
        expect(pairs.size).toBe(byNative.size);
        const read = parseLinkTable(linkTableBytes([['person', pairs]])).get('person') ?? new LinkPairs();
        expect([...read.entries()]).toEqual([...pairs.entries()]);
        expect(new Map(read.entries())).toEqual(byNative);
      }),
      fullRuns(500),
    );
  });

  it.each([
    ['in memory', 64],
    ['in memory and in a file', 1],
    ['but for the last some in a file', 0],
  ])('of many thousands are all there, %s, and those that were taken out are not', (_where, chunksMax) => {
    const pairs = new LinkPairs(chunksMax);
    const keyOf = (at: number): string => at.toString(16).padStart(64, '0');
    for (let at = 0; at < 30_000; at += 1) pairs.set(`native ${at}`, keyOf(at));
    for (let at = 0; at < 30_000; at += 3) pairs.remove(`native ${at}`);
    const isRight = (at: number): boolean =>
      at % 3 === 0
        ? pairs.keyOf(`native ${at}`) === undefined && pairs.nativeIdOf(keyOf(at)) === undefined
        : pairs.keyOf(`native ${at}`) === keyOf(at) && pairs.nativeIdOf(keyOf(at)) === `native ${at}`;
    expect(Array.from({ length: 30_000 }, (_, at) => at).filter((at) => !isRight(at))).toEqual([]);
    expect(pairs.size).toBe(20_000);
    const left = [...pairs.entries()];
    expect(
      left.every(([nativeId, key], at) => nativeId === `native ${at + (at >> 1) + 1}` && pairs.keyOf(nativeId) === key),
    ).toBe(true);
    const linkAt = pairs.placed();
    expect([linkAt(19_999), linkAt(0)]).toEqual([left[19_999], left[0]]);
  });
});

describe('a table of links', () => {
  it('is what JSON says it is', () => {
    const text = '{ "person" : { "a\\"b":"k1" , "c":"k2" } , "team":{ } }';
    const table = parseLinkTable(Buffer.from(text));
    expect([...table.keys()]).toEqual(['person', 'team']);
    expect([...(table.get('person')?.entries() ?? [])]).toEqual([
      ['a"b', 'k1'],
      ['c', 'k2'],
    ]);
    expect(JSON.parse(linkTableBytes(table).toString())).toEqual(JSON.parse(text));
    expect(parseLinkTable(Buffer.from('{}')).size).toBe(0);
  });

  it.each([
    '',
    '[]',
    '{"a":1}',
    '{"a":{"b":1}}',
    '{"a":{"b":"c"}',
    '{"a":{"b":"c',
    '{"a":{"b":"c"}}x',
    '{"a":{"b" "c"}}',
  ])('is not %s', (text) => {
    expect(() => parseLinkTable(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'storeFault' }));
  });
});
