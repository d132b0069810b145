/** Freeze windows by an authority's own clock: moments with an offset, and local times of a zone. */
import { describe, expect, it } from 'vitest';
import { openFreeze } from '../../../activities/authority/constraints.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { Constraints } from '../../../core/federation/constraints.js';

function freezeAt(now: string, window: object): string | null {
  const constraints = Constraints.parse({ freezeWindows: [{ reason: 'year end', ...window }] });
  const context = { id: 'aa', now: () => Date.parse(now), federation: { authorities: { aa: { constraints } } } };
  return openFreeze(context as unknown as AuthorityContext);
}

describe('a freeze window', () => {
  const christmas = { from: '2026-12-24T00:00', to: '2026-12-27T00:00:00', timeZone: 'America/New_York' };

  it.each([
    ['2026-12-24T04:59:59Z', null],
    ['2026-12-24T05:00:00Z', 'year end'],
    ['2026-12-27T04:59:59Z', 'year end'],
    ['2026-12-27T05:00:00Z', null],
  ])('in New York at %s is %s', (now, reason) => {
    expect(freezeAt(now, christmas)).toBe(reason);
  });

  it.each([
    // Clocks go from 02:00 to 03:00 there on 2026-03-29, so the window is an hour shorter than its numbers.
    ['2026-03-29T00:59:59Z', null],
    ['2026-03-29T01:00:00Z', 'year end'],
    ['2026-03-29T01:29:59Z', 'year end'],
    ['2026-03-29T01:30:00Z', null],
  ])('over a change of clocks at %s is %s', (now, reason) => {
    expect(freezeAt(now, { from: '2026-03-29T02:30', to: '2026-03-29T03:30', timeZone: 'Europe/Zurich' })).toBe(reason);
  });

  it.each([
    ['2026-12-23T22:59:59Z', null],
    ['2026-12-23T23:00:00Z', 'year end'],
    ['2026-12-24T23:00:00Z', null],
  ])('with an offset at %s is %s', (now, reason) => {
    expect(freezeAt(now, { from: '2026-12-24T00:00:00+01:00', to: '2026-12-25T00:00:00+01:00' })).toBe(reason);
  });
});
