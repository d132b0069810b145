import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFileStore } from '../../activities/store-files.js';
import { ConcordatError } from '../../core/errors.js';

const text = (value: string): Uint8Array => Buffer.from(value);
const shown = (bytes: Uint8Array | null | undefined): string | null => (bytes ? Buffer.from(bytes).toString() : null);

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

describe('an object', () => {
  test('is put once: a second put changes nothing and says so', async () => {
    const root = freshRoot();
    expect(await createFileStore(root).putIfAbsent('a/b', text('first'))).toBe(true);
    expect(await createFileStore(root).putIfAbsent('a/b', text('second'))).toBe(false);
    expect(shown(await createFileStore(root).get('a/b'))).toBe('first');
    expect(await readdir(join(root, '.unfinished'))).toEqual([]);
  });

  test('that is not there reads as null, and its pieces as a fault of the store', async () => {
    const store = createFileStore(freshRoot());
    expect(await store.get('none')).toBeNull();
    await expect(store.getRange('none', 0, 1)).rejects.toMatchObject({ code: 'storeFault' });
    await expect(store.getRange('none', 0, 1e6)).rejects.toMatchObject({ code: 'storeFault' });
    expect(await store.list('')).toEqual([]);
    await store.remove('none');
  });

  test('is read in pieces, small and large, and never beyond its end', async () => {
    const store = createFileStore(freshRoot());
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    await store.putIfAbsent('large', bytes);
    await fc.assert(
      fc.asyncProperty(fc.nat(300_000), fc.nat(300_000), async (start, length) => {
        if (start + length <= bytes.length) {
          const piece = await store.getRange('large', start, length);
          expect(Buffer.compare(piece, bytes.subarray(start, start + length))).toBe(0);
        } else await expect(store.getRange('large', start, length)).rejects.toMatchObject({ code: 'storeFault' });
      }),
      { numRuns: 60 },
    );
  });

  test('that was removed and put anew is read anew, also where it was open, also by another store', async () => {
    const root = freshRoot();
    const store = createFileStore(root);
    const other = createFileStore(root);
    await store.putIfAbsent('draft', text('old'));
    expect(shown(await store.getRange('draft', 0, 3))).toBe('old');
    expect(shown(await other.getRange('draft', 0, 3))).toBe('old');
    await store.remove('draft');
    await expect(other.getRange('draft', 0, 3)).rejects.toMatchObject({ code: 'storeFault' });
    await store.putIfAbsent('draft', text('new'));
    expect(shown(await store.getRange('draft', 0, 3))).toBe('new');
    expect(shown(await other.getRange('draft', 0, 3))).toBe('new');
  });

  test('can be one of more than stay open at a time', async () => {
    const store = createFileStore(freshRoot());
    for (let index = 0; index < 50; index += 1) await store.putIfAbsent(`many/${index}`, text(`object ${index}`));
    for (let index = 0; index < 150; index += 1)
      expect(shown(await store.getRange(`many/${index % 50}`, 7, `${index % 50}`.length))).toBe(`${index % 50}`);
  });
});

test('names are listed under any prefix, whole folders or parts of a name, in code unit order', async () => {
  const root = freshRoot();
  const store = createFileStore(root);
  const names = ['b', 'a/Z', 'a/b/c', 'a/b/d', 'a/bc', 'a-b', 'aws/é'];
  for (const name of names) await store.putIfAbsent(name, text(name));
  await writeFile(join(root, '.unfinished', 'left-behind'), 'by a process that was killed');
  for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b/', 'a/b/c', 'b', 'nothing', 'a/nothing/at'])
    expect(await store.list(prefix), prefix).toEqual(names.filter((name) => name.startsWith(prefix)).sort());
});

describe('a name that could leave the folder or hide in it is refused', () => {
  const names = [
    '',
    '..',
    '.',
    '../outside',
    'a/../../outside',
    '/etc/passwd',
    'a//b',
    'a/',
    '.unfinished/x',
    'a/.hidden',
    'a\\b',
    'a\u0000b',
    'a\nb',
    '\ud800',
    'x'.repeat(256),
  ];
  test.each(names.map((name) => ({ name })))('$name', async ({ name }) => {
    const root = freshRoot();
    const store = createFileStore(root);
    await mkdir(root, { recursive: true });
    await writeFile(join(root, '..', 'outside'), 'secret');
    const attempts = [
      (): Promise<unknown> => store.putIfAbsent(name, text('x')),
      (): Promise<unknown> => store.get(name),
      (): Promise<unknown> => store.getRange(name, 0, 1),
      (): Promise<unknown> => store.remove(name),
      (): Promise<unknown> => store.readHead(name),
      (): Promise<unknown> => store.compareAndSetHead(name, 0, text('x')),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'storeFault' });
    expect(await readFile(join(root, '..', 'outside'), 'utf8')).toBe('secret');
  });

  test('and so is a prefix', async () => {
    const store = createFileStore(freshRoot());
    await expect(store.list('../')).rejects.toMatchObject({ code: 'storeFault' });
    await expect(store.list('a/../../b')).rejects.toMatchObject({ code: 'storeFault' });
  });
});

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

describe('a head', () => {
  test('moves from the version that was read, and only from it', async () => {
    const root = freshRoot();
    const store = createFileStore(root);
    const other = createFileStore(root);
    expect(await store.readHead('heads/base')).toBeNull();
    expect(await store.compareAndSetHead('heads/base', 1, text('gap'))).toBe(false);
    expect(await store.compareAndSetHead('heads/base', 0, text('one'))).toBe(true);
    expect(await other.compareAndSetHead('heads/base', 0, text('late'))).toBe(false);
    expect(await other.readHead('heads/base')).toEqual({ version: 1, bytes: Buffer.from('one') });
    expect(await other.compareAndSetHead('heads/base', 1, text('two'))).toBe(true);
    expect(await store.compareAndSetHead('heads/base', 1, text('late'))).toBe(false);
    expect(await store.readHead('heads/base')).toEqual({ version: 2, bytes: Buffer.from('two') });
    await expect(store.compareAndSetHead('heads/base', -1, text('x'))).rejects.toMatchObject({ code: 'storeFault' });
  });
});

describe('for an erasure', () => {
  test('older versions of a head get other bytes, and the newest, the numbers and who may move it stay as they are', async () => {
    const root = freshRoot();
    const store = createFileStore(root);
    for (const [version, value] of ['ann, bea', 'ann, bea, cleo', 'bea, cleo'].entries())
      expect(await store.compareAndSetHead('people', version, text(value))).toBe(true);
    const withoutAnn = (bytes: Uint8Array): Uint8Array | null =>
      shown(bytes)?.includes('ann, ') ? text(shown(bytes)?.replace('ann, ', '') ?? '') : null;
    expect(await createFileStore(root).rewriteOlder('people', withoutAnn)).toBe(2);
    expect(await createFileStore(root).rewriteOlder('people', withoutAnn)).toBe(0);
    const head = await store.readHead('people');
    expect([head?.version, shown(head?.bytes)]).toEqual([3, 'bea, cleo']);
    const versions = await Promise.all((await store.list('people/')).map(async (name) => shown(await store.get(name))));
    expect(versions).toEqual(['bea', 'bea, cleo', 'bea, cleo']);
    for (const from of [0, 1, 2]) expect(await store.compareAndSetHead('people', from, text('late'))).toBe(false);
    expect(await store.compareAndSetHead('people', 3, text('next'))).toBe(true);
    expect(await store.rewriteOlder('nobody', withoutAnn)).toBe(0);
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
