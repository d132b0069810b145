/**
 * Named processes on this machine, for the demo and `concordat dev`: started with exactly the environment they are given,
 * ready when they say so, their output in a log file, stopped in the reverse order. None outlives this process.
 *
 * A process says that it is ready with one line of JSON on standard output, `{"ready":true,...}`.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConcordatError } from '../../core/errors.js';
import { childEnvironment } from './child-environment.js';
import { startWatched, type WatchedProcess } from './watched-process.js';

export interface ProcessOptions {
  /** Unique among the running; also the name of the log file. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Added to the few names of child-environment.ts; nothing else is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  readonly readyWithinMs?: number;
  readonly graceMs?: number;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** The line with which it said that it is ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Resolves with the exit code, whoever ended it. */
  readonly exited: Promise<number>;
  /** The last lines of its output. */
  tail(): readonly string[];
  stop(): Promise<void>;
}

export interface Processes {
  /** Throws `processFailed` with the tail of the log where the process ends or stays silent instead of being ready. */
  start(options: ProcessOptions): Promise<RunningProcess>;
  running(): readonly RunningProcess[];
  /** Stops all, the last started first. Safe to call twice, also while one is being started. */
  stopAll(): Promise<void>;
}

const tailLines = 40;

export function superviseProcesses(options: {
  readonly logFolder: string;
  /** Told when a process that was ready ends without having been stopped. */
  readonly onUnexpectedEnd?: (process: RunningProcess, code: number) => void;
  /** Stops all when it is aborted, as the first Ctrl-C does. */
  readonly signal?: AbortSignal;
}): Processes {
  const started = new Map<string, { stop(): Promise<void>; readonly running?: RunningProcess }>();
  let stops = 0;

  async function start(wanted: ProcessOptions): Promise<RunningProcess> {
    const { name } = wanted;
    if (options.signal?.aborted)
      throw new ConcordatError('processFailed', `${name} was not started: the command was stopped`);
    const stopsBefore = stops;
    if (started.has(name)) throw new ConcordatError('processFailed', `${name} is running already`);
    await mkdir(options.logFolder, { recursive: true });
    const logFile = join(options.logFolder, `${name}.log`);
    const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    // A full disk must not end the demo; the tail in memory stays.
    log.on('error', () => {});
    const recent: string[] = [];
    let sawReady: (message: Readonly<Record<string, unknown>>) => void = () => {};
    const ready = new Promise<Readonly<Record<string, unknown>>>((resolve) => (sawReady = resolve));
    const keep = (line: string) => {
      log.write(`${line}\n`);
      recent.push(line);
      if (recent.length > tailLines) recent.shift();
    };

    let watched: WatchedProcess;
    try {
      watched = await startWatched({
        command: wanted.command,
        arguments: wanted.arguments,
        environment: childEnvironment(wanted.environment),
        ...(wanted.workingFolder === undefined ? {} : { workingFolder: wanted.workingFolder }),
        ...(wanted.graceMs === undefined ? {} : { graceMs: wanted.graceMs }),
        onStdoutLine: (line) => {
          keep(line);
          const message = readyMessage(line);
          if (message) sawReady(message);
        },
        onStderrLine: keep,
      });
    } catch (error) {
      log.end();
      throw new ConcordatError('processFailed', `${name} could not be started`, { cause: error });
    }
    const exited = watched.exited.then(async (code) => {
      started.delete(name);
      await ended(log);
      return code;
    });
    let stopped = false;
    const stop = async () => {
      stopped = true;
      await watched.stop();
      await exited;
    };
    started.set(name, { stop });
    // All were stopped while the shell came up: this one was not among them yet.
    if (stops > stopsBefore) await stop();

    const withinMs = wanted.readyWithinMs ?? 60_000;
    const outcome = await firstOf(ready, watched.exited, withinMs);
    if (outcome.kind !== 'ready' || stops > stopsBefore) {
      await stop();
      const what =
        outcome.kind === 'exited'
          ? `${name} ended with code ${outcome.code} before it was ready`
          : outcome.kind === 'late'
            ? `${name} was not ready within ${Math.round(withinMs / 1_000)} s`
            : `${name} was stopped while it started`;
      throw new ConcordatError('processFailed', [`${what}; its log is ${logFile}`, ...recent.slice(-12)].join('\n  '));
    }

    const running: RunningProcess = {
      name,
      pid: watched.pid,
      logFile,
      ready: outcome.message,
      exited,
      tail: () => [...recent],
      stop,
    };
    if (started.has(name)) started.set(name, { stop, running });
    void exited.then((code) => {
      if (!stopped) options.onUnexpectedEnd?.(running, code);
    });
    return running;
  }

  async function stopAll(): Promise<void> {
    stops++;
    for (const entry of [...started.values()].reverse()) await entry.stop();
  }
  options.signal?.addEventListener('abort', () => void stopAll(), { once: true });

  return {
    start,
    running: () => [...started.values()].flatMap((entry) => entry.running ?? []),
    stopAll,
  };
}

type Outcome =
  | { readonly kind: 'ready'; readonly message: Readonly<Record<string, unknown>> }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'late' };

async function firstOf(
  ready: Promise<Readonly<Record<string, unknown>>>,
  exited: Promise<number>,
  withinMs: number,
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      ready.then((message): Outcome => ({ kind: 'ready', message })),
      exited.then((code): Outcome => ({ kind: 'exited', code })),
      new Promise<Outcome>((resolve) => {
        timer = setTimeout(() => resolve({ kind: 'late' }), withinMs);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function readyMessage(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== 'object' || parsed === null || !('ready' in parsed) || parsed.ready !== true)
      return undefined;
    return { ...parsed };
  } catch {
    return undefined;
  }
}

function ended(stream: WriteStream): Promise<void> {
  return new Promise((resolve) => stream.end(() => resolve()));
}
