/** Which record a hop is about: hops name it by an id that only the salt of the record leads back from. */
import { createHmac } from 'node:crypto';
import { exchangeDocument, newestBase } from '../../activities/lineage/make-export.js';
import { readPublishedTable, tableId } from '../../activities/lineage/record-table.js';
import { readAll } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import type { ObjectStore } from '../../activities/store.js';
import { ConcordatError } from '../../core/errors.js';
import { opaqueId, type RecordName } from '../../core/lineage/salted.js';
import { Base } from '../../core/messages.js';
import type { AuthorityId } from '../../core/record.js';

const hmac = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('hex');

/**
 * Tries every record of the newest base, and then those of the bases before, with the salt that any member has of it. Null
 * where none fits, and for an erased record: nobody has its salt.
 */
export async function recordByOpaqueId(
  members: readonly AuthorityId[],
  exchange: ObjectStore,
  dataset: string,
  id: string,
): Promise<RecordName | null> {
  if (!/^[0-9a-f]{64}$/.test(id)) return null;
  const tables = (await Promise.all(members.map((member) => readPublishedTable(exchange, member, dataset)))).flatMap(
    (table) => table ?? [],
  );
  const prefixes = [...members, 'federation'];
  const reader = createSegmentReader({ store: exchange, prefixes });
  const tried = new Set<string>();
  for (let base = await newestBase(exchange, members, dataset); base;) {
    for (const sealed of base.types) {
      try {
        for await (const { type, key } of readAll(sealed, reader)) {
          if (tried.has(`${type} ${key}`)) continue;
          tried.add(`${type} ${key}`);
          const name = { dataset, type, key };
          for (const table of tables) {
            const row = await table.rowOf(tableId(name));
            if (!row) continue;
            if (opaqueId(row.salt, name, hmac) === id) return name;
            break;
          }
        }
      } catch (error) {
        // Segments of this base were erased with some record; another base may still tell.
        if (!(error instanceof ConcordatError) || error.code !== 'storeFault') throw error;
      }
    }
    base = base.previous === null ? null : await exchangeDocument(exchange, prefixes, base.previous, Base);
  }
  return null;
}
