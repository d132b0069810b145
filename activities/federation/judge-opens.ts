/** What a run of these opens has to do first: the coordinator asks for it, every authority judges the same for itself. */
import { aheadMs, isTrustedHlc } from '../../core/clock/hlc.js';
import { durationMs, durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Dataset } from '../../core/federation/dataset.js';
import { configurationOf, type Federation } from '../../core/federation/federation.js';
import { configurationDigestOf } from '../../core/federation/configuration.js';
import { keysOf } from '../../core/federation/keys-of.js';
import { Open, openType, type Ref } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';
import { isMajority } from '../../core/rounds.js';
import type { Judgement, LeftOut } from '../../workflows/activity-types.js';
import { getMessage } from '../exchange.js';
import { authorityOfRef, readOpened } from '../run-messages.js';
import type { ObjectStore } from '../store.js';

/** Throws where even a majority does not fit together: then it is the coordinator's own folder that differs, or all do. */
export async function judgeOpens(
  federation: Federation,
  exchange: ObjectStore,
  input: { readonly dataset: string; readonly opens: readonly Ref[] },
  nowMs: number,
): Promise<Judgement> {
  const leftOut = await whoCannotTakePart(federation, exchange, input, nowMs);
  const members = federation.datasets[input.dataset]?.members ?? [];
  if (leftOut.length > 0 && isMajority(input.opens.length - leftOut.length, members.length))
    return { kind: 'leaveOut', leftOut };
  const { opens, run, duty } = await readOpened(federation, exchange, input);
  if (duty.kind === 'work') return { kind: 'work', run };
  if (duty.kind === 'finish') {
    const { pending } = duty;
    const holder = Object.values(opens).find(
      (open) => open.pending?.candidate === pending.candidate && open.pending.round === pending.round,
    );
    if (!holder?.pending) throw new ConcordatError('inputNotAuthentic', 'no open holds the candidate to finish');
    return { kind: 'finish', run, proposal: holder.pending.proposal, sequence: pending.sequence };
  }
  const ahead = Object.values(opens).find(({ base }) => base?.digest === duty.to.digest);
  if (!ahead?.base) throw new ConcordatError('inputNotAuthentic', 'no open holds the base to take up');
  return { kind: 'catchUp', behind: duty.behind, seal: ahead.base.seal, sequence: duty.to.sequence };
}

/**
 * Members whose open does not verify, whose folder is not the one that this worker and the others have, or whose stamp is
 * so far ahead of this machine that the others would refuse it. A majority is never left out: then it is this machine
 * that is behind, and the members judge for themselves.
 */
async function whoCannotTakePart(
  federation: Federation,
  exchange: ObjectStore,
  input: { readonly dataset: string; readonly opens: readonly Ref[] },
  nowMs: number,
): Promise<readonly LeftOut[]> {
  const dataset = federation.datasets[input.dataset];
  if (!dataset) throw new ConcordatError('notFound', `the federation has no dataset ${input.dataset}`);
  const configuration = configurationDigestOf(configurationOf(federation, dataset));
  const leftOut: LeftOut[] = [];
  for (const ref of input.opens) {
    const authority = authorityOfRef(ref);
    try {
      const { payload } = await getMessage(exchange, ref, {
        typ: openType,
        schema: Open,
        keys: keysOf(federation, authority, 'messages'),
      });
      if (payload.configuration !== configuration)
        leftOut.push({ authority, code: 'configurationDiffers', message: 'it holds another federation folder' });
      else if (!isTrustedHlc(payload.hlc, nowMs, peersAllowMs(federation, dataset, authority)))
        leftOut.push({
          authority,
          code: 'clockUntrusted',
          message: `its clock is ${durationWords(aheadMs(payload.hlc, nowMs))} ahead`,
        });
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      leftOut.push({ authority, code: error.code, message: error.message });
    }
  }
  return leftOut;
}

/** The least that any of its peers in a dataset allows a stamp to be ahead. */
function peersAllowMs(federation: Federation, { members }: Dataset, authority: AuthorityId): number {
  const bounds = members
    .filter((member) => member !== authority)
    .flatMap((member) => federation.authorities[member]?.clock.maxAhead ?? []);
  return Math.min(...bounds.map(durationMs));
}
