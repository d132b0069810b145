/** A worker that ends by itself is started again, but not for ever. */
import { expect, it, vi } from 'vitest';
import { keepRunning } from '../../../cli/dev/keep-running.js';

const worker = { name: 'worker-aws', logFile: '/logs/worker-aws.log' };

function supervised(startAgain: (name: string) => Promise<unknown>, options: { readonly stableAfterMs?: number } = {}) {
  const said: string[] = [];
  const controller = new AbortController();
  const told = keepRunning({
    startAgain,
    report: (line) => said.push(line),
    signal: controller.signal,
    restartsMax: 3,
    pauseMs: 0,
    ...options,
  });
  return { said, controller, ended: () => told(worker, 1) };
}

it('is up again after one start, and its end and its log are named', async () => {
  const startAgain = vi.fn(async () => undefined);
  const { said, ended } = supervised(startAgain);
  await ended();
  expect(startAgain.mock.calls).toEqual([['worker-aws']]);
  expect(said).toEqual([
    'worker-aws ended with code 1 (log: /logs/worker-aws.log); starting it again, 1 of 3',
    'worker-aws is up again',
  ]);
});

it('is left after three starts that did not help', async () => {
  const startAgain = vi.fn(async () => {
    throw new Error('no');
  });
  const { said, ended } = supervised(startAgain);
  await ended();
  expect(startAgain).toHaveBeenCalledTimes(3);
  expect(said.at(-1)).toContain('is not started again');
});

it('is left where it comes up and ends again each time', async () => {
  const startAgain = vi.fn(async () => undefined);
  const { said, ended } = supervised(startAgain);
  for (let time = 0; time < 4; time++) await ended();
  expect(startAgain).toHaveBeenCalledTimes(3);
  expect(said.at(-1)).toContain('is not started again');
});

it('gets all its starts again once it has stayed for a while', async () => {
  const startAgain = vi.fn(async () => undefined);
  const { ended } = supervised(startAgain, { stableAfterMs: -1 });
  for (let time = 0; time < 6; time++) await ended();
  expect(startAgain).toHaveBeenCalledTimes(6);
});

it('is not started again while everything is being stopped', async () => {
  const startAgain = vi.fn(async () => undefined);
  const { controller, ended } = supervised(startAgain);
  controller.abort();
  await ended();
  expect(startAgain).not.toHaveBeenCalled();
});
