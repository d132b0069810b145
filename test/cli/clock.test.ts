/** `concordat clock`: what it says of a clock, and that only its authority sets it back, and only where it must. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { createAuthorityClock } from '../../activities/authority/clock.js';
import { createFileStore } from '../../activities/store-files.js';
import { smallFederation, written } from '../activities/federation-folder/small-federation.js';
import { run } from './run.js';

async function folderWithClock(aheadMs: number): Promise<string> {
  const folder = await written(smallFederation);
  await run(['keys', 'generate', '--federation', folder]);
  const clock = createAuthorityClock({
    privateStore: createFileStore(path.join(folder, '.concordat/private/aws')),
    physicalMs: () => Date.now() + aheadMs,
    maxAheadMs: 60_000,
  });
  await clock.stamp();
  return folder;
}

test('a clock that jumped is shown as such, set back with a signed statement, and fine afterwards', async () => {
  const folder = await folderWithClock(3_600_000);
  const clock = (...given: string[]) => run(['clock', ...given, '--as', 'aws', '--json', '--federation', folder]);
  const before = await clock('show');
  expect(before.code).toBe(1);
  expect(JSON.parse(before.stdout)).toMatchObject({ authority: 'aws', jumped: true, reset: null });
  const said = await clock('reset', '--reason', 'the host was an hour ahead');
  expect(said.code).toBe(0);
  expect(JSON.parse(said.stdout)).toMatchObject({
    reset: { authority: 'aws', number: 1, reason: 'the host was an hour ahead', previous: null },
    ref: { ref: expect.stringMatching(/^aws\/messages\/[0-9a-f]{64}$/) },
  });
  const after = await clock('show');
  expect(after.code).toBe(0);
  expect(JSON.parse(after.stdout)).toMatchObject({
    jumped: false,
    reset: (JSON.parse(said.stdout) as { ref: object }).ref,
  });
});

test('a clock within its bound is not reset, and nothing is changed', async () => {
  const folder = await folderWithClock(0);
  const said = await run(['clock', 'reset', '--as', 'aws', '--reason', 'to be safe', '--federation', folder]);
  expect(said.code).toBe(1);
  expect(said.stderr).toMatch(/needs no reset/);
});

test.each([
  [['clock', 'reset', '--as', 'nobody', '--reason', 'x'], /there is no authority nobody; the federation has aws/],
  [['clock', 'reset', '--as', 'azure', '--reason', 'x'], /has stamped nothing yet/],
  [['clock', 'reset', '--as', 'aws'], /--reason/],
])('%j says what is wrong', async (argv, message) => {
  const folder = await folderWithClock(3_600_000);
  const said = await run([...argv, '--federation', folder]);
  expect(said.code).toBe(1);
  expect(said.stderr).toMatch(message);
});
