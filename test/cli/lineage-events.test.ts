/** `concordat lineage-events` over an outbox on this machine: no server, no federation that works. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { createOutbox, eventName, type Outbox } from '../../activities/open-lineage/outbox.js';
import { createFileStore } from '../../activities/store-files.js';
import { checkLineageEvents } from '../../cli/reading/lineage-events.js';
import { layoutOf } from '../../cli/local/layout.js';
import type { EventType, RunEvent } from '../../core/open-lineage/run-event.js';
import { runCommand } from '../support/run-command.js';
import { scratchFolderForFile } from '../support/scratch-folder.js';

const scratch = scratchFolderForFile();
let folder: string;
let outbox: Outbox;
let number = 0;

beforeEach(async () => {
  number += 1;
  folder = path.join(scratch, `federation-${number}`);
  await mkdir(folder, { recursive: true });
  outbox = createOutbox(createFileStore(layoutOf(folder, {}).exchangeLocation));
});

const run = (...argv: string[]) =>
  runCommand(['--federation', folder, 'lineage-events', ...argv], { workingFolder: folder });
const check = () => checkLineageEvents(layoutOf(folder, {}));
const eventOf = (eventType: EventType): RunEvent => ({
  eventType,
  eventTime: '2026-11-22T10:00:00.000Z',
  producer: 'urn:concordat:producer:0.1.0',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: '886313e1-3b8a-5372-9b90-0c9aee199e5d', facets: {} },
  job: { namespace: 'concordat://demo', name: 'workforce.reconcile', facets: {} },
  inputs: [],
  outputs: [],
});

it('has nothing to say where no event ever was', async () => {
  expect(await run()).toMatchObject({ code: 0, stdout: 'no events wait\n' });
  expect(await check()).toEqual([]);
});

it('counts what waits, and is content', async () => {
  await outbox.add(eventOf('START'));
  expect(await run()).toMatchObject({ code: 0, stdout: '1 event waits, the oldest of 2026-11-22T10:00:00.000Z\n' });
  expect(await check()).toMatchObject([{ state: 'ok' }]);
});

it('says why nothing goes out: broken where a key is wrong, unknown where it passes by itself', async () => {
  await outbox.add(eventOf('START'));
  const since = '2026-11-22T10:00:01.000Z';
  await outbox.setTrouble({ kind: 'closed', status: 401, reason: null, since });
  expect(await run()).toMatchObject({ code: 1 });
  expect((await run()).stdout).toContain('the endpoint answers 401, the key is not accepted');
  expect(await check()).toMatchObject([
    { state: 'broken', next: expect.stringContaining('OPENLINEAGE_API_KEY') as string },
  ]);
  await outbox.setTrouble({ kind: 'unreachable', status: null, reason: 'noAnswer', since });
  expect(await check()).toMatchObject([{ state: 'unknown' }]);
});

it('shows what was refused, with control characters made visible, and puts it back on demand', async () => {
  const event = eventOf('COMPLETE');
  await outbox.add(event);
  await outbox.refuse(eventName(event), { status: 422, answer: 'bad \u001b[31mfacet', at: '2026-11-22T10:00:02.000Z' });
  const shown = await run();
  expect(shown.code).toBe(1);
  expect(shown.stdout).toContain('422 bad');
  expect(shown.stdout).not.toContain('\u001b[31mfacet');
  expect(await check()).toMatchObject([{ state: 'broken' }]);
  const { refused } = JSON.parse((await run('--json')).stdout) as { refused: object[] };
  expect(refused).toMatchObject([{ kind: 'END', status: 422, runId: event.run.runId }]);
  const retried = await run('--retry');
  expect(retried).toMatchObject({ code: 0 });
  expect(retried.stdout).toContain('1 event put back to wait\n');
  expect(await outbox.waiting()).toEqual([eventName(event)]);
});
