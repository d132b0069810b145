/** Durations as people write them in federation files: `90s`, `15m`, `1h`, `7d`. */
import { z } from 'zod';

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const Duration = z.string().regex(/^[1-9][0-9]*(ms|s|m|h|d)$/, 'must be a duration such as 90s, 15m, 1h or 7d');
export type Duration = z.infer<typeof Duration>;

export function durationMs(duration: Duration): number {
  const unit = duration.endsWith('ms') ? 'ms' : duration.slice(-1);
  return Number(duration.slice(0, -unit.length)) * (unitsMs[unit] ?? Number.NaN);
}

/** Words for a length of time, rounded down to two units: `2 h 5 min`. */
export function durationWords(lengthMs: number): string {
  const parts: string[] = [];
  let restMs = Math.max(0, lengthMs);
  for (const [word, unit] of [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const) {
    const count = Math.floor(restMs / unit);
    if (count > 0 && parts.length < 2) parts.push(`${count} ${word}`);
    restMs -= count * unit;
  }
  return parts.length > 0 ? parts.join(' ') : 'less than a second';
}
