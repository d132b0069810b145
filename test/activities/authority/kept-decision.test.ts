/** That a kept decision is one JSON text, and is read back without one of all that it names. */
import { describe, expect, it } from 'vitest';
import { readKept, writtenDecision } from '../../../activities/authority/kept-decision.js';
import { gatheredIds } from '../../../core/digest-list.js';
import { sha256Hex } from '../../../core/digest.js';

const decision = { jws: 'a.b.c', hlc: '0'.repeat(16), deletions: { [sha256Hex('d')]: ['sov'] }, chosen: {} };
const ids = (count: number): string[] => Array.from({ length: count }, (_, at) => sha256Hex(`o${at}`));

describe('a kept decision', () => {
  it.each([1, 2, 301, 25_001])('on %i operations is the text that JSON gives, and comes back as it was', (count) => {
    const named = ids(count);
    const bytes = writtenDecision(decision, gatheredIds(named));
    expect(Buffer.from(bytes).toString()).toBe(JSON.stringify({ ...decision, named }));
    const kept = readKept(bytes);
    expect({ ...kept, named: [...(kept.named ?? [])] }).toEqual({ ...decision, named });
  });

  it.each([undefined, []])('that names %j comes back as it was', (named) => {
    expect(readKept(writtenDecision(decision, named))).toEqual({ ...decision, ...(named ? { named } : {}) });
  });

  it('of another shape is refused, whatever stands among what it names', () => {
    const text = JSON.stringify({ ...decision, named: ids(5) });
    for (const [at, found] of [
      ['other digits', text.replace(ids(5)[2] ?? '', 'G'.repeat(64))],
      ['another length', text.replace(ids(5)[2] ?? '', 'a'.repeat(63))],
      ['something else', text.replace(`"${ids(5)[4]}"`, `1,"${'a'.repeat(62)}`)],
      ['another mark between', text.replace(`${ids(5)[2]}",`, `${ids(5)[2]}";`)],
      ['another head', text.replace('"jws"', '"JWS"')],
    ] as const)
      expect(() => readKept(Buffer.from(found)), at).toThrow();
    // Written by hand, as JSON may be.
    expect(readKept(Buffer.from(JSON.stringify(JSON.parse(text), null, 1)))).toEqual(JSON.parse(text));
  });
});
