/**
 * A review of 30,000 operations, in the workflow, activities and commands as they are: one command signs one decision, and neither
 * the decision nor the history of the review is larger for it. Only the plan behind it is made up.
 */
import path from 'node:path';
import { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AuthorityContext } from '../../activities/authority/context.js';
import { closeReview, recordDecision } from '../../activities/authority/review.js';
import { writeReviewState } from '../../activities/authority/review-state.js';
import { approverKeyFile, generatePrivateKey, readKeyFile } from '../../activities/keys/private-key.js';
import { questionsOf } from '../../cli/deciding/open-questions.js';
import { piecesOf, type Piece } from '../../cli/deciding/pieces.js';
import { signDecision } from '../../cli/deciding/sign-decision.js';
import type { OpenPlan } from '../../cli/reading/open-plan.js';
import { sendDecision, viewReview } from '../../cli/temporal/reviews.js';
import { sha256Hex, type Digest } from '../../core/digest.js';
import type { Federation } from '../../core/federation/federation.js';
import { authorityNamespace, reviewWorkflowId, taskQueue } from '../../core/names.js';
import { makeOperation, type Operation } from '../../core/operation.js';
import { nothingDecided } from '../../core/review.js';
import type { PreparedReview } from '../../workflows/activity-types.js';
import type { ReviewInput } from '../../workflows/contract.js';
import type { DecisionAnswer } from '../../workflows/messages.js';
import { MemoryStore } from '../activities/authority/gate-world.js';
import { dataset, makeFolder } from '../support/local-federation.js';
import { scratchFolderForFile } from '../support/scratch-folder.js';
import { builtProgram, freshFederation, temporalAddress, type TestFederation } from '../support/temporal.js';

const sizes = [301, 30_000] as const;
const folder = path.join(scratchFolderForFile(), 'federation');
let test: TestFederation;
let federation: Federation;
let connection: NativeConnection;
beforeAll(async () => {
  test = await freshFederation(['aws']);
  const edit = (_file: string, text: string): string =>
    text.replace('quorum: 1', 'quorum: 2').replace('quorumWhenBraked: 1', 'quorumWhenBraked: 2');
  const name = test.federation;
  federation = await makeFolder(folder, { members: ['aws', 'sov'], approvers: ['ada', 'bob'], name, edit });
  await builtProgram();
  connection = await NativeConnection.connect({ address: await temporalAddress() });
});
afterAll(() => connection?.close());

const made = makeOperation({
  authority: 'aws',
  type: 'person',
  key: 'a'.repeat(64),
  kind: 'update',
  changes: [{ kind: 'value', field: 'mail', before: 'a', after: 'b' }],
  rule: 'changedOnOneSide',
  because: ['sov'],
  current: { mail: 'a' },
});
const operationsOf = (count: number): Operation[] =>
  Array.from({ length: count }, (_, at) => ({ ...made, id: sha256Hex(`${count} ${at}`), key: sha256Hex(`key ${at}`) }));

interface Reviewed {
  readonly decisionBytes: readonly number[];
  readonly answers: readonly DecisionAnswer[];
  readonly events: number;
  readonly historyBytes: number;
  readonly outcome: string;
}

/** Ada, then bob, approve everything; the history is looked at while bob is still missing. */
async function reviewed(count: number): Promise<Reviewed> {
  const operations = operationsOf(count);
  const plan = sha256Hex(`plan of ${count}`);
  const context = {
    id: 'aws',
    federation,
    privateStore: new MemoryStore(),
    exchange: new MemoryStore(),
    signingKey: await generatePrivateKey(),
    now: () => Date.now(),
    clock: { stamp: () => Promise.resolve('0'.repeat(16)) },
  } as unknown as AuthorityContext;
  let tell: (outcome: string) => void = () => undefined;
  const closed = new Promise<string>((resolve) => (tell = resolve));
  const activities = {
    recordDecision: (input: Parameters<typeof recordDecision>[1]) => recordDecision(context, input),
    closeReview: async (input: Parameters<typeof closeReview>[1]) => {
      const result = await closeReview(context, input);
      tell(result.outcome);
      return result;
    },
    prepareReview: async (): Promise<PreparedReview> => {
      const openedAtMs = Date.now();
      await writeReviewState(context, dataset, {
        plan,
        scope: { operations, conflicts: [] },
        refused: [],
        quorum: 2,
        braked: false,
        authors: {},
        openedAtMs,
        askedAtMs: Object.fromEntries(operations.map(({ id }) => [id, openedAtMs])),
      });
      return {
        kind: 'waiting',
        authority: 'aws',
        federation: test.federation,
        code: null,
        message: null,
        operations: count,
        conflicts: 0,
        quorum: 2,
        braked: false,
        ...nothingDecided,
        deadlineMs: 3_600_000,
        waitingSinceMs: openedAtMs,
        reminders: [],
        escalations: [],
      };
    },
  };
  const namespace = authorityNamespace(test.federation, 'aws');
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath: path.join(await builtProgram(), 'bundles', 'authority-workflows.cjs') },
    activities,
  });
  return worker.runUntil(async () => {
    const client = new Client({ connection: test.connection, namespace });
    const input = { inputs: { dataset }, planDigest: plan } as unknown as ReviewInput;
    const handle = await client.workflow.start('review', {
      workflowId: reviewWorkflowId(dataset, plan),
      taskQueue,
      args: [input],
    });
    const answers: DecisionAnswer[] = [];
    const decisionBytes: number[] = [];
    let history = '';
    for (const approver of ['ada', 'bob']) {
      const { bytes, answer } = await decide(plan, operations, approver);
      answers.push(answer);
      decisionBytes.push(...bytes);
      if (approver === 'ada') history = historyToJSON(await handle.fetchHistory());
    }
    const outcome = await closed;
    // It would ask the federation for a run, and there is none here.
    await handle.terminate();
    const { events } = JSON.parse(history) as { readonly events: readonly unknown[] };
    return { decisionBytes, answers, events: events.length, historyBytes: history.length, outcome };
  });
}

/** As `concordat approve` does once it has read the plan. */
async function decide(
  plan: Digest,
  operations: readonly Operation[],
  approver: string,
): Promise<{ readonly bytes: readonly number[]; readonly answer: DecisionAnswer }> {
  const id = { federation: test.federation, authority: 'aws', dataset, plan };
  let review = await viewReview(test.connection, id);
  while (review.kind !== 'open' || review.status.stage === 'preparing') review = await viewReview(test.connection, id);
  const open = { plan: { operations, conflicts: [] }, view: { sheets: {} }, found: { digest: plan } };
  const [question] = questionsOf(open as unknown as OpenPlan, [{ authority: 'aws', approver, review }], {
    only: [],
    choose: [],
  });
  const key = await readKeyFile(approverKeyFile(folder, approver));
  if (!question || !key) throw new Error('there is nothing to sign');
  const pieces = piecesOf(question);
  expect(pieces).toHaveLength(1);
  const context = { federation: test.federation, dataset, plan, nowMs: Date.now() };
  const { decision, jws } = await signDecision(question, pieces[0] as Piece, { kind: 'approve' }, context, key);
  return { bytes: [jws.length], answer: await sendDecision(test.connection, id, { plan, jws }, decision.id) };
}

it('is approved by one decision a person, which is no larger than one on 301, and so is its history', async () => {
  const [few, many] = [await reviewed(sizes[0]), await reviewed(sizes[1])];
  for (const [at, one] of [few, many].entries()) {
    expect(one.answers).toMatchObject([
      { approved: 0, open: sizes[at], missing: 1, closed: false },
      { approved: sizes[at], open: 0, closed: true },
    ]);
    expect(one.outcome).toBe('approved');
  }
  expect(many.events).toBe(few.events);
  for (const [at, bytes] of many.decisionBytes.entries()) expect(bytes - (few.decisionBytes[at] ?? 0)).toBeLessThan(20);
  // Counts have more digits, and nothing else.
  expect(many.historyBytes - few.historyBytes).toBeLessThan(200);
}, 180_000);
