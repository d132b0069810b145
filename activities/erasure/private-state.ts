/** What an authority's private store holds of a record: which objects go, and which heads go on without it. */
import { z } from 'zod';
import type { Digest } from '../../core/digest.js';
import { ConcordatError } from '../../core/errors.js';
import { byCodeUnit, isJsonObject, type Json, type JsonObject } from '../../core/json.js';
import { manifestIn } from '../link-manifest.js';
import { eraseLinks } from '../link-write.js';
import { createdGroupsPrefix, Links } from '../links.js';
import type { ObjectStore } from '../store.js';
import { largeObjects, listOfPieces, lookThrough, type LargeDocument } from './documents-in-pieces.js';
import { MarkFinder, payloadsOf } from './marks.js';
import type { Traces } from './traces.js';

export type PrivateKind = 'links' | 'pages' | 'journal' | 'sheets' | 'decisions' | 'writtenValues';

export interface PrivateObject {
  readonly name: string;
  readonly kind: PrivateKind;
}

/**
 * Sorted by name. Pages go whole: they are of a run that is over. A kept decision goes with whatever else it names, which
 * is then asked again: it holds digests of values, and those can be guessed.
 */
export async function findPrivate(store: ObjectStore, traces: Traces): Promise<readonly PrivateObject[]> {
  const { dataset, type, key } = traces.marks.name;
  const finder = new MarkFinder(traces.marks);
  const found: PrivateObject[] = [];
  const inPieces: LargeDocument<PrivateKind>[] = [];
  for (const name of await store.list(`created-links/${dataset}/${type}/${key}/`)) found.push({ name, kind: 'links' });
  for (const name of await store.list(`former-links/${dataset}/${type}/${key}/`)) found.push({ name, kind: 'links' });
  for (const name of await store.list(`pages/${dataset}/`)) found.push({ name, kind: 'pages' });
  for (const name of await store.list(createdGroupsPrefix(dataset)))
    if (finder.isIn((await store.get(name)) ?? '')) found.push({ name, kind: 'links' });
  for (const name of await store.list('journal/')) {
    const [, , second = ''] = name.split('/');
    const isAbout =
      second === 'groups' ? await namesOneOf(store, name, traces.operations) : traces.operations.has(second);
    if (isAbout) found.push({ name, kind: 'journal' });
  }
  for (const name of await store.list(`unsettled/${dataset}/`))
    if (traces.operations.has(name.split('/')[3] ?? '')) found.push({ name, kind: 'journal' });
  for (const [prefix, kind] of [
    [`reviews/${dataset}/`, 'sheets'],
    [`decisions/${dataset}/`, 'decisions'],
    [`applying/${dataset}/`, 'writtenValues'],
  ] as const)
    for (const name of await store.list(prefix)) {
      // Pieces go with the document that they are of, below.
      if (kind === 'sheets' && name.split('/')[3] === 'pieces') continue;
      const bytes = await store.get(name);
      const list = kind === 'sheets' && bytes ? listOfPieces(name, bytes) : null;
      if (list) {
        const { holds } = await lookThrough(store, { name, list }, finder, traces.operations, () => undefined);
        inPieces.push({ name, list, kind: holds ? kind : null });
        continue;
      }
      const texts = bytes ? [Buffer.from(bytes), ...payloadsOf(Buffer.from(bytes))] : [];
      const isAbout =
        finder.isIn(bytes ?? '') ||
        (kind === 'decisions' && [...traces.operations].some((id) => texts.some((text) => text.includes(id))));
      if (isAbout) found.push({ name, kind });
    }
  found.push(...largeObjects(inPieces, 'sheets'));
  return found.sort((left, right) => byCodeUnit(left.name, right.name));
}

async function namesOneOf(store: ObjectStore, name: string, operations: ReadonlySet<Digest>): Promise<boolean> {
  const text = Buffer.from((await store.get(name)) ?? []).toString();
  return [...operations].some((id) => text.includes(id));
}

/** Removes one of them; of what one object holds of several records the others' stays. */
export async function removePrivate(store: ObjectStore, { name, kind }: PrivateObject, traces: Traces): Promise<void> {
  const finder = new MarkFinder(traces.marks);
  const isErased = (item: Json): boolean =>
    finder.isIn(JSON.stringify(item)) ||
    [...traces.operations].some((id) => item === id || (isJsonObject(item) && item['operation'] === id));
  if (kind === 'writtenValues') await keepOthers(store, name, 'operations', isErased);
  if (name.startsWith('created-link-groups/')) await keepOthers(store, name, 'links', isErased);
  if (name.startsWith('journal/') && name.split('/')[2] === 'groups')
    await keepOthers(store, name, name.includes('/receipts') ? 'receipts' : 'operations', isErased);
  await store.remove(name);
}

const restSuffix = '-rest';

/** HAZARD: the rest is durable under another name of the same prefix before the whole goes. */
async function keepOthers(
  store: ObjectStore,
  name: string,
  list: string,
  isErased: (item: Json) => boolean,
): Promise<void> {
  const bytes = await store.get(name);
  const whole = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, Json[]>>);
  const others = (whole?.[list] ?? []).filter((item) => !isErased(item));
  if (whole && others.length > 0)
    await store.putIfAbsent(
      `${name}${restSuffix}`,
      new TextEncoder().encode(JSON.stringify({ ...whole, [list]: others })),
    );
}

/** Heads of the dataset go on without the record, in their present and in every version that the store still keeps. */
export async function pruneHeads(store: ObjectStore, traces: Traces, linkKey: Uint8Array): Promise<void> {
  const { dataset, type } = traces.marks.name;
  const finder = new MarkFinder(traces.marks);
  await eraseLinks(store, dataset, type, isErasedLink(traces, linkKey));
  await pruneHead(
    store,
    `links/${dataset}`,
    (value) => withoutLinks(value, traces, linkKey),
    // Digests of buckets, which are gone.
    (bytes) => manifestIn(bytes) === null,
  );
  await pruneHead(store, `standing/${dataset}`, (value) => withoutItems(value, finder, traces.operations));
  await pruneHead(store, `undos/${dataset}`, (value) => withoutItems(value, finder, traces.operations));
  await pruneHead(store, `open-review/${dataset}`, (value) => withoutItems(value, finder, traces.operations));
}

async function pruneHead(
  store: ObjectStore,
  name: string,
  prune: (value: JsonObject) => JsonObject,
  isPruned: (bytes: Uint8Array) => boolean = () => true,
): Promise<void> {
  const pruned = (bytes: Uint8Array): Uint8Array | null => {
    if (!isPruned(bytes)) return null;
    const text = new TextDecoder().decode(bytes);
    const changed = JSON.stringify(prune(JSON.parse(text) as JsonObject));
    return changed === text ? null : new TextEncoder().encode(changed);
  };
  for (let attempt = 0; ; attempt += 1) {
    const head = await store.readHead(name);
    const changed = head && pruned(head.bytes);
    if (!head || !changed || (await store.compareAndSetHead(name, head.version, changed))) break;
    if (attempt === 10) throw new ConcordatError('storeFault', `${name} is being written by somebody else`);
  }
  await store.rewriteOlder(name, pruned);
}

const LinkTable = z.record(z.string(), z.record(z.string(), z.string()));

function isErasedLink({ marks }: Traces, linkKey: Uint8Array): (nativeId: string, key: string) => boolean {
  const { dataset, type, key } = marks.name;
  const known = new Links({}, linkKey, dataset);
  return (nativeId, linked) => linked === key || marks.provisional.includes(known.provisionalKeyOf(type, nativeId));
}

function withoutLinks(value: JsonObject, traces: Traces, linkKey: Uint8Array): JsonObject {
  const { type: erased } = traces.marks.name;
  const isErased = isErasedLink(traces, linkKey);
  return Object.fromEntries(
    Object.entries(LinkTable.parse(value)).map(([type, links]) => [
      type,
      Object.fromEntries(
        Object.entries(links).filter(([nativeId, linked]) => type !== erased || !isErased(nativeId, linked)),
      ),
    ]),
  );
}

/** Out of every list and table, at any depth, what holds the record or is known by one of its operations. */
function withoutItems(value: JsonObject, finder: MarkFinder, operations: ReadonlySet<Digest>): JsonObject {
  const isErased = (id: Json | undefined): boolean => typeof id === 'string' && operations.has(id);
  const stays = (item: Json): boolean =>
    !finder.isIn(JSON.stringify(item)) &&
    !(isJsonObject(item) && [item['subject'], item['operation'], item['id']].some(isErased));
  const prune = (inner: Json): Json => {
    if (Array.isArray(inner)) return inner.filter(stays);
    if (!isJsonObject(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).flatMap(([name, one]) => (operations.has(name) ? [] : [[name, prune(one)]])),
    );
  };
  return prune(value) as JsonObject;
}
