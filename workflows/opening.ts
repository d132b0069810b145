/**
 * Opens a run (core/rounds.ts): finds who takes part, seals first what an earlier run left behind, brings those up to
 * date who were away, and ends with opens over which the run can do its own work.
 */
import { proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import type { Digest } from '../core/digest.js';
import type { Ref, RunInputs } from '../core/messages.js';
import { isMajority, roundStepMax } from '../core/rounds.js';
import type { FederationActivities, Judgement, LeftOut, RunSetup } from './activity-types.js';
import { sealCandidate } from './agreeing.js';
import type { OpenResult } from './contract.js';
import { codeOf, failure, messageOf } from './failure.js';
import { all, askAll, type Member, type Timeouts } from './members.js';

const quick = proxyLocalActivities<Pick<FederationActivities, 'judgeOpens'>>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});

/** Enough for every member to be left out, brought up to date and stepped up in turn; more is a fault. */
const attemptsMax = 40;

export interface OpenedRun {
  readonly inputs: RunInputs;
  readonly members: readonly Member[];
  readonly absent: readonly LeftOut[];
}

/** Throws waitingForMajority, or the one code that kept the others away, where too few take part. */
export async function openRun(
  everyone: readonly Member[],
  dataset: string,
  setup: RunSetup,
  timeouts: Timeouts,
  without: readonly LeftOut[] = [],
): Promise<OpenedRun> {
  let members = everyone.filter(({ authority }) => !without.some((one) => one.authority === authority));
  let absent = without;
  let round = setup.highestRound + 1;
  let passOver: Digest | null = null;
  const leaveOut = (leftOut: readonly LeftOut[]): void => {
    absent = [...absent, ...leftOut];
    members = members.filter(({ authority }) => !leftOut.some((one) => one.authority === authority));
    if (!isMajority(members.length, everyone.length)) throw tooFew(dataset, members, everyone, absent);
    round += 1;
  };
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const answers = await askAll(members, (member) => open(member, dataset, round, members, timeouts));
    const failed = answers.flatMap((answer): readonly LeftOut[] =>
      answer.kind === 'failed'
        ? [{ authority: answer.member.authority, code: codeOf(answer.reason), message: messageOf(answer.reason) }]
        : [],
    );
    if (failed.length > 0) {
      leaveOut(failed);
      continue;
    }
    const results = answers.flatMap((answer) =>
      answer.kind === 'answered' ? [{ member: answer.member, result: answer.result }] : [],
    );
    const promised = results.flatMap(({ result }) => (result.kind === 'roundTooLow' ? [result.promised] : []));
    if (promised.length > 0) {
      round = Math.max(round, ...promised) + 1;
      continue;
    }
    const behind = results.flatMap(({ member, result }) =>
      result.kind === 'roundTooFar' ? [{ member, next: Math.min(result.promised + roundStepMax, round - 1) }] : [],
    );
    if (behind.length > 0) {
      // Somebody drove the others' rounds up; this one follows by as much as it allows at once.
      await Promise.all(behind.map(({ member, next }) => open(member, dataset, next, members, timeouts)));
      continue;
    }
    const opens = results.flatMap(({ result }) => (result.kind === 'opened' ? [result.open] : []));
    const done = await doDuties(members, dataset, { opens, passOver }, timeouts, leaveOut);
    if (done.kind === 'work') return { inputs: done.inputs, members, absent };
    if (done.kind === 'passOver') passOver = done.candidate;
    round += 1;
  }
  throw failure('wrongRun', `no run of ${dataset} could be opened in ${attemptsMax} attempts`);
}

type Done =
  | { readonly kind: 'work'; readonly inputs: RunInputs }
  /** What the opens asked for first was done, and the members open again. */
  | { readonly kind: 'again' }
  /** They open again and pass over what nobody can make again. */
  | { readonly kind: 'passOver'; readonly candidate: Digest };

async function doDuties(
  members: readonly Member[],
  dataset: string,
  { opens, passOver }: { readonly opens: readonly Ref[]; readonly passOver: Digest | null },
  timeouts: Timeouts,
  leaveOut: (leftOut: readonly LeftOut[]) => void,
): Promise<Done> {
  const judgement = await judged(() =>
    quick.judgeOpens({ dataset, opens, ...(passOver === null ? {} : { passOver }) }),
  );
  switch (judgement.kind) {
    case 'work':
      return {
        kind: 'work',
        inputs: {
          dataset,
          run: judgement.run,
          opens: [...opens],
          snapshots: [],
          correlation: null,
          firstSnapshots: [],
        },
      };
    case 'leaveOut':
      leaveOut(judgement.leftOut);
      return { kind: 'again' };
    case 'catchUp': {
      const behind = members.filter(({ authority }) => judgement.behind.includes(authority));
      await all('seal', behind, ({ authority, client }) =>
        client.executeOperation(
          'seal',
          { dataset, seal: judgement.seal },
          { ...timeouts.step, summary: `${authority} takes up base ${judgement.sequence}, sealed while it was away` },
        ),
      );
      return { kind: 'again' };
    }
    case 'finish':
      try {
        await sealCandidate(members, { dataset, run: judgement.run, opens }, judgement.proposal, timeouts);
        return { kind: 'again' };
      } catch (error) {
        return wayAround(members, judgement, error, leaveOut);
      }
  }
}

/** A refusal that no repetition changes: somebody signed what the others cannot make again. */
const notReproduced: readonly string[] = [
  'planNotReproduced',
  'inputNotAuthentic',
  'membershipNotFollowed',
  'keyNotValid',
];

/**
 * Around a candidate that nobody else can make again: passed over where too few can have signed it; otherwise without
 * those who did, whom a majority of the others need not wait for, since what was sealed shows in any majority.
 */
function wayAround(
  members: readonly Member[],
  { candidate, passable, signers, sequence }: Extract<Judgement, { readonly kind: 'finish' }>,
  error: unknown,
  leaveOut: (leftOut: readonly LeftOut[]) => void,
): Done {
  if (!notReproduced.includes(codeOf(error))) throw error;
  if (passable) return { kind: 'passOver', candidate };
  const message = `it signed candidate ${sequence}, which the others cannot make again (${messageOf(error)})`;
  const code = 'candidateNotReproduced';
  if (signers.length === members.length)
    throw failure(code, `all who take part signed candidate ${sequence}, and ${message}`);
  leaveOut(signers.map((authority) => ({ authority, code, message })));
  return { kind: 'again' };
}

async function judged<Result>(judge: () => Promise<Result>): Promise<Result> {
  try {
    return await judge();
  } catch (error) {
    throw failure(codeOf(error), messageOf(error));
  }
}

function open(
  { authority, client }: Member,
  dataset: string,
  round: number,
  members: readonly Member[],
  timeouts: Timeouts,
): Promise<OpenResult> {
  const { workflowId, runId } = workflowInfo();
  return client.executeOperation(
    'open',
    {
      dataset,
      attempt: `${workflowId} ${runId} ${round}`,
      round,
      members: members.map((member) => member.authority),
    },
    { ...timeouts.open, summary: `${authority}: nonce, configuration and base` },
  );
}

function tooFew(
  dataset: string,
  members: readonly Member[],
  everyone: readonly Member[],
  absent: readonly LeftOut[],
): Error {
  const why = absent.map(({ authority, code, message }) => `${authority} (${code}: ${message})`).join(', ');
  const codes = new Set(absent.map(({ code }) => code));
  const [only] = codes;
  const code = codes.size === 1 && only !== undefined && only !== 'authorityAbsent' ? only : 'waitingForMajority';
  return failure(
    code,
    `${members.length} of ${everyone.length} members of ${dataset} take part, and a run needs more than half; not: ${why}`,
  );
}
