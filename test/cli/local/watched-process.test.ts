import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startWatched, type WatchedProcessOptions } from '../../../cli/local/watched-process.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const environment = { PATH: process.env['PATH'] ?? '' };

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function node(script: string, more: Partial<WatchedProcessOptions> = {}) {
  const lines: string[] = [];
  const watched = await startWatched({
    command: process.execPath,
    arguments: ['-e', script],
    environment,
    onStdoutLine: (line) => lines.push(line),
    ...more,
  });
  onTestFinished(() => watched.stop());
  return { watched, lines };
}

const until = (condition: () => void) => vi.waitFor(condition, { timeout: 15_000, interval: 30 });

describe('a watched process', () => {
  it('gives all output and the exit code of a program that ends by itself', async () => {
    const { watched, lines } = await node('console.log("one\\ntwo"); process.exitCode = 7');
    expect(await watched.exited).toBe(7);
    expect(lines).toEqual(['one', 'two']);
  });

  it('gets exactly the environment that it is given', async () => {
    const { watched, lines } = await node('console.log(JSON.stringify(process.env))', {
      environment: { ...environment, GIVEN: 'yes' },
    });
    await watched.exited;
    const seen = Object.keys(JSON.parse(lines[0] ?? '{}') as object);
    // The shell in between adds these three of its own.
    expect(seen.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)).sort()).toEqual(['GIVEN', 'PATH']);
  });

  it('is ended with TERM first, so it can end cleanly', async () => {
    const { watched, lines } = await node(
      'process.on("SIGTERM", () => { console.log("ending"); process.exit(0) }); setInterval(() => {}, 1000); console.log("up")',
    );
    await until(() => expect(lines).toContain('up'));
    await watched.stop();
    expect(lines).toEqual(['up', 'ending']);
    expect(await watched.exited).toBe(0);
  });

  it('is killed after the grace where it ignores TERM', async () => {
    const { watched, lines } = await node(
      'process.on("SIGTERM", () => console.log("no")); setInterval(() => {}, 1000); console.log("up")',
      { graceMs: 1_000 },
    );
    await until(() => expect(lines).toContain('up'));
    await watched.stop();
    expect(lines).toEqual(['up', 'no']);
    expect(await watched.exited).toBe(137);
    expect(lives(watched.pid)).toBe(false);
  });

  it('says which signal of somebody else ended it', async () => {
    const { watched } = await node('setInterval(() => {}, 1000)');
    process.kill(watched.pid, 'SIGKILL');
    expect(await watched.exited).toBe(137);
  });

  it('reports a program that does not exist as an exit, as a shell does', async () => {
    const stderr: string[] = [];
    const watched = await startWatched({
      command: '/nowhere/program',
      arguments: [],
      environment,
      onStderrLine: (line) => stderr.push(line),
    });
    expect(await watched.exited).toBe(127);
    expect(stderr.join()).toContain('/nowhere/program');
  });

  it('ends when the process that started it is killed with -9', async () => {
    const folder = scratchFolder();
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const source = join(root, 'cli/local/watched-process.ts');
    const settings = ['--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--ignoreConfig'];
    await promisify(execFile)(process.execPath, [compiler, source, '--outDir', folder, ...settings], { cwd: root });
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(
      join(folder, 'parent.js'),
      `import { startWatched } from './watched-process.js';
const program = 'process.on("SIGTERM", () => { require("fs").writeFileSync("ended", "by TERM"); process.exit() }); setInterval(() => {}, 1000); console.log("up")';
const watched = await startWatched({ command: process.execPath, arguments: ['-e', program],
  environment: { PATH: process.env.PATH }, workingFolder: '.', onStdoutLine: () => console.log(watched.pid) });`,
    );
    const parent = spawn(process.execPath, ['parent.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    const pid = Number(line);
    expect(lives(pid)).toBe(true);
    parent.kill('SIGKILL');
    await until(() => expect(lives(pid)).toBe(false));
    expect(await readFile(join(folder, 'ended'), 'utf8')).toBe('by TERM');
  });
});
