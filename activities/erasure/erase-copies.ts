/**
 * The coordinator's own copies: plans, correlations and the segments of the bases that it proposed. They go last, once
 * every member of the dataset has signed that its own are gone, because members find in plans what was about the record.
 */
import type { Federation } from '../../core/federation/federation.js';
import { ConcordatError } from '../../core/errors.js';
import { erasureSubject } from '../../core/lineage/erasure.js';
import type { RecordName } from '../../core/lineage/salted.js';
import type { EraseCopiesResult } from '../../workflows/contract.js';
import { readErasure } from '../lineage/erasures.js';
import { tableId } from '../lineage/record-table.js';
import { keysOfFederation } from '../lineage/trusted-keys.js';
import type { ObjectStore } from '../store.js';
import { coordinatorPrefix, joinedKeys, newestProposedBase, plannedOperations } from './coordinator-traces.js';
import { findObjects } from './find-objects.js';
import { MarkFinder, type Marks } from './marks.js';

export async function eraseCopies(
  federation: Federation,
  exchange: ObjectStore,
  name: RecordName,
  heartbeat: () => void,
): Promise<EraseCopiesResult> {
  const members = federation.datasets[name.dataset]?.members;
  if (!members) throw new ConcordatError('notFound', `the federation has no dataset ${name.dataset}`);
  const keys = keysOfFederation(federation);
  const missing: string[] = [];
  for (const member of [...members].sort())
    if (!(await readErasure(exchange, keys, member, name.dataset, erasureSubject(name)))) missing.push(member);
  if (missing.length > 0) return { kind: 'waiting', missing };
  // Members have forgotten the salt; what holds it here would hold the key too.
  const marks: Marks = { name, provisional: await joinedKeys(exchange, name, heartbeat), salt: null };
  const base = await newestProposedBase(exchange, name.dataset, heartbeat);
  const found = await findObjects({
    exchange,
    prefix: coordinatorPrefix,
    marks,
    tableId: tableId(name),
    operations: new Set(await plannedOperations(exchange, marks, heartbeat)),
    needed: (base?.types ?? []).flatMap(({ segments }) => segments),
    heartbeat,
  });
  const removed: Record<string, number> = {};
  // Correlations and plans last: found again after a crash, they say what else there is to remove.
  // Pieces right before them: by its list the rest of a document is found.
  const rank = (kind: string): number => (kind === 'correlations' || kind === 'plans' ? 2 : kind === 'pieces' ? 1 : 0);
  for (const { name: object, kind } of [...found].sort((a, b) => rank(a.kind) - rank(b.kind))) {
    await exchange.remove(object);
    removed[kind] = (removed[kind] ?? 0) + 1;
    heartbeat();
  }
  const finder = new MarkFinder(marks);
  await exchange.removeUnfinished((bytes) => finder.isIn(bytes));
  return { kind: 'erased', removed };
}
