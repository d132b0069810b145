/**
 * Reads what is granted in the account, type by type, each to its end. A read that goes on in another process takes the
 * account in once more and yields what comes after the last id: the order is that of ids.
 */
import { ConcordatError } from '../../../../core/errors.js';
import type { ReadItem } from '../../connector.js';
import type { AwsIamClient } from '../client.js';
import { encodeCursor } from '../cursor.js';
import type { AccessPlace } from '../cursor.js';
import { createCollections } from './collections.js';
import { readInventory } from './inventory.js';
import type { Inventory } from './inventory.js';
import { accessTypes, scopeOf } from './native-types.js';
import type { AccessType } from './native-types.js';
import type { PolicySets } from './policy-sets.js';

export function createAccessReader(client: AwsIamClient, sets: PolicySets, accountNumber: () => Promise<string>) {
  const { pageSize } = client.config.limits;
  return async function* readAccess(
    nativeTypes: readonly string[],
    from: AccessPlace | undefined,
    signal?: AbortSignal,
  ): AsyncGenerator<ReadItem> {
    const wanted = accessTypes.filter((type) => nativeTypes.includes(type));
    let inventory: Promise<Inventory> | undefined;
    for (const type of wanted) {
      if (from !== undefined && isPast(type, from)) continue;
      const after = from?.at === 'access' && from.type === type ? from.after : undefined;
      const end = { scope: scopeOf[type], nativeType: type, cursor: encodeCursor({ at: 'accessEnd', type }) };
      try {
        const collections = createCollections(client, sets, await accountNumber(), () => {
          inventory ??= readInventory(client, signal);
          return inventory;
        });
        const objects = await collections.objectsOf(type);
        const left = after === undefined ? objects : objects.filter(({ id }) => id > after);
        for (let first = 0; first < left.length; first += pageSize) {
          signal?.throwIfAborted();
          const page = left.slice(first, first + pageSize);
          const cursor = encodeCursor({ at: 'access', type, after: page.at(-1)?.id ?? '' });
          yield { kind: 'objects', scope: scopeOf[type], objects: page, cursor };
        }
      } catch (error) {
        if (!(error instanceof ConcordatError) || error.code !== 'forbidden') throw error;
        yield { kind: 'scopeEnd', ...end, complete: false, reason: 'forbidden' };
        continue;
      }
      yield { kind: 'scopeEnd', ...end, complete: true };
    }
  };
}

function isPast(type: AccessType, from: AccessPlace): boolean {
  const [place, reached] = [accessTypes.indexOf(type), accessTypes.indexOf(from.type)];
  return place < reached || (place === reached && from.at === 'accessEnd');
}
