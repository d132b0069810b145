/**
 * What rests on an object that a deletion would take away: the other objects of this mesh that name it, as this
 * authority read them itself. Opaque objects and those outside of the dataset count too: the mesh ends them all the same.
 */
import type { RunInputs } from '../../core/messages.js';
import { mapOf } from '../../core/federation/federation.js';
import { byCodeUnit, type Json } from '../../core/json.js';
import type { LongList } from '../../core/long-list.js';
import type { Operation } from '../../core/operation.js';
import type { AuthorityContext } from './context.js';
import type { OwnRecords } from './own-records.js';
import { storedPages } from './pages.js';

/** In words without values, for each operation by its id; none where nothing rests on what it deletes. */
export async function restingObjects(
  context: AuthorityContext,
  inputs: RunInputs,
  own: OwnRecords,
  operations: LongList<Operation>,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const deletions = operations.filter(({ kind }) => kind === 'delete');
  if (deletions.length === 0) return new Map();
  const nativesOf = ({ type, key }: Operation): readonly string[] => {
    const native = mapOf(context.federation, context.id, type)?.native;
    return native === undefined ? [] : own.nativeIdsOf(type, key).map((id) => `${native}/${id}`);
  };
  const deletedHere = new Set(deletions.flatMap(nativesOf));
  const resting = new Map<string, Map<string, { count: number; unplanned: number }>>();
  for await (const item of storedPages(context, inputs.dataset, inputs.run)) {
    if (item.kind !== 'objects') continue;
    for (const object of item.objects) {
      const isDeleted = deletedHere.has(`${object.type}/${object.id}`);
      for (const named of new Set(Object.values(object.body).filter((value: Json) => typeof value === 'string'))) {
        if (!deletedHere.has(named)) continue;
        const byType = resting.get(named) ?? new Map<string, { count: number; unplanned: number }>();
        resting.set(named, byType);
        const known = byType.get(object.type) ?? { count: 0, unplanned: 0 };
        byType.set(object.type, { count: known.count + 1, unplanned: known.unplanned + (isDeleted ? 0 : 1) });
      }
    }
  }
  return new Map(
    deletions.map((operation) => {
      const counts = new Map<string, { count: number; unplanned: number }>();
      for (const named of nativesOf(operation))
        for (const [type, { count, unplanned }] of resting.get(named) ?? []) {
          const known = counts.get(type) ?? { count: 0, unplanned: 0 };
          counts.set(type, { count: known.count + count, unplanned: known.unplanned + unplanned });
        }
      const words = [...counts]
        .sort(([a], [b]) => byCodeUnit(a, b))
        .map(([type, { count, unplanned }]) => {
          const others = unplanned === 0 ? '' : `; no operation of this plan says so of ${unplanned} of them`;
          return `${count} ${type} here ${count === 1 ? 'rests' : 'rest'} on it and cannot outlast it${others}`;
        });
      return [operation.id, words];
    }),
  );
}
