/** One authority of a federation of records, over a store that tells its changes, beside a twin that reads everything. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { keepOwnWrites } from '../../../activities/authority/increments/own-writes.js';
import { openRun } from '../../../activities/authority/open.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import type { NativeWrite } from '../../../activities/connectors/connector.js';
import { createFolderConnector } from '../../../activities/connectors/folder/connector.js';
import { getMessage } from '../../../activities/exchange.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { digestOf } from '../../../core/digest.js';
import type { JsonObject } from '../../../core/json.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { runIdOf, SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import type { OpenResult } from '../../../workflows/contract.js';
import { ChangingStore } from '../../support/changing-store.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';
import { folderMeshes, recordFederationFiles } from '../../support/record-federation.js';

const members = ['berlin', 'lyon', 'oslo'] as const;
type Member = (typeof members)[number];
/** The one whose store tells its changes. */
export const here: Member = 'lyon';
export const native = 'envoi';

export interface Ground {
  readonly federation: Federation;
  readonly keys: ReadonlyMap<string, PrivateKey>;
  /** What the two others put to open each round. It is the same in every world, and signing it costs as much as a small read. */
  readonly others: Others;
  stop(): Promise<void>;
}

type Opened = Extract<OpenResult, { readonly kind: 'opened' }>;

interface Others {
  readonly exchange: MemoryStore;
  readonly privates: Readonly<Record<Member, MemoryStore>>;
  /** By round and member. */
  readonly opened: Map<string, Promise<Opened>>;
}

const emptyStores = (): Record<Member, MemoryStore> => ({
  berlin: new MemoryStore(),
  lyon: new MemoryStore(),
  oslo: new MemoryStore(),
});

export async function layGround(edit: (file: string, text: string) => string = (_file, text) => text): Promise<Ground> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-increments-'));
  const files = recordFederationFiles(folderMeshes);
  const federation = await makeFolder(folder, {
    wholeFolder: (name) =>
      Object.fromEntries(Object.entries(files(name)).map(([file, text]) => [file, edit(file, text)])),
  });
  const keys = new Map<string, PrivateKey>();
  for (const id of members)
    for (const use of ['messages', 'log'] as const) {
      const key = await readKeyFile(authorityKeyFile(folder, id, use));
      if (!key) throw new Error(`no key of ${id}`);
      keys.set(`${id} ${use}`, key);
    }
  const others: Others = { exchange: new MemoryStore(), privates: emptyStores(), opened: new Map() };
  return { federation, keys, others, stop: () => rm(folder, { recursive: true, force: true }) };
}

export class IncrementWorld {
  readonly ground: Ground;
  readonly store: ChangingStore;
  readonly exchange = new MemoryStore();
  readonly privates: Readonly<Record<Member, MemoryStore>>;
  readonly #fullReadEvery: number | undefined;
  #round = 0;
  #writes = 0;
  federation: Federation;

  /** `fullReadEvery` null: the store tells no changes. */
  constructor(ground: Ground, fullReadEvery: number | null = 1_000, pageSize?: number) {
    this.ground = ground;
    this.store = new ChangingStore(native, pageSize);
    this.federation = ground.federation;
    this.#fullReadEvery = fullReadEvery ?? undefined;
    this.privates = emptyStores();
  }

  context(id: Member, privateStore = this.privates[id], exchange = this.exchange, changes = true): AuthorityContext {
    const mesh = this.federation.authorities[id]?.mesh;
    const [signingKey, logKey] = [this.ground.keys.get(`${id} messages`), this.ground.keys.get(`${id} log`)];
    if (mesh?.kind !== 'folder' || !signingKey || !logKey) throw new Error(`no authority ${id}`);
    const connector = this.store.connector(createFolderConnector({ mesh }), changes ? this.#fullReadEvery : undefined);
    return {
      id,
      federation: this.federation,
      exchange,
      privateStore,
      signingKey,
      logKey,
      linkKey: new TextEncoder().encode('a link key of thirty-two bytes..'),
      connector,
      clock: createAuthorityClock({ privateStore, physicalMs: () => 1_700_000_000_000, maxAheadMs: 60_000 }),
      now: () => 1_700_000_000_000,
      heartbeat: () => undefined,
    };
  }

  async open(): Promise<RunInputs> {
    this.#round += 1;
    const opened: Opened[] = [];
    for (const id of members)
      opened.push(id === here ? await this.#open(this.context(id)) : await this.#othersOpen(id));
    const opens = opened.map(({ open }) => open);
    const run = runIdOf(opened.map(({ id }) => id));
    return { dataset, run, opens, snapshots: [], correlation: null, firstSnapshots: [] };
  }

  async #open(context: AuthorityContext): Promise<Opened> {
    const round = this.#round;
    const opened = await openRun(context, { dataset, attempt: `run ${round}`, round, members });
    if (opened.kind !== 'opened') throw new Error(opened.kind);
    return opened;
  }

  async #othersOpen(id: Member): Promise<Opened> {
    const { others, federation } = this.ground;
    // Under terms of its own each world opens for itself.
    if (this.federation !== federation) return this.#open(this.context(id));
    // Rounds are opened one after the other, as runs do; worlds side by side wait for the same ones.
    const name = `${this.#round} ${id}`;
    const known = others.opened.get(name) ?? this.#open(this.context(id, others.privates[id], others.exchange));
    others.opened.set(name, known);
    const opened = await known;
    for (const [object, bytes] of others.exchange.objects) this.exchange.objects.set(object, bytes);
    for (const [head, at] of others.exchange.heads) if (head.startsWith(`${id}/`)) this.exchange.heads.set(head, at);
    return opened;
  }

  /** What Concordat writes to the store itself, which tells it late. */
  async write(id: string, body: JsonObject | null): Promise<void> {
    const permit = digestOf({ write: (this.#writes += 1) });
    const before = this.store.rows.get(id) ?? {};
    const write: NativeWrite = body
      ? { kind: 'update', type: native, id, before, after: body }
      : { kind: 'delete', type: native, id, before, deletionMayRemove: [] };
    await keepOwnWrites(this.context(here), dataset, permit, [write]);
    this.store.writeLate(id, body);
  }

  async read(inputs: RunInputs): Promise<void> {
    await readPages(this.context(here), inputs);
  }
  async seal(inputs: RunInputs): Promise<SnapshotStatement> {
    const { snapshot } = await sealSnapshot(this.context(here), inputs);
    return this.#statement(snapshot, this.exchange);
  }

  async #statement(ref: Ref, exchange: MemoryStore): Promise<SnapshotStatement> {
    const keys = keysOf(this.federation, here, 'messages');
    return (await getMessage(exchange, ref, { typ: snapshotType, schema: SnapshotStatement, keys })).payload;
  }

  /** What somebody who reads everything says in the same run, knowing what is agreed and nothing else. */
  async twin(inputs: RunInputs): Promise<SnapshotStatement> {
    const known = new MemoryStore(this.privates[here]);
    for (const name of known.objects.keys()) if (name.startsWith('pages/')) known.objects.delete(name);
    const exchange = new MemoryStore(this.exchange);
    const twin = this.context(here, known, exchange, false);
    await readPages(twin, inputs);
    const { snapshot } = await sealSnapshot(twin, inputs);
    return this.#statement(snapshot, exchange);
  }
}

/** All that a snapshot says of what was read. Salts are random, versions have a time. */
export function said(statement: SnapshotStatement): unknown {
  const { types, root, scopes, untranslatable, unmapped, lossy, hiddenRows, outside, doubled, opaque, drifts } =
    statement;
  return { types, root, scopes, untranslatable, unmapped, lossy, hiddenRows, outside, doubled, opaque, drifts };
}
