/** How times are written for people: UTC, to the second, the same on every machine. */
export function timeText(atMs: number): string {
  return Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15
    ? `${new Date(atMs).toISOString().slice(0, 19)}Z`
    : 'an unknown time';
}
