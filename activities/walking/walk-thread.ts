/** The body of a thread that walks some ranges of sealed records (walk-in-threads.ts). It is loaded as a file of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { ConcordatError } from '../../core/errors.js';
import { openStore } from '../store-location.js';
import { createSegmentReader } from '../sealing/segment-reader.js';
import { walkDiffering, type Differing } from '../sealing/walk-differing.js';
import { messagesAhead, recordsPerMessage, type ThreadMessage, type ThreadTask } from './walk-protocol.js';

const { location, prefixes, participants, groups, unanimous, parts } = workerData as ThreadTask;
let room = messagesAhead;
let roomMade: (() => void) | undefined;
parentPort?.on('message', () => {
  room += 1;
  roomMade?.();
});

async function say(message: ThreadMessage): Promise<void> {
  while (room <= 0)
    await new Promise<void>((resolve) => {
      roomMade = resolve;
    });
  room -= 1;
  parentPort?.postMessage(message);
}

try {
  const reader = createSegmentReader({ store: openStore(location), prefixes });
  for (const ranges of parts) {
    let records: Differing[] = [];
    let passed = 0;
    const onUnanimous = (count: number): void => void (passed += count);
    const options = { participants, groups, reader, ranges, onUnanimous, ...(unanimous ? { unanimous } : {}) };
    for await (const record of walkDiffering(options)) {
      records.push(record);
      if (records.length < recordsPerMessage) continue;
      await say({ kind: 'some', records });
      records = [];
    }
    if (records.length > 0) await say({ kind: 'some', records });
    await say({ kind: 'partEnd', unanimous: passed });
  }
} catch (error) {
  const code = error instanceof ConcordatError ? error.code : null;
  await say({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
}
parentPort?.close();
