/** The end that people give to an acceptance, a rejection or a delegation. */
import { expect, it } from 'vitest';
import { endOf } from '../../cli/commands/reject.js';

const nowMs = Date.UTC(2026, 10, 22, 21);

it.each([
  ['30d', nowMs + 30 * 86_400_000],
  ['2027-01-31', Date.UTC(2027, 0, 31, 23, 59, 59, 999)],
  ['2028-02-29', Date.UTC(2028, 1, 29, 23, 59, 59, 999)],
  ['2027-01-31T12:00:00Z', Date.UTC(2027, 0, 31, 12)],
  ['2027-01-31T12:00+02:00', Date.UTC(2027, 0, 31, 10)],
])('%s is an end', (text, endMs) => {
  expect(endOf(text, nowMs)).toBe(endMs);
});

it.each([
  ['2027-02-31', /write a duration/],
  ['2027-02-29', /write a duration/],
  ['2027-04-31T12:00:00Z', /write a duration/],
  ['2027-13-01', /write a duration/],
  ['2027-01-31T12:00', /write a duration/],
  ['soon', /write a duration/],
  ['', /write a duration/],
  ['2026-11-21', /is over already/],
  ['2026-11-22T21:00:00Z', /is over already/],
])('%s is none', (text, problem) => {
  expect(() => endOf(text, nowMs)).toThrow(problem);
});
