/** The activities of one authority's worker: this is where its context meets Temporal. */
import { activityInfo, cancellationSignal, log } from '@temporalio/activity';
import type { AuthorityActivities } from '../../workflows/activity-types.js';
import { eraseRecord } from './erase-record.js';
import { disclose } from './disclosure.js';
import { applyPermit } from './commit.js';
import { nativeTypesFor } from '../../core/federation/effect-natives.js';
import { mapOf } from '../../core/federation/federation.js';
import type { AuthorityContext } from './context.js';
import { endDelegation, listDelegations, recordDelegation } from './delegations.js';
import { recordLink } from './link-statement.js';
import { recordStatement } from './standing-statement.js';
import { remindPeople } from './notices.js';
import { prepareReview, type ReviewSignals } from './prepare-review.js';
import { beat } from '../heartbeat.js';
import { tellingRefusals } from './refusals.js';
import { closeReview, recordDecision } from './review.js';
import { acceptSeal } from './seal.js';
import { readPages, sealSnapshot, translateAgain } from './snapshot.js';
import { recordUndo } from './undo-statement.js';
import { witnessCandidate } from './witness.js';

const heartbeatEveryMs = 5_000;
const warn = (message: string): void => log.warn(message);

export function createAuthorityActivities(context: AuthorityContext, signals: ReviewSignals): AuthorityActivities {
  return {
    readPages: (inputs) => beating('readPages', () => readPages(context, inputs, cancellationSignal())),
    sealSnapshot: (inputs) => beating('sealSnapshot', () => sealSnapshot(context, inputs)),
    translateAgain: (input) => beating('translateAgain', () => translateAgain(context, input)),
    disclose: (input) => beating('disclose', () => disclose(context, input)),
    prepareReview: (input) => beating('prepareReview', () => prepareReview(context, input, signals)),
    recordDecision: (input) => beating('recordDecision', () => recordDecision(context, input)),
    closeReview: (input) => beating('closeReview', () => closeReview(context, input)),
    remindPeople: (input) => {
      const { attempt, retryPolicy } = activityInfo();
      const isLastTry = attempt >= (retryPolicy?.maximumAttempts ?? 1);
      return remindPeople(context, { ...input, isLastTry }, signals, (message, fields) =>
        log.info(message, { ...fields }),
      );
    },
    recordDelegation: (input) => recordDelegation(context, input),
    endDelegation: (input) => endDelegation(context, input),
    listDelegations: () => listDelegations(context),
    applyPermit: (input) => beating('applyPermit', () => applyPermit(context, input, cancellationSignal())),
    witnessCandidate: (input) => beating('witnessCandidate', () => witnessCandidate(context, input)),
    acceptSeal: (input) => beating('acceptSeal', () => acceptSeal(context, input)),
    eraseRecord: (input) => beating('eraseRecord', () => eraseRecord(context, input)),
    recordStatement: (input) => tellingRefusals('recordStatement', warn, () => recordStatement(context, input)),
    recordLink: (input) => tellingRefusals('recordLink', warn, () => recordLink(context, input)),
    recordUndo: (input) => tellingRefusals('recordUndo', warn, () => recordUndo(context, input)),
    probeMesh: async () => {
      const { federation, id } = context;
      // Of all datasets: what a map could ask for tomorrow is looked at today.
      const maps = Object.keys(federation.taxonomy).flatMap((type) => mapOf(federation, id, type) ?? []);
      const nativeTypes = nativeTypesFor(context.connector.capabilities.kind, maps);
      const probed = await context.connector.probe({ nativeTypes });
      return {
        authority: context.id,
        kind: context.connector.capabilities.kind,
        reachable: probed.reachable,
        authenticated: probed.authenticated,
        identity: probed.identity ?? null,
        permissions: probed.permissions.map(({ permission, held }) => ({ permission, held })),
        code: probed.code ?? null,
        detail: probed.detail ?? null,
      };
    },
  };
}

/** A step that computes for long between two pages or writes still says that it lives. */
async function beating<Result>(step: string, work: () => Promise<Result>): Promise<Result> {
  const timer = setInterval(() => beat(), heartbeatEveryMs);
  try {
    return await tellingRefusals(step, warn, work);
  } finally {
    clearInterval(timer);
  }
}
