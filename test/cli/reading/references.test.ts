/** Naming operations, conflicts and candidates: numbers and digests that mean one thing, and errors that say what there is. */
import { describe, expect, it } from 'vitest';
import { namedChoices, namedOperations } from '../../../cli/reading/references.js';
import type { Plan } from '../../../core/plan.js';

const digest = (start: string): string => start.padEnd(64, '0');
const operations = ['aaaaaaaa1', 'aaaaaaaa2', 'bbbbbbbb1'].map((id) => ({ id: digest(id) }));
const conflicts = [
  { id: digest('cccccccc1'), candidates: [{ digest: digest('dddddddd1') }, { digest: digest('dddddddd2') }] },
  { id: digest('12345678c'), candidates: [{ digest: digest('eeeeeeee1') }] },
];
const plan = { operations, conflicts } as unknown as Plan;
const ids = (...words: string[]) => [...namedOperations(plan, words)];

describe('operations', () => {
  it('go by number, range and digest, in one word or several, each once', () => {
    expect(ids('1')).toEqual([digest('aaaaaaaa1')]);
    // In the order of the plan.
    expect(ids('#3', '1-2')).toEqual([digest('aaaaaaaa1'), digest('aaaaaaaa2'), digest('bbbbbbbb1')]);
    expect(ids('1,1', 'BBBBBBBB')).toEqual([digest('aaaaaaaa1'), digest('bbbbbbbb1')]);
  });

  it('that are not there, not one or too short are refused', () => {
    expect(() => ids('4')).toThrow('there is no operation 4: there are 3');
    expect(() => ids('0')).toThrow('there is no operation 0');
    expect(() => ids('2-9')).toThrow('there is no operation 2-9');
    expect(() => ids('2-1')).toThrow('there is no operation 2-1');
    expect(() => ids('aaaaaaaa')).toThrow('could be several');
    expect(() => ids('aaaa')).toThrow('at least 8 characters');
    expect(() => ids('first')).toThrow('names no operation');
  });
});

describe('choices', () => {
  it('name a conflict and one of its candidates', () => {
    expect(namedChoices(plan, ['1=2'])).toEqual({ [digest('cccccccc1')]: digest('dddddddd2') });
    expect(namedChoices(plan, ['12345678c=eeeeeeee', '1=1'])).toEqual({
      [digest('12345678c')]: digest('eeeeeeee1'),
      [digest('cccccccc1')]: digest('dddddddd1'),
    });
  });

  it('that contradict each other or name nothing are refused', () => {
    expect(() => namedChoices(plan, ['1=1', '1=2'])).toThrow('two candidates are chosen for conflict 1');
    expect(() => namedChoices(plan, ['1'])).toThrow('write CONFLICT=CANDIDATE');
    expect(() => namedChoices(plan, ['1=3'])).toThrow('there is no candidate of conflict 1 3');
    expect(() => namedChoices(plan, ['3=1'])).toThrow('there is no conflict 3');
  });
});
