/** What a person sees of long steps: from the heartbeats of a real server, in the namespaces that they may look into. */
import { Context } from '@temporalio/activity';
import { ServiceError, WorkflowClient } from '@temporalio/client';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import path from 'node:path';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { watchSteps } from '../../../cli/temporal/steps-under-way.js';
import { authorityNamespace, stepWorkflowId, taskQueue } from '../../../core/names.js';
import { datasetAttributes } from '../../../workers/search-attributes.js';
import { builtProgram, freshFederation, type TestFederation } from '../../support/temporal.js';

vi.setConfig({ testTimeout: 60_000 });

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }) } },
});

let made: TestFederation;
let bundle: string;
beforeAll(async () => {
  made = await freshFederation(['aws', 'sov']);
  bundle = path.join(await builtProgram(), 'bundles', 'authority-workflows.cjs');
}, 120_000);

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A commit of this authority that tells these details and goes on until the test ends. */
async function commitTelling(authority: string, dataset: string, details: unknown): Promise<void> {
  const namespace = authorityNamespace(made.federation, authority);
  const connection = await NativeConnection.connect({ address: made.address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowBundle: { codePath: bundle },
    maxHeartbeatThrottleInterval: '100ms',
    activities: {
      applyPermit: async () => {
        Context.current().heartbeat(details);
        await Context.current().cancelled;
      },
    },
  });
  const running = worker.run();
  const client = new WorkflowClient({ connection: made.connection, namespace });
  const handle = await client.start('commit', {
    workflowId: stepWorkflowId('commit', dataset, 'ab'.repeat(32)),
    taskQueue,
    args: [{}],
    typedSearchAttributes: datasetAttributes({ dataset, stage: 'commit', authority }),
  });
  ends.push(async () => {
    await handle.terminate();
    worker.shutdown();
    await running;
    await connection.close();
  });
}

const watched = (dataset: string, authorities: readonly string[] = ['aws', 'sov']) => ({
  connection: made.connection,
  federation: made.federation,
  dataset,
  authorities,
});
const writing = { kind: 'writing', done: 50, of: 100, before: 0, begunMs: 0, atMs: 20_000 } as const;

it('shows how far each authority is, of the dataset that was asked for alone', async () => {
  await commitTelling('aws', 'parcels', writing);
  const look = watchSteps(watched('parcels'));
  const seen = await vi.waitFor(
    async () => {
      const steps = await look();
      expect(steps).toHaveLength(1);
      return steps;
    },
    { timeout: 30_000, interval: 200 },
  );
  expect(seen).toEqual([{ authority: 'aws', progress: writing, leftMs: 20_000 }]);
  expect(await watchSteps(watched('people'))()).toEqual([]);
  expect(await watchSteps(watched('parcels', ['sov']))()).toEqual([]);
});

it('shows nothing of what it cannot read, and nothing fails', async () => {
  await commitTelling('sov', 'parcels', { done: 1, of: 2, begunMs: 3 });
  await commitTelling('aws', 'parcels', writing);
  const look = watchSteps(watched('parcels', ['aws', 'sov', 'nobody']));
  await vi.waitFor(async () => expect(await look()).toMatchObject([{ authority: 'aws' }]), {
    timeout: 30_000,
    interval: 200,
  });
});

it('does not ask an authority again that refuses, and goes on asking one that is away', async () => {
  const asked: string[] = [];
  const codes: Readonly<Record<string, number>> = { aws: 7, sov: 14 };
  const look = watchSteps({
    ...watched('parcels'),
    clientFor: (namespace) => {
      const authority = namespace.slice(made.federation.length + 1);
      return {
        // oxlint-disable-next-line require-yield -- it is refused before there is one
        list: async function* () {
          asked.push(authority);
          throw Object.assign(new ServiceError('refused'), {
            cause: Object.assign(new Error('of the server'), { code: codes[authority], details: '', metadata: {} }),
          });
        },
      } as unknown as WorkflowClient;
    },
  });
  expect(await look()).toEqual([]);
  expect(await look()).toEqual([]);
  expect(asked.sort()).toEqual(['aws', 'sov', 'sov']);
});
