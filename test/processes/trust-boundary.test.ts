/**
 * What the coordinator could know: its environment, its arguments, everything in every history, every log. None of it may
 * hold a credential, a key, a native id or anything about a person. The same federation shows that histories do not grow
 * with the number of records.
 */
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkflowHandle } from '@temporalio/client';
import { signCompact } from '../../activities/keys/sign.js';
import { approverKeyFile, readKeyFile } from '../../activities/keys/private-key.js';
import { linkStatementType } from '../../core/decision.js';
import { taskQueue } from '../../core/names.js';
import { startSandbox, type Sandbox } from '../../sandbox/start.js';
import type { RunResult } from '../../workflows/messages.js';
import { awsUser, entraUser, keystoneUser, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';
import { scratchFolderForFile } from '../support/scratch-folder.js';
import { runWorker } from '../support/run-worker.js';

const authorities = ['aws', 'azure', 'sov'] as const;
let sandbox: Sandbox;
let local: LocalFederation;
const people = 14;

/** Every secret, native id and personal value that the clouds and keys hold. Words shorter than five letters say nothing. */
async function forbiddenWords(): Promise<ReadonlySet<string>> {
  const words = new Set<string>();
  const add = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= 5) words.add(value);
  };
  const { population } = sandbox;
  for (const person of population?.people ?? []) {
    for (const value of [person.displayName, person.mail, person.mail.toLowerCase(), person.employeeId, person.surname])
      add(value);
  }
  for (const { handle, description } of population?.teams ?? []) [handle, description].forEach(add);
  for (const user of sandbox.aws.server.state.users.all()) [user.id, user.name].forEach(add);
  for (const group of sandbox.aws.server.state.groups.all()) add(group.id);
  for (const user of sandbox.entra.server.state.listUsers())
    [user.id, user.properties['userPrincipalName']].forEach(add);
  for (const group of sandbox.entra.server.state.listGroups()) add(group.id);
  for (const user of sandbox.keystone.server.state.users.all()) [user.id, user.name].forEach(add);
  for (const group of sandbox.keystone.server.state.groups.all()) add(group.id);
  for (const cloud of [sandbox.aws, sandbox.entra, sandbox.keystone])
    for (const [name, value] of Object.entries(cloud.environment)) if (isSecretName(name)) add(value);
  for (const key of await keyTexts()) add(key);
  // Everybody is called that somewhere: names of the program itself.
  for (const own of ['concordat', 'administrators']) words.delete(own);
  return words;
}
const isSecretName = (name: string): boolean => /SECRET|PASSWORD|KEY/.test(name);

async function keyTexts(): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const file of await readdir(local.layout.keysFolder, { recursive: true }))
    if (file.endsWith('.key.json'))
      texts.push((JSON.parse(await readFile(path.join(local.layout.keysFolder, file), 'utf8')) as { d: string }).d);
  expect(texts.length).toBeGreaterThan(12);
  return texts;
}

/** All payloads of all workflows of a namespace as the server keeps them: JSON payloads are base64 in the raw form. */
async function historyTexts(authority?: string): Promise<readonly string[]> {
  const client = local.client(authority);
  const texts: string[] = [];
  for await (const execution of client.workflow.list({})) {
    const handle = client.workflow.getHandle(execution.workflowId, execution.runId);
    const history = await handle.fetchHistory();
    texts.push(execution.workflowId, readable(history), JSON.stringify(execution.memo ?? {}));
    texts.push(JSON.stringify(execution.typedSearchAttributes.getAll().map(({ value }) => String(value))));
  }
  return texts;
}

/** Payload bytes as text, wherever they stand in an event. */
type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

function readable(history: History): string {
  return JSON.stringify(history, (_key, value: unknown) => {
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value)
      return Buffer.from(value.data as number[]).toString();
    return value;
  });
}

function found(words: ReadonlySet<string>, texts: readonly string[]): readonly string[] {
  return [...words].filter((word) => texts.some((text) => text.includes(word)));
}

async function environmentOf(id: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(`/proc/${local.worker(id).pid}/environ`, 'utf8');
  const pairs = text.split('\0').filter((line) => line.includes('='));
  return Object.fromEntries(pairs.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** How many events there are of each kind, without those that only tell when a worker woke up. */
async function eventsOf(handle: { readonly workflowId: string }): Promise<{ all: number; steps: readonly string[] }> {
  const history = await local.client().workflow.getHandle(handle.workflowId).fetchHistory();
  const names = (history.events ?? []).map(
    (event) => Object.entries(event).find(([name, value]) => name.endsWith('EventAttributes') && value)?.[0] ?? '',
  );
  return { all: names.length, steps: names.filter((name) => !name.startsWith('workflowTask')).sort() };
}

describe('the trust boundary', () => {
  beforeAll(async () => {
    sandbox = await startSandbox({ folder: scratchFolderForFile(), people, teams: 2 });
    local = await startFederation({
      sandbox,
      edit: (_file, text) =>
        text
          .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
          .replace('waitInRun: 1h', 'waitInRun: 3m'),
    });
    const first = await local.run();
    expect(first.plan.cases).toBeGreaterThan(0);
    expect(first.commits.length).toBeGreaterThan(0);
    const [open] = (await local.plan(first.plan.plan)).cases;
    if (!open) throw new Error('the population has no case');
    const statement = {
      kind: 'link',
      authority: open.authority,
      type: open.type,
      record: open.record,
      to: open.candidates[0]?.key,
    };
    const key = await readKeyFile(approverKeyFile(local.folder, 'you'));
    if (!key) throw new Error('no key');
    const jws = await signCompact(
      { federation: local.name, dataset, approver: 'you', statement, issuedAtMs: Date.now() },
      { typ: linkStatementType, key },
    );
    await local.client(open.authority).workflow.execute('link', {
      workflowId: 'link/1',
      taskQueue,
      args: [{ dataset, jws }],
    });
    await local.run();
    // Conflicts, deletions and people who move: everything a plan can hold passes through the histories.
    for (const cloud of [sandbox.aws, sandbox.keystone]) cloud.server.faults.clear();
    const [torn] = sandbox.aws.server.state.users
      .all()
      .filter(({ tags }) => tags.some(({ key: tag }) => tag === 'email'));
    if (torn) sandbox.aws.server.state.setTag(torn, 'email', 'somebody.else.aws@example.org');
    await local.run();
  });
  afterAll(async () => {
    await local?.stop();
    await sandbox?.stop();
  });

  it('keeps credentials, keys and private folders out of the federation worker', async () => {
    const environment = await environmentOf('federation');
    const names = Object.keys(environment).filter(
      (name) => !/^(PATH|HOME|USER|LANG|TZ|TMPDIR|LC_|NO_COLOR|PWD|SHLVL|_|OLDPWD)/.test(name),
    );
    expect(names.filter((name) => !/proxy|CERT/i.test(name)).sort()).toEqual([
      'CONCORDAT_EXCHANGE',
      'CONCORDAT_FEDERATION',
      'TEMPORAL_ADDRESS',
    ]);
    const command = await readFile(`/proc/${local.worker('federation').pid}/cmdline`, 'utf8');
    expect(found(await forbiddenWords(), [JSON.stringify(environment), command])).toEqual([]);
  });

  it.each(authorities)('gives the worker of %s its own credentials and no others', async (id) => {
    const text = JSON.stringify(await environmentOf(id));
    const own = { aws: sandbox.aws, azure: sandbox.entra, sov: sandbox.keystone }[id].environment;
    for (const cloud of [sandbox.aws, sandbox.entra, sandbox.keystone])
      for (const [name, value] of Object.entries(cloud.environment))
        if (isSecretName(name)) expect(text.includes(value)).toBe(cloud.environment === own);
    for (const other of authorities.filter((one) => one !== id))
      expect(text).not.toContain(local.layout.privateFolder(other));
  });

  it.each(['CONCORDAT_KEYS', 'CONCORDAT_PRIVATE'])('starts no federation worker that is given %s', async (name) => {
    const ended = await runWorker(['--federation'], {
      CONCORDAT_FEDERATION: local.folder,
      CONCORDAT_EXCHANGE: local.layout.exchangeLocation,
      [name]: local.folder,
    });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`${name} must not be given to the federation worker`);
  });

  it('finds what it looks for: the search sees a name where one is', async () => {
    const words = await forbiddenWords();
    expect(words.size).toBeGreaterThan(people * 4);
    const [word = ''] = words;
    const payloads = [{ data: new TextEncoder().encode(JSON.stringify({ leaked: word })) }];
    const history = { events: [{ workflowExecutionStartedEventAttributes: { input: { payloads } } }] } as History;
    expect(found(words, [readable(history)])).toContain(word);
  });

  it('keeps everything about people, accounts and secrets out of the histories of every namespace', async () => {
    const words = await forbiddenWords();
    for (const authority of [undefined, ...authorities]) {
      const texts = await historyTexts(authority);
      expect(texts.length).toBeGreaterThan(8);
      expect(found(words, texts), authority ?? 'the federation').toEqual([]);
    }
  });

  it('keeps all of it out of the logs', async () => {
    const logs = await local.logs();
    expect(logs).toContain('worker polls');
    expect(found(await forbiddenWords(), [logs])).toEqual([]);
  });

  it('writes the same number of events for 20 people and for 200, with differences and without', async () => {
    const runWith = async (
      count: number,
      changes: number,
    ): Promise<Readonly<Record<'quiet' | 'busy', Awaited<ReturnType<typeof eventsOf>>>>> => {
      seedEqual(sandbox, count);
      // Accounts that a worker made a moment ago may only seem absent, and it waits a minute for IAM to show them.
      await local.endWorker('aws', 'SIGTERM');
      await local.startWorker('aws');
      await local.run();
      const quiet = await local.start();
      expect((await quiet.result()) as RunResult).toMatchObject({ outcome: 'agreed', plan: { operations: 0 } });
      const quietEvents = await eventsOf(quiet);
      for (let number = 0; number < changes; number += 1) {
        awsUser(sandbox, number).tags.forEach((tag) => tag.key === 'department' && (tag.value = `Moved ${count}`));
        entraUser(sandbox, number).properties['department'] = `Moved ${count}`;
        sandbox.aws.server.state.setTag(awsUser(sandbox, number), 'displayName', `Renamed ${count}`);
        keystoneUser(sandbox, number).extra['display_name'] = `Renamed ${count}`;
        entraUser(sandbox, number).properties['mail'] = `moved${count}.${number}@example.org`;
      }
      const busy = await local.start();
      const plan = await local.planOf(busy);
      expect(plan.affected).toEqual([...authorities]);
      expect(plan.operations).toBeGreaterThanOrEqual(changes * 3);
      await Promise.all(plan.affected.map((authority) => local.decide(authority, plan.planDigest)));
      expect((await busy.result()) as RunResult).toMatchObject({ outcome: 'agreed', left: 0 });
      return { quiet: quietEvents, busy: await eventsOf(busy) };
    };
    const few = await runWith(20, 2);
    const many = await runWith(200, 20);
    console.log(
      `events: without differences ${few.quiet.all} for 20 people, ${many.quiet.all} for 200; with differences ${few.busy.all} and ${many.busy.all}`,
    );
    expect(many.quiet.steps).toEqual(few.quiet.steps);
    expect(many.busy.steps).toEqual(few.busy.steps);
    for (const { quiet, busy } of [few, many]) {
      expect(quiet.all).toBeLessThanOrEqual(60);
      expect(busy.all).toBeLessThanOrEqual(180);
    }
  }, 180_000);
});
