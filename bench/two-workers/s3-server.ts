/**
 * versitygw (Apache-2.0, Go): an S3 server of others that is not the bottleneck as moto, one slow process of Python, would be.
 * The first start on a machine builds it by `go install`, some minutes.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Agent, createServer, request } from 'node:http';
import path from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

const version = 'v1.8.0';
const binFolder = path.resolve('node_modules/.cache/concordat-bench/bin');

export interface S3Server {
  readonly endpoint: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startS3(folder: string, bucket: string): Promise<S3Server> {
  const binary = path.join(binFolder, 'versitygw');
  if (!existsSync(binary)) {
    console.error(`building versitygw ${version}, once`);
    const built = spawnSync('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${version}`], {
      env: { ...process.env, GOBIN: binFolder },
      stdio: 'inherit',
    });
    if (built.status !== 0) throw new Error('versitygw could not be built: it takes Go 1.24 or later');
  }
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const server = spawn(binary, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', folder], {
    env: { ...process.env, ROOT_ACCESS_KEY: 'bench', ROOT_SECRET_KEY: 'bench-secret' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  const endpoint = `http://127.0.0.1:${port}`;
  const environment = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench-secret', AWS_REGION: 'us-east-1' };
  Object.assign(process.env, environment);
  const client = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, maxAttempts: 30 });
  for (let attempt = 0; ; attempt += 1) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      break;
    } catch (error) {
      if (attempt > 50) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  client.destroy();
  return {
    endpoint,
    environment,
    pid: server.pid ?? 0,
    stop: async () => {
      process.removeListener('exit', kill);
      kill();
      await ended;
    },
  };
}

export interface Counted {
  readonly requests: number;
  readonly megabytes: number;
}

export interface FarAway {
  readonly endpoint: string;
  /** Since the last time this was asked. */
  take(): Counted;
  stop(): Promise<void>;
}

/** A forwarder that lets every request wait, as a store in another region does, and counts what passes. */
export async function startFarAway(target: string, delayMs: number): Promise<FarAway> {
  const { hostname, port } = new URL(target);
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  let requests = 0;
  let bytes = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    const { method = 'GET', url = '/', headers } = incoming;
    const forward = (): void => {
      const onward = request({ hostname, port, method, path: url, headers, agent }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (chunk: Buffer) => void (bytes += chunk.length));
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    };
    if (delayMs > 0) setTimeout(forward, delayMs);
    else forward();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = { requests, megabytes: bytes / 1e6 };
      requests = 0;
      bytes = 0;
      return taken;
    },
    stop: async () => {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
