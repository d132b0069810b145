/**
 * Two authorities and an honest coordinator in one process, without Temporal: the gate is a function of a context and an
 * input. A test takes a copy of a world that is ready to write, lies in one way, and looks at what the gate says and at
 * how many write calls the clouds got.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createAuthorityClock } from '../../../activities/authority/clock.js';
import { applyPermit } from '../../../activities/authority/commit.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { disclose } from '../../../activities/authority/disclosure.js';
import { openRun } from '../../../activities/authority/open.js';
import { prepareReview } from '../../../activities/authority/prepare-review.js';
import { closeReview, recordDecision } from '../../../activities/authority/review.js';
import { readSheet, type ReviewSheet } from '../../../activities/authority/review-sheet.js';
import { acceptSeal } from '../../../activities/authority/seal.js';
import { readPages, sealSnapshot, translateAgain } from '../../../activities/authority/snapshot.js';
import { witnessCandidate } from '../../../activities/authority/witness.js';
import { createFederationActivities } from '../../../activities/federation/activities.js';
import { authorityKeyFile, readKeyFile, type PrivateKey } from '../../../activities/keys/private-key.js';
import { resolveMesh } from '../../../activities/federation-folder/resolve-mesh.js';
import type { Federation } from '../../../core/federation/federation.js';
import { runIdOf, type Ref, type RunInputs } from '../../../core/messages.js';
import { startSandbox, type Sandbox } from '../../../sandbox/start.js';
import type { FederationActivities } from '../../../workflows/activity-types.js';
import type { CommitInput, CommitResult, SnapshotResult } from '../../../workflows/contract.js';
import type { PlanSummary } from '../../../workflows/messages.js';
import { connectorFor } from '../../conformance/world.js';
import { seedEqual } from '../../support/equal-clouds.js';
import { MemoryStore } from '../../support/memory-store.js';
import { dataset, makeFolder, signDecision, type DecisionWishes } from '../../support/local-federation.js';

export type Member = 'aws' | 'sov';
export const members: readonly Member[] = ['aws', 'sov'];

export { MemoryStore };

export interface Ready {
  readonly inputs: RunInputs;
  readonly plan: PlanSummary;
  readonly sheets: Readonly<Record<Member, ReviewSheet>>;
  readonly reviews: readonly Ref[];
  readonly commit: CommitInput;
}

/** What all worlds of a test file share. */
export interface Ground {
  readonly folder: string;
  readonly federation: Federation;
  readonly keys: Readonly<Record<Member, PrivateKey>>;
  readonly logKeys: Readonly<Record<Member, PrivateKey>>;
  readonly encryptionKeys: Readonly<Record<Member, PrivateKey>>;
  readonly sandbox: Sandbox;
  stop(): Promise<void>;
}

export async function layGround(edit: (file: string, text: string) => string): Promise<Ground> {
  const folder = await mkdtemp(path.join(tmpdir(), 'concordat-gate-'));
  const sandbox = await startSandbox({ folder: path.join(folder, 'clouds'), people: 0 });
  const federation = await makeFolder(path.join(folder, 'federation'), { members, approvers: ['ada', 'bob'], edit });
  const key = async (id: Member, use: 'messages' | 'log' | 'encryption'): Promise<PrivateKey> => {
    const found = await readKeyFile(authorityKeyFile(path.join(folder, 'federation'), id, use));
    if (!found) throw new Error(`no key of ${id} for ${use}`);
    return found;
  };
  return {
    folder: path.join(folder, 'federation'),
    federation,
    sandbox,
    keys: { aws: await key('aws', 'messages'), sov: await key('sov', 'messages') },
    logKeys: { aws: await key('aws', 'log'), sov: await key('sov', 'log') },
    encryptionKeys: { aws: await key('aws', 'encryption'), sov: await key('sov', 'encryption') },
    stop: async () => {
      await sandbox.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export class GateWorld {
  readonly ground: Ground;
  readonly exchange: MemoryStore;
  readonly stores: Readonly<Record<Member, MemoryStore>>;
  /** Moves every clock of this world. */
  clockMs: number;
  contexts: Readonly<Record<Member, AuthorityContext>>;
  readonly coordinator: FederationActivities;
  #attempt = 0;
  /** A candidate that the coordinator asks to pass over. */
  passesOver: string | null = null;

  constructor(ground: Ground, from?: GateWorld) {
    this.ground = ground;
    this.exchange = new MemoryStore(from?.exchange);
    this.stores = { aws: new MemoryStore(from?.stores.aws), sov: new MemoryStore(from?.stores.sov) };
    // One of them keeps its links as if they were millions.
    this.stores.aws.linksInBucket = 0.25;
    this.clockMs = from?.clockMs ?? Date.now();
    this.#attempt = from ? from.#attempt : 0;
    this.contexts = { aws: this.#context('aws'), sov: this.#context('sov') };
    this.coordinator = createFederationActivities({
      // Everybody's own, as in processes of their own: what one has computed is not kept for another.
      federation: { ...ground.federation },
      exchange: this.exchange,
      missingEndpoints: () => Promise.resolve([]),
      now: () => this.clockMs,
      heartbeat: () => undefined,
    });
  }

  copy(): GateWorld {
    return new GateWorld(this.ground, this);
  }

  #context(id: Member): AuthorityContext {
    const { federation, sandbox, keys, logKeys } = this.ground;
    const cloud = id === 'aws' ? sandbox.aws : sandbox.keystone;
    const mesh = federation.authorities[id]?.mesh;
    if (!mesh) throw new Error(`no authority ${id}`);
    const environment = { ...cloud.environment, [`CONCORDAT_${id.toUpperCase()}_ENDPOINT`]: cloud.endpoint };
    return {
      id,
      federation: { ...federation },
      exchange: this.exchange,
      privateStore: this.stores[id],
      signingKey: keys[id],
      logKey: logKeys[id],
      encryptionKeys: [this.ground.encryptionKeys[id]],
      linkKey: new TextEncoder().encode(`link key of ${id} of thirty-two.`.padEnd(32, '.')).subarray(0, 32),
      connector: connectorFor(resolveMesh(mesh, environment), environment),
      clock: createAuthorityClock({
        privateStore: this.stores[id],
        physicalMs: () => this.clockMs,
        maxAheadMs: 60_000,
      }),
      now: () => this.clockMs,
      heartbeat: () => undefined,
    };
  }

  change(id: Member, change: Partial<AuthorityContext>): void {
    this.contexts = { ...this.contexts, [id]: { ...this.contexts[id], ...change } };
  }

  /** What the members answer, whatever it makes together. */
  async openAnyway(): Promise<RunInputs> {
    this.#attempt += 1;
    const attempt = `run ${this.#attempt}`;
    const { highestRound } = await this.coordinator.setupRun(dataset);
    const opens: Ref[] = [];
    const ids: string[] = [];
    for (const id of members) {
      const opened = await openRun(this.contexts[id], { dataset, attempt, round: highestRound + 1, members });
      if (opened.kind !== 'opened') throw new Error(`${id} promised round ${opened.promised} before`);
      opens.push(opened.open);
      ids.push(opened.id);
    }
    return {
      dataset,
      run: runIdOf(ids),
      opens,
      snapshots: [],
      correlation: null,
      firstSnapshots: [],
    };
  }

  async open(): Promise<RunInputs> {
    const inputs = await this.openAnyway();
    const judgement = await this.coordinator.judgeOpens({
      ...inputs,
      ...(this.passesOver === null ? {} : { passOver: this.passesOver }),
    });
    if (judgement.kind !== 'work') throw new Error(`the run has to ${judgement.kind} first`);
    return inputs;
  }

  async planned(): Promise<{ readonly inputs: RunInputs; readonly plan: PlanSummary }> {
    const opened = await this.open();
    const first: SnapshotResult[] = [];
    for (const id of members) {
      await readPages(this.contexts[id], opened);
      first.push(await sealSnapshot(this.contexts[id], opened));
    }
    let inputs: RunInputs = { ...opened, snapshots: first.map(({ snapshot }) => snapshot) };
    if (first.some(({ unlinked }) => unlinked > 0)) {
      const { correlation, linksBy } = await this.coordinator.correlateSnapshots(inputs);
      const again = await Promise.all(
        members.map(async (id, position) =>
          (linksBy[id] ?? 0) > 0
            ? await translateAgain(this.contexts[id], { inputs, correlation })
            : (first[position] as SnapshotResult),
        ),
      );
      inputs = {
        ...inputs,
        snapshots: again.map(({ snapshot }) => snapshot),
        correlation,
        firstSnapshots: inputs.snapshots,
      };
    }
    return { inputs, plan: await this.coordinator.compareAndPlan(inputs) };
  }

  /** The whole way to a commit that the gate lets through, each decision signed by real keys. */
  async ready(decisions: Readonly<Record<Member, readonly DecisionWishes[]>>): Promise<Ready> {
    const { inputs, plan } = await this.planned();
    const disclosures = await this.disclosed(inputs, plan);
    const sheets: Partial<Record<Member, ReviewSheet>> = {};
    const reviews: Ref[] = [];
    for (const id of members) {
      if (!plan.affected.includes(id)) continue;
      const context = this.contexts[id];
      await prepareReview(context, { inputs, plan: plan.plan, planDigest: plan.planDigest, ...disclosures }, quiet);
      const sheet = await readSheet(context.privateStore, dataset, plan.planDigest);
      if (!sheet) throw new Error(`${id} wrote no sheet`);
      sheets[id] = sheet;
      for (const wishes of decisions[id]) {
        const jws = await signDecision(this.ground.folder, sheet, wishes);
        await recordDecision(context, { dataset, plan: plan.planDigest, envelope: { plan: plan.planDigest, jws } });
      }
      const closed = await closeReview(context, { dataset, plan: plan.planDigest, outcome: 'tally', code: null });
      reviews.push(closed.review);
    }
    const { permit } = await this.coordinator.settleReviews({ inputs, plan: plan.plan, reviews });
    return {
      inputs,
      plan,
      reviews,
      sheets: sheets as Readonly<Record<Member, ReviewSheet>>,
      commit: { inputs, plan: plan.plan, reviews, permit, ...disclosures },
    };
  }

  /** What the members that hold values of `digest` fields send to who would write them. */
  async disclosed(inputs: RunInputs, plan: PlanSummary): Promise<{ readonly disclosures?: readonly Ref[] }> {
    const disclosures: Ref[] = [];
    for (const id of members) {
      if (!plan.disclosers?.includes(id)) continue;
      const told = await disclose(this.contexts[id], { inputs, plan: plan.plan, planDigest: plan.planDigest });
      disclosures.push(told.disclosure);
    }
    return disclosures.length === 0 ? {} : { disclosures };
  }

  apply(id: Member, commit: CommitInput): Promise<CommitResult> {
    return applyPermit(this.contexts[id], commit);
  }

  /** Everyone witnesses what the honest coordinator proposes. */
  async agree(ready: Pick<Ready, 'commit'>, receipts: readonly Ref[]): Promise<void> {
    const { inputs, plan, reviews, permit } = ready.commit;
    const { proposal } = await this.coordinator.proposeCandidate({
      inputs,
      plan,
      reviews: [...reviews],
      permit,
      receipts: [...receipts],
    });
    if (!proposal) throw new Error('there is nothing to agree on');
    const { run, opens } = inputs;
    const witnesses: Ref[] = [];
    for (const id of members)
      witnesses.push((await witnessCandidate(this.contexts[id], { dataset, run, opens, proposal })).witness);
    const { seal } = await this.coordinator.assembleSeal({ dataset, opens, witnesses, proposal });
    for (const id of members) await acceptSeal(this.contexts[id], { dataset, seal });
  }

  /** A world in which both clouds hold the same and have agreed on it. */
  static async agreed(ground: Ground, people: number): Promise<GateWorld> {
    seedEqual(ground.sandbox, people);
    const world = new GateWorld(ground);
    await world.agree(await world.ready({ aws: [], sov: [] }), []);
    return world;
  }
}

const quiet = { replaced: () => Promise.resolve() };

const isWrite = /^(iam:(?!Get|List)|(POST|PUT|PATCH|DELETE) (?!\/v3\/auth))/;

/** Calls that could have changed something, by name. */
export function writeCalls(sandbox: Sandbox): Readonly<Record<string, number>> {
  const counted = [sandbox.aws, sandbox.keystone].flatMap(({ server }) => Object.entries(server.calls()));
  return Object.fromEntries(counted.filter(([name]) => isWrite.test(name)));
}

export function forgetCalls(sandbox: Sandbox): void {
  sandbox.aws.server.forgetCalls();
  sandbox.keystone.server.forgetCalls();
}
