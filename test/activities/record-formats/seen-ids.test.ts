import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SeenIds } from '../../../activities/record-formats/seen-ids.js';

it('an id was there before exactly where it was, over any growth and for every hash', () => {
  const ids = fc.array(fc.oneof(fc.string(), fc.nat(50).map(String)), { maxLength: 300 });
  fc.assert(
    fc.property(ids, (given) => {
      const [usual, seen] = [new SeenIds(), new Set<string>()];
      for (const id of given) {
        expect(usual.addWasThere(id)).toBe(seen.has(id));
        seen.add(id);
      }
    }),
  );
  const many = new SeenIds();
  for (let number = 0; number < 20_000; number += 1) expect(many.addWasThere(`id ${number}`)).toBe(false);
  for (let number = 0; number < 20_000; number += 1) expect(many.addWasThere(`id ${number}`)).toBe(true);
});

it('hashes that fall together are told as seen, and none is lost beside them: nothing, all ones, one slot', () => {
  const hashes = [0n, 0n, 0xffff_ffff_ffff_ffffn, 1n << 32n, 2n << 32n, 1n << 32n];
  const seen = new SeenIds((key) => hashes[Number(key)] ?? 0n);
  expect(hashes.map((_, at) => seen.addWasThere(String(at)))).toEqual([false, true, false, false, false, true]);
});
