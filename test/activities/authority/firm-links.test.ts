/** Links that an agreement makes firm: the same from a table of natural keys as from every object that was read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firmType } from '../../../activities/authority/firm-links.js';
import { LinkPairs } from '../../../activities/link-pairs.js';
import { Links } from '../../../activities/links.js';
import { propertyRuns } from '../../support/property-runs.js';

const linksWith = (table: Readonly<Record<string, string>>): Links =>
  new Links({ parcel: table }, new Uint8Array(32), 'parcels');

async function firm(
  keys: ReadonlyMap<string, string>,
  before: Readonly<Record<string, string>>,
  isFirm: (key: string) => boolean,
  hasTable: boolean,
): Promise<Links> {
  const links = linksWith(before);
  const pairs = new LinkPairs();
  for (const [nativeId, key] of keys) pairs.set(nativeId, key);
  let wasRead = false;
  await firmType(
    {
      links,
      allKeyed: () => (hasTable ? pairs : null),
      keyOf: (type, nativeId) => keys.get(nativeId) ?? links.keyOf(type, nativeId),
    },
    'parcel',
    isFirm,
    async function* () {
      wasRead = true;
      yield await Promise.resolve([...keys.keys()].map((id) => ({ id })));
    },
  );
  expect(wasRead).toBe(!hasTable);
  return links;
}

const id = fc.constantFrom('n1', 'n2', 'n3', 'ñ "4"', 'n5');
const key = fc.constantFrom('k1', 'k2', 'ab'.repeat(32), '~k4');

describe('links of an agreement', () => {
  it('are those of every record that is agreed, beside what was linked before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(id, key), { maxLength: 6 }),
        fc.dictionary(id, key, { maxKeys: 2 }),
        fc.array(key),
        async (all, before, agreed) => {
          const keys = new Map(all);
          const isFirm = (one: string): boolean => agreed.includes(one);
          const short = await firm(keys, before, isFirm, true);
          const long = await firm(keys, before, isFirm, false);
          expect(short.bytes().toString()).toBe(long.bytes().toString());
          for (const [nativeId, own] of keys)
            expect(short.isLinked('parcel', nativeId)).toBe(isFirm(own) || nativeId in before);
        },
      ),
      propertyRuns(300),
    );
  });

  it('may become a table of its own only where there is none', () => {
    expect(() => linksWith({ n1: 'k1' }).take('parcel', new LinkPairs())).toThrow('already');
  });
});
