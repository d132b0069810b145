/** The coordinator removes its own copies of a record's history, after the members have removed theirs. */
import { proxyActivities } from '@temporalio/workflow';
import type { FederationActivities } from './activity-types.js';
import type { EraseCopiesResult, EraseInput } from './contract.js';

const removing = proxyActivities<FederationActivities>({
  startToCloseTimeout: '2h',
  heartbeatTimeout: '1m',
  retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '1m' },
});

export async function eraseCopies(record: Omit<EraseInput, 'jws'>): Promise<EraseCopiesResult> {
  return removing.eraseCopies.executeWithOptions({ summary: 'look for all receipts, remove own copies' }, [record]);
}
