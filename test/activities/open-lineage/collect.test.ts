/** Which runs are told, when and how often, whatever fails between Temporal, the stores and a restart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadFederation } from '../../../activities/federation-folder/load.js';
import {
  createCollector,
  lookBackMs,
  type Collector,
  type ListedRun,
  type RunLeavings,
} from '../../../activities/open-lineage/collect.js';
import { createOutbox, waitingMax, type Outbox } from '../../../activities/open-lineage/outbox.js';
import { createFileStore } from '../../../activities/store-files.js';
import type { RunEvent } from '../../../core/open-lineage/run-event.js';

const loaded = await loadFederation(
  fileURLToPath(new URL('../../../examples/01-workforce/federation', import.meta.url)),
);
if (loaded.kind === 'invalid') throw new Error('the example does not load');
const { federation } = loaded;

let folder: string;
let outbox: Outbox;
let nowMs: number;
/** What the server would list, by the id of the execution. */
const server = new Map<string, ListedRun>();
let leave: (run: ListedRun) => Promise<RunLeavings>;
let asked: number[];
const going = new AbortController().signal;
const nothing: RunLeavings = { result: null, progress: null, code: null };

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'concordat-collect-'));
  outbox = createOutbox(createFileStore(folder));
  nowMs = Date.parse('2026-11-22T10:00:00Z');
  server.clear();
  asked = [];
  leave = () => Promise.resolve(nothing);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const collectorOver = (over: Outbox = outbox): Collector =>
  createCollector({
    federation,
    exchange: createFileStore(folder),
    outbox: over,
    runs: {
      async *list(sinceMs) {
        asked.push(sinceMs);
        for (const run of server.values()) if (!run.end || run.end.atMs >= sinceMs) yield await Promise.resolve(run);
      },
      leavings: (run) => leave(run),
    },
    version: '0.1.0',
    jobNamespace: null,
    now: () => nowMs,
  });
const begin = (id: string, dataset = 'workforce'): void =>
  void server.set(id, {
    workflowId: `reconcile/${dataset}`,
    workflowRunId: id,
    dataset,
    startedAtMs: nowMs,
    end: null,
  });
const finish = (id: string): void => {
  const run = server.get(id);
  if (!run) throw new Error(`no run ${id}`);
  server.set(id, { ...run, end: { atMs: nowMs, ending: 'completed' } });
};
const typesWaiting = async (): Promise<readonly string[]> => {
  const types: string[] = [];
  for (const name of await outbox.waiting())
    types.push((JSON.parse(new TextDecoder().decode((await outbox.read(name)) ?? undefined)) as RunEvent).eventType);
  return types;
};

describe('runs that are told', () => {
  it('START as soon as a run goes on, its end when it has ended, each once', async () => {
    const collector = collectorOver();
    await collector.collect(going);
    begin('a');
    nowMs += 1_000;
    expect(await collector.collect(going)).toMatchObject({ added: 1 });
    nowMs += 1_000;
    expect(await collector.collect(going)).toMatchObject({ added: 0 });
    finish('a');
    expect(await collector.collect(going)).toMatchObject({ added: 1 });
    expect(await collector.collect(going)).toMatchObject({ added: 0 });
    expect(await typesWaiting()).toEqual(['START', 'COMPLETE']);
  });

  it('both events of a run that began and ended between two looks', async () => {
    const collector = collectorOver();
    await collector.collect(going);
    begin('a');
    nowMs += 50;
    finish('a');
    expect(await collector.collect(going)).toMatchObject({ added: 2 });
  });

  it('the same by a worker that started anew, also of what ended while none was there', async () => {
    await collectorOver().collect(going);
    begin('a');
    finish('a');
    await collectorOver().collect(going);
    for (const name of await outbox.waiting()) await outbox.markPosted(name);
    nowMs += 3 * 86_400_000;
    begin('b');
    finish('b');
    nowMs += 3 * 86_400_000;
    expect(await collectorOver().collect(going)).toMatchObject({ added: 2 });
    expect(await typesWaiting()).toEqual(['START', 'COMPLETE']);
  });

  it('none that ended before events were switched on, and none of a dataset that the folder does not have', async () => {
    begin('old');
    finish('old');
    nowMs += 60_000;
    begin('other', 'payroll');
    expect(await collectorOver().collect(going)).toMatchObject({ added: 0, failed: [] });
  });

  it('asks the server for no more than what ended lately, and for a week after a long absence', async () => {
    const collector = collectorOver();
    await collector.collect(going);
    const switchedOnMs = nowMs;
    nowMs += 86_400_000;
    await collector.collect(going);
    nowMs += 60_000;
    await collector.collect(going);
    expect(asked).toEqual([switchedOnMs, switchedOnMs, nowMs - 60_000 - 300_000]);
    nowMs += 2 * lookBackMs;
    await collectorOver().collect(going);
    expect(asked.at(-1)).toBe(nowMs - lookBackMs);
  });
});

describe('what fails', () => {
  it('for one run keeps no other from being told, and is tried again', async () => {
    const collector = collectorOver();
    await collector.collect(going);
    begin('bad');
    finish('bad');
    begin('good');
    finish('good');
    leave = (run) => (run.workflowRunId === 'bad' ? Promise.reject(new Error('deadline')) : Promise.resolve(nothing));
    expect(await collector.collect(going)).toMatchObject({ added: 3, failed: [{ workflowRunId: 'bad', code: null }] });
    leave = () => Promise.resolve(nothing);
    nowMs += 3_600_000;
    expect(await collector.collect(going)).toMatchObject({ added: 1, failed: [] });
  });

  it('to be a result of a run costs its facts and not its event', async () => {
    const collector = collectorOver();
    await collector.collect(going);
    begin('a');
    finish('a');
    leave = () => Promise.resolve({ ...nothing, result: { outcome: 'ada@example.org' } });
    await collector.collect(going);
    const [, end = ''] = await outbox.waiting();
    const text = new TextDecoder().decode((await outbox.read(end)) ?? undefined);
    expect(text).toContain('"ending":"completed"');
    expect(text).not.toContain('ada@');
  });

  it('by a full outbox leaves runs where Temporal keeps them until there is room', async () => {
    let waiting: readonly string[] = [];
    const full: Outbox = { ...outbox, waiting: () => Promise.resolve(waiting) };
    const collector = collectorOver(full);
    await collector.collect(going);
    waiting = Array.from({ length: waitingMax - 1 }, (_, number) => String(number));
    begin('a');
    finish('a');
    expect(await collector.collect(going)).toMatchObject({ added: 0, full: true });
    nowMs += 86_400_000;
    waiting = [];
    expect(await collector.collect(going)).toMatchObject({ added: 2, full: false });
  });
});
