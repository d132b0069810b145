/**
 * A snapshot holds nearly nothing of each object and goes over the pages once where it can; it says what one says that
 * holds everything and goes over them as often as it likes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { openRun } from '../../../activities/authority/open.js';
import { agreeOnSchema } from '../../../activities/authority/schema-seen.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import type { ReadItem } from '../../../activities/connectors/connector.js';
import { createFolderConnector } from '../../../activities/connectors/folder/connector.js';
import { getMessage } from '../../../activities/exchange.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { Links, saveLinks } from '../../../activities/links.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { runIdOf, SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import { naturalKeyOf } from '../../../core/natural-key.js';
import type { NativeObject } from '../../../core/record.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';
import { fullRuns } from '../../support/property-runs.js';
import { folderMeshes, recordFederationFiles } from '../../support/record-federation.js';
import { naiveSnapshot, type Said } from './naive-snapshot.js';

const members = ['berlin', 'lyon', 'oslo'] as const;
const here = 'lyon';
const linkKey = new TextEncoder().encode('a link key of thirty-two bytes..');

/** Shipments of which fragile ones are hidden, and labels that are known by a shipment and a word with two spellings. */
function files(name: string): Readonly<Record<string, string>> {
  const shipments = recordFederationFiles({
    ...folderMeshes,
    lyon: `{ kind: folder, path: ../data/lyon, files: { envoi: { file: envois.jsonl, format: jsonLines, key: [numero] }, etiquette: { file: etiquettes.jsonl, format: jsonLines, key: [ref] } } }`,
  })(name);
  const lyon = shipments['authorities/lyon.yaml'] ?? '';
  return {
    ...shipments,
    'authorities/lyon.yaml': lyon
      .replace(
        'shipment: [number, receiver, weight, sentAt, fragile]',
        'shipment: { fields: { number: clear, receiver: clear, weight: clear }, where: [{ field: fragile, equals: false }] }, label: [shipment, colour, text]',
      )
      .replace('brakes: { shipment:', 'brakes: { label: { operationsMax: 100 }, shipment:'),
    'taxonomy/label.yaml': `type: label
phrase: '{colour} on {shipment}'
key: [shipment, colour]
fields:
  shipment: { kind: reference, of: [shipment] }
  colour: { kind: text }
  text: { kind: text }
`,
    'maps/lyon.label.yaml': `type: label
lifecycle: active
native: etiquette
fields:
  shipment: { path: envoi, through: [{ reference: { envoi: shipment } }] }
  colour: { path: couleur, through: [{ table: { red: [rouge, vermeil], blue: [bleu] }, else: setAside }] }
  text: { path: texte }
`,
    [`datasets/${dataset}.yaml`]: `dataset: ${dataset}\nmembers: [berlin, lyon, oslo]\ntypes: [shipment, label]\n`,
  };
}

let folder: string;
let federation: Federation;
let inputs: RunInputs;
let keys: Readonly<Record<'messages' | 'log', PrivateKey>>;
const exchange = new MemoryStore();
const privates = Object.fromEntries(members.map((id) => [id, new MemoryStore()]));

async function keysFor(id: string): Promise<typeof keys> {
  const [messages, log] = await Promise.all(
    (['messages', 'log'] as const).map((use) => readKeyFile(authorityKeyFile(folder, id, use))),
  );
  if (!messages || !log) throw new Error(`no keys of ${id}`);
  return { messages, log };
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-seal-passes-'));
  federation = await makeFolder(folder, { wholeFolder: files });
  keys = await keysFor(here);
  inputs = await opened(1);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function opened(round: number): Promise<RunInputs> {
  const opens: Ref[] = [];
  const ids: string[] = [];
  for (const id of members) {
    const context = contextOf(privates[id] ?? new MemoryStore(), exchange, [], id, await keysFor(id));
    const open = await openRun(context, { dataset, attempt: `run ${round}`, round, members });
    if (open.kind !== 'opened') throw new Error(open.kind);
    opens.push(open.open);
    ids.push(open.id);
  }
  return { dataset, run: runIdOf(ids), opens, snapshots: [], correlation: null, firstSnapshots: [] };
}

function contextOf(
  privateStore: MemoryStore,
  store: MemoryStore,
  pages: readonly (readonly NativeObject[])[],
  id: string = here,
  { messages, log } = keys,
): AuthorityContext {
  const mesh = federation.authorities[id]?.mesh;
  if (mesh?.kind !== 'folder') throw new Error(`no mesh of ${id}`);
  return {
    id,
    federation,
    exchange: store,
    privateStore,
    signingKey: messages,
    logKey: log,
    linkKey,
    connector: { ...createFolderConnector({ mesh }), readAll: () => read(pages) },
    clock: createAuthorityClock({ privateStore, physicalMs: () => 1_700_000_000_000, maxAheadMs: 60_000 }),
    now: () => 1_700_000_000_000,
    heartbeat: () => undefined,
  };
}

async function* read(pages: readonly (readonly NativeObject[])[]): AsyncGenerator<ReadItem> {
  for (const [at, objects] of pages.entries())
    yield await Promise.resolve({ kind: 'objects', scope: 'all', objects, cursor: `${at}` } as const);
  for (const native of ['envoi', 'etiquette'])
    yield { kind: 'scopeEnd', scope: native, nativeType: native, complete: true, cursor: `end of ${native}` };
}

interface Case {
  readonly pages: readonly (readonly NativeObject[])[];
  /** Type, native id, key. */
  readonly links: readonly (readonly [string, string, string])[];
}

/** What the last snapshot and the naive one put there. */
let lastExchange = exchange;

async function told({ pages, links }: Case, from = privates[here]): Promise<readonly [Said, Said]> {
  const privateStore = new MemoryStore(from);
  privateStore.linksInBucket = 0.25;
  const store = new MemoryStore(exchange);
  lastExchange = store;
  const context = contextOf(privateStore, store, pages);
  const table = new Links({}, linkKey, dataset);
  for (const link of links) table.set(...link);
  await saveLinks(privateStore, dataset, table);
  await readPages(context, inputs);
  const { snapshot } = await sealSnapshot(context, inputs);
  const given = { typ: snapshotType, schema: SnapshotStatement, keys: keysOf(federation, here, 'messages') };
  const { payload } = await getMessage(store, snapshot, given);
  const { types, untranslatable, unmapped, lossy, hiddenRows, outside, doubled, opaque, salts, scopes } = payload;
  const rows = salts === null ? Buffer.alloc(0) : Buffer.from(store.objects.get(`${here}/salts/${salts}`) ?? []);
  const salted = Array.from({ length: rows.length / 48 }, (_, at) => rows.toString('hex', at * 48, at * 48 + 16));
  const doubts = scopes.flatMap(({ scope }) => (/\/(references|setAside)$/.test(scope) ? [scope] : []));
  const held = new Set((payload.drifts ?? []).flatMap(({ action, fields }) => (action === 'hold' ? fields : [])));
  const naive = await naiveSnapshot(
    contextOf(new MemoryStore(privateStore), store, []),
    inputs.run,
    pages.flat(),
    table,
    held,
  );
  return [{ types, untranslatable, unmapped, lossy, hiddenRows, outside, doubled, opaque, salted, doubts }, naive];
}

const shipment = (id: string, body: Record<string, string | boolean | null | number>): NativeObject => ({
  type: 'envoi',
  id,
  body: { numero: id, destinataire: 'Somebody', poids: 2, expedie: 1_700_000_000, fragile: false, ...body },
});
const keyOfShipment = (number: string): string => {
  const taxonomy = federation.taxonomy['shipment'];
  const found = taxonomy && naturalKeyOf(taxonomy, { number });
  return found?.kind === 'key' ? found.key : '';
};

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const opaque = fc.option(fc.constantFrom('odd', 'strange'), { nil: undefined, freq: 5 });
const withReason = (object: NativeObject, reason: string | undefined): NativeObject =>
  reason === undefined ? object : { ...object, opaque: reason };
const shipments = fc
  .record({
    id: ids,
    numero: fc.option(fc.constantFrom('S-1', 'S-2', 'S-3', 'S-4', 'S-5', 'S-6', ''), { nil: null, freq: 20 }),
    poids: fc.constantFrom<string | number>(1, 2, 'heavy'),
    fragile: fc.boolean(),
    reason: opaque,
    extra: fc.boolean(),
  })
  .map(({ id, reason, extra, ...body }) =>
    withReason(shipment(id, { ...body, ...(extra ? { autre: 1 } : {}) }), reason),
  );
const labels = fc
  .record({
    id: ids,
    envoi: fc.oneof({ weight: 6, arbitrary: ids.map((id) => `envoi/${id}`) }, fc.constantFrom('envoi/none', 'nothing')),
    couleur: fc.option(fc.constantFrom('rouge', 'vermeil', 'bleu', 'vert'), { nil: null, freq: 20 }),
    texte: fc.constantFrom('one', 'two'),
    reason: opaque,
  })
  .map(({ id, reason, ...body }) => withReason({ type: 'etiquette', id, body: { ref: id, ...body } }, reason));
const links = fc.array(
  fc.oneof(
    fc
      .tuple(fc.constant('shipment'), ids, fc.constantFrom('S-1', 'S-2', 'S-3'))
      .map(([type, id, number]) => [type, id, keyOfShipment(number)] as const),
    fc
      .tuple(fc.constant('label'), ids, fc.constantFrom('1', '2'))
      .map(([type, id, digit]) => [type, id, digit.repeat(64)] as const),
  ),
  { maxLength: 5 },
);
/** Every other case shows each object once: then no pass is made again for that. */
const cases = fc
  .record({
    pages: fc.array(fc.array(fc.oneof(shipments, labels), { minLength: 1, maxLength: 4 }), { maxLength: 7 }),
    isOnce: fc.boolean(),
    links,
  })
  .map(({ pages, isOnce, ...rest }): Case => {
    const names = new Set<string>();
    const isFirst = ({ type, id }: NativeObject): boolean => {
      const name = `${type} ${id}`;
      return !names.has(name) && names.add(name) !== undefined;
    };
    return { pages: isOnce ? pages.map((page) => page.filter(isFirst)) : pages, ...rest };
  });

describe('a snapshot of few passes says what one says that holds everything', () => {
  it('of objects that come twice, share a key, are hidden, opaque, linked, set aside or refer to each other', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const [said, naive] = await told(one);
        expect(said).toEqual(naive);
      }),
      fullRuns(200),
    );
  });

  it('of two objects that are one record, of which the one that is written as the map would write it stands for both', async () => {
    const label = (id: string, couleur: string, texte: string): NativeObject => ({
      type: 'etiquette',
      id,
      body: { ref: id, envoi: 'envoi/a', couleur, texte },
    });
    const pages = [
      [shipment('a', { numero: 'S-1' }), label('x', 'vermeil', 'other spelling'), label('y', 'bleu', 'blue')],
      [label('z', 'rouge', 'seen early'), label('z', 'rouge', 'preferred')],
    ];
    const [said, naive] = await told({ pages, links: [] });
    expect(said).toEqual(naive);
    expect(said.doubled).toEqual([{ type: 'label', count: 1 }]);
    expect(said.types.map(({ type, count }) => [type, count])).toEqual([
      ['shipment', 1],
      ['label', 2],
    ]);
    const sealed = [...lastExchange.objects.values()].map((bytes) => new TextDecoder().decode(bytes)).join('\n');
    expect(sealed).toContain('preferred');
    for (const text of ['other spelling', 'seen early']) expect(sealed).not.toContain(text);
  });

  it('of a schema that drifted, whose field nobody is told', async () => {
    const many = (weight: (at: number) => string | number): Case => ({
      pages: [Array.from({ length: 60 }, (_, at) => shipment(`id ${at}`, { numero: `S-${at}`, poids: weight(at) }))],
      links: [],
    });
    const store = new MemoryStore(privates[here]);
    const context = contextOf(store, new MemoryStore(exchange), many((at) => 10 + at).pages);
    await readPages(context, inputs);
    await sealSnapshot(context, inputs);
    await agreeOnSchema(context, dataset, inputs.run);
    for (const name of store.objects.keys()) if (name.startsWith('pages/')) store.objects.delete(name);
    const [said, naive] = await told(
      many((at) => `about ${10 + at}`),
      store,
    );
    expect(said).toEqual(naive);
    expect(said.untranslatable).toEqual([]);
    expect(said.types.find(({ type }) => type === 'shipment')?.count).toBe(60);
  });
});
