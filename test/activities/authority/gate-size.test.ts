/** What review, gate and commit look through grows with the plan, and not with its square. Counted, not timed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approvalsOf } from '../../../activities/authority/commit.js';
import { outsideDelegation } from '../../../activities/authority/decisions.js';
import { passGate } from '../../../activities/authority/gate.js';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { closeReview, recordDecision } from '../../../activities/authority/review.js';
import { readSheet, type ReviewSheet } from '../../../activities/authority/review-sheet.js';
import { listUnsettled, keepUnsettled } from '../../../activities/authority/unsettled.js';
import { Authorship } from '../../../core/approval/authors.js';
import type { StandingLink } from '../../../core/correlate.js';
import type { OpenedDecision } from '../../../core/decision.js';
import type { Conflict } from '../../../core/plan.js';
import type { Operation } from '../../../core/operation.js';
import { undoCauses, type UndoneRecord } from '../../../core/undo.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { countWalks, grownLines, type Walks } from '../../support/count-walks.js';
import { dataset, signDecision } from '../../support/local-federation.js';
import { ownOperations } from './gate-scene.js';
import { GateWorld, layGround, type Ground } from './gate-world.js';

const sizes = [20, 80] as const;

type Walked = Readonly<Record<'prepareReview' | 'recordDecision' | 'closeReview' | 'passGate', Walks>>;

/** Two of five people differ, one in a write of unknown effect, and one of five in a field that both sides changed. */
async function walkedAt(ground: Ground, people: number): Promise<Walked> {
  const world = await GateWorld.agreed(ground, people);
  for (let number = 0; number < people; number += 5) {
    for (const other of [0, 1]) keystoneUser(ground.sandbox, number + other).extra['department'] = 'Archive';
    keystoneUser(ground.sandbox, number + 2).extra['email'] = `sov${number}@example.org`;
    ground.sandbox.aws.server.state.setTag(awsUser(ground.sandbox, number + 2), 'email', `aws${number}@example.org`);
  }
  const { aws, sov } = world.contexts;
  const { inputs, plan } = await world.planned();
  const asked = { inputs, plan: plan.plan, planDigest: plan.planDigest };
  const review = { dataset, plan: plan.planDigest };
  const quiet = { replaced: () => Promise.resolve() };
  const decide = async (context: typeof aws): Promise<() => Promise<unknown>> => {
    const sheet = (await readSheet(context.privateStore, dataset, plan.planDigest)) as ReviewSheet;
    const jws = await signDecision(ground.folder, sheet, { approver: 'ada', choose: 0 });
    return () => recordDecision(context, { ...review, envelope: { plan: plan.planDigest, jws } });
  };
  const close = (context: typeof aws): ReturnType<typeof closeReview> =>
    closeReview(context, { ...review, outcome: 'tally', code: null });
  const walked = (run: () => Promise<unknown>): Promise<Walks> => countWalks(people / 5, run);

  const operations = await ownOperations(world, { plan }, 'aws');
  const attempt = { dataset, permit: plan.planDigest, inputs, plan: plan.plan, decisions: [] };
  for (const operation of operations.filter((_, at) => at % 2 === 0))
    await keepUnsettled(aws, attempt, operation, 'effectUnknown');
  expect(await listUnsettled(aws, dataset)).toHaveLength(people / 5);

  await prepareReview(sov, asked, quiet);
  await (
    await decide(sov)
  )();
  const theirs = await close(sov);
  const prepared = await walked(() => prepareReview(aws, asked, quiet));
  const recorded = await walked(await decide(aws));
  const closed = await walked(() => close(aws));
  const reviews = [(await close(aws)).review, theirs.review];
  const { permit } = await world.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
  let released = 0;
  const passed = await walked(async () => {
    released = (await passGate(aws, { inputs, plan: plan.plan, reviews, permit })).operations.length;
  });
  // Half of what differs: the choices release writes at the other authority, and of the rest nobody knows.
  expect(released).toBe(people / 5);
  return { prepareReview: prepared, recordDecision: recorded, closeReview: closed, passGate: passed };
}

describe('a plan of four times the people', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await layGround((_file, text) => text);
  });
  afterAll(() => ground?.stop());

  it('is walked no oftener by review and gate', async () => {
    const [fewer, more] = sizes;
    const [smaller, larger] = [await walkedAt(ground, fewer), await walkedAt(ground, more)];
    const steps = Object.keys(smaller) as (keyof Walked)[];
    const grown = steps.flatMap((step) =>
      grownLines({ size: fewer, walks: smaller[step] }, { size: more, walks: larger[step] }).map(
        (line) => `${step} ${line}`,
      ),
    );
    expect(grown).toEqual([]);
  }, 300_000);

  const operation = (at: number): Operation =>
    ({
      id: `o${at}`,
      type: 'person',
      key: `k${at}`,
      authority: 'aws',
      kind: 'update',
      changes: [],
      because: [],
      rule: at % 2 === 0 ? 'undo' : 'changedThere',
    }) as unknown as Operation;
  const conflict = (at: number): Conflict =>
    ({ id: `c${at}`, candidates: [{ digest: `d${at}`, operations: [operation(at)] }] }) as unknown as Conflict;
  const all = <Item>(size: number, of: (at: number) => Item): Item[] => Array.from({ length: size }, (_, at) => of(at));
  const decisionOf = (size: number): OpenedDecision =>
    ({
      id: 'd',
      operations: all(size, (at) => `o${at}`),
      conflicts: all(size, (at) => `c${at}`),
      choices: Object.fromEntries(all(size, (at) => [`c${at}`, `d${at}`])),
    }) as unknown as OpenedDecision;

  it.each<readonly [string, (size: number) => void]>([
    [
      'the decisions behind each write',
      (size) => {
        const approvals = approvalsOf({
          decisions: [{ decision: decisionOf(size), voice: 'ada', jws: '', delegation: null }],
          conflictOf: new Map(all(size, (at) => [`o${at}`, `c${at}`])),
        });
        for (let at = 0; at < size; at += 1) expect(approvals(`o${at}`)).toHaveLength(2);
      },
    ],
    [
      'what a delegation does not cover',
      (size) => {
        const scope = { operations: all(size, operation), conflicts: all(size, conflict) };
        const delegation = { kinds: ['create'] } as unknown as Parameters<typeof outsideDelegation>[1];
        expect(outsideDelegation(decisionOf(size), delegation, scope)).toHaveLength(3 * size);
      },
    ],
    [
      'who stands behind each operation',
      (size) => {
        const link = (at: number): StandingLink =>
          ({
            authority: 'aws',
            approver: 'ada',
            type: 'person',
            record: `k${at}`,
            to: `t${at}`,
            key: null,
          }) as unknown as StandingLink;
        const undone = (at: number): UndoneRecord =>
          ({
            undo: { id: 'u', authority: 'aws', approver: 'bob' },
            type: 'person',
            key: `k${at}`,
          }) as unknown as UndoneRecord;
        const listed = { aws: { approvers: [{ id: 'ada' }, { id: 'bob' }] } };
        const authorship = new Authorship(listed, all(size, link), [], undoCauses(all(size, undone)));
        for (let at = 0; at < size; at += 1)
          expect(authorship.of(operation(at), 'aws')).toEqual(at % 2 === 0 ? ['ada', 'bob'] : ['ada']);
      },
    ],
  ])('has %s found without looking through all of them', async (_what, run) => {
    const walksAt = async (size: number): Promise<{ size: number; walks: Walks }> => ({
      size,
      walks: await countWalks(size / 2, async () => run(size)),
    });
    expect(grownLines(await walksAt(100), await walksAt(400))).toEqual([]);
  });
});
