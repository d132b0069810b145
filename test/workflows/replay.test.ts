/**
 * Histories that were recorded once are replayed against the workflows as they are now: a change that would break a run
 * under way, or a review that has been open for days, fails here.
 *
 * After a change that is meant to break them, and is released with a new worker version, record them anew:
 * CONCORDAT_RECORD_HISTORIES=1 npx vitest run test/workflows/replay.test.ts
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  reconcileWorkflowId,
  reviewWorkflowId,
  scheduledWorkflowId,
  stepWorkflowId,
  taskQueue,
} from '../../core/names.js';
import type { RunResult } from '../../workflows/messages.js';
import { awsUser, keystoneUser, seededPerson, seedEqual } from '../support/equal-clouds.js';
import { dataset, startFederation, type LocalFederation } from '../support/local-federation.js';
import { builtProgram } from '../support/temporal.js';

const folder = fileURLToPath(new URL('../histories', import.meta.url));
type Bundle = 'federation' | 'authority';

async function record(local: LocalFederation, bundle: Bundle, name: string, workflowId: string): Promise<void> {
  const client = local.client(bundle === 'federation' ? undefined : 'aws');
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  // Who ran it on which machine is nobody's business, and changes nothing.
  const text = historyToJSON(history).replace(/"identity":"[^"]*"/g, '"identity":"recorded"');
  expect(text).not.toContain(seededPerson(0).displayName.slice(0, -2));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${bundle}.${name}.json`), `${text}\n`);
}

describe.runIf(process.env['CONCORDAT_RECORD_HISTORIES'] === '1')('recording', () => {
  it('makes the histories of a first run, an approved one, a pending one and a withdrawn review', async () => {
    const local = await startFederation({
      members: ['aws', 'sov'],
      edit: (_file, text) =>
        text
          .replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }')
          .replace('waitInRun: 1h', 'waitInRun: 1m'),
    });
    try {
      seedEqual(local.sandbox, 4);
      const reconcile = reconcileWorkflowId(dataset);
      const first = await local.run();
      await record(local, 'federation', 'reconcile-first', reconcile);
      await record(local, 'authority', 'snapshot', stepWorkflowId('snapshot', dataset, first.run));
      await record(local, 'authority', 'witness', stepWorkflowId('witness', dataset, first.run));

      keystoneUser(local.sandbox, 0).extra['department'] = 'Archive';
      local.sandbox.aws.server.state.setTag(awsUser(local.sandbox, 1), 'displayName', 'Quillan Other');
      const handle = await local.start();
      const plan = await local.planOf(handle);
      await local.decide('aws', plan.planDigest, { by: 'signal' });
      await local.decide('sov', plan.planDigest);
      const approved = (await handle.result()) as RunResult;
      await local.idle();
      await record(local, 'federation', 'reconcile-approved', reconcile);
      await record(local, 'authority', 'review-approved', reviewWorkflowId(dataset, plan.planDigest));
      await record(local, 'authority', 'commit', stepWorkflowId('commit', dataset, approved.run));

      keystoneUser(local.sandbox, 2).extra['department'] = 'Archive';
      const pending = await local.run({ noWait: true }, false);
      await record(local, 'federation', 'reconcile-pending', reconcile);
      const cancelled = await local.start();
      await local.planOf(cancelled);
      await local.sheet('aws', pending.plan.planDigest);
      await cancelled.cancel();
      await cancelled.result().catch(() => undefined);
      await local.client('aws').workflow.getHandle(reviewWorkflowId(dataset, pending.plan.planDigest)).result();
      await record(local, 'federation', 'reconcile-cancelled', reconcile);
      await record(local, 'authority', 'review-withdrawn', reviewWorkflowId(dataset, pending.plan.planDigest));

      const scheduled = scheduledWorkflowId(dataset);
      await local.client().workflow.execute('scheduledRun', { workflowId: scheduled, taskQueue, args: [{ dataset }] });
      await record(local, 'federation', 'scheduled-run', scheduled);
    } finally {
      await local.stop();
    }
  }, 180_000);
});

describe('recorded histories', () => {
  let dist = '';
  beforeAll(async () => {
    Runtime.install({
      logger: new DefaultLogger('ERROR'),
      telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
    });
    dist = await builtProgram();
  });
  const optionsOf = (file: string): ReplayWorkerOptions => ({
    workflowBundle: { codePath: path.join(dist, 'bundles', `${file.split('.')[0] ?? ''}-workflows.cjs`) },
  });
  const historyOf = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(path.join(folder, file), 'utf8')) as unknown;

  it('replay on the workflows of today, each of them', async () => {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
    expect(files.length).toBeGreaterThanOrEqual(10);
    for (const file of files)
      await expect(Worker.runReplayHistory(optionsOf(file), await historyOf(file)), file).resolves.toBeUndefined();
  }, 120_000);

  it('are told from the history of other code', async () => {
    const file = 'authority.snapshot.json';
    const text = (await readFile(path.join(folder, file), 'utf8')).replaceAll('"readPages"', '"readEverything"');
    const other: unknown = JSON.parse(text);
    await expect(Worker.runReplayHistory(optionsOf(file), other)).rejects.toMatchObject({
      name: 'DeterminismViolationError',
    });
  }, 60_000);
});
