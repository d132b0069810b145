/** Two offices with one dataset, a CSV file and a file of JSON Lines, from read to plan and agreement, without Temporal. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { openRun } from '../../../activities/authority/open.js';
import { acceptSeal } from '../../../activities/authority/seal.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import { witnessCandidate } from '../../../activities/authority/witness.js';
import type { Connector } from '../../../activities/connectors/connector.js';
import type { FolderMesh } from '../../../activities/connectors/folder/config.js';
import { createFolderConnector } from '../../../activities/connectors/folder/connector.js';
import { getDocument, getMessage } from '../../../activities/exchange.js';
import { createFederationActivities } from '../../../activities/federation/activities.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import type { SchemaDrift } from '../../../core/drift/schema-drift.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import type { JsonObject } from '../../../core/json.js';
import { runIdOf, SnapshotStatement, snapshotType, type Ref } from '../../../core/messages.js';
import type { Operation } from '../../../core/operation.js';
import { Plan } from '../../../core/plan.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';

const members = ['berlin', 'lyon'] as const;
type Member = (typeof members)[number];

const fields = ['number', 'receiver', 'weight', 'city', 'note'] as const;

function files(name: string): Readonly<Record<string, string>> {
  const authority = (id: Member, native: string): string => `authority: ${id}
mesh: { kind: folder, path: ../data, files: { ${native} } }
surface: { shipment: [${fields.join(', ')}] }
constraints: { brakes: { shipment: { operationsMax: 100000 } }, freshness: 2h }
approval: { quorum: 1, quorumWhenBraked: 1, deadline: 72h, separationOfDuties: waived }
approvers: [{ id: you }]
`;
  return {
    'federation.yaml': `federation: ${name}\nmembers: [{ id: berlin }, { id: lyon }]\n`,
    'taxonomy/shipment.yaml': `type: shipment
key: [number]
fields:
  number: { kind: text }
  receiver: { kind: text }
  weight: { kind: decimal }
  city: { kind: text }
  note: { kind: text }
`,
    'authorities/berlin.yaml': authority('berlin', 'shipment: { file: berlin.csv, format: csv, key: [number] }'),
    'authorities/lyon.yaml': authority('lyon', 'envoi: { file: lyon.jsonl, format: jsonLines, key: [numero] }'),
    'maps/berlin.shipment.yaml': `type: shipment
lifecycle: active
native: shipment
fields: { ${fields.map((field) => `${field}: { path: ${field} }`).join(', ')} }
`,
    'maps/lyon.shipment.yaml': `type: shipment
lifecycle: active
native: envoi
fields:
  number: { path: numero }
  receiver: { path: destinataire }
  weight: { path: poids, through: [{ number: json }] }
  city: { path: adresse.ville }
  note: { path: note }
ignore: [adresse.rue]
`,
    [`datasets/${dataset}.yaml`]: `dataset: ${dataset}\nmembers: [berlin, lyon]\ntypes: [shipment]\n`,
  };
}

/** A shipment as both offices know it. */
export interface Shipment {
  readonly number: string;
  readonly receiver: string | null;
  readonly weight: string | null;
  readonly city: string | null;
  readonly note: string | null;
}
export const shipments = (count: number, notes = count): readonly Shipment[] =>
  Array.from({ length: count }, (_, at) => ({
    number: `S-${String(at).padStart(5, '0')}`,
    receiver: `Person ${at}`,
    weight: `${at + 100}`,
    city: `City ${at % 50}`,
    note: at < notes ? `note ${at}` : null,
  }));

export const atLyon = ({ number, receiver, weight, city, note }: Shipment): JsonObject => ({
  numero: number,
  destinataire: receiver,
  poids: weight === null ? null : Number(weight),
  adresse: { ville: city, rue: 'rue Haute' },
  ...(note === null ? {} : { note }),
});

export interface Ground {
  readonly folder: string;
  readonly federation: Federation;
  readonly keys: ReadonlyMap<string, PrivateKey>;
  stop(): Promise<void>;
}

export async function layGround(): Promise<Ground> {
  const top = await mkdtemp(path.join(tmpdir(), 'concordat-drift-'));
  const folder = path.join(top, 'federation');
  const federation = await makeFolder(folder, { wholeFolder: files });
  await mkdir(path.join(top, 'data'));
  const keys = new Map<string, PrivateKey>();
  for (const id of members)
    for (const use of ['messages', 'log'] as const) {
      const key = await readKeyFile(authorityKeyFile(folder, id, use));
      if (!key) throw new Error(`no key of ${id}`);
      keys.set(`${id} ${use}`, key);
    }
  return { folder, federation, keys, stop: () => rm(top, { recursive: true, force: true }) };
}

export interface Round {
  readonly operations: readonly Operation[];
  /** Operations at both that take a value away. */
  readonly clearing: readonly Operation[];
  readonly drifts: readonly SchemaDrift[];
  /** Of Lyon: scopes that were not told whole, and objects that its map could not read. */
  readonly incomplete: readonly string[];
  readonly untranslatable: number;
  readonly records: number;
}

export class DriftWorld {
  readonly ground: Ground;
  federation: Federation;
  readonly exchange = new MemoryStore();
  readonly stores: Readonly<Record<Member, MemoryStore>> = { berlin: new MemoryStore(), lyon: new MemoryStore() };
  /** What Lyon's store says of its columns whenever it is read whole. */
  declares: Readonly<Record<string, string>> | undefined;
  /** Whether Lyon's store tells what changed. */
  hasChanges = false;
  #round = 0;

  constructor(ground: Ground) {
    this.ground = ground;
    this.federation = ground.federation;
  }

  async put(rows: readonly Shipment[], lyon: readonly JsonObject[] = rows.map(atLyon)): Promise<void> {
    const csv = rows.map((row) => fields.map((field) => row[field] ?? '').join(','));
    await writeFile(this.#file('berlin.csv'), [fields.join(','), ...csv, ''].join('\n'));
    await writeFile(this.#file('lyon.jsonl'), lyon.map((body) => `${JSON.stringify(body)}\n`).join(''));
  }

  /** Other columns than Berlin's map was written for. */
  async putCsv(lines: readonly string[]): Promise<void> {
    await writeFile(this.#file('berlin.csv'), lines.map((line) => `${line}\n`).join(''));
  }

  #file(name: string): string {
    return path.join(this.ground.folder, '..', 'data', name);
  }

  context(id: Member): AuthorityContext {
    const mesh = this.federation.authorities[id]?.mesh;
    const [signingKey, logKey] = [this.ground.keys.get(`${id} messages`), this.ground.keys.get(`${id} log`)];
    if (mesh?.kind !== 'folder' || !signingKey || !logKey) throw new Error(`no authority ${id}`);
    const privateStore = this.stores[id];
    return {
      id,
      federation: this.federation,
      exchange: this.exchange,
      privateStore,
      signingKey,
      logKey,
      linkKey: new TextEncoder().encode('a link key of thirty-two bytes..'),
      connector: this.#connector(id, { ...mesh, path: path.resolve(this.ground.folder, mesh.path) }),
      clock: createAuthorityClock({ privateStore, physicalMs: () => 1_700_000_000_000, maxAheadMs: 60_000 }),
      now: () => 1_700_000_000_000,
      heartbeat: () => undefined,
    };
  }

  #connector(id: Member, mesh: FolderMesh): Connector {
    const isDeclaring = id === 'lyon';
    const connector = createFolderConnector({
      mesh: isDeclaring && this.hasChanges ? { ...mesh, changes: { fullReadEvery: 24 } } : mesh,
    });
    const { declares } = this;
    if (!isDeclaring || !declares) return connector;
    return {
      ...connector,
      async *readAll(request) {
        for await (const item of connector.readAll(request))
          yield item.kind === 'scopeEnd' ? { ...item, declares } : item;
      },
    };
  }

  /** Reads both and plans. Nobody approves; `agree` seals what both show alike. */
  async run({ agree = false } = {}): Promise<Round> {
    const coordinator = createFederationActivities({
      federation: this.federation,
      exchange: this.exchange,
      missingEndpoints: () => Promise.resolve([]),
      now: () => 1_700_000_000_000,
      heartbeat: () => undefined,
    });
    this.#round += 1;
    const attempt = `run ${this.#round}`;
    const { highestRound } = await coordinator.setupRun(dataset);
    const opens: Ref[] = [];
    const ids: string[] = [];
    for (const id of members) {
      const opened = await openRun(this.context(id), { dataset, attempt, round: highestRound + 1, members });
      if (opened.kind !== 'opened') throw new Error(opened.kind);
      opens.push(opened.open);
      ids.push(opened.id);
    }
    const opened = { dataset, run: runIdOf(ids), opens, snapshots: [], correlation: null, firstSnapshots: [] };
    const judgement = await coordinator.judgeOpens(opened);
    if (judgement.kind !== 'work') throw new Error(judgement.kind);
    const snapshots: Ref[] = [];
    for (const id of members) {
      await readPages(this.context(id), opened);
      snapshots.push((await sealSnapshot(this.context(id), opened)).snapshot);
    }
    const inputs = { ...opened, snapshots };
    const planned = await coordinator.compareAndPlan(inputs);
    const { operations } = await getDocument(this.exchange, planned.plan, Plan);
    if (agree) {
      const { permit } = await coordinator.settleReviews({ inputs, plan: planned.plan, reviews: [] });
      const { proposal } = await coordinator.proposeCandidate({
        inputs,
        plan: planned.plan,
        reviews: [],
        permit,
        receipts: [],
      });
      if (!proposal) throw new Error('there is nothing to agree on');
      const { run } = inputs;
      const witnesses: Ref[] = [];
      for (const id of members)
        witnesses.push((await witnessCandidate(this.context(id), { dataset, run, opens, proposal })).witness);
      const { seal } = await coordinator.assembleSeal({ dataset, opens, witnesses, proposal });
      for (const id of members) await acceptSeal(this.context(id), { dataset, seal });
    }
    const said = await Promise.all(snapshots.map((ref, at) => this.#statement(ref, members[at] ?? 'lyon')));
    const lyon = said[1];
    return {
      operations,
      clearing: operations.filter(({ changes }) =>
        changes.some((change) => change.kind === 'value' && change.after === null && change.before !== null),
      ),
      drifts: said.flatMap(({ drifts = [] }) => drifts),
      incomplete: lyon?.scopes.flatMap(({ complete, scope }) => (complete ? [] : [scope])) ?? [],
      untranslatable: lyon?.untranslatable.reduce((sum, { count }) => sum + count, 0) ?? 0,
      records: lyon?.types.reduce((sum, { count }) => sum + count, 0) ?? 0,
    };
  }

  async #statement(ref: Ref, id: Member): Promise<SnapshotStatement> {
    const keys = keysOf(this.federation, id, 'messages');
    return (await getMessage(this.exchange, ref, { typ: snapshotType, schema: SnapshotStatement, keys })).payload;
  }
}
