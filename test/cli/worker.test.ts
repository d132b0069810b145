/** What a worker is given, and what `concordat worker` says before and while it runs. */
import { utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { layoutOf } from '../../cli/local/layout.js';
import { authorityWorkerEnvironment, federationWorkerEnvironment } from '../../cli/local/worker-environment.js';
import { workerMemory } from '../../cli/local/worker-memory.js';
import { runCommand } from '../support/run-command.js';
import { scratchFolder } from '../support/scratch-folder.js';
import { builtProgram, freshFederation, temporalAddress } from '../support/temporal.js';

const layout = layoutOf('/terms', {});
const everything = {
  PATH: '/bin',
  TEMPORAL_ADDRESS: 'server:7233',
  TEMPORAL_API_KEY: 'of the server',
  AWS_SECRET_ACCESS_KEY: 'of aws',
  AZURE_CLIENT_SECRET: 'of azure',
  OS_PASSWORD: 'of sov',
  CONCORDAT_PRIVATE: '/private',
  CONCORDAT_KEYS: '/keys',
  CONCORDAT_LOG_LEVEL: 'debug',
};

describe('the environment of a worker', () => {
  it('of the federation holds no credential, no key and no private state', () => {
    const given = federationWorkerEnvironment(layout, everything, '/tmp/ready');
    expect(given).toEqual({
      ...workerMemory,
      PATH: '/bin',
      TEMPORAL_ADDRESS: 'server:7233',
      TEMPORAL_API_KEY: 'of the server',
      CONCORDAT_LOG_LEVEL: 'debug',
      CONCORDAT_FEDERATION: '/terms',
      CONCORDAT_EXCHANGE: '/terms/.concordat/exchange',
      CONCORDAT_READY_FILE: '/tmp/ready',
    });
  });

  it('of an authority is filled from the layout where nothing is said', () => {
    const own = layoutOf('/terms', everything);
    expect(authorityWorkerEnvironment(layout, 'aws', { AWS_SECRET_ACCESS_KEY: 'x' }, '/tmp/ready')).toEqual({
      ...workerMemory,
      AWS_SECRET_ACCESS_KEY: 'x',
      CONCORDAT_FEDERATION: '/terms',
      CONCORDAT_EXCHANGE: '/terms/.concordat/exchange',
      CONCORDAT_PRIVATE: '/terms/.concordat/private/aws',
      CONCORDAT_KEYS: '/terms/keys',
      CONCORDAT_READY_FILE: '/tmp/ready',
    });
    expect(authorityWorkerEnvironment(own, 'aws', everything, '/tmp/ready')).toMatchObject({
      CONCORDAT_PRIVATE: '/private',
      CONCORDAT_KEYS: '/keys',
    });
  });
});

describe('concordat worker', () => {
  const setup = async () => {
    const workingFolder = scratchFolder();
    const readyFile = path.join(workingFolder, 'ready');
    const environment = { TEMPORAL_ADDRESS: await temporalAddress(), CONCORDAT_READY_FILE: readyFile };
    const run = (argv: readonly string[], signal?: AbortSignal) =>
      runCommand(argv, { workingFolder, environment, ...(signal ? { signal } : {}) });
    return { run, readyFile };
  };

  it('wants to know whose', async () => {
    const { run } = await setup();
    expect(await run(['worker'])).toMatchObject({ code: 1 });
    expect((await run(['worker', '--federation', '--authority', 'aws'])).stderr).toContain(
      'either --authority ID or --federation',
    );
  });

  it('is healthy while its ready file is young', async () => {
    const { run, readyFile } = await setup();
    expect((await run(['worker', '--federation', '--check'])).stdout).toContain('no worker of the federation');
    await writeFile(readyFile, '1\n');
    expect(await run(['worker', '--federation', '--check'])).toMatchObject({ code: 0 });
    const old = new Date(Date.now() - 120_000);
    await utimes(readyFile, old, old);
    const { code, stdout } = await run(['worker', '--federation', '--check']);
    expect(code).toBe(1);
    expect(stdout).toContain('polled last 2 min ago');
  });

  it('runs until it is stopped, healthy meanwhile', async () => {
    await builtProgram();
    const { run } = await setup();
    const { federation } = await freshFederation(['aws', 'azure']);
    await run(['init', '--name', federation, '--mesh', 'aws=aws-iam', '--mesh', 'azure=entra']);
    await run(['keys', 'generate']);
    const stop = new AbortController();
    const worker = run(['worker', '--federation'], stop.signal);
    await vi.waitFor(async () => expect(await run(['worker', '--federation', '--check'])).toMatchObject({ code: 0 }), {
      timeout: 90_000,
      interval: 500,
    });
    stop.abort();
    const { stdout } = await worker;
    expect(stdout).toContain('"ready":true,"worker":"federation"');
    expect(await run(['worker', '--federation', '--check'])).toMatchObject({ code: 1 });
  }, 180_000);

  it('fails with what the worker said where it cannot start', async () => {
    const { run } = await setup();
    const { federation } = await freshFederation(['aws', 'azure']);
    await run(['init', '--name', federation, '--mesh', 'aws=aws-iam', '--mesh', 'azure=entra']);
    const { code, stderr } = await run(['worker', '--authority', 'aws']);
    expect(code).toBe(1);
    expect(stderr).toContain('concordat keys generate');
    await run(['keys', 'generate']);
    expect((await run(['worker', '--authority', 'gcp'])).stderr).toContain('there is no authority gcp');
  });
});
