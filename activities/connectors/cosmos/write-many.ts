/**
 * Many items at once, as single requests side by side: each keeps its own condition. A transactional batch would take all back
 * for one of them.
 *
 * What a commit read of an item right before is not read again to write it, and the answer to a write shows the item as it is
 * then: two requests for a change instead of four. The condition is the ETag of what was read, so whatever was changed
 * since is a conflict however long ago the read was.
 */
import type { JsonObject } from '../../../core/json.js';
import type { NativeObject } from '../../../core/record.js';
import { sideBySide } from '../../side-by-side.js';
import type { BatchAnswer, Batches } from '../connector.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf } from './config.js';
import { itemOf, readItemUnlessGone, requireContainer } from './read.js';
import { keyOf } from './row-id.js';
import { writeItem } from './write.js';

const itemsOfBatch = 500;
const requestsAtOnce = 25;

export function cosmosBatches(client: CosmosRecordsClient): Batches {
  /** Of the latest read. */
  const before = new Map<string, JsonObject>();
  const nameOf = (type: string, id: string): string => JSON.stringify([type, id]);
  return {
    objectsMax: itemsOfBatch,
    readMany: async (type, ids) => {
      const container = containerOf(client.mesh, type);
      before.clear();
      const objects = new Map<string, NativeObject>();
      let isSomeGone = false;
      await sideBySide([...new Set(ids)], requestsAtOnce, async (id) => {
        const key = keyOf(id, container.key);
        const told = key && (await readItemUnlessGone(client, type, key));
        if (told === null && key !== null) isSomeGone = true;
        const object = told && itemOf(container, type, told)?.object;
        if (!object) return;
        before.set(nameOf(type, id), told);
        objects.set(object.id, object);
      });
      // Once for all of them.
      if (isSomeGone) await requireContainer(client, type);
      return objects;
    },
    writeMany: async (writes, { announce, mayGoOn = () => true } = {}) => {
      let isOver = false;
      return sideBySide(writes, requestsAtOnce, async (write): Promise<BatchAnswer> => {
        if (isOver || !mayGoOn()) return { kind: 'notSent' };
        const name = write.kind === 'create' ? '' : nameOf(write.type, write.id);
        const known = before.get(name);
        // Once: what is written after it has another ETag.
        before.delete(name);
        const answer = await writeItem(client, write, announce, known);
        // Nothing more is sent once an effect is unknown; what is on its way is waited for.
        if (answer.kind === 'unknown') isOver = true;
        return answer;
      });
    },
  };
}
