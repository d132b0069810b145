/**
 * Takes notice of the stamps of a run: within the declared bound they move the clock, beyond it the statement is refused.
 * Of each peer's opens the last stamp is kept, since rounds only go up: a later one with a lower stamp is a clock that went
 * back, and is refused unless a signed reset of its authority says so.
 */
import { z } from 'zod';
import { compareHlc, Hlc } from '../../core/clock/hlc.js';
import { ClockReset, clockResetType, isAfterAtSame } from '../../core/clock/reset.js';
import { ConcordatError } from '../../core/errors.js';
import { keysOf } from '../../core/federation/keys-of.js';
import type { Open } from '../../core/messages.js';
import { AuthorityId } from '../../core/record.js';
import { getMessage } from '../exchange.js';
import type { Recomputed } from '../recompute.js';
import type { Terms } from '../run-messages.js';
import type { AuthorityContext } from './context.js';

const PeerClocks = z.record(AuthorityId, z.strictObject({ round: z.int().positive(), hlc: Hlc }));
type PeerClocks = z.infer<typeof PeerClocks>;

/** Other work on the same dataset may come between; losing more often means that something else is wrong. */
const attemptsMax = 10;

/** Before anything is done for a run. Throws clockUntrusted with the peer whose stamp is refused. */
export async function noticeOpens(
  context: AuthorityContext,
  dataset: string,
  opens: Readonly<Record<AuthorityId, Open>>,
): Promise<void> {
  const given = Object.values(opens);
  await context.clock.receive(given);
  const name = `peer-clocks/${dataset}`;
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const found = await context.privateStore.readHead(name);
    const known = found ? PeerClocks.parse(JSON.parse(new TextDecoder().decode(found.bytes))) : {};
    const newer = given.filter(({ authority, round }) => round > (known[authority]?.round ?? 0));
    for (const open of newer) await requireAfter(context, known, open);
    if (newer.length === 0) return;
    const next: PeerClocks = {
      ...known,
      ...Object.fromEntries(newer.map(({ authority, round, hlc }) => [authority, { round, hlc }])),
    };
    const bytes = new TextEncoder().encode(JSON.stringify(next));
    if (await context.privateStore.compareAndSetHead(name, found?.version ?? 0, bytes)) return;
  }
  throw new ConcordatError(
    'storeFault',
    `the clocks of the peers of ${dataset} are being written by others all the time`,
  );
}

async function requireAfter(context: AuthorityContext, known: PeerClocks, open: Open): Promise<void> {
  const last = known[open.authority]?.hlc;
  if (last === undefined || compareHlc(open.hlc, last) > 0) return;
  const resets: ClockReset[] = [];
  if (open.clockReset) {
    const { payload } = await getMessage(context.exchange, open.clockReset, {
      typ: clockResetType,
      schema: ClockReset,
      keys: keysOf(context.federation, open.authority, 'messages'),
    });
    if (payload.authority === open.authority) resets.push(payload);
  }
  if (!isAfterAtSame(last, open.hlc, resets))
    throw new ConcordatError(
      'clockUntrusted',
      `the clock of ${open.authority} went back from ${last} to ${open.hlc}, and it has published no reset that says so`,
    );
}

/** What a run was computed from. Throws clockUntrusted for a stamp beyond the bound, unless the run is over. */
export async function noticeInputs(
  context: AuthorityContext,
  { messages, snapshots }: Pick<Recomputed, 'messages' | 'snapshots'>,
  terms: Terms = 'own',
): Promise<void> {
  const given = [...Object.values(messages.opens), ...Object.values(snapshots)];
  await context.clock.receive(given, terms === 'own' ? 'refuse' : 'leave');
}
