import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFileStore } from '../../activities/store-files.js';
import { ConcordatError } from '../../core/errors.js';
import { describeStore, refusedNames, shown, text } from '../conformance/store-cases.js';

let folder = '';
let made = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'concordat-store-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});
function freshRoot(): string {
  made += 1;
  return join(folder, `store-${made}`, 'below');
}

describeStore(() => {
  const root = freshRoot();
  return { open: () => createFileStore(root) };
});

test('nothing is left aside by a put that had to give way', async () => {
  const root = freshRoot();
  await createFileStore(root).putIfAbsent('a/b', text('first'));
  await createFileStore(root).putIfAbsent('a/b', text('second'));
  expect(await readdir(join(root, '.unfinished'))).toEqual([]);
});

test('an object can be one of more than stay open at a time', async () => {
  const store = createFileStore(freshRoot());
  for (let index = 0; index < 50; index += 1) await store.putIfAbsent(`many/${index}`, text(`object ${index}`));
  for (let index = 0; index < 150; index += 1)
    expect(shown(await store.getRange(`many/${index % 50}`, 7, `${index % 50}`.length))).toBe(`${index % 50}`);
});

test('what a process that was killed left aside is not listed', async () => {
  const root = freshRoot();
  const store = createFileStore(root);
  await store.putIfAbsent('b', text('b'));
  await mkdir(join(root, '.unfinished'), { recursive: true });
  await writeFile(join(root, '.unfinished', 'left-behind'), 'half');
  expect(await store.list('')).toEqual(['b']);
});

test.each(refusedNames.map((name) => ({ name })))(
  'nothing outside the folder is touched by $name',
  async ({ name }) => {
    const root = freshRoot();
    const store = createFileStore(root);
    await mkdir(root, { recursive: true });
    await writeFile(join(root, '..', 'outside'), 'secret');
    await expect(store.putIfAbsent(name, text('x'))).rejects.toMatchObject({ code: 'storeFault' });
    await expect(store.remove(name)).rejects.toMatchObject({ code: 'storeFault' });
    expect(await readFile(join(root, '..', 'outside'), 'utf8')).toBe('secret');
  },
);

test('a fault of the file system is a fault of the store and tells no content', async () => {
  const root = freshRoot();
  const store = createFileStore(root);
  await store.putIfAbsent('file', text('x'));
  const failure = await store.putIfAbsent('file/below', text('personal')).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConcordatError);
  expect(failure).toMatchObject({ code: 'storeFault', message: expect.not.stringContaining('personal') });
  await symlink(join(root, 'loop'), join(root, 'loop'));
  await expect(store.get('loop')).rejects.toMatchObject({ code: 'storeFault' });
});

test('what a writer left half written goes where it holds what is looked for, and nothing else', async () => {
  const root = freshRoot();
  const store = createFileStore(root);
  await store.putIfAbsent('kept', text('secret'));
  await writeFile(join(root, '.unfinished', 'dead-1'), 'half a secret');
  await writeFile(join(root, '.unfinished', 'dead-2'), 'something else');
  const holds = (bytes: Uint8Array): boolean => shown(bytes)?.includes('secret') === true;
  expect(await store.removeUnfinished(holds)).toBe(1);
  expect(await readdir(join(root, '.unfinished'))).toEqual(['dead-2']);
  expect(shown(await store.get('kept'))).toBe('secret');
  expect(await createFileStore(freshRoot()).removeUnfinished(holds)).toBe(0);
});

describe('several processes on one folder', () => {
  const repository = resolve(import.meta.dirname, '../..');
  const compiled = join(repository, 'node_modules/.cache', `concordat-store-test-${process.pid}`);
  beforeAll(async () => {
    await mkdir(compiled, { recursive: true });
    const settings = {
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: { rootDir: repository, outDir: compiled, sourceMap: false },
      include: [],
      files: [join(repository, 'activities/store-files.ts')],
    };
    await writeFile(join(compiled, 'tsconfig.json'), JSON.stringify(settings));
    await promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['-p', join(compiled, 'tsconfig.json')]);
  });
  afterAll(async () => {
    await rm(compiled, { recursive: true, force: true });
  });

  /** Runs one script in that many processes at once, which begin together; each prints one JSON value. */
  async function race(root: string, processes: number, script: string): Promise<unknown[]> {
    const source = `
      const { createFileStore } = await import(${JSON.stringify(join(compiled, 'activities/store-files.js'))});
      const store = createFileStore(${JSON.stringify(root)});
      const text = (value) => Buffer.from(value);
      process.stdout.write('ready\\n');
      const me = await new Promise((go) => process.stdin.once('data', (data) => go(Number(data))));
      process.stdin.unref();
      ${script}`;
    const children = Array.from({ length: processes }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const outputs = children.map(() => '');
    const whenReady = children.map(
      (child, index) =>
        new Promise<void>((ready, fail) => {
          child.stdout.on('data', (data: Buffer) => {
            outputs[index] += data.toString();
            if (outputs[index]?.startsWith('ready\n')) ready();
          });
          child.once('exit', () => fail(new Error('a process ended before it was ready')));
        }),
    );
    await Promise.all(whenReady);
    const ended = children.map((child) => new Promise<number | null>((done) => child.once('close', done)));
    children.forEach((child, index) => child.stdin.write(String(index)));
    expect(await Promise.all(ended)).toEqual(children.map(() => 0));
    return outputs.map((output) => JSON.parse(output.slice('ready\n'.length)) as unknown);
  }

  test('put each object exactly once, and read it whole or not at all', async () => {
    const root = freshRoot();
    const results = await race(
      root,
      3,
      `
      const won = [];
      for (let index = 0; index < 40; index += 1) {
        const content = Buffer.alloc(20_000, me + 65);
        const seen = await store.get('race/' + index);
        if (seen && (seen.length !== 20_000 || seen.some((byte) => byte !== seen[0]))) throw new Error('torn');
        if (await store.putIfAbsent('race/' + index, content)) won.push(index);
        const after = await store.get('race/' + index);
        if (!after || after.length !== 20_000 || after.some((byte) => byte !== after[0])) throw new Error('torn');
      }
      process.stdout.write(JSON.stringify(won));`,
    );
    const won = results as number[][];
    expect(won.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, index) => index));
    const store = createFileStore(root);
    for (const [winner, indexes] of won.entries())
      for (const index of indexes) expect((await store.get(`race/${index}`))?.[0]).toBe(winner + 65);
    expect(await readdir(join(root, '.unfinished'))).toEqual([]);
  });

  test('count together on one head and lose no step', async () => {
    const root = freshRoot();
    await race(
      root,
      3,
      `
      let done = 0;
      while (done < 15) {
        const head = await store.readHead('counter');
        const value = head ? Number(Buffer.from(head.bytes).toString()) : 0;
        if (await store.compareAndSetHead('counter', head?.version ?? 0, text(String(value + 1)))) done += 1;
      }
      process.stdout.write('0');`,
    );
    const head = await createFileStore(root).readHead('counter');
    expect(head?.version).toBe(45);
    expect(shown(head?.bytes)).toBe('45');
  });

  test('leave no half object where one is killed while it writes', async () => {
    const root = freshRoot();
    const script = `
      const { createFileStore } = await import(${JSON.stringify(join(compiled, 'activities/store-files.js'))});
      const store = createFileStore(${JSON.stringify(root)});
      for (let index = 0; ; index += 1) {
        await store.putIfAbsent('victim/' + index, Buffer.alloc(200_000, 120));
        if (index === 2) process.stdout.write('writing');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((writing) => child.stdout.once('data', () => writing()));
    const ended = new Promise((done) => child.once('close', done));
    child.kill('SIGKILL');
    await ended;
    const store = createFileStore(root);
    const names = await store.list('victim/');
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const bytes = await store.get(name);
      expect(bytes?.length).toBe(200_000);
      expect(bytes?.every((byte) => byte === 120)).toBe(true);
    }
  });
});
