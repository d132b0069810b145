/**
 * Reading many entities by their keys. Azure gives one entity for a key, or a page for a range of keys; where a commit changes
 * most of what lies together, a page costs as much as a few single reads.
 */
import { byCodeUnit } from '../../../core/json.js';
import { sideBySide } from '../../side-by-side.js';
import type { AzureTablesClient } from './client.js';
import { tableOf } from './config.js';
import { readEntity, readRange } from './read.js';
import { keyOf, type EntityKey } from './row-id.js';
import type { Entity } from './wire.js';

const requestsAtOnce = 25;
/** Fewer are read one by one. */
const rangeMin = 20;
/** A page in which fewer than one of so many was asked for is the last one. */
const askedForShare = 4;

interface Wanted {
  readonly id: string;
  readonly key: EntityKey;
}

/** By id; what does not exist is not in it. Throws ConcordatError. */
export async function entitiesOf(
  client: AzureTablesClient,
  type: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Entity>> {
  const table = tableOf(client.mesh, type);
  const wanted = [...new Set(ids)].flatMap((id): readonly Wanted[] => {
    const key = keyOf(id, table);
    return key ? [{ id, key }] : [];
  });
  const partitions = new Map<string, Wanted[]>();
  for (const one of wanted) {
    const those = partitions.get(one.key.partitionKey) ?? [];
    those.push(one);
    partitions.set(one.key.partitionKey, those);
  }
  const found = new Map<string, Entity>();
  for (const those of partitions.values()) if (those.length >= rangeMin) await readRanges(client, type, those, found);
  // HAZARD: what no page showed is asked for by its key. Nothing counts as gone because a range did not show it.
  await sideBySide(
    wanted.filter(({ id }) => !found.has(id)),
    requestsAtOnce,
    async ({ id, key }) => {
      const entity = await readEntity(client, type, key);
      if (entity) found.set(id, entity);
    },
  );
  return found;
}

/** Page after page, each from the next key that was asked for, as long as they hold little else. */
async function readRanges(
  client: AzureTablesClient,
  type: string,
  wanted: readonly Wanted[],
  found: Map<string, Entity>,
): Promise<void> {
  const sorted = [...wanted].sort((left, right) => byCodeUnit(left.key.rowKey, right.key.rowKey));
  const idOf = new Map(sorted.map(({ id, key }) => [key.rowKey, id]));
  const to = sorted.at(-1)?.key.rowKey ?? '';
  for (let next = 0; next < sorted.length;) {
    const { partitionKey = '', rowKey: from = '' } = sorted[next]?.key ?? {};
    const pageSize = Math.min(client.limits.pageSize, 2 * (sorted.length - next));
    const page = await readRange(client, type, { partitionKey, from, to, pageSize });
    let asked = 0;
    for (const entity of page) {
      const id = idOf.get(entity.rowKey);
      if (id === undefined || entity.partitionKey !== partitionKey) continue;
      found.set(id, entity);
      asked += 1;
    }
    const last = page.at(-1)?.rowKey;
    if (last === undefined || asked * askedForShare < page.length) return;
    const before = next;
    while (next < sorted.length && byCodeUnit(sorted[next]?.key.rowKey ?? '', last) <= 0) next += 1;
    // Azure has another order than ours.
    if (next === before) return;
  }
}
