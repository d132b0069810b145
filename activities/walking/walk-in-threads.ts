/**
 * A walk over many records, parted among threads by ranges of the key hash: the thread that answers Temporal stays free, and
 * what several processors can do, they do. It yields what walkDiffering yields, in the same order.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ConcordatError } from '../../core/errors.js';
import { locationOf } from '../store-location.js';
import type { ObjectStore } from '../store.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { rangeCountOf, walkDiffering, type Differing, type WalkOptions } from '../sealing/walk-differing.js';
import type { ThreadMessage, ThreadTask } from './walk-protocol.js';

export interface WideWalkOptions extends Omit<WalkOptions, 'reader'> {
  readonly store: ObjectStore;
  readonly prefixes: readonly string[];
  /** At most so many; where absent, by how many records there are and what the machine has. */
  readonly threads?: number;
  /** Only tests give others: from how many records on, and the compiled body of a thread. */
  readonly recordsMin?: number;
  readonly threadFile?: string;
}

/** Fewer are walked where they are: they hold nobody up for long. */
const recordsMinDefault = 500_000;
/** A thread loads its modules and compiles for itself, which costs as much as walking millions: until then two take longer than one. */
const recordsPerThread = 5_000_000;
/** Each thread holds the columns of one segment a participant, as the walk itself does: about 80 MB. */
const threadsMax = 2;
/** Parts of a thread's ranges: the more there are, the less one waits for the other. */
const partsPerThread = 8;
const threadHeapMb = 256;

/** Where sources run as they are, there is no compiled file, and the walk stays here. */
const compiledThread = fileURLToPath(new URL('./walk-thread.js', import.meta.url));

export async function* walkWide(options: WideWalkOptions): AsyncGenerator<Differing> {
  const { store, prefixes, threadFile = compiledThread, ...walk } = options;
  const location = locationOf(store);
  const all = rangeCountOf(walk.participants);
  const { from, to } = walk.ranges ?? { from: 0, to: all };
  const ranges = to - from;
  if (ranges <= 0) return;
  const records = (recordsToWalk(walk) * ranges) / all;
  const isWorthIt = records >= (options.recordsMin ?? recordsMinDefault);
  const usual = Math.min(threadsMax, availableParallelism(), Math.max(1, Math.floor(records / recordsPerThread)));
  const threads = Math.min(options.threads ?? usual, ranges);
  if (location === undefined || !isWorthIt || threads < 1 || !existsSync(threadFile)) {
    yield* walkDiffering({ ...walk, reader: createSegmentReader({ store, prefixes }) });
    return;
  }
  const count = Math.min(ranges, threads * partsPerThread);
  const parts = Array.from({ length: count }, (_, part) => ({
    from: from + Math.floor((part * ranges) / count),
    to: from + Math.floor(((part + 1) * ranges) / count),
  }));
  const { participants, groups, unanimous, signal } = walk;
  const walkers = Array.from(
    { length: threads },
    (_, thread) =>
      new Walker(threadFile, {
        location,
        prefixes,
        participants,
        groups,
        ...(unanimous ? { unanimous } : {}),
        parts: parts.filter((__, part) => part % threads === thread),
      }),
  );
  const stop = (): void => walkers.forEach((walker) => walker.fail(abortedError(signal)));
  signal?.addEventListener('abort', stop);
  try {
    for (let part = 0; part < count; part += 1) {
      signal?.throwIfAborted();
      const walker = walkers[part % threads];
      for (;;) {
        const message = await walker?.next();
        if (message?.kind === 'partEnd') walk.onUnanimous?.(message.unanimous);
        if (message?.kind !== 'some') break;
        yield* message.records;
      }
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await Promise.all(walkers.map((walker) => walker.end()));
  }
}

function abortedError(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('the walk was cancelled');
}

/** How many records lie in segments that not all participants share: what equal digests pass over costs nothing. */
function recordsToWalk({ participants, unanimous }: Pick<WalkOptions, 'participants' | 'unanimous'>): number {
  const sharing = participants.filter(({ id, sealed }) => id !== unanimous?.base || sealed.count > 0).length;
  const holders = new Map<string, number>();
  const segments = participants.flatMap(({ sealed }) => sealed.segments);
  const nameOf = ({ keys, groups }: (typeof segments)[number]): string => [keys, ...groups].join();
  for (const segment of segments) holders.set(nameOf(segment), (holders.get(nameOf(segment)) ?? 0) + 1);
  return segments.reduce((sum, segment) => sum + (holders.get(nameOf(segment)) === sharing ? 0 : segment.count), 0);
}

/** One thread, and what it said that nobody has taken yet. */
class Walker {
  readonly #worker: Worker;
  readonly #said: ThreadMessage[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(threadFile: string, task: ThreadTask) {
    this.#worker = new Worker(threadFile, {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: threadHeapMb },
    });
    this.#worker.on('message', (message: ThreadMessage) => {
      this.#said.push(message);
      this.#wake?.();
    });
    this.#worker.on('error', (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on('exit', () => this.fail(new Error('a thread that walked sealed records ended early')));
  }

  /** Whoever waits is told; what was said before is still taken first. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
  }

  async next(): Promise<Exclude<ThreadMessage, { kind: 'failed' }>> {
    for (;;) {
      const message = this.#said.shift();
      if (message?.kind === 'failed')
        throw message.code === null ? new Error(message.message) : new ConcordatError(message.code, message.message);
      if (message) {
        this.#worker.postMessage('taken');
        return message;
      }
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
