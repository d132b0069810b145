/** Rules in CEL: what is one, what it answers, and that none can hold its worker up or tell a value. */
import { describe, expect, it } from 'vitest';
import { ruleProblem } from '../../../activities/constraints/rule-language.js';
import { askRules, type RuleQuestion } from '../../../activities/constraints/rule-thread.js';

const question = (expression: string, variables: Partial<RuleQuestion['variables']> = {}): RuleQuestion => ({
  expression,
  variables: { kind: 'update', before: {}, after: {}, changed: [], ...variables },
});

describe('a rule', () => {
  it.each([
    'kind == "update"',
    '!("mail" in changed) || after.mail.endsWith("@corp.example")',
    'size(after.members) <= 50',
    'has(before.mail) && before.mail == after.mail',
    '["a", "b"].exists(x, x == after.department)',
  ])('is %s', (text) => {
    expect(ruleProblem(text)).toBe(null);
  });

  it.each([
    ['after.mail', /gives dyn instead of true or false/],
    ['kind + 1 == 2', /no such overload/],
    ['nobody == "x"', /Unknown variable: nobody/],
    ['kind ==', /./],
    ['', /./],
    ['after.mail.matches("(a+)+$")', /matches is not offered/],
    ['[after.mail].all(x, x.matches("a"))', /matches is not offered/],
    ['true || matches(after.mail, "a")', /matches/],
    [`${'('.repeat(400)}true${')'.repeat(400)}`, /./],
    [Array.from({ length: 2_000 }, () => 'true').join(' && '), /./],
  ])('is not %s', (text, problem) => {
    expect(ruleProblem(text)).toMatch(problem);
  });
});

/** Ends some time next century: eight loops of fifty inside each other. */
const slow = `[${Array.from({ length: 50 }, (_, at) => at).join()}]`;
const loops = Array.from({ length: 8 }, (_, depth) => `${slow}.all(x${depth}, `).join('');
const endless = `${loops}kind != "x"${')'.repeat(8)}`;

describe('asking rules', () => {
  it('answers each in its turn, where one fails and where one is not allowed', async () => {
    const secret = 'zaphod@corp.example';
    const answers = await askRules([
      question('after.mail.endsWith("@corp.example")', { after: { mail: secret } }),
      question('after.mail.endsWith("@corp.example")', { after: { mail: 'zaphod@else.example' } }),
      question('after.mail == ""'),
      question('after[after.mail] == ""', { after: { mail: secret } }),
      question('int(after.mail) > 1', { after: { mail: secret } }),
      question('after.mail > 3', { after: { mail: secret } }),
      question('"mail" in changed', { changed: ['mail'] }),
    ]);
    expect(answers.map(({ kind }) => kind)).toEqual([
      'allowed',
      'notAllowed',
      'failed',
      'failed',
      'failed',
      'failed',
      'allowed',
    ]);
    expect(JSON.stringify(answers)).not.toContain('zaphod');
  });

  it('ends a rule that does not end in its time, and answers those after it', async () => {
    expect(ruleProblem(endless)).toBe(null);
    const answers = await askRules([question('true'), question(endless), question('true')], 1_000);
    expect(answers.map(({ kind }) => kind)).toEqual(['allowed', 'failed', 'allowed']);
    expect(answers[1]).toMatchObject({ reason: 'it did not end within 1000 ms' });
  });

  it('starts nothing where nothing is asked', async () => {
    expect(await askRules([])).toEqual([]);
  });

  it('sees no variable of the environment of its worker', async () => {
    // Rules reach nothing but their variables; a name of the language of the worker is an unknown one.
    expect(ruleProblem('process.env.HOME == ""')).toMatch(/Unknown variable: process/);
    expect(ruleProblem('globalThis == kind')).toMatch(/Unknown variable: globalThis/);
    const [answer] = await askRules([question('after.constructor.name == "Object"')]);
    expect(answer?.kind).toBe('failed');
  });
});
