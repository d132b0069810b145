/** What an agreement makes of an authority's links: those of records that are now agreed are kept, those that all have let go are dropped. */
import { datasetShape, mapOf } from '../../core/federation/federation.js';
import type { RunInputs } from '../../core/messages.js';
import { isProvisional, type NativeObject } from '../../core/record.js';
import { isSliceOver, letOthersRun } from '../event-loop.js';
import type { LinkPairs } from '../link-pairs.js';
import { keepFormerLink, saveLinks } from '../links.js';
import type { AgreedOn } from '../next-agreement.js';
import type { Recomputed } from '../recompute.js';
import { xxh64 } from '../sealing/key-hash.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { unanimousHashes } from '../unanimous.js';
import type { AuthorityContext } from './context.js';
import type { OwnRecords } from './own-records.js';
import { storedObjects } from './pages.js';

export async function firmLinks(
  context: AuthorityContext,
  inputs: RunInputs,
  recomputed: Recomputed,
  next: AgreedOn,
  own: OwnRecords,
): Promise<void> {
  const agreed = new Set(next.changes.filter(({ kind }) => kind === 'put').map(({ type, key }) => `${type} ${key}`));
  const inBase = new Set(
    Object.entries(recomputed.views).flatMap(([type, views]) =>
      views.filter(({ base }) => base !== undefined).map(({ key }) => `${type} ${key}`),
    ),
  );
  const reader = createSegmentReader({
    store: context.exchange,
    prefixes: [context.id, ...recomputed.messages.members],
  });
  for (const type of datasetShape(context.federation, inputs.dataset).types) {
    const name = type.taxonomy.type;
    const map = mapOf(context.federation, context.id, name);
    if (!map) continue;
    const unanimous = next.unanimous[name];
    const isUnanimous = unanimous && (await unanimousHashes(unanimous, context.id, reader));
    const isFirm = (key: string): boolean =>
      !isProvisional(key) &&
      (isUnanimous?.(xxh64(key)) === true || agreed.has(`${name} ${key}`) || inBase.has(`${name} ${key}`));
    await firmType(own, name, isFirm, () => storedObjects(context, inputs, map.native));
    const goneHere = new Set(
      next.changes.filter((change) => change.kind === 'remove' && change.type === name).map(({ key }) => key),
    );
    for (const [nativeId, key] of goneHere.size > 0 ? await own.links.linkedTo(name, goneHere) : []) {
      if (type.taxonomy.key === undefined)
        await keepFormerLink(context.privateStore, inputs.dataset, name, nativeId, key);
      own.links.remove(name, nativeId);
    }
  }
  await saveLinks(context.privateStore, recomputed.plan.dataset, own.links);
}

/** `objects`: all that this run read, asked for only where not all have a natural key. */
export async function firmType(
  own: Pick<OwnRecords, 'allKeyed' | 'keyOf' | 'links'>,
  name: string,
  isFirm: (key: string) => boolean,
  objects: () => AsyncIterable<readonly Pick<NativeObject, 'id'>[]>,
): Promise<void> {
  const pairs = own.allKeyed(name);
  if (!pairs) {
    for await (const some of objects())
      for (const { id } of some) {
        const key = own.keyOf(name, id);
        // A native object that took the place of a vanished one is linked anew; its predecessor's link goes.
        if (isFirm(key)) own.links.set(name, id, key);
      }
    return;
  }
  const loose = own.links.mayHaveAny(name) ? null : await looseIds(pairs, isFirm);
  if (loose && loose.length < pairs.size) {
    // At first contact that is nearly each of them: a second table of a million would be as large as the first.
    own.links.take(name, pairs);
    for (const nativeId of loose) own.links.remove(name, nativeId);
    return;
  }
  for (const [nativeId, key] of pairs.entries()) {
    if (isSliceOver()) await letOthersRun();
    if (isFirm(key)) own.links.set(name, nativeId, key);
  }
}

/** Of those that are not agreed; null where they are many. */
async function looseIds(pairs: LinkPairs, isFirm: (key: string) => boolean): Promise<readonly string[] | null> {
  const loose: string[] = [];
  for (const [nativeId, key] of pairs.entries()) {
    if (isSliceOver()) await letOthersRun();
    if (!isFirm(key)) loose.push(nativeId);
    if (loose.length > looseMax) return null;
  }
  return loose;
}
const looseMax = 100_000;
