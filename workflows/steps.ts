/** The authority's own short steps: each is a workflow in its namespace around one or two activities of its worker. */
import type { RunInputs } from '../core/messages.js';
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { LinkStatement } from '../core/correlate.js';
import type { AuthorityActivities, DelegationView, ProbeReport, RecordedStatement } from './activity-types.js';
import type { Digest } from '../core/digest.js';
import type { UndoStatement } from '../core/undo.js';
import type {
  CommitInput,
  CommitResult,
  DiscloseResult,
  EraseInput,
  EraseResult,
  ReviewInput,
  SealInput,
  SealResult,
  SnapshotResult,
  TranslateInput,
  WitnessInput,
  WitnessResult,
} from './contract.js';
import { show } from './stage.js';

const retry = { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '1m' } as const;
// A heartbeat carries the cursor; a worker that died is noticed after this long and its successor resumes.
const reading = proxyActivities<AuthorityActivities>({ startToCloseTimeout: '12h', heartbeatTimeout: '20s', retry });
const computing = proxyActivities<AuthorityActivities>({ startToCloseTimeout: '2h', heartbeatTimeout: '1m', retry });
// Cancelling a write must not lose its outcome: the activity ends the operation it is in and reports.
const writing = proxyActivities<AuthorityActivities>({
  startToCloseTimeout: '12h',
  heartbeatTimeout: '20s',
  retry,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
// Asked again by a person who waits: a worker that died is noticed soon, and what it began is finished.
const erasing = proxyActivities<AuthorityActivities>({ startToCloseTimeout: '2h', heartbeatTimeout: '20s', retry });
const asking = proxyActivities<AuthorityActivities>({ startToCloseTimeout: '1m', retry: { maximumAttempts: 2 } });

export async function snapshot(inputs: RunInputs): Promise<SnapshotResult> {
  const read = await reading.readPages.executeWithOptions({ summary: 'read the mesh, page by page' }, [inputs]);
  const result = await computing.sealSnapshot.executeWithOptions(
    { summary: `translate and seal ${read.objects} objects` },
    [inputs],
  );
  const scopes =
    result.incompleteScopes > 0 ? ` ${result.incompleteScopes} scopes incomplete: no deletion follows from them.` : '';
  const hidden = (result.hidden ?? 0) > 0 ? ` ${result.hidden ?? 0} hidden by the row filter.` : '';
  show(
    { stage: 'snapshot' },
    `${result.records} records, ${result.unlinked} without a link, ${result.setAside} set aside.${hidden}${scopes}`,
  );
  return result;
}

export async function translate(input: TranslateInput): Promise<SnapshotResult> {
  return computing.translateAgain.executeWithOptions({ summary: 'apply the new links to the pages already read' }, [
    input,
  ]);
}

export async function disclose(input: ReviewInput): Promise<DiscloseResult> {
  const result = await computing.disclose.executeWithOptions(
    { summary: 'recompute the plan, encrypt the values that it writes elsewhere' },
    [input],
  );
  show({ stage: 'review' }, `${result.values} values of digest fields, each for the authority that would write it.`);
  return result;
}

export async function commit(input: CommitInput): Promise<CommitResult> {
  const result = await writing.applyPermit.executeWithOptions(
    { summary: 'gate, then read, compare, write and read back' },
    [input],
  );
  if (result.kind === 'refused')
    show(
      { stage: 'commit', outcome: result.code },
      `The gate refused: **${result.code}**. Nothing was written. ${result.message}`,
    );
  else {
    const words = Object.entries(result.counts).filter(([, count]) => count > 0);
    show(
      { stage: 'commit', outcome: result.complete ? 'done' : 'incomplete' },
      words.map(([outcome, count]) => `${count} ${outcome}`).join(', '),
    );
  }
  return result;
}

export async function witness(input: WitnessInput): Promise<WitnessResult> {
  return computing.witnessCandidate.executeWithOptions({ summary: 'recompute the next base, keep and sign it' }, [
    input,
  ]);
}

export async function seal(input: SealInput): Promise<SealResult> {
  return computing.acceptSeal.executeWithOptions({ summary: 'check all signatures, keep the base and its links' }, [
    input,
  ]);
}

export async function probe(): Promise<ProbeReport> {
  return asking.probeMesh.executeWithOptions({ summary: 'reach the mesh and check the permissions' }, []);
}

export async function link(input: {
  readonly dataset: string;
  readonly jws: string;
}): Promise<{ readonly statement: LinkStatement }> {
  return asking.recordLink.executeWithOptions({ summary: 'verify the signed link and keep it' }, [input]);
}

export async function statement(input: { readonly dataset: string; readonly jws: string }): Promise<RecordedStatement> {
  return asking.recordStatement.executeWithOptions({ summary: 'verify the signed statement and keep it' }, [input]);
}

/** A signed undo, or its withdrawal: asked by people of this authority. */
export async function undo(input: {
  readonly dataset: string;
  readonly jws: string;
}): Promise<{ readonly id: Digest; readonly statement: UndoStatement }> {
  return asking.recordUndo.executeWithOptions({ summary: 'verify the signed undo and keep it' }, [input]);
}

/** Asked by people of this authority, never by the federation: nobody else can have its copies removed. */
export async function erase(input: EraseInput): Promise<EraseResult> {
  return erasing.eraseRecord.executeWithOptions({ summary: 'count who asked, remove, sign a receipt' }, [input]);
}

/** A voice that is lent, or its early end: verified and kept by the authority's own worker. */
export async function delegate(input: { readonly jws: string }): Promise<DelegationView> {
  return asking.recordDelegation.executeWithOptions({ summary: 'verify the signed delegation and keep it' }, [input]);
}

export async function endDelegation(input: { readonly jws: string }): Promise<DelegationView> {
  return asking.endDelegation.executeWithOptions({ summary: 'verify the signed end of a delegation' }, [input]);
}

export async function delegations(): Promise<readonly DelegationView[]> {
  return asking.listDelegations.executeWithOptions({ summary: 'list the delegations' }, []);
}
