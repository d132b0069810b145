/**
 * One live run for each dataset and authority: a new open voids the older ones, and a commit holds the base for its plan.
 * Kept in the private store before anything is sent, so that it holds over a crash.
 */
import { z } from 'zod';
import { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { Ref } from '../../core/messages.js';
import type { AuthorityContext } from './context.js';

const LiveRun = z.strictObject({
  attempt: z.string(),
  round: z.int().positive(),
  nonce: z.string(),
  open: Ref,
  openId: Digest,
  openedAtMs: z.int(),
  /** The plan that a commit is writing now, until then. */
  reservedFor: z.strictObject({ plan: Digest, untilMs: z.int() }).nullable(),
});
export type LiveRun = z.infer<typeof LiveRun>;

function headName(dataset: string): string {
  return `live-run/${dataset}`;
}

export async function readLiveRun(
  context: AuthorityContext,
  dataset: string,
): Promise<{ live: LiveRun | null; version: number }> {
  const head = await context.privateStore.readHead(headName(dataset));
  if (!head) return { live: null, version: 0 };
  return { live: LiveRun.parse(JSON.parse(new TextDecoder().decode(head.bytes))), version: head.version };
}

export async function writeLiveRun(
  context: AuthorityContext,
  dataset: string,
  version: number,
  live: LiveRun,
): Promise<boolean> {
  return context.privateStore.compareAndSetHead(
    headName(dataset),
    version,
    new TextEncoder().encode(JSON.stringify(live)),
  );
}

/** Holds the base for one plan while it is written. The same plan may take it again after a crash. */
export async function reserveBase(
  context: AuthorityContext,
  dataset: string,
  plan: Digest,
  forMs: number,
): Promise<void> {
  const { live, version } = await readLiveRun(context, dataset);
  const nowMs = context.now();
  if (!live) throw new ConcordatError('wrongRun', `this authority has opened no run for ${dataset}`);
  if (live.reservedFor && live.reservedFor.plan !== plan && live.reservedFor.untilMs > nowMs)
    throw new ConcordatError('baseReserved', `another plan is being written to ${dataset}`);
  if (!(await writeLiveRun(context, dataset, version, { ...live, reservedFor: { plan, untilMs: nowMs + forMs } }))) {
    throw new ConcordatError('baseReserved', `another worker of this authority has just taken the base of ${dataset}`);
  }
}

export async function releaseBase(context: AuthorityContext, dataset: string, plan: Digest): Promise<void> {
  const { live, version } = await readLiveRun(context, dataset);
  if (live?.reservedFor?.plan === plan) await writeLiveRun(context, dataset, version, { ...live, reservedFor: null });
}
