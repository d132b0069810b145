/** What an authority knows of the objects behind the records that it is asked for is what it would know of them if it knew all. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askedAlso, askedFor, type AskedRecords } from '../../../activities/authority/asked-records.js';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { firmType } from '../../../activities/authority/firm-links.js';
import { stateOf } from '../../../activities/authority/increments/state.js';
import { openRun } from '../../../activities/authority/open.js';
import { OwnRecords } from '../../../activities/authority/own-records.js';
import { storedObjects } from '../../../activities/authority/pages.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import type { ReadItem } from '../../../activities/connectors/connector.js';
import { createFolderConnector } from '../../../activities/connectors/folder/connector.js';
import { authorityKeyFile, readKeyFile } from '../../../activities/keys/private-key.js';
import { byCodeUnit } from '../../../core/json.js';
import { loadLinks, Links, saveLinks } from '../../../activities/links.js';
import type { Federation } from '../../../core/federation/federation.js';
import { runIdOf, type Ref, type RunInputs } from '../../../core/messages.js';
import { naturalKeyOf } from '../../../core/natural-key.js';
import type { NativeObject } from '../../../core/record.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';
import { fullRuns } from '../../support/property-runs.js';
import { folderMeshes, recordFederationFiles } from '../../support/record-federation.js';

const members = ['berlin', 'lyon', 'oslo'] as const;
const here = 'lyon';
const linkKey = new TextEncoder().encode('a link key of thirty-two bytes..');

/** Shipments of which fragile ones are hidden, marks whose colour has two spellings, and stops that refer to a shipment or not. */
function files(name: string, isReferred: boolean): Readonly<Record<string, string>> {
  const shipments = recordFederationFiles({
    ...folderMeshes,
    lyon: `{ kind: folder, path: ../data/lyon, files: { envoi: { file: envois.jsonl, format: jsonLines, key: [numero] }, marque: { file: marques.jsonl, format: jsonLines, key: [ref] } } }`,
  })(name);
  const lyon = shipments['authorities/lyon.yaml'] ?? '';
  return {
    ...shipments,
    'authorities/lyon.yaml': lyon
      .replace(
        'shipment: [number, receiver, weight, sentAt, fragile]',
        'shipment: { fields: { number: clear, receiver: clear, weight: clear }, where: [{ field: fragile, equals: false }] }, mark: [colour, place, text]',
      )
      .replace('brakes: { shipment:', 'brakes: { mark: { operationsMax: 100 }, shipment:'),
    'taxonomy/mark.yaml': `type: mark
label: text
key: [colour, place]
fields:
  colour: { kind: text }
  place: { kind: text }
  text: ${isReferred ? '{ kind: reference, of: [shipment] }' : '{ kind: text }'}
`,
    'maps/lyon.mark.yaml': `type: mark
lifecycle: active
native: marque
fields:
  colour: { path: couleur, through: [{ table: { red: [rouge, vermeil], blue: [bleu] }, else: setAside }] }
  place: { path: lieu }
  text: { path: texte${isReferred ? ', through: [{ reference: { envoi: shipment } }]' : ''} }
`,
    [`datasets/${dataset}.yaml`]: `dataset: ${dataset}\nmembers: [berlin, lyon, oslo]\ntypes: [shipment, mark]\n`,
  };
}

interface World {
  readonly federation: Federation;
  readonly inputs: RunInputs;
  readonly contextOf: (pages: readonly (readonly NativeObject[])[], privateStore?: MemoryStore) => AuthorityContext;
}

const folders: string[] = [];
let alone: World;
let referred: World;
beforeAll(async () => {
  [alone, referred] = [await worldOf(false), await worldOf(true)];
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function worldOf(isReferred: boolean): Promise<World> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-own-records-'));
  folders.push(folder);
  const federation = await makeFolder(folder, { wholeFolder: (name) => files(name, isReferred) });
  const exchange = new MemoryStore();
  const opens: Ref[] = [];
  const ids: string[] = [];
  const contexts = new Map<string, World['contextOf']>();
  let opened = new MemoryStore();
  for (const id of members) {
    const [signingKey, logKey] = await Promise.all(
      (['messages', 'log'] as const).map((use) => readKeyFile(authorityKeyFile(folder, id, use))),
    );
    const mesh = federation.authorities[id]?.mesh;
    if (!signingKey || !logKey || mesh?.kind !== 'folder') throw new Error(`no keys or mesh of ${id}`);
    const contextOf: World['contextOf'] = (pages, privateStore = new MemoryStore(opened)) => ({
      id,
      federation,
      exchange,
      privateStore,
      signingKey,
      logKey,
      linkKey,
      connector: { ...createFolderConnector({ mesh }), readAll: () => read(pages) },
      clock: createAuthorityClock({ privateStore, physicalMs: () => 1_700_000_000_000, maxAheadMs: 60_000 }),
      now: () => 1_700_000_000_000,
      heartbeat: () => undefined,
    });
    contexts.set(id, contextOf);
    const context = contextOf([], new MemoryStore());
    const open = await openRun(context, { dataset, attempt: 'run 1', round: 1, members });
    if (open.kind !== 'opened') throw new Error(open.kind);
    opens.push(open.open);
    ids.push(open.id);
    if (id === here) opened = context.privateStore as MemoryStore;
  }
  const own = contexts.get(here);
  if (!own) throw new Error('no context');
  const before: RunInputs = { dataset, run: runIdOf(ids), opens, snapshots: [], correlation: null, firstSnapshots: [] };
  const context = own([]);
  await readPages(context, before);
  const { snapshot } = await sealSnapshot(context, before);
  return { federation, inputs: { ...before, snapshots: [snapshot] }, contextOf: own };
}

async function* read(pages: readonly (readonly NativeObject[])[]): AsyncGenerator<ReadItem> {
  for (const [at, objects] of pages.entries())
    yield await Promise.resolve({ kind: 'objects', scope: 'all', objects, cursor: `${at}` } as const);
  for (const native of ['envoi', 'marque'])
    yield { kind: 'scopeEnd', scope: native, nativeType: native, complete: true, cursor: `end of ${native}` };
}

const keyOf = (type: string, fields: Readonly<Record<string, string>>): string => {
  const taxonomy = alone.federation.taxonomy[type];
  const found = taxonomy && naturalKeyOf(taxonomy, fields);
  return found?.kind === 'key' ? found.key : '';
};
/** Of the last one the key cannot be told straight through. */
const numbers = ['S-1', 'S-2', 'S-3', 'S-4', String.raw`S-\ud5`];
const places = ['here', 'there'];
const records = (): readonly { readonly type: string; readonly key: string }[] => [
  ...numbers.map((number) => ({ type: 'shipment', key: keyOf('shipment', { number }) })),
  ...['red', 'blue'].flatMap((colour) =>
    places.map((place) => ({ type: 'mark', key: keyOf('mark', { colour, place }) })),
  ),
];

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const opaque = fc.option(fc.constantFrom('odd', 'strange'), { nil: undefined, freq: 5 });
const withReason = (object: NativeObject, reason: string | undefined): NativeObject =>
  reason === undefined ? object : { ...object, opaque: reason };
const shipments = fc
  .record({
    id: ids,
    numero: fc.option(fc.constantFrom(...numbers, ''), { nil: null, freq: 20 }),
    poids: fc.constantFrom<string | number>(1, 2, 'heavy'),
    fragile: fc.boolean(),
    reason: opaque,
  })
  .map(({ id, reason, ...body }) =>
    withReason({ type: 'envoi', id, body: { destinataire: 'Somebody', expedie: 1_700_000_000, ...body } }, reason),
  );
const marks = fc
  .record({
    id: ids,
    couleur: fc.option(fc.constantFrom('rouge', 'vermeil', 'bleu', 'vert'), { nil: null, freq: 20 }),
    lieu: fc.constantFrom(...places),
    texte: fc.constantFrom('one', 'envoi/a', 'envoi/b'),
    reason: opaque,
  })
  .map(({ id, reason, ...body }) => withReason({ type: 'marque', id, body: { ref: id, ...body } }, reason));
const cases = fc.record({
  pages: fc.array(fc.array(fc.oneof(shipments, marks), { minLength: 1, maxLength: 4 }), { maxLength: 7 }),
  links: fc.array(fc.tuple(ids, fc.nat(8)), { maxLength: 5 }),
  /** Which of all records are asked for, and which of these become firm. */
  asked: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  firm: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
});
/** Each object once, so that the seal leaves how the keys of all begin. */
const casesOfSeals = cases.chain((one) =>
  fc
    .uniqueArray(fc.oneof(shipments, marks), { selector: ({ type, id }) => `${type} ${id}`, maxLength: 10 })
    .map((objects) => ({ ...one, pages: objects.map((object) => [object]) })),
);
type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;

async function contextFor(world: World, { pages, links }: Pick<Case, 'pages' | 'links'>): Promise<AuthorityContext> {
  const context = world.contextOf(pages);
  await readPages(context, world.inputs);
  // Some of them lie as millions do.
  (context.privateStore as MemoryStore).linksInBucket = links.length % 2 === 0 ? 0.25 : 1_000;
  const table = new Links({}, linkKey, dataset);
  for (const [id, at] of links) {
    const { type, key } = records()[at] ?? { type: '', key: '' };
    table.set(type, id, key);
  }
  await saveLinks(context.privateStore, dataset, table);
  return context;
}

/** All that is asked of these records, and what links become firm through them. */
async function known(
  world: World,
  context: AuthorityContext,
  own: OwnRecords,
  wanted: readonly { readonly type: string; readonly key: string }[],
  firm: ReadonlySet<string>,
): Promise<unknown> {
  const { inputs } = world;
  const latest = new Map<string, NativeObject>();
  const sights = new Map<string, number>();
  const inPages = new Map<string, number>();
  for (const native of ['envoi', 'marque'])
    for await (const objects of storedObjects(context, inputs, native))
      for (const { id } of objects) {
        const name = `${own.typeOfNative(native) ?? ''} ${id}`;
        inPages.set(name, (inPages.get(name) ?? 0) + 1);
      }
  for await (const object of own.objects(inputs)) {
    const name = `${own.typeOfNative(object.type) ?? ''} ${object.id}`;
    latest.set(name, object);
    sights.set(name, (sights.get(name) ?? 0) + 1);
  }
  for (const [name, count] of sights) expect(count).toBeLessThanOrEqual(inPages.get(name) ?? 0);
  const told = wanted.map(({ type, key }) => ({
    ids: own.nativeIdsOf(type, key),
    id: own.nativeIdOf(type, key),
    isOpaque: own.isOpaque(type, key),
    objects: own.nativeIdsOf(type, key).map((id) => latest.get(`${type} ${id}`) ?? null),
    keys: own.nativeIdsOf(type, key).map((id) => (latest.has(`${type} ${id}`) ? own.keyOf(type, id) : null)),
  }));
  const resolved = world === referred ? ['a', 'b', 'c', 'd', 'e'].map((id) => own.resolve('shipment', id)) : null;
  for (const [type, native] of [
    ['shipment', 'envoi'],
    ['mark', 'marque'],
  ] as const)
    await firmType(
      own,
      type,
      (key) => firm.has(key),
      () => storedObjects(context, inputs, native),
    );
  const links = ['shipment', 'mark'].map(async (type) => {
    const all: (readonly [string, string])[] = [];
    for await (const some of own.links.stream(type)) all.push(...some);
    return all.sort(([left], [right]) => byCodeUnit(left, right));
  });
  return { told, resolved, links: await Promise.all(links) };
}

/** How many types are told by what their seal left. */
async function holds(world: World, one: Case, isSealed = false): Promise<number> {
  const context = await contextFor(world, one);
  if (isSealed) await sealSnapshot(context, { ...world.inputs, snapshots: [] });
  const seals = Object.values((await stateOf(context, dataset, world.inputs.run))?.seals ?? {});
  const wanted = records().filter((_, at) => one.asked[at]);
  const firm = new Set(wanted.filter((_, at) => one.firm[at]).map(({ key }) => key));
  const asked = askedFor(wanted);
  if (!asked) throw new Error('too many');
  const [some, more] = [askedFor(wanted.slice(0, 2)), new Set(wanted.slice(2).map(({ key }) => key))];
  const inPart = some && askedAlso(some, (_, key) => more.has(key));
  const all = await known(world, context, await OwnRecords.load(context, world.inputs, null, null), wanted, firm);
  // Out of the pages, out of what was kept of them, and without a name for what is asked for.
  for (const by of [asked, asked, inPart])
    expect(await known(world, context, await OwnRecords.load(context, world.inputs, null, by), wanted, firm)).toEqual(
      all,
    );
  return seals.filter(({ lineKeys }) => lineKeys !== undefined).length;
}

const object = (id: string, numero: string, fragile = false): NativeObject => ({
  type: 'envoi',
  id,
  body: { numero, fragile, destinataire: 'Somebody', poids: 1, expedie: 1_700_000_000 },
});
const askedOf = (...found: readonly string[]): AskedRecords | null =>
  askedFor(found.map((number) => ({ type: 'shipment', key: keyOf('shipment', { number }) })));

describe('own records that are asked for', () => {
  it('are known as if all were: doubled, hidden, opaque, linked to others, shown twice', () =>
    fc.assert(
      fc.asyncProperty(cases, async (one) => void (await holds(alone, one))),
      fullRuns(200),
    ));

  it('are known so by what the seal left of their keys', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(casesOfSeals, async (one) => {
        told += await holds(alone, one, true);
      }),
      fullRuns(100),
    );
    expect(told).toBeGreaterThan(5);
  });

  it('are known so where a type refers to another, of which all is learned', () =>
    fc.assert(
      fc.asyncProperty(cases, async (one) => void (await holds(referred, one))),
      fullRuns(100),
    ));

  it('are looked for in the pages once for the whole run', async () => {
    const context = await contextFor(alone, { pages: [[object('a', 'S-1'), object('b', 'S-2')]], links: [] });
    const key = keyOf('shipment', { number: 'S-2' });
    await OwnRecords.load(context, alone.inputs, null, askedOf('S-2'));
    const store = context.privateStore as MemoryStore;
    for (const name of store.objects.keys()) if (/\/\d{8}$/.test(name)) store.objects.delete(name);
    const again = await OwnRecords.load(context, alone.inputs, null, askedOf('S-2'));
    expect(again.nativeIdsOf('shipment', key)).toEqual(['b']);
    const other = await OwnRecords.load(context, alone.inputs, null, askedOf('S-1', 'S-2'));
    expect(other.nativeIdsOf('shipment', key)).toEqual([]);
  });

  it('are looked for again where a link that was made meanwhile joins a hidden row to one of them', async () => {
    const context = await contextFor(alone, { pages: [[object('a', 'S-1', true)]], links: [] });
    const key = keyOf('shipment', { number: 'S-2' });
    const before = await OwnRecords.load(context, alone.inputs, null, askedOf('S-2'));
    expect(before.nativeIdsOf('shipment', key)).toEqual([]);
    const links = await loadLinks(context.privateStore, dataset, linkKey);
    links.set('shipment', 'a', key);
    await saveLinks(context.privateStore, dataset, links);
    const after = await OwnRecords.load(context, alone.inputs, null, askedOf('S-2'));
    const objects: NativeObject[] = [];
    for await (const one of after.objects(alone.inputs)) objects.push(one);
    expect(objects.map(({ id }) => id)).toEqual(['a']);
    expect(after.keyOf('shipment', 'a')).toBe(key);
  });

  it('are the only ones: nothing is said of another, where a link alone would look like an answer', async () => {
    const context = await contextFor(alone, { pages: [[object('a', 'S-1'), object('b', 'S-2')]], links: [['b', 1]] });
    const own = await OwnRecords.load(context, alone.inputs, null, askedOf('S-1'));
    const key = keyOf('shipment', { number: 'S-2' });
    expect(() => own.nativeIdOf('shipment', key)).toThrow('not named');
    expect(() => own.nativeIdsOf('shipment', key)).toThrow('not named');
    expect(() => own.keyOf('shipment', 'b')).toThrow('nothing that was named');
    expect(() => own.resolve('shipment', 'a')).toThrow('nothing refers');
  });
});
