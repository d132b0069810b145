/** Where to look for a record: what it was called before it had its key, and which operations were about it. */
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { erasureSubject } from '../../core/lineage/erasure.js';
import { parseHop, type Hop, type PreviousHop } from '../../core/lineage/hop.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { readErasure } from '../lineage/erasures.js';
import { readChainFrom } from '../lineage/read-chain.js';
import { readPublishedTable, tableId } from '../lineage/record-table.js';
import type { TrustedKeys } from '../lineage/trusted-keys.js';
import type { ObjectStore } from '../store.js';
import { joinedKeys, plannedOperations } from './coordinator-traces.js';
import type { Marks } from './marks.js';

export interface Traces {
  readonly marks: Marks;
  readonly operations: ReadonlySet<Digest>;
}

/**
 * The keyed native ids come from the hops of every member, which are never removed; the rest from the plans that still
 * lie here. A peer whose log cannot be read hides at most what only its own prefix and the coordinator's hold.
 */
export async function tracesOf(
  exchange: ObjectStore,
  keys: TrustedKeys,
  own: AuthorityId,
  name: RecordName,
  heartbeat: () => void,
): Promise<Traces> {
  const provisional = new Set<string>(await joinedKeys(exchange, name, heartbeat));
  const operations = new Set<Digest>();
  let salt: Uint8Array | null = null;
  for (const authority of keys.authorities) {
    try {
      const end = await endOf(exchange, keys, authority, name);
      salt = authority === own ? (end?.salt ?? salt) : (salt ?? end?.salt ?? null);
      for (const { native, cause } of end?.end ? await hopsOf(exchange, keys, authority, name, end.end) : []) {
        if (native !== null) provisional.add(`~${native}`);
        if (cause.kind === 'written') for (const id of cause.operations) operations.add(id);
      }
    } catch (error) {
      if (authority === own || !(error instanceof ConcordatError)) throw error;
    }
  }
  const marks: Marks = { name, provisional: [...provisional].sort(), salt };
  for (const id of await plannedOperations(exchange, marks, heartbeat)) operations.add(id);
  return { marks, operations };
}

async function hopsOf(
  exchange: ObjectStore,
  keys: TrustedKeys,
  authority: AuthorityId,
  { dataset }: RecordName,
  end: PreviousHop,
): Promise<readonly Hop[]> {
  const { hops } = await readChainFrom(exchange, authority, keys.authorities, dataset, end);
  return hops.flatMap(({ body }) => parseHop(body) ?? []);
}

async function endOf(
  exchange: ObjectStore,
  keys: TrustedKeys,
  authority: AuthorityId,
  name: RecordName,
): Promise<{ readonly salt: Uint8Array | null; readonly end: PreviousHop | null } | null> {
  const row = await (await readPublishedTable(exchange, authority, name.dataset))?.rowOf(tableId(name));
  if (row) return row;
  const erased = await readErasure(exchange, keys, authority, name.dataset, erasureSubject(name));
  return erased && { salt: null, end: erased.receipt.end };
}
