/**
 * People and teams of a tenant that tells its changes: links, references and opaque objects. What a run says that read only
 * what delta queries named is what a full read says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { openRun } from '../../../activities/authority/open.js';
import { readPages, sealSnapshot } from '../../../activities/authority/snapshot.js';
import { createEntraConnector } from '../../../activities/connectors/entra/connector.js';
import type { Connector } from '../../../activities/connectors/connector.js';
import { getMessage } from '../../../activities/exchange.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { Links, saveLinks } from '../../../activities/links.js';
import type { Federation } from '../../../core/federation/federation.js';
import { keysOf } from '../../../core/federation/keys-of.js';
import { runIdOf, SnapshotStatement, snapshotType, type Ref, type RunInputs } from '../../../core/messages.js';
import { dataset, makeFolder } from '../../support/local-federation.js';
import { MemoryStore } from '../../support/memory-store.js';
import { startTenant, type Tenant } from '../connectors/entra/tenant.js';
import { said } from './increments-support.js';

const here = 'azure';
const members = ['azure', 'sov'] as const;
const linkKey = new TextEncoder().encode('a link key of thirty-two bytes..');

let tenant: Tenant;
let folder: string;
let federation: Federation;
const keys = new Map<string, PrivateKey>();
beforeAll(async () => {
  tenant = await startTenant();
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-identity-'));
  federation = await makeFolder(folder, { members });
  for (const id of members)
    for (const use of ['messages', 'log'] as const) {
      const key = await readKeyFile(authorityKeyFile(folder, id, use));
      if (!key) throw new Error(`no key of ${id}`);
      keys.set(`${id} ${use}`, key);
    }
});
afterAll(async () => {
  await tenant.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => tenant.sandbox.reset());

class World {
  readonly exchange = new MemoryStore();
  readonly privates = { azure: new MemoryStore(), sov: new MemoryStore() };
  readonly #connector: Connector;
  #round = 0;
  /** Called once, while all is read. */
  meanwhile: (() => void) | null = null;
  fullReads: (readonly string[])[] = [];

  constructor(fullReadEvery = 1_000) {
    const mesh = { ...tenant.mesh, groupPrefix: 'team-', changes: { fullReadEvery } };
    const connector = createEntraConnector({ mesh, environment: tenant.environment, tuning: { retryDelayMs: 1 } });
    const { fullReads } = this;
    const happen = (): void => {
      this.meanwhile?.();
      this.meanwhile = null;
    };
    this.#connector = {
      ...connector,
      readAll: async function* (request) {
        fullReads.push(request.nativeTypes ?? []);
        yield* connector.readAll(request);
        happen();
      },
    };
  }

  context(id: (typeof members)[number], privateStore = this.privates[id], exchange = this.exchange): AuthorityContext {
    const [signingKey, logKey] = [keys.get(`${id} messages`), keys.get(`${id} log`)];
    if (!signingKey || !logKey) throw new Error(`no authority ${id}`);
    const { changes, ...connector } = this.#connector;
    const isTwin = privateStore !== this.privates[id];
    return {
      id,
      federation,
      exchange,
      privateStore,
      signingKey,
      logKey,
      linkKey,
      connector: { ...connector, ...(isTwin || !changes ? {} : { changes }) },
      clock: createAuthorityClock({ privateStore, physicalMs: () => 1_700_000_000_000, maxAheadMs: 60_000 }),
      now: () => 1_700_000_000_000,
      heartbeat: () => undefined,
    };
  }

  async run() {
    this.#round += 1;
    const opens: Ref[] = [];
    const ids: string[] = [];
    for (const id of members) {
      const attempt = `run ${this.#round}`;
      const opened = await openRun(this.context(id), { dataset, attempt, round: this.#round, members });
      if (opened.kind !== 'opened') throw new Error(opened.kind);
      opens.push(opened.open);
      ids.push(opened.id);
    }
    const run = runIdOf(ids);
    const inputs: RunInputs = { dataset, run, opens, snapshots: [], correlation: null, firstSnapshots: [] };
    const first = this.fullReads.length;
    const statement = await this.#snapshot(this.context(here), inputs);
    const fullReads = this.fullReads.slice(first);
    return { inputs, statement, fullReads, reads: statement.reads ?? [] };
  }

  /** What somebody who reads everything now says in the same run. */
  async twin(inputs: RunInputs): Promise<SnapshotStatement> {
    const known = new MemoryStore(this.privates[here]);
    for (const name of known.objects.keys()) if (name.startsWith('pages/')) known.objects.delete(name);
    return this.#snapshot(this.context(here, known, new MemoryStore(this.exchange)), inputs);
  }

  async #snapshot(context: AuthorityContext, inputs: RunInputs): Promise<SnapshotStatement> {
    await readPages(context, inputs);
    const { snapshot } = await sealSnapshot(context, inputs);
    const known = { typ: snapshotType, schema: SnapshotStatement, keys: keysOf(federation, here, 'messages') };
    return (await getMessage(context.exchange, snapshot, known)).payload;
  }

  /** As a full read says it, and read as told. */
  async runsLikeAFullRead() {
    const done = await this.run();
    expect(said(done.statement)).toEqual(said(await this.twin(done.inputs)));
    return done;
  }
}

const state = () => tenant.sandbox.state;
function hire(number: number) {
  const mail = `p${number}@contoso.example`;
  return state().addUser({
    userPrincipalName: mail,
    mail,
    mailNickname: `p${number}`,
    displayName: `P ${number}`,
    employeeId: `${number}`,
    accountEnabled: true,
    ...(number % 10 === 9 ? { onPremisesSyncEnabled: true } : {}),
  });
}
function form(name: string, people: readonly { readonly id: string }[]) {
  const group = state().addGroup({
    displayName: `team-${name}`,
    mailNickname: `team-${name}`,
    uniqueName: `team-${name}`,
    description: name,
    groupTypes: [],
    mailEnabled: false,
    securityEnabled: true,
  });
  for (const { id } of people) group.members.add(id);
  return group;
}
async function filled(fullReadEvery?: number) {
  const people = Array.from({ length: 40 }, (_, number) => hire(number));
  const teams = ['a', 'b', 'c'].map((name, index) => form(name, people.slice(index * 5, index * 5 + 6)));
  const world = new World(fullReadEvery);
  await world.runsLikeAFullRead();
  return { world, people, teams };
}
const readOf = ({ reads }: { readonly reads: NonNullable<SnapshotStatement['reads']> }) =>
  reads.map(({ type, read, why, objects }) => `${type} ${read} ${why} ${objects}`);
const [person, another, team, other] = [3, 4, 0, 1];

describe('people and teams read by what changed', () => {
  it('say what a full read says, and are read by it no more', async () => {
    const { world, people, teams } = await filled();
    expect(await world.runsLikeAFullRead()).toMatchObject({
      fullReads: [],
      reads: [
        { read: 'increment', objects: 0 },
        { read: 'increment', objects: 0 },
      ],
    });
    state().change(people[person]!, { department: 'Harbour' });
    const newcomer = hire(100);
    teams[team]!.members.add(newcomer.id);
    teams[other]!.members.delete(people[another + 2]!.id);
    const done = await world.runsLikeAFullRead();
    expect(readOf(done)).toEqual(['person increment changes 2', 'team increment changes 2']);
    expect(done.fullReads).toEqual([]);
  });

  it('know of whom nobody tells their teams: who was deleted, and who was restored', async () => {
    const { world, people } = await filled();
    state().remove(people[person]!);
    const gone = await world.runsLikeAFullRead();
    expect(readOf(gone)).toEqual(['person increment changes 1', 'team full doubtful 3']);
    expect(gone.fullReads).toEqual([['group']]);
    state().restoreDeleted(people[person]!);
    expect(readOf(await world.runsLikeAFullRead())).toEqual(['person increment changes 1', 'team increment changes 1']);
  });

  it('that become opaque, or are so no longer, are as a full read shows them', async () => {
    const { world, people, teams } = await filled();
    state().change(people[person]!, { onPremisesSyncEnabled: true });
    teams[team]!.members.add(teams[other]!.id);
    await world.runsLikeAFullRead();
    state().change(people[person]!, { onPremisesSyncEnabled: null });
    teams[team]!.members.delete(teams[other]!.id);
    const done = await world.runsLikeAFullRead();
    expect(done.fullReads).toEqual([]);
    // A group within a group, and nobody tells the outer one that it is gone.
    teams[team]!.members.add(teams[other]!.id);
    await world.runsLikeAFullRead();
    state().remove(teams[other]!);
    await world.runsLikeAFullRead();
  });

  it('are read whole where Graph has forgotten, and by what changed again after that', async () => {
    const { world, people } = await filled();
    state().delta.set({ expired: true });
    state().change(people[person]!, { department: 'Harbour' });
    const done = await world.runsLikeAFullRead();
    expect(readOf(done)).toEqual(['person full expired 40', 'team full expired 3']);
    expect((await world.runsLikeAFullRead()).fullReads).toEqual([]);
  });

  it('whom neither list nor changes show though they are there, are not gone, and all is read next time', async () => {
    const { world, people } = await filled();
    // Its creation is told late, as Graph may.
    state().delta.set({ late: true });
    const late = hire(200);
    const table = { person: { [late.id]: 'a'.repeat(64), [people[0]!.id]: 'b'.repeat(64) } };
    await saveLinks(world.privates[here], dataset, new Links(table, linkKey, dataset));
    const done = await world.run();
    expect(done.statement.scopes).toContainEqual(
      expect.objectContaining({ type: 'person', complete: false, reason: 'listChanged' }),
    );
    state().delta.set({ late: false });
    expect(readOf(await world.runsLikeAFullRead())[0]).toBe('person full doubtful 41');
  });

  it('are proven by a full read on schedule, which tells what was missed', async () => {
    const { world, people } = await filled(3);
    state().change(people[person]!, { department: 'Harbour' });
    await world.runsLikeAFullRead();
    await world.runsLikeAFullRead();
    const proven = await world.run();
    expect(proven.reads).toMatchObject([
      { read: 'full', why: 'scheduled', missed: 0 },
      { read: 'full', why: 'scheduled', missed: 0 },
    ]);
    await world.runsLikeAFullRead();
    await world.runsLikeAFullRead();
    // What no delta query tells.
    state().delta.set({ late: true });
    state().change(people[another]!, { department: 'Quay' });
    const wrong = await world.run();
    expect(wrong.reads).toMatchObject([{ why: 'scheduled', missed: 1 }, { missed: 0 }]);
    expect((await world.run()).reads).toMatchObject([{ read: 'full', why: 'missed' }, { read: 'increment' }]);
  });
});
