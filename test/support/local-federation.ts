/**
 * A federation for tests of the whole flow: its folder with keys and signed manifests, the sandboxed clouds in the test's
 * own process where their state can be read and changed, and every worker as a process of its own with exactly the
 * environment it may have. The Temporal server is the one that all test files share.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, WorkflowNotFoundError, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { readSheet, type ReviewSheet } from '../../activities/authority/review-sheet.js';
import { loadFederation } from '../../activities/federation-folder/load.js';
import { writeNewFederation } from '../../activities/federation-folder/new-federation.js';
import { generateKeys } from '../../activities/keys/generate.js';
import { approverKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { signCompact } from '../../activities/keys/sign.js';
import { loadSignedFederation } from '../../activities/federation-folder/load-signed.js';
import { signFolder } from '../../activities/manifests/sign-folder.js';
import { createFileStore } from '../../activities/store-files.js';
import type { ObjectStore } from '../../activities/store.js';
import { superviseProcesses, type RunningProcess } from '../../cli/local/processes.js';
import { layoutOf, type Layout } from '../../cli/local/layout.js';
import { decisionType, type Decision } from '../../core/decision.js';
import { isRecordMesh } from '../../core/federation/native-types.js';
import type { Federation } from '../../core/federation/federation.js';
import type { Ref } from '../../core/messages.js';
import { authorityNamespace, reconcileWorkflowId, reviewWorkflowId, taskQueue } from '../../core/names.js';
import { Plan } from '../../core/plan.js';
import { standingStatementType, type SignedStatement, type StandingStatement } from '../../core/standing-statement.js';
import { startSandbox, type Sandbox } from '../../sandbox/start.js';
import { decideSignal, decideUpdate, progressQuery, reviewStatusQuery } from '../../workflows/messages.js';
import type { PlanSummary, ReconcileInput, ReviewStatus, RunResult } from '../../workflows/messages.js';
import { leaveRemains } from './remains.js';
import { prepareTemporal } from '../../activities/temporal-setup/prepare-temporal.js';
import { builtProgram, connectionForTests, freshFederationName, temporalAddress } from './temporal.js';

export const dataset = 'workforce';
const kinds: Readonly<Record<string, 'aws-iam' | 'entra' | 'keystone'>> = {
  aws: 'aws-iam',
  azure: 'entra',
  sov: 'keystone',
};

export interface FolderWishes {
  /** A federation folder to start from, with members of its own; else one is written for `members`. */
  readonly from?: string;
  readonly members?: readonly ('aws' | 'azure' | 'sov')[];
  readonly approvers?: readonly string[];
  /** Changes the text of a file before keys are made and manifests are signed. */
  readonly edit?: (file: string, text: string) => string;
  /** Further files of the folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  readonly name?: string;
  /** The whole folder instead of what `init` writes; `members` then says nothing. The dataset is named as here. */
  readonly wholeFolder?: (name: string) => Readonly<Record<string, string>>;
}

/** A folder that workers accept. */
export async function makeFolder(folder: string, wishes: FolderWishes = {}): Promise<Federation> {
  const { members = ['aws', 'azure', 'sov'], approvers = ['you'], edit } = wishes;
  if (wishes.wholeFolder) {
    for (const [file, text] of Object.entries(wishes.wholeFolder(wishes.name ?? 'demo'))) {
      await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    await generateKeys(folder, await valid(folder), {});
    await signFolder(folder, await valid(folder));
    return signedFederation(folder);
  }
  const written =
    wishes.from === undefined
      ? await writeNewFederation(folder, {
          name: wishes.name ?? 'demo',
          dataset,
          meshes: members.map((id) => ({ id, kind: kinds[id] ?? 'keystone' })),
          approvers,
          sandbox: true,
        })
      : await copyFolder(wishes.from, folder, wishes.name ?? 'demo');
  if (edit)
    for (const file of written.filter((name) => name.endsWith('.yaml'))) {
      const text = await readFile(path.join(folder, file), 'utf8');
      const changed = edit(file, text);
      if (changed !== text) await writeFile(path.join(folder, file), changed);
    }
  for (const [file, text] of Object.entries(wishes.files ?? {})) await writeFile(path.join(folder, file), text);
  await generateKeys(folder, await valid(folder), {});
  await signFolder(folder, await valid(folder));
  return signedFederation(folder);
}

/** The files of the copy, which has another name. */
async function copyFolder(from: string, folder: string, name: string): Promise<readonly string[]> {
  await cp(from, folder, { recursive: true });
  const file = path.join(folder, 'federation.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^federation: .*$/m, `federation: ${name}`));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

/** As workers read it: verified manifests, and the terms that are in force. */
export async function signedFederation(folder: string): Promise<Federation> {
  const loaded = await loadSignedFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults, null, 2));
  return loaded.federation;
}

export async function valid(folder: string): Promise<Federation> {
  const loaded = await loadFederation(folder);
  if (loaded.kind === 'invalid') throw new Error(JSON.stringify(loaded.faults, null, 2));
  return loaded.federation;
}

export interface DecisionWishes {
  readonly approver?: string;
  readonly kind?: 'approve' | 'reject';
  /** Which of the operations asked; all where absent. */
  readonly only?: (operation: ReviewSheet['operations'][number]['operation']) => boolean;
  /** The candidate to choose, by its position; none is chosen where absent. */
  readonly choose?: number;
  readonly change?: Partial<Decision>;
}

/** Signs a decision on what a sheet asks, as `concordat approve` does. */
export async function signDecision(folder: string, sheet: ReviewSheet, wishes: DecisionWishes = {}): Promise<string> {
  const approver = wishes.approver ?? 'you';
  const key = await readKeyFile(approverKeyFile(folder, approver));
  if (!key) throw new Error(`no key of ${approver}`);
  const asked = sheet.operations.filter(({ refused, operation }) => refused === null && operation.rule !== 'chosen');
  const named = asked.filter(({ operation }) => wishes.only?.(operation) ?? true);
  const nowMs = Date.now();
  const choices: Record<string, string> = {};
  for (const { conflict } of wishes.choose === undefined ? [] : sheet.conflicts)
    choices[conflict.id] = conflict.candidates[wishes.choose ?? 0]?.digest ?? '';
  const decision: Decision = {
    id: randomBytes(16).toString('base64url'),
    kind: wishes.kind ?? 'approve',
    federation: sheet.federation,
    authority: sheet.authority,
    dataset: sheet.dataset,
    plan: sheet.plan,
    approver,
    operations: named.map(({ operation }) => operation.id),
    choices,
    conflicts: [],
    delegation: null,
    binds: 'identicalOperations',
    ...(sheet.newVersions ? { newVersions: sheet.newVersions.map(({ id }) => id) } : {}),
    partial: named.length < asked.length,
    reason: wishes.kind === 'reject' ? 'not now' : null,
    untilMs: null,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 86_400_000,
    ...wishes.change,
  };
  return signCompact(decision, { typ: decisionType, key });
}

/** Signs what a person says beside decisions, as `concordat settle` and its like do. */
async function signStatement(folder: string, federation: string, statement: StandingStatement): Promise<string> {
  const key = await readKeyFile(approverKeyFile(folder, 'you'));
  if (!key) throw new Error('no key of you');
  const said: SignedStatement = { federation, dataset, approver: 'you', statement, issuedAtMs: Date.now() };
  return signCompact(said, { typ: standingStatementType, key });
}

/** Asks until the answer is there; fails with what was waited for. */
export async function eventually<Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | null | false>,
  withinMs = 45_000,
): Promise<Answer> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (Date.now() > untilMs) throw new Error(`waited ${withinMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isNotReady(cause: unknown): boolean {
  return cause instanceof ApplicationFailure && cause.type === 'reviewNotReady';
}

export type ReconcileHandle = WorkflowHandle & { readonly firstExecutionRunId: string };

export interface LocalFederation {
  readonly name: string;
  readonly folder: string;
  readonly federation: Federation;
  readonly layout: Layout;
  readonly sandbox: Sandbox;
  readonly exchange: ObjectStore;
  privateStore(authority: string): ObjectStore;
  /** Of the federation, or of one authority. */
  client(authority?: string): Client;
  worker(id: string): RunningProcess;
  /** `name` tells a second one of the same from the first. */
  startWorker(id: string, environment?: Readonly<Record<string, string>>, name?: string): Promise<RunningProcess>;
  /** Signals reach the program itself. Resolves when it is gone. */
  endWorker(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(input?: Partial<ReconcileInput>): Promise<ReconcileHandle>;
  /** The plan that a run shows, once it waits for approvals or has ended. */
  planOf(handle: ReconcileHandle): Promise<PlanSummary>;
  /** Runs to the end; every affected authority's `you` approves what is asked. */
  run(input?: Partial<ReconcileInput>, approve?: boolean): Promise<RunResult>;
  sheet(authority: string, plan: string): Promise<ReviewSheet>;
  status(authority: string, plan: string): Promise<ReviewStatus>;
  /** Says something beside decisions (core/standing-statement.ts), signed by `you`; ends once the authority has it. */
  say(statement: StandingStatement): Promise<void>;
  decide(
    authority: string,
    plan: string,
    wishes?: DecisionWishes & { readonly by?: 'update' | 'signal' },
  ): Promise<string>;
  plan(ref: Ref): Promise<Plan>;
  events(handle: { readonly workflowId: string }, authority?: string): Promise<number>;
  /** Waits until no run of the dataset is open. */
  idle(): Promise<void>;
  logs(): Promise<string>;
  stop(): Promise<void>;
}

export interface LocalWishes extends FolderWishes {
  /** People in each cloud, all equal; or a population with differences of its own. */
  readonly people?: number;
  readonly sandbox?: Sandbox;
  /** `workforce` where left out. */
  readonly dataset?: string;
  /** Workers that are not started. */
  readonly without?: readonly string[];
  readonly environmentOf?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const usualDataset = dataset;

export async function startFederation(wishes: LocalWishes = {}): Promise<LocalFederation> {
  const { dataset = usualDataset } = wishes;
  const root = await mkdtemp(path.join(tmpdir(), 'concordat-flow-'));
  const folder = path.join(root, 'federation');
  const name = freshFederationName();
  const [dist, address, connection] = await Promise.all([builtProgram(), temporalAddress(), connectionForTests()]);
  const federation = await makeFolder(folder, { ...wishes, name });
  const members = Object.keys(federation.authorities);
  const layout = layoutOf(folder, {});
  const sandbox = wishes.sandbox ?? (await startSandbox({ folder: path.join(root, 'clouds'), people: 0 }));
  await prepareTemporal({ connection, federation: name, authorities: members, retentionDays: 1 });
  const processes = superviseProcesses({ logFolder: path.join(root, 'logs') });
  const workers = new Map<string, RunningProcess>();
  const clients = new Map<string, Client>();
  const exchange = createFileStore(layout.exchangeLocation);

  const startWorker: LocalFederation['startWorker'] = async (id, environment = {}, name = id) => {
    const mesh = federation.authorities[id]?.mesh;
    const cloud =
      mesh && !isRecordMesh(mesh)
        ? { 'aws-iam': sandbox.aws, entra: sandbox.entra, keystone: sandbox.keystone }[mesh.kind]
        : undefined;
    const variable = `CONCORDAT_${id.toUpperCase()}`;
    const running = await processes.start({
      name: `worker-${name}`,
      command: process.execPath,
      arguments: [
        path.join(dist, 'workers', 'main.js'),
        ...(id === 'federation' ? ['--federation'] : ['--authority', id]),
      ],
      environment: {
        TEMPORAL_ADDRESS: address,
        CONCORDAT_FEDERATION: folder,
        CONCORDAT_EXCHANGE: layout.exchangeLocation,
        ...(mesh ? { CONCORDAT_PRIVATE: layout.privateFolder(id), CONCORDAT_KEYS: layout.keysFolder } : {}),
        ...(cloud
          ? {
              ...cloud.environment,
              [`${variable}_ENDPOINT`]: cloud.endpoint,
              ...(mesh?.kind === 'entra' ? { [`${variable}_AUTHORITY_HOST`]: sandbox.entra.authorityHost } : {}),
            }
          : {}),
        ...wishes.environmentOf?.[id],
        ...environment,
      },
      readyWithinMs: 90_000,
      graceMs: 25_000,
    });
    workers.set(name, running);
    return running;
  };

  const worker = (id: string): RunningProcess => {
    const found = workers.get(id);
    if (!found) throw new Error(`the worker of ${id} was not started`);
    return found;
  };
  const client = (authority?: string): Client => {
    const namespace = authority === undefined ? name : authorityNamespace(name, authority);
    const known = clients.get(namespace) ?? new Client({ connection, namespace });
    clients.set(namespace, known);
    return known;
  };
  const privateStore = (authority: string): ObjectStore => createFileStore(layout.privateFolder(authority));
  const reviewOf = (authority: string, plan: string): WorkflowHandle =>
    client(authority).workflow.getHandle(reviewWorkflowId(dataset, plan));
  const status = (authority: string, plan: string): Promise<ReviewStatus> =>
    reviewOf(authority, plan).query(reviewStatusQuery);
  const sheet = async (authority: string, plan: string): Promise<ReviewSheet> => {
    await eventually(`the review of ${plan.slice(0, 12)} in ${authority}`, async () => {
      const found = await status(authority, plan).catch(() => undefined);
      return found !== undefined && found.stage !== 'preparing';
    });
    const found = await readSheet(privateStore(authority), dataset, plan);
    if (!found) throw new Error(`${authority} has no sheet of ${plan}`);
    return found;
  };
  const start: LocalFederation['start'] = async (input = {}) =>
    client().workflow.start('reconcile', {
      workflowId: reconcileWorkflowId(dataset),
      taskQueue,
      args: [{ dataset, ...input }],
    });
  const planOf: LocalFederation['planOf'] = (handle) =>
    eventually('a plan', async () => {
      const progress = await handle.query(progressQuery).catch(() => undefined);
      if (progress?.plan && progress.stage !== 'compare') return progress.plan;
      const { status: described } = await handle.describe();
      if (described.name !== 'RUNNING' && described.name !== 'COMPLETED') await handle.result();
      return undefined;
    });
  const decide: LocalFederation['decide'] = async (authority, plan, given = {}) => {
    const jws = await signDecision(folder, await sheet(authority, plan), given);
    const review = reviewOf(authority, plan);
    if (given.by === 'signal') await review.signal(decideSignal, { plan, jws });
    else
      await eventually(`the review of ${authority} to take a decision`, async () => {
        try {
          await review.executeUpdate(decideUpdate, { args: [{ plan, jws }] });
          return true;
        } catch (error) {
          // An earlier review of the same plan has ended, and the next is being prepared.
          if (error instanceof WorkflowUpdateFailedError && isNotReady(error.cause)) return false;
          if (error instanceof WorkflowNotFoundError) return false;
          throw error;
        }
      });
    return jws;
  };
  const say: LocalFederation['say'] = async (statement) => {
    const jws = await signStatement(folder, name, statement);
    await client(statement.authority).workflow.execute('statement', {
      workflowId: `statement/${randomUUID()}`,
      taskQueue,
      args: [{ dataset, jws }],
    });
  };
  const idle = async (): Promise<void> => {
    await eventually('no run of the dataset', async () => {
      const open = client().workflow.list({ query: "ExecutionStatus = 'Running'" });
      for await (const _ of open) return false;
      return true;
    });
  };

  try {
    await Promise.all(
      ['federation', ...members].filter((id) => !wishes.without?.includes(id)).map((id) => startWorker(id)),
    );
  } catch (error) {
    await processes.stopAll();
    if (!wishes.sandbox) await sandbox.stop();
    throw error;
  }
  return {
    name,
    folder,
    federation,
    layout,
    sandbox,
    exchange,
    privateStore,
    client,
    worker,
    startWorker,
    endWorker: async (id, signal) => {
      const { pid, exited } = worker(id);
      process.kill(pid, signal);
      await exited;
    },
    start,
    planOf,
    run: async (input = {}, approve = true) => {
      const handle = await start(input);
      const plan = await planOf(handle);
      if (approve)
        await Promise.all(plan.affected.map((authority) => decide(authority, plan.planDigest, { choose: 0 })));
      return (await handle.result()) as RunResult;
    },
    sheet,
    status,
    decide,
    say,
    plan: async (ref) => Plan.parse(JSON.parse(new TextDecoder().decode((await exchange.get(ref.ref)) ?? undefined))),
    events: async ({ workflowId }, authority) => {
      const history = await client(authority).workflow.getHandle(workflowId).fetchHistory();
      return history.events?.length ?? 0;
    },
    idle,
    logs: async () => {
      const logFolder = path.join(root, 'logs');
      const texts = await Promise.all(
        (await readdir(logFolder)).map((file) => readFile(path.join(logFolder, file), 'utf8')),
      );
      return texts.join('\n');
    },
    stop: async () => {
      // A run that waits keeps nobody: the server forgets it, and the workers end in order.
      await processes.stopAll();
      await leaveRemains({
        name,
        federation,
        sandbox,
        environments: [sandbox.aws, sandbox.entra, sandbox.keystone].map(({ environment }) => environment),
        keysFolder: layout.keysFolder,
        exchangeLocation: layout.exchangeLocation,
        logFolder: path.join(root, 'logs'),
      });
      if (!wishes.sandbox) await sandbox.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}
