/** Words for kinds and codes, and short forms of ids. */
import { durationWords } from '../../core/duration.js';
import { errorTable, isErrorCode } from '../../core/errors.js';
import type { Rule } from '../../core/operation.js';
import type { Divergence } from '../../core/plan.js';
import type { RunOutcome, RunProgress, RunStage } from '../../workflows/messages.js';
import type { StepUnderWay } from '../temporal/steps-under-way.js';

export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** Run ids begin with their time in milliseconds: this much tells runs apart. */
export function shortRun(runId: string): string {
  return runId.slice(0, 13);
}

export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}

export const divergenceWords: Readonly<Record<Divergence['kind'], string>> = {
  changed: 'changed on one side',
  elementsChanged: 'set elements changed',
  missing: 'missing somewhere',
  deleted: 'deleted on one side',
  conflict: 'in conflict',
  editedAndDeleted: 'edited on one side, deleted on another',
  deletionHeldBack: 'deletion held back: somebody was not read completely',
  unread: 'not read completely',
  heldByCase: 'held by a case that a person decides',
  waitsForConflict: 'waiting for a conflict to be decided',
  decidedByPolicy: 'decided by the policy of the dataset',
  waitsForMember: 'waiting for a member that cannot be heard',
  suspended: 'deleted on one side, suspended elsewhere before it goes',
  undone: 'goes back to what was agreed before',
  deletedKept: 'deleted on one side, and to be kept',
  doubled: 'one value in two records, though it is to be unique',
  waitsForReference: 'waiting for what it refers to, which is in doubt or not there',
  readOnlyThere: 'this mesh can only be read there: change it by its own means',
  effectDiffers: 'names agree, effect differs',
  opaque: 'opaque: there, and not fully represented, so it is neither written nor deleted',
};

export const outcomeWords: Readonly<Record<RunOutcome, string>> = {
  agreed: 'in agreement',
  divergent: 'divergences are left',
  approvalPending: 'people are still being asked',
  planned: 'planned only: nobody was asked, nothing was written',
};

export const stageWords: Readonly<Record<RunStage, string>> = {
  open: 'opening the run with every member',
  snapshot: 'reading the meshes',
  translate: 'joining new records',
  compare: 'comparing',
  approve: 'waiting for people',
  commit: 'writing what was approved',
  agree: 'signing the new base',
  done: 'done',
};

/** What a run is at, as far as it says. */
export function progressWords({ stage, waitingFor, groups }: RunProgress): string {
  const words = stageWords[stage];
  if (waitingFor.length > 0) return `${words} of ${listWords(waitingFor)}`;
  return stage === 'compare' && groups ? `${words}, ${groups.done} of ${groups.of} groups of buckets done` : words;
}

/** How far the steps of authorities are: `aws wrote 1200 of 10000, about 3 min left; sov wrote 20 of 40`. */
export function stepsWords(steps: readonly StepUnderWay[]): string {
  return steps.map((step) => `${step.authority} ${stepWords(step)}`).join('; ');
}

export function stepWords({ progress, leftMs }: Omit<StepUnderWay, 'authority'>): string {
  switch (progress.kind) {
    case 'reading':
      return `read ${counted(progress.objects, 'object')}`;
    case 'translating':
      return `translated ${progress.objects} of ${progress.of}`;
    case 'writing':
      return `wrote ${progress.done} of ${progress.of}${leftMs === null ? '' : `, about ${roughWords(leftMs)} left`}`;
  }
}

/** An estimate promises no more than it knows: to ten seconds, then to a minute, then to ten. */
function roughWords(lengthMs: number): string {
  const step = lengthMs < 120_000 ? 10_000 : lengthMs < 7_200_000 ? 60_000 : 600_000;
  return durationWords(Math.ceil(lengthMs / step) * step);
}

/** Why an operation is proposed; `who` are the members whose state led to it. */
export function causeWords(rule: Rule, who: readonly string[]): string {
  const names = listWords(who);
  switch (rule) {
    case 'changedOnOneSide':
      return `${names} changed it since the last agreement`;
    case 'changedLater':
      return `several changed it, and ${names} ${who.length === 1 ? 'was' : 'were'} last, knowing what the others held`;
    case 'elementChanged':
      return `${names} changed its elements since the last agreement`;
    case 'deletedOnOneSide':
      return `${names} deleted it since the last agreement`;
    case 'firstContact':
      return `first contact: ${names} ${who.length === 1 ? 'holds' : 'hold'} it`;
    case 'newRecord':
      return `new: only ${names} ${who.length === 1 ? 'holds' : 'hold'} it`;
    case 'chosen':
      return `if this candidate is chosen, which ${names} ${who.length > 1 ? 'hold' : 'holds'}`;
    case 'owned':
      return `${names} owns it, by the policy of the dataset`;
    case 'union':
      return `what any member holds all hold, by the policy of the dataset: ${names} ${who.length === 1 ? 'has' : 'have'} it`;
    case 'intersection':
      return `only what all members hold stays, by the policy of the dataset: ${names} ${who.length === 1 ? 'lacks' : 'lack'} it`;
    case 'leastPrivilege':
      return `the least privilege counts, by the policy of the dataset: that of ${names}`;
    case 'latestObserved':
      return `the change surely seen last counts, by the policy of the dataset: that of ${names}`;
    case 'suspendedFirst':
      return `${names} deleted it, and the policy of the dataset suspends first`;
    case 'deletedAfterSuspension':
      return `${names} deleted it, and it has stood suspended for as long as the policy of the dataset says`;
    case 'undo':
      return `people of ${names} undo what an earlier run agreed on`;
    case 'keptByPolicy':
      return `deleted elsewhere, and the policy of the dataset keeps it as ${names} ${who.length === 1 ? 'holds' : 'hold'} it`;
  }
}

export function listWords(words: readonly string[]): string {
  const last = words.at(-1);
  if (last === undefined) return 'nobody';
  return words.length === 1 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** A code and what to do about it: `frozen (a freeze window of this authority is open)`. */
export function codeWords(code: string | null): string {
  if (code === null) return 'no reason given';
  return isErrorCode(code) ? `${code}: ${errorTable[code].next}` : code;
}

/** `2026-11-01 09:30:05`, in UTC, as everything else that Concordat shows. */
export function instantText(instant: Date): string {
  return `${instant.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

export function lengthWords(from: Date, to: Date): string {
  return durationWords(to.getTime() - from.getTime());
}

/** `aws leaves manage keys; sov leaves none of it`. */
export function leavesWords(leaves: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(leaves)
    .map(([authority, labels]) => `${authority} leaves ${labels.length === 0 ? 'none of it' : listWords(labels)}`)
    .join('; ');
}
