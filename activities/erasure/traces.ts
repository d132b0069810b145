/** Where to look for a record: what it was called before it had its key, and which operations were about it. */
import type { Digest } from '../../core/digest.js';
import { parseHop, type Hop, type PreviousHop } from '../../core/lineage/hop.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { AuthorityId } from '../../core/record.js';
import { readChainFrom } from '../lineage/read-chain.js';
import { readPublishedTable, tableId } from '../lineage/record-table.js';
import type { TrustedKeys } from '../lineage/trusted-keys.js';
import type { ObjectStore } from '../store.js';
import { operationsAbout, plannedOperations, type Asked } from './coordinator-traces.js';
import { MarkFinder, type Marks } from './marks.js';

export interface Traces {
  readonly marks: Marks;
  readonly operations: ReadonlySet<Digest>;
}

/** From an authority's own links and review sheets. */
export interface KnownHere {
  readonly provisional: readonly string[];
  readonly asked: readonly Asked[];
}

/**
 * What this authority itself knows of its record, and the operations that plans in the exchange store truly have.
 *
 * HAZARD: what is found here is removed, so nothing is believed that a peer or the coordinator could have made up to have
 * something else removed. The keys that a peer called the record by stand in its own objects, and it removes those.
 */
export async function tracesOf(
  exchange: ObjectStore,
  keys: TrustedKeys,
  own: AuthorityId,
  name: RecordName,
  known: KnownHere,
  heartbeat: () => void,
): Promise<Traces> {
  const provisional = new Set<string>(known.provisional);
  const operations = new Set<Digest>();
  const row = await (await readPublishedTable(exchange, own, name.dataset))?.rowOf(tableId(name));
  for (const { native, cause } of row?.end ? await hopsOf(exchange, keys, own, name, row.end) : []) {
    if (native !== null) provisional.add(`~${native}`);
    if (cause.kind === 'written') for (const id of cause.operations) operations.add(id);
  }
  const marks: Marks = { name, provisional: [...provisional].sort(), salt: row?.salt ?? null };
  const finder = new MarkFinder(marks);
  for (const asked of known.asked) for (const id of operationsAbout(asked, finder)) operations.add(id);
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
