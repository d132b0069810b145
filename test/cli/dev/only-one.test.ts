/** One `concordat dev` for a folder. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { holdFolder } from '../../../cli/dev/only-one.js';
import { scratchFolder } from '../../support/scratch-folder.js';

it('the second is told where the first one is, also by another name of the folder', async () => {
  const folder = scratchFolder();
  const held = await holdFolder(folder);
  onTestFinished(() => held.release());
  held.announce('Temporal at 127.0.0.1:1234');
  await expect(holdFolder(folder)).rejects.toThrow('Temporal at 127.0.0.1:1234');
  const alias = path.join(scratchFolder(), 'alias');
  symlinkSync(folder, alias);
  await expect(holdFolder(alias)).rejects.toMatchObject({ code: 'alreadyRunning' });
});

it('two folders do not know of each other', async () => {
  for (const folder of [scratchFolder(), scratchFolder()]) {
    const held = await holdFolder(folder);
    onTestFinished(() => held.release());
  }
});

it('a folder is free again once it was released', async () => {
  const folder = scratchFolder();
  await (await holdFolder(folder)).release();
  await (await holdFolder(folder)).release();
});

it('a socket that a crashed process left is taken over', async () => {
  const folder = scratchFolder();
  const before = new Set(readdirSync(tmpdir()));
  const held = await holdFolder(folder);
  const name = readdirSync(tmpdir()).find((entry) => entry.startsWith('concordat-dev-') && !before.has(entry));
  await held.release();
  const socket = path.join(tmpdir(), name ?? 'none');
  spawnSync(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  expect(existsSync(socket)).toBe(true);
  await (await holdFolder(folder)).release();
});
