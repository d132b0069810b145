/** The small parts of deciding: how long a rejection holds, who may speak for a case, and when a person is asked. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { endOf } from '../../../cli/commands/reject.js';
import { confirmed } from '../../../cli/deciding/confirm.js';
import { statementFor } from '../../../cli/deciding/sign-link.js';
import type { Invocation } from '../../../cli/invocation.js';
import type { OpenCase } from '../../../cli/reading/cases.js';

const now = Date.parse('2026-11-22T12:00:00Z');

describe('the end of a rejection', () => {
  it('is a duration from now, the end of a day, or an instant', () => {
    expect(endOf('30d', now)).toBe(now + 30 * 86_400_000);
    expect(new Date(endOf('2026-12-01', now)).toISOString()).toBe('2026-12-01T23:59:59.999Z');
    expect(new Date(endOf('2026-12-01T08:00:00+02:00', now)).toISOString()).toBe('2026-12-01T06:00:00.000Z');
  });

  it('lies ahead and means the same everywhere', () => {
    expect(() => endOf('2026-11-01', now)).toThrow('is over already');
    for (const text of ['soon', '30', '2026-12-01T08:00:00', '01.12.2026', '-3d', '2026-13-45'])
      expect(() => endOf(text, now), text).toThrow('write a duration');
  });
});

describe('a word on a case', () => {
  const candidate = { authority: 'azure', key: '~candidate', fields: null };
  const open: OpenCase = {
    number: 1,
    record: { authority: 'aws', key: '~record', fields: null },
    candidates: [{ number: 1, ...candidate }],
    case: { id: 'x', type: 'person', authority: 'aws', record: '~record', rule: ['mail'], candidates: [candidate] },
  };

  it('is said about the own record, from either side', () => {
    expect(statementFor('link', open, candidate, 'aws')).toMatchObject({
      authority: 'aws',
      record: '~record',
      to: '~candidate',
    });
    expect(statementFor('apart', open, candidate, 'azure')).toMatchObject({
      kind: 'apart',
      authority: 'azure',
      record: '~candidate',
      to: '~record',
    });
  });

  it('is not for others, nor about a candidate that is linked already', () => {
    expect(() => statementFor('link', open, candidate, 'sov')).toThrow('its people decide');
    expect(() => statementFor('link', open, { ...candidate, key: 'linked' }, 'azure')).toThrow('its people decide');
  });
});

describe('the question before signing', () => {
  const ask = (answer: string, options: { terminal?: boolean; json?: boolean; yes?: boolean }) => {
    const stdin = Object.assign(new PassThrough(), options.terminal ? { isTTY: true } : {});
    const stderr = new PassThrough();
    stdin.end(`${answer}\n`);
    const output = { isJson: options.json ?? false };
    const invocation = { stdin, stderr, output, signal: new AbortController().signal } as unknown as Invocation;
    return confirmed(invocation, 'Approve?', options.yes ?? false);
  };

  it('is asked at a terminal, and only yes is yes', async () => {
    expect(await ask('y', { terminal: true })).toBe(true);
    expect(await ask('Yes', { terminal: true })).toBe(true);
    for (const answer of ['', 'n', 'no', 'yep', 'sure'])
      expect(await ask(answer, { terminal: true }), answer).toBe(false);
  });

  it('is not asked of a script, nor with --yes', async () => {
    expect(await ask('n', {})).toBe(true);
    expect(await ask('n', { terminal: true, json: true })).toBe(true);
    expect(await ask('n', { terminal: true, yes: true })).toBe(true);
  });
});
