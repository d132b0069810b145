/**
 * What this authority promised and signed for a dataset (core/rounds.ts): one live run, since a new open voids the older
 * ones and a witness spends it, and a commit holds the base for its plan. Kept in the private store before anything is
 * sent, so that it holds over a crash.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { Ref } from '../../core/messages.js';
import { AuthorityId } from '../../core/record.js';
import { Pending } from '../../core/rounds.js';
import type { AuthorityContext } from './context.js';

const LiveRun = z.strictObject({
  attempt: z.string(),
  round: z.int().positive(),
  members: z.array(AuthorityId),
  nonce: z.string(),
  open: Ref,
  openId: Digest,
  openedAtMs: z.int(),
  /** The plan that a commit is writing now, until then. */
  reservedFor: z.strictObject({ plan: Digest, untilMs: z.int() }).nullable(),
});
export type LiveRun = z.infer<typeof LiveRun>;

const RunState = z.strictObject({
  promised: z.int().nonnegative(),
  live: LiveRun.nullable(),
  pending: Pending.extend({ proposal: Ref }).nullable(),
  /** The last witness: it moves with `pending`, so that none is ever sent that the next open does not show. */
  witness: z.strictObject({ run: Digest, proposal: Digest, jws: z.string() }).nullable(),
});
export type RunState = z.infer<typeof RunState>;

function headName(dataset: string): string {
  return `live-run/${dataset}`;
}

export async function readRunState(
  context: AuthorityContext,
  dataset: string,
): Promise<{ state: RunState; version: number }> {
  const head = await context.privateStore.readHead(headName(dataset));
  if (!head) return { state: { promised: 0, live: null, pending: null, witness: null }, version: 0 };
  return { state: RunState.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

export async function writeRunState(
  context: AuthorityContext,
  dataset: string,
  version: number,
  state: RunState,
): Promise<boolean> {
  return context.privateStore.compareAndSetHead(
    headName(dataset),
    version,
    new TextEncoder().encode(JSON.stringify(state)),
  );
}

/** Throws wrongRun unless one of these opens is this authority's live one. */
export async function requireLive(
  context: AuthorityContext,
  { dataset, opens }: { readonly dataset: string; readonly opens: readonly Ref[] },
): Promise<LiveRun> {
  const { state } = await readRunState(context, dataset);
  if (!state.live || !opens.some((open) => open.ref === state.live?.open.ref))
    throw new ConcordatError(
      'wrongRun',
      'a newer run of this dataset was opened with this authority, or this one ended',
    );
  return state.live;
}

/** Holds the base for one plan while it is written. The same plan may take it again after a crash. */
export async function reserveBase(
  context: AuthorityContext,
  dataset: string,
  plan: Digest,
  forMs: number,
): Promise<void> {
  const { state, version } = await readRunState(context, dataset);
  const { live } = state;
  const nowMs = context.now();
  if (!live) throw new ConcordatError('wrongRun', `this authority has no open run for ${dataset}`);
  if (live.reservedFor && live.reservedFor.plan !== plan && live.reservedFor.untilMs > nowMs)
    throw new ConcordatError('baseReserved', `another plan is being written to ${dataset}`);
  const reserved = { ...live, reservedFor: { plan, untilMs: nowMs + forMs } };
  if (!(await writeRunState(context, dataset, version, { ...state, live: reserved })))
    throw new ConcordatError('baseReserved', `another worker of this authority has just taken the base of ${dataset}`);
}

export async function releaseBase(context: AuthorityContext, dataset: string, plan: Digest): Promise<void> {
  const { state, version } = await readRunState(context, dataset);
  if (state.live?.reservedFor?.plan === plan)
    await writeRunState(context, dataset, version, { ...state, live: { ...state.live, reservedFor: null } });
}
