import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolicySets } from '../../../../../activities/connectors/aws-iam/access/policy-sets.js';

const sets = new PolicySets({
  operator: ['arn:power', 'arn:billing'],
  viewer: ['arn:view'],
  auditor: ['arn:view', 'arn:audit'],
});
const held = (...arns: string[]) => {
  const { whole, part } = sets.held(arns);
  return { whole: whole.map(({ id }) => id), part: part.map(({ set, attached }) => `${set.id} ${attached}`) };
};

describe('which sets are held', () => {
  it('counts a set only where every policy of it is attached', () => {
    expect(held('arn:power', 'arn:billing')).toEqual({ whole: ['operator'], part: [] });
    expect(held('arn:power')).toEqual({ whole: [], part: ['operator 1'] });
  });

  it('counts only the largest of sets within one another', () => {
    expect(held('arn:view')).toEqual({ whole: ['viewer'], part: [] });
    expect(held('arn:view', 'arn:audit')).toEqual({ whole: ['auditor'], part: [] });
    expect(held('arn:audit')).toEqual({ whole: [], part: ['auditor 1'] });
  });

  it('takes a policy that no set names for a set of its own', () => {
    expect(held('arn:own', 'arn:view')).toEqual({ whole: ['viewer', 'arn:own'], part: [] });
    expect(sets.byId('arn:own')).toEqual({ id: 'arn:own', arns: ['arn:own'] });
    expect(sets.byId('arn:view')).toBeUndefined();
    expect(sets.byId('nobody')).toBeUndefined();
  });

  it('knows what nothing else that is held needs, and what would hide a set', () => {
    const [operator, viewer] = [sets.byId('operator'), sets.byId('viewer')];
    if (operator === undefined || viewer === undefined) throw new Error('a set is missing');
    expect(sets.neededByNoOther(operator, ['arn:power', 'arn:billing', 'arn:view'])).toEqual([
      'arn:billing',
      'arn:power',
    ]);
    expect(sets.hiddenBy(viewer, ['arn:audit'])?.id).toBe('auditor');
    expect(sets.hiddenBy(viewer, ['arn:power'])).toBeUndefined();
  });

  it('is never told by the order or number of what is attached, and accounts for every policy', () => {
    const arns = ['a', 'b', 'c', 'd', 'e'].map((letter) => `arn:${letter}`);
    const some = fc.subarray(arns, { minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('one', 'two', 'three'), some), some, (declared, attached) => {
        const texts = Object.values(declared).map((each) => each.join());
        fc.pre(new Set(texts).size === texts.length); // two equal sets are refused in the authority file
        const any = new PolicySets(declared);
        const shown = any.held(attached);
        expect(any.held([...attached.toReversed(), ...attached])).toEqual(shown);
        const accounted = [...shown.whole, ...shown.part.map(({ set }) => set)].flatMap((set) => set.arns);
        expect(attached.filter((arn) => !accounted.includes(arn))).toEqual([]);
        for (const set of shown.whole) expect(attached).toEqual(expect.arrayContaining([...set.arns]));
        for (const { set } of shown.part) expect(set.arns.every((arn) => attached.includes(arn))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
