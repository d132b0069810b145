/** `expect(found).toEqual(wanted)` for tens of thousands of cases: most of what expect does is done before it compares. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

export function expectEqual(found: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(found, wanted)) expect(found).toEqual(wanted);
}
