/** A base under an old digest key says of every member's value what it said in clear, and no liar makes it say more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FieldDigests } from '../../activities/surface/field-digests.js';
import type { Json } from '../../core/json.js';
import { sameJson } from '../../core/lens/same-json.js';
import { resealedBase, sealedUnder } from '../../core/reseal.js';

const field = 'phone';
const key = 'record';
const oldKey = new FieldDigests('workforce', new Uint8Array(32).fill(1));
const newKey = new FieldDigests('workforce', new Uint8Array(32).fill(2));
const seal = (digests: FieldDigests, value: Json): Json => digests.seal({ type: 'person', key, field }, value);

const worlds = fc.record({
  base: fc.constantFrom('a', 'b'),
  members: fc.dictionary(fc.constantFrom('aa', 'bb', 'cc', 'dd'), fc.constantFrom('a', 'b', 'c', null), { minKeys: 1 }),
  /** Members that do not have the old key. */
  newcomers: fc.subarray(['aa', 'bb', 'cc', 'dd']),
});
type World = typeof worlds extends fc.Arbitrary<infer Drawn> ? Drawn : never;

function resealed(
  { base, members, newcomers }: World,
  saysChanged: (member: string) => boolean = (member) => members[member] !== base,
): Json {
  const view = {
    base: { [field]: seal(oldKey, base) },
    members: Object.fromEntries(
      Object.entries(members).map(([member, value]) => [member, { [field]: seal(newKey, value) }]),
    ),
  };
  const next = resealedBase(view, [field], newKey.keyId, (member, from) =>
    from !== oldKey.keyId || newcomers.includes(member) ? undefined : saysChanged(member) ? [field] : [],
  );
  return next?.[field] ?? view.base[field] ?? null;
}

describe('a base that was sealed under an older key', () => {
  it('equals exactly the values that it equalled, where all members have that key', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const base = resealed({ ...world, newcomers: [] });
        for (const value of Object.values(world.members))
          expect(sameJson(seal(newKey, value), base)).toBe(value === world.base);
      }),
    );
  });

  it('equals nothing that it did not equal, whoever lacks the key and whatever one member says of itself', () => {
    fc.assert(
      fc.property(worlds, fc.constantFrom('aa', 'bb', 'cc', 'dd'), fc.boolean(), (world, liar, lie) => {
        const base = resealed(world, (member) => (member === liar ? lie : world.members[member] !== world.base));
        for (const [member, value] of Object.entries(world.members))
          if (member !== liar && !world.newcomers.includes(member) && value !== world.base)
            expect(sameJson(seal(newKey, value), base), member).toBe(false);
      }),
    );
  });

  it('stays as it is where nobody speaks of its key, and where it is under the new one already', () => {
    const view = { base: { [field]: seal(oldKey, 'a') }, members: { aa: { [field]: seal(newKey, 'a') } } };
    expect(resealedBase(view, [field], newKey.keyId, () => undefined)).toBeUndefined();
    expect(resealedBase({ ...view, base: view.members.aa }, [field], newKey.keyId, () => [])).toBeUndefined();
    expect(resealedBase({ ...view, base: { [field]: null } }, [field], newKey.keyId, () => [])).toBeUndefined();
    expect(resealedBase({ ...view, base: undefined }, [field], newKey.keyId, () => [])).toBeUndefined();
  });

  it('takes nothing from a member whose own value is not under the new key', () => {
    const view = { base: { [field]: seal(oldKey, 'a') }, members: { aa: { [field]: 'a' }, bb: { [field]: null } } };
    expect(resealedBase(view, [field], newKey.keyId, () => [])).toBeUndefined();
  });

  it('names the keys that its values are under', () => {
    expect(sealedUnder({ [field]: seal(oldKey, 'a'), mail: seal(newKey, 'a'), name: 'x' }, [field, 'mail'])).toEqual([
      oldKey.keyId,
      newKey.keyId,
    ]);
  });
});
