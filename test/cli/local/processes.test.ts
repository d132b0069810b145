import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { superviseProcesses, type ProcessOptions, type RunningProcess } from '../../../cli/local/processes.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const ready = 'console.log(JSON.stringify({ ready: true, name: process.env.NAME, secret: process.env.SECRET }));';
const stay = 'setInterval(() => {}, 1000);';

function supervised(signal?: AbortSignal) {
  const ended: [string, number][] = [];
  const processes = superviseProcesses({
    logFolder: scratchFolder(),
    ...(signal ? { signal } : {}),
    onUnexpectedEnd: (process: RunningProcess, code) => ended.push([process.name, code]),
  });
  onTestFinished(() => processes.stopAll());
  const start = (name: string, script: string, more: Partial<ProcessOptions> = {}) =>
    processes.start({ name, command: process.execPath, arguments: ['-e', script], environment: {}, ...more });
  return { processes, start, ended };
}

describe('processes of this machine', () => {
  it('count as started once they say so, and not before', async () => {
    const { start } = supervised();
    const process = await start(
      'worker',
      `console.log('{"ready":false}'); console.log('starting'); setTimeout(() => { ${ready} }, 100); ${stay}`,
      { environment: { NAME: 'worker' } },
    );
    expect(process.ready).toEqual({ ready: true, name: 'worker' });
    expect(process.tail().slice(0, 2)).toEqual(['{"ready":false}', 'starting']);
  });

  it('do not see the environment of whoever starts them', async () => {
    vi.stubEnv('SECRET', 'of the person at the terminal');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { start } = supervised();
    expect((await start('worker', ready + stay)).ready).not.toHaveProperty('secret');
    expect((await start('other', ready + stay, { environment: { SECRET: 'its own' } })).ready['secret']).toBe(
      'its own',
    );
  });

  it('that end before they are ready are reported with what they said', async () => {
    const { start, processes } = supervised();
    await expect(start('worker', 'console.error("no such mesh"); process.exit(3)')).rejects.toMatchObject({
      code: 'processFailed',
      message: expect.stringMatching(/worker ended with code 3[^]*no such mesh/) as string,
    });
    expect(processes.running()).toEqual([]);
  });

  it('that stay silent are ended and reported', async () => {
    const { start } = supervised();
    await expect(start('worker', stay, { readyWithinMs: 300 })).rejects.toThrow(/worker was not ready within/);
  });

  it('are stopped in the reverse order, each before the next', async () => {
    const { start, processes, ended } = supervised();
    const order: string[] = [];
    for (const name of ['server', 'first', 'second']) {
      const process = await start(name, ready + stay);
      void process.exited.then(() => order.push(name));
    }
    expect(processes.running().map((process) => process.name)).toEqual(['server', 'first', 'second']);
    await processes.stopAll();
    expect(order).toEqual(['second', 'first', 'server']);
    expect(ended).toEqual([]);
  });

  it('that are still starting when all are stopped do not stay', async () => {
    const { start, processes } = supervised();
    const starting = start('worker', `setTimeout(() => { ${ready} }, 5000); ${stay}`);
    const outcome = starting.then(
      () => 'ready',
      () => 'refused',
    );
    await processes.stopAll();
    await processes.stopAll();
    expect(await outcome).toBe('refused');
    expect(processes.running()).toEqual([]);
  });

  it('all end when the command is stopped, and none starts afterwards', async () => {
    const stop = new AbortController();
    const { start, processes } = supervised(stop.signal);
    const running = [await start('one', ready + stay), await start('two', ready + stay)];
    stop.abort();
    await Promise.all(running.map((process) => process.exited));
    expect(processes.running()).toEqual([]);
    await expect(start('three', ready + stay)).rejects.toThrow(/was stopped/);
  });

  it('that end by themselves are reported once, and can be started again', async () => {
    const { start, ended } = supervised();
    const first = await start('worker', ready + stay);
    process.kill(first.pid, 'SIGKILL');
    await vi.waitFor(() => expect(ended).toEqual([['worker', 137]]));
    const second = await start('worker', ready + stay);
    expect(second.pid).not.toBe(first.pid);
  });

  it('cannot share a name', async () => {
    const { start } = supervised();
    await start('worker', ready + stay);
    await expect(start('worker', ready + stay)).rejects.toThrow(/running already/);
  });

  it('keep their output in a log that outlives them', async () => {
    const { start } = supervised();
    const process = await start('worker', `console.error('to the log'); ${ready} ${stay}`);
    await process.stop();
    await process.exited;
    expect(await readFile(process.logFile, 'utf8')).toContain('to the log\n');
  });
});
