/** An authority's context as its log and those of its peers need it, and the two steps of a run that touch them. */
import { keysOf } from '../../core/federation/keys-of.js';
import type { KeyState } from '../../core/key-state.js';
import type { OpenLog } from '../../core/log/open-log.js';
import type { AuthorityId } from '../../core/record.js';
import { checkpointForOpen as checkpointOf, observePeers as observe, type LogObserver } from '../log/peer-logs.js';
import type { AuthorityContext } from './context.js';

export function logObserver(context: AuthorityContext): LogObserver {
  const { id, federation, exchange, privateStore, logKey, now } = context;
  const peers: Record<AuthorityId, readonly KeyState[]> = {};
  for (const member of federation.file.members)
    if (member.id !== id) peers[member.id] = keysOf(federation, member.id, 'log');
  const ownKeys = keysOf(federation, id, 'log');
  return { id, federation: federation.file.federation, exchange, privateStore, logKey, ownKeys, now, peers };
}

/** For the signed open. Throws logRewound or logForked where this authority must stop. */
export function checkpointForOpen(context: AuthorityContext): Promise<OpenLog> {
  return checkpointOf(logObserver(context));
}

/** For a run whose opens were verified. Throws logForked or logRewound naming the log, and nothing of the run may rest on it. */
export async function observePeers(
  context: AuthorityContext,
  opens: Readonly<Record<AuthorityId, { readonly log: OpenLog }>>,
): Promise<void> {
  await observe(logObserver(context), opens);
}
