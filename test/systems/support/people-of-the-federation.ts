/** What people do in a federation that runs: start a run, look at a review, sign a decision, sign a link. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { readSheet } from '../../../activities/authority/review-sheet.js';
import { getDocument } from '../../../activities/exchange.js';
import { signCompact } from '../../../activities/keys/sign.js';
import { createFileStore } from '../../../activities/store-files.js';
import type { LocalFederation } from '../../../cli/local/local-federation.js';
import type { Case } from '../../../core/correlation-cases.js';
import { decisionType, linkStatementType, type Decision } from '../../../core/decision.js';
import type { Digest } from '../../../core/digest.js';
import {
  authorityNamespace,
  federationNamespace,
  reconcileWorkflowId,
  reviewWorkflowId,
  taskQueue,
} from '../../../core/names.js';
import type { Operation } from '../../../core/operation.js';
import { Plan, type Candidate, type Conflict } from '../../../core/plan.js';
import type { DecisionAnswer, PlanSummary, ReviewStatus, RunProgress, RunResult } from '../../../workflows/messages.js';
import { approver, dataset, federationName, type PreparedFederation } from './federation.js';

/** What somebody would choose; a conflict that the story does not know of is a failure of the test. */
export type Choose = (conflict: Conflict) => Candidate;

export interface FinishedRun {
  readonly result: RunResult;
  readonly plan: Plan;
  /** What was approved and what was chosen. */
  readonly permitted: readonly Operation[];
  readonly events: number;
}

export interface PeopleOfTheFederation {
  /** A run in which every affected authority approves all it is asked, with these choices. */
  run(options?: { readonly choose?: Choose; readonly afterApproval?: () => Promise<void> }): Promise<FinishedRun>;
  /** A signed word of the case's own authority: this record is that one. */
  link(found: Case, to: string): Promise<void>;
}

export async function until<Found>(
  what: string,
  find: () => Promise<Found | null | undefined | false>,
  withinMs = 60_000,
): Promise<Found> {
  for (const deadline = performance.now() + withinMs; ;) {
    const found = await find();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await delay(100);
  }
}

export function peopleOf(prepared: PreparedFederation, local: LocalFederation): PeopleOfTheFederation {
  const client = new Client({ connection: local.connection, namespace: federationNamespace(federationName) });
  const exchange = createFileStore(local.layout.exchangeLocation);
  const clientOf = (authority: string): Client =>
    new Client({ connection: local.connection, namespace: authorityNamespace(federationName, authority) });

  async function approve(authority: string, plan: Digest, choose: Choose): Promise<readonly Operation[]> {
    const handle = clientOf(authority).workflow.getHandle(reviewWorkflowId(dataset, plan));
    await until(`the review of ${authority}`, async () => {
      const status = await handle.query<ReviewStatus>('status').catch(() => null);
      return status !== null && status.stage !== 'preparing';
    });
    const sheet = await readSheet(createFileStore(local.layout.privateFolder(authority)), dataset, plan);
    if (!sheet) throw new Error(`${authority} has no sheet for its approvers`);
    const refused = sheet.operations.filter((each) => each.refused !== null);
    if (refused.length > 0)
      throw new Error(`${authority} cannot write ${JSON.stringify(refused.map((each) => each.refused))}`);
    const asked = sheet.operations.map(({ operation }) => operation).filter(({ rule }) => rule !== 'chosen');
    const chosen = sheet.conflicts.map(({ conflict }) => ({ id: conflict.id, candidate: choose(conflict) }));
    const now = Date.now();
    const decision: Decision = {
      id: randomBytes(16).toString('base64url'),
      kind: 'approve',
      federation: federationName,
      authority,
      dataset,
      plan,
      approver,
      operations: asked.map(({ id }) => id),
      choices: Object.fromEntries(chosen.map(({ id, candidate }) => [id, candidate.digest])),
      conflicts: [],
      delegation: null,
      binds: 'identicalOperations',
      partial: false,
      reason: null,
      untilMs: null,
      issuedAtMs: now,
      expiresAtMs: now + 86_400_000,
    };
    const jws = await signCompact(decision, { typ: decisionType, key: prepared.approverKey });
    await handle.executeUpdate<DecisionAnswer, [{ plan: Digest; jws: string }]>('decide', { args: [{ plan, jws }] });
    return [...asked, ...chosen.flatMap(({ candidate }) => candidate.operations)].filter(
      (operation) => operation.authority === authority,
    );
  }

  async function planOf(handle: WorkflowHandle): Promise<PlanSummary | null> {
    return until(
      'a plan',
      async () => {
        const progress = await handle.query<RunProgress>('progress').catch(() => null);
        if (progress?.plan && ['approve', 'commit', 'agree', 'done'].includes(progress.stage)) return progress.plan;
        const { status } = await handle.describe();
        return status.name === 'RUNNING' ? null : (progress?.plan ?? null);
      },
      120_000,
    );
  }

  const chooseNothing: Choose = (conflict) => {
    throw new Error(`nobody expected a conflict about ${conflict.type} ${conflict.field ?? 'existence'}`);
  };

  return {
    async run({ choose = chooseNothing, afterApproval } = {}) {
      const handle = await client.workflow.start('reconcile', {
        workflowId: reconcileWorkflowId(dataset),
        taskQueue,
        args: [{ dataset }],
      });
      const ended = handle.result() as Promise<RunResult>;
      ended.catch(() => undefined);
      const summary = await Promise.race([planOf(handle), ended.then(({ plan }) => plan)]);
      const permitted: Operation[] = [];
      for (const authority of summary?.affected ?? [])
        permitted.push(...(await approve(authority, summary?.planDigest ?? '', choose)));
      await afterApproval?.();
      const result = await ended;
      const { events = [] } = await handle.fetchHistory();
      const plan = await getDocument(exchange, result.plan.plan, Plan);
      return { result, plan, permitted, events: events?.length ?? 0 };
    },

    async link({ authority, type, record }, to) {
      const statement = { kind: 'link', authority, type, record, to };
      const jws = await signCompact(
        { federation: federationName, dataset, approver, statement, issuedAtMs: Date.now() },
        { typ: linkStatementType, key: prepared.approverKey },
      );
      await clientOf(authority).workflow.execute('link', {
        workflowId: `link/${randomBytes(6).toString('hex')}`,
        taskQueue,
        args: [{ dataset, jws }],
      });
    },
  };
}
