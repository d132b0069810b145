/**
 * Swift 2.30 from the packages of Debian 12: proxy, account, container and object server in one process, in a temporary
 * folder and on free ports of this machine. Where they are not installed apt-get does it, which needs root.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withDebianPackages } from './debian-packages.js';
import type { MissingSystem } from './system.js';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('./swift/serve.py', import.meta.url));
const packages = ['swift-proxy', 'swift-account', 'swift-container', 'swift-object'];
const howToGet = `on Debian 12 as root: apt-get install -y --no-install-recommends ${packages.join(' ')}`;

export interface Swift {
  readonly kind: 'available';
  readonly name: 'swift';
  readonly version: string;
  /** Of the proxy, without a path. */
  readonly origin: string;
  /** Where Swift itself gives tokens. */
  readonly endpoint: string;
  readonly environment: { readonly OS_USERNAME: string; readonly OS_PASSWORD: string };
  /** With the token of its administrator; the path begins behind the account. */
  request(
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string | Uint8Array<ArrayBuffer>,
  ): Promise<Response>;
  stop(): Promise<void>;
}

async function swiftVersion(): Promise<string | undefined> {
  try {
    const needed = 'swift.proxy.server, swift.account.server, swift.container.server, swift.obj.server';
    return (await run(python, ['-c', `import ${needed}; print(swift.__version__)`])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** It gives its own tokens. */
export async function startSwift(): Promise<Swift | MissingSystem> {
  const name = 'swift';
  const found = await withDebianPackages(packages, swiftVersion);
  if ('reason' in found) return { kind: 'missing', name, reason: found.reason, howToGet };
  const folder = await mkdtemp(join(tmpdir(), 'concordat-swift-'));
  const server = spawn(python, [script, folder], { stdio: ['pipe', 'pipe', 'pipe'] });
  let told = '';
  server.stderr.on('data', (chunk: Buffer) => (told = `${told}${chunk.toString()}`.slice(-2_000)));
  const ended = new Promise<string>((resolve) => {
    server.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal}: ${told}`));
    server.once('error', (error) => resolve(error.message));
  });
  // a test run that dies must not leave a server behind
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill);
    kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const first = new Promise<string>((resolve) => createInterface(server.stdout).once('line', resolve));
  const line = await Promise.race([first, ended]);
  if (!line.startsWith('{')) {
    await stop();
    return { kind: 'missing', name, reason: line, howToGet };
  }
  const { port } = JSON.parse(line) as { readonly port: number };
  const origin = `http://127.0.0.1:${port}`;
  const endpoint = `${origin}/auth/v1.0`;
  const environment = { OS_USERNAME: 'test:tester', OS_PASSWORD: 'testing' };
  let token: Promise<string> | undefined;
  const tokenOf = async (): Promise<string> => {
    const headers = { 'x-auth-user': environment.OS_USERNAME, 'x-auth-key': environment.OS_PASSWORD };
    const answer = await fetch(endpoint, { headers });
    await answer.arrayBuffer();
    return answer.headers.get('x-auth-token') ?? '';
  };
  return {
    kind: 'available',
    name,
    version: found.found,
    origin,
    endpoint,
    environment,
    request: async (method, path, headers = {}, body) =>
      fetch(`${origin}/v1/AUTH_test${path}`, {
        method,
        headers: { ...headers, 'x-auth-token': await (token ??= tokenOf()) },
        ...(body === undefined ? {} : { body }),
      }),
    stop,
  };
}
