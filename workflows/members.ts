/** The members of a run as the coordinator reaches them, and what it does when some do not answer. */
import { isCancellation, type NexusServiceClient } from '@temporalio/workflow';
import type { RunSetup } from './activity-types.js';
import type { authorityService } from './contract.js';
import { codeOf, failure, messageOf } from './failure.js';

export interface Member {
  readonly authority: string;
  readonly client: NexusServiceClient<typeof authorityService>;
}

/** How long an authority's worker may be away before its step fails, and how long a step may take once started. */
export interface Timeouts {
  readonly open: { readonly scheduleToStartTimeout: number; readonly scheduleToCloseTimeout: number };
  readonly step: { readonly scheduleToStartTimeout: number; readonly scheduleToCloseTimeout: '24h' };
}

export function timeoutsOf({ absentAfterMs }: Pick<RunSetup, 'absentAfterMs'>): Timeouts {
  return {
    open: { scheduleToStartTimeout: absentAfterMs, scheduleToCloseTimeout: absentAfterMs + 60_000 },
    step: { scheduleToStartTimeout: absentAfterMs, scheduleToCloseTimeout: '24h' },
  };
}

export type Answer<Result> =
  | { readonly kind: 'answered'; readonly member: Member; readonly result: Result }
  | { readonly kind: 'failed'; readonly member: Member; readonly reason: unknown };

/** Asks all members at once and waits for every answer. Only a cancellation is thrown. */
export async function askAll<Result>(
  members: readonly Member[],
  ask: (member: Member) => Promise<Result>,
): Promise<readonly Answer<Result>[]> {
  const settled = await Promise.allSettled(members.map(ask));
  const answers = members.map((member, position): Answer<Result> => {
    const answer = settled[position] as PromiseSettledResult<Result>;
    return answer.status === 'fulfilled'
      ? { kind: 'answered', member, result: answer.value }
      : { kind: 'failed', member, reason: answer.reason };
  });
  for (const answer of answers) if (answer.kind === 'failed' && isCancellation(answer.reason)) throw answer.reason;
  return answers;
}

/** As askAll, where all must answer; the failure names each member that did not. */
export async function all<Result>(
  step: string,
  members: readonly Member[],
  ask: (member: Member) => Promise<Result>,
): Promise<readonly Result[]> {
  return allAnswered(step, await askAll(members, ask));
}

/** What all answered. Throws the failure of the first that did not, naming each. */
export function allAnswered<Result>(step: string, answers: readonly Answer<Result>[]): readonly Result[] {
  const failures = answers.flatMap((answer) => (answer.kind === 'failed' ? [answer] : []));
  const [first] = failures;
  if (first) {
    throw failure(
      codeOf(first.reason),
      `${step} failed: ${failures.map(({ member, reason }) => `${member.authority} (${codeOf(reason)}: ${messageOf(reason)})`).join(', ')}`,
    );
  }
  return answers.flatMap((answer) => (answer.kind === 'answered' ? [answer.result] : []));
}
