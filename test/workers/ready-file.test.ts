import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepReadyFile } from '../../workers/ready-file.js';

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'ready-file-'));
  file = path.join(folder, 'ready');
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const changedMs = async (): Promise<number> => (await stat(file)).mtimeMs;

it('the file appears at once and its time moves while the worker is ready', async () => {
  const end = keepReadyFile({ file, isReady: async () => true, intervalMs: 10 });
  const first = await vi.waitFor(changedMs);
  await vi.waitFor(async () => expect(await changedMs()).toBeGreaterThan(first));
  await end();
});

it('its time stands still once the worker is no longer ready, whether it says so or fails', async () => {
  let asked = 0;
  const answers = [
    () => true,
    () => false,
    (): boolean => {
      throw new Error('the server is away');
    },
  ];
  const end = keepReadyFile({
    file,
    isReady: async () => {
      asked += 1;
      return (answers[Math.min(asked, answers.length) - 1] ?? (() => false))();
    },
    intervalMs: 10,
  });
  const first = await vi.waitFor(changedMs);
  await vi.waitFor(() => expect(asked).toBeGreaterThan(4));
  expect(await changedMs()).toBe(first);
  await end();
});

it('the file is gone after the end, also where a question was still open', async () => {
  let answer: ((ready: boolean) => void) | undefined;
  const end = keepReadyFile({ file, isReady: () => new Promise((resolve) => (answer = resolve)), intervalMs: 10 });
  await vi.waitFor(() => expect(answer).toBeDefined());
  const ended = end();
  answer?.(true);
  await ended;
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('a file that cannot be written stops nothing', async () => {
  let asked = 0;
  const end = keepReadyFile({
    file: path.join(folder, 'absent', 'ready'),
    isReady: async () => (asked += 1) > 0,
    intervalMs: 10,
  });
  await vi.waitFor(() => expect(asked).toBeGreaterThan(2));
  await end();
});
