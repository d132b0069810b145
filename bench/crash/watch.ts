/** What is seen of a federation from outside while its processes die: files, pending activities, memory. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type Connection } from '@temporalio/client';
import type { LocalRuns } from '../whole-run/local-runs.js';
import { usageOf } from '../whole-run/local-runs.js';

/** A file as it was put: written again it would have another number or time. */
interface Put {
  readonly inode: number;
  readonly modifiedMs: number;
  readonly bytes: number;
}
export type Files = ReadonlyMap<string, Put>;

/** All files below a folder, by their path in it. */
export function filesIn(folder: string): Files {
  const found = new Map<string, Put>();
  const visit = (inside: string): void => {
    let entries;
    try {
      entries = readdirSync(path.join(folder, inside), { withFileTypes: true });
    } catch {
      return;
    }
    for (const entry of entries) {
      const name = path.join(inside, entry.name);
      if (entry.isDirectory()) visit(name);
      else {
        try {
          const { ino, mtimeMs, size } = statSync(path.join(folder, name));
          found.set(name, { inode: ino, modifiedMs: mtimeMs, bytes: size });
        } catch {
          // Removed meanwhile.
        }
      }
    }
  };
  visit('');
  return found;
}

export function bytesOf(files: Files): number {
  return [...files.values()].reduce((sum, { bytes }) => sum + bytes, 0);
}

/** How many of these files are there still, put no second time. */
export function keptOf(before: Files, after: Files): number {
  return [...before].filter(([name, put]) => {
    const now = after.get(name);
    return now?.inode === put.inode && now.modifiedMs === put.modifiedMs && now.bytes === put.bytes;
  }).length;
}

/** Asks until it is told something. Throws after an hour. */
export async function until<Value>(
  what: string,
  ask: () => Promise<Value | undefined> | Value | undefined,
  everyMs = 20,
): Promise<Value> {
  const untilMs = Date.now() + 3_600_000;
  for (;;) {
    const told = await ask();
    if (told !== undefined) return told;
    if (Date.now() > untilMs) throw new Error(`waited for an hour: ${what}`);
    await delay(everyMs);
  }
}

const isStarted = 2;

/** The details of the heartbeat of an activity that is under way; null where it told none; undefined where it is not under way. */
export async function pendingActivity(
  connection: Connection,
  namespace: string,
  workflowType: string,
  activity: string,
): Promise<Readonly<Record<string, unknown>> | null | undefined> {
  const { workflow } = new Client({ connection, namespace });
  for await (const { workflowId } of workflow.list({
    query: `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'`,
  })) {
    const { raw } = await workflow.getHandle(workflowId).describe();
    const pending = raw.pendingActivities?.find(
      ({ activityType, state }) => activityType?.name === activity && Number(state) === isStarted,
    );
    if (!pending) continue;
    const data = pending.heartbeatDetails?.payloads?.[0]?.data;
    return data ? (JSON.parse(Buffer.from(data).toString()) as Readonly<Record<string, unknown>>) : null;
  }
  return undefined;
}

/** Whether a workflow of the type is under way. */
export async function isUnderWay(connection: Connection, namespace: string, workflowType: string): Promise<boolean> {
  const { workflow } = new Client({ connection, namespace });
  for await (const _ of workflow.list({ query: `WorkflowType = '${workflowType}' AND ExecutionStatus = 'Running'` }))
    return true;
  return false;
}

export interface Life {
  readonly name: string;
  readonly pid: number;
  peakMb: number;
  processorSeconds: number;
}

/** The peak of every process, of those that die too. */
export function watchMemory({ local }: LocalRuns): { readonly lives: readonly Life[]; readonly end: () => void } {
  const lives: Life[] = [];
  const look = (): void => {
    for (const { name, pid } of local.processes.running()) {
      let life = lives.find((one) => one.pid === pid);
      if (!life) lives.push((life = { name, pid, peakMb: 0, processorSeconds: 0 }));
      try {
        const usage = usageOf(pid);
        // What has just ended says nothing of its memory any more.
        if (Number.isFinite(usage.peakMb)) Object.assign(life, usage);
      } catch {
        // It has just ended.
      }
    }
  };
  const timer = setInterval(look, 100);
  return { lives, end: () => clearInterval(timer) };
}
