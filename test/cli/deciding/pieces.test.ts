/** How one person's answer is cut into signed decisions, and that none of them grows with the plan. */
import { describe, expect, it } from 'vitest';
import { generatePrivateKey } from '../../../activities/keys/private-key.js';
import { readUnverified } from '../../../activities/keys/verify.js';
import type { Question } from '../../../cli/deciding/open-questions.js';
import { listedMax, piecesOf, type Piece } from '../../../cli/deciding/pieces.js';
import { piecesLines } from '../../../cli/deciding/pieces-text.js';
import { signDecision } from '../../../cli/deciding/sign-decision.js';
import { Decision, decisionBytesMax, decisionType, opened } from '../../../core/decision.js';
import { sha256Hex, type Digest } from '../../../core/digest.js';
import { atPlaces } from '../../../core/operation-ranges.js';

const key = await generatePrivateKey();
const idsOf = (count: number, word = 'o'): Digest[] =>
  Array.from({ length: count }, (_, at) => sha256Hex(`${word}${at}`));

function question(planned: readonly Digest[], rest: Partial<Question> = {}, isNamed = (_at: number) => true): Question {
  return {
    authority: 'aws',
    approver: 'ada',
    operations: planned.filter((_, at) => isNamed(at)),
    planned,
    choices: {},
    conflicts: [],
    unchosen: [],
    newVersions: [],
    partial: false,
    ...rest,
  } as Question;
}

async function signed(
  piece: Piece,
  kind: 'approve' | 'reject' = 'approve',
): Promise<{ jws: string; decision: Decision }> {
  const verdict = kind === 'approve' ? { kind } : { kind, reason: 'r'.repeat(500), untilMs: null };
  const context = { federation: 'f', dataset: 'd', plan: sha256Hex('plan'), nowMs: 1 };
  const { jws } = await signDecision({ authority: 'aws', approver: 'ada' }, piece, verdict, context, key);
  return { jws, decision: Decision.parse(readUnverified(jws, { typ: decisionType }).payload) };
}

describe('an answer', () => {
  it('on few operations is one decision that lists them', async () => {
    const ids = idsOf(listedMax);
    const pieces = piecesOf(question(ids));
    expect(pieces).toHaveLength(1);
    const { decision } = await signed(pieces[0] as Piece);
    expect(decision.operations).toEqual([...ids].sort());
    expect(decision).not.toHaveProperty('ranges');
    expect(piecesLines('aws', pieces)).toEqual([]);
  });

  it('on many is one that names them by place, of the same size whatever their number', async () => {
    const sizes: number[] = [];
    for (const count of [listedMax + 1, 30_000]) {
      const ids = idsOf(count);
      const pieces = piecesOf(question(ids));
      expect(pieces).toHaveLength(1);
      const { jws, decision } = await signed(pieces[0] as Piece);
      expect(decision).toMatchObject({ operations: [], partial: false, ranges: { places: [[0, count - 1]], count } });
      expect(opened(decision, ids)?.operations).toEqual(ids);
      sizes.push(jws.length);
      const [line] = piecesLines('aws', pieces);
      expect(line).toContain(`${count} operations, 1-${count} of those that the plan has for aws`);
      expect(line).toContain(`root ${decision.ranges?.root.slice(0, 12) ?? '?'}`);
    }
    const [few = 0, many = 0] = sizes;
    expect(many - few).toBeLessThan(10);
    expect(many).toBeLessThan(1_000);
  });

  it('leaves out what is not asked', () => {
    const ids = idsOf(1_000);
    const [piece] = piecesOf(question(ids, {}, (at) => at !== 500));
    expect(piece?.ranges?.places).toEqual([[0, 499], [501, 999]]); // prettier-ignore
    expect(piece?.ranges?.count).toBe(999);
  });

  it('that no decision holds is cut, names everything once, and ends with the one that may be whole', async () => {
    const ids = idsOf(9_000);
    const choices = Object.fromEntries(idsOf(4_500, 'c').map((id) => [id, sha256Hex('candidate')]));
    const isNamed = (at: number): boolean => at % 2 === 0;
    const pieces = piecesOf(question(ids, { choices }, isNamed));
    expect(pieces.map(({ partial }) => partial)).toEqual([true, true, false]);
    const named = pieces.flatMap(({ ranges }) => [...(atPlaces(ranges?.places ?? [], ids) ?? [])]);
    expect(named).toEqual(ids.filter((_, at) => isNamed(at)));
    expect(Object.assign({}, ...pieces.map((piece) => piece.choices))).toEqual(choices);
    for (const piece of pieces) expect((await signed(piece)).jws.length).toBeLessThan(decisionBytesMax);
    const [first, second] = piecesLines('aws', pieces);
    expect(first).toContain('3 decisions are signed');
    expect(second).toContain('2000 operations, 1, 3, 5, 7 and 1996 more ranges');
    expect(piecesOf(question(ids, { partial: true }, isNamed)).every(({ partial }) => partial)).toBe(true);
  });

  it('that turns down as many conflicts as there may be fits too', async () => {
    const conflicts = idsOf(2_500, 'c');
    const pieces = piecesOf(question(idsOf(2_000), { conflicts }));
    expect(pieces).toHaveLength(2);
    expect(pieces.flatMap((piece) => piece.conflicts).sort()).toEqual([...conflicts].sort());
    for (const piece of pieces) expect((await signed(piece, 'reject')).jws.length).toBeLessThan(decisionBytesMax);
  });
});

describe('a decision that a review would not take', () => {
  it('is not signed, and says what to do', async () => {
    const piece: Piece = {
      operations: idsOf(12_000),
      ranges: null,
      choices: {},
      conflicts: [],
      newVersions: [],
      partial: true,
    };
    await expect(signed(piece)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('name fewer with --only') as string,
    });
  });
});
