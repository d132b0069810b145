/** What a run of these opens has to do first: the coordinator asks for it, every authority judges the same for itself. */
import { aheadMs, isTrustedHlc } from '../../core/clock/hlc.js';
import { durationMs, durationWords } from '../../core/duration.js';
import { ConcordatError } from '../../core/errors.js';
import type { Dataset } from '../../core/federation/dataset.js';
import { configurationOf, type Federation } from '../../core/federation/federation.js';
import { configurationDigestOf } from '../../core/federation/configuration.js';
import { keysOf } from '../../core/federation/keys-of.js';
import type { Digest } from '../../core/digest.js';
import { byCodeUnit } from '../../core/json.js';
import { Open, openType, Seal, type HeldBase, type Ref } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';
import { isMajority } from '../../core/rounds.js';
import type { Judgement, LeftOut } from '../../workflows/activity-types.js';
import { getDocument, getMessage } from '../exchange.js';
import { membershipOf } from '../membership.js';
import { authorityOfRef, readOpened } from '../run-messages.js';
import { verifyChain } from '../seal-chain.js';
import type { ObjectStore } from '../store.js';

/** Throws where even a majority does not fit together: then it is the coordinator's own folder that differs, or all do. */
export async function judgeOpens(
  federation: Federation,
  exchange: ObjectStore,
  input: { readonly dataset: string; readonly opens: readonly Ref[]; readonly passOver?: Digest },
  nowMs: number,
): Promise<Judgement> {
  const leftOut = await whoCannotTakePart(federation, exchange, input, nowMs);
  const members = federation.datasets[input.dataset]?.members ?? [];
  if (leftOut.length > 0 && isMajority(input.opens.length - leftOut.length, members.length))
    return { kind: 'leaveOut', leftOut };
  const { opens, run, duty } = await readOpened(federation, exchange, input);
  if (duty.kind === 'work') return { kind: 'work', run };
  if (duty.kind === 'finish') {
    const { pending, passable } = duty;
    if (passable && pending.candidate === input.passOver) return { kind: 'work', run };
    const holders = Object.values(opens).filter((open) => open.pending?.candidate === pending.candidate);
    const holder = holders.find((open) => open.pending?.round === pending.round);
    if (!holder?.pending) throw new ConcordatError('inputNotAuthentic', 'no open holds the candidate to finish');
    return {
      kind: 'finish',
      run,
      proposal: holder.pending.proposal,
      sequence: pending.sequence,
      candidate: pending.candidate,
      passable,
      signers: holders.map(({ authority }) => authority).sort(byCodeUnit),
    };
  }
  const ahead = Object.values(opens).find(({ base }) => base?.digest === duty.to.digest);
  if (!ahead?.base) throw new ConcordatError('inputNotAuthentic', 'no open holds the base to take up');
  const unproven = await whoCannotFollow(federation, exchange, input.dataset, opens, ahead.base);
  if (unproven.length > 0) return { kind: 'leaveOut', leftOut: unproven };
  return { kind: 'catchUp', behind: duty.behind, seal: ahead.base.seal, sequence: duty.to.sequence };
}

/**
 * Whose base does not lead to the highest one: either they or those who show it made theirs up, so the fewer of the two
 * sides are left out. Every authority follows the seals for itself before it takes one up.
 */
async function whoCannotFollow(
  federation: Federation,
  exchange: ObjectStore,
  dataset: string,
  opens: Readonly<Record<AuthorityId, Open>>,
  highest: HeldBase,
): Promise<readonly LeftOut[]> {
  const failed: LeftOut[] = [];
  const ahead: AuthorityId[] = [];
  for (const [self, { base, pending }] of Object.entries(opens)) {
    if (base?.digest === highest.digest) {
      ahead.push(self);
      continue;
    }
    try {
      const seal = await getDocument(exchange, highest.seal, Seal);
      await verifyChain(federation, exchange, dataset, seal, { self, held: base, signed: pending?.candidate ?? null });
    } catch (error) {
      if (!(error instanceof ConcordatError) || error.code === 'storeFault') throw error;
      failed.push({ authority: self, code: error.code, message: error.message });
    }
  }
  const [first] = failed;
  if (!first || failed.length < ahead.length) return failed;
  return ahead.map((authority) => ({ authority, code: first.code, message: first.message }));
}

/**
 * Members whose open does not verify, whose base has no seal, whose folder is not the one that this worker and the others have, or whose stamp is
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
      if (payload.base) await membershipOf(exchange, payload.base.seal, payload.base.digest);
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
