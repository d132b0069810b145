/**
 * The highest round that each authority opened, where the coordinator can read it without asking. A hint only: nobody
 * trusts it, and an authority that promised more says so when it is asked to open.
 */
import type { AuthorityId } from '../core/record.js';
import type { ObjectStore } from './store.js';

function headName(authority: AuthorityId, dataset: string): string {
  return `${authority}/rounds/${dataset}`;
}

/** Loses against a faster worker without a word. */
export async function publishRound(
  exchange: ObjectStore,
  authority: AuthorityId,
  dataset: string,
  round: number,
): Promise<void> {
  const head = await exchange.readHead(headName(authority, dataset));
  await exchange.compareAndSetHead(
    headName(authority, dataset),
    head?.version ?? 0,
    new TextEncoder().encode(String(round)),
  );
}

/** 0 where nobody opened yet. */
export async function highestRound(
  exchange: ObjectStore,
  authorities: readonly AuthorityId[],
  dataset: string,
): Promise<number> {
  let highest = 0;
  for (const authority of authorities) {
    const head = await exchange.readHead(headName(authority, dataset));
    const round = head ? Number(new TextDecoder().decode(head.bytes)) : 0;
    if (Number.isSafeInteger(round) && round > highest) highest = round;
  }
  return highest;
}
