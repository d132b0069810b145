/**
 * moto: AWS APIs in memory, by others than us (https://docs.getmoto.org). It stands in for IAM and STS where the
 * sandbox, which is ours, could share a misunderstanding with the connector.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { fillMotoGaps } from './moto-gaps.js';
import { pythonEnvironment } from './python-environment.js';
import type { System } from './system.js';

const version = '5.2.5';
/** What IAM and STS need of `moto[server]`; the rest of it is three times as much. */
const requirements = [`moto==${version}`, 'flask==3.1.3', 'flask-cors==6.0.5'];
const howToGet = `python3 with venv, and pip install ${requirements.join(' ')} within reach of a package index`;

/** Where moto is not as AWS is; the cases of the conformance suite that it fails are in test/systems/deviations.ts. */
export const deviations = [
  { about: 'onePage', detail: 'every list comes whole: no IsTruncated, whatever MaxItems says' },
  { about: 'pathPrefixIgnored', detail: 'ListGroups answers with the groups of all paths' },
  { about: 'deletesMembers', detail: 'a user who is in groups can be deleted' },
  { about: 'noSimulation', detail: 'SimulatePrincipalPolicy is not there' },
  {
    about: 'serviceCredentials',
    detail: 'ListServiceSpecificCredentials answers 501; a forwarder in front answers for it with an empty list',
  },
  { about: 'noThrottling', detail: 'no throttling, no lost reply, no lag after a write' },
] as const satisfies readonly { readonly about: string; readonly detail: string }[];

/** KMS signs with it. */
export const forKms: readonly string[] = ['cryptography==46.0.3'];

/** Starts one of its own on a free port of 127.0.0.1. The first start on a machine installs it, about a minute. */
export async function startMoto(more: readonly string[] = []): Promise<System> {
  const environment = await pythonEnvironment('moto', [...requirements, ...more]);
  if (environment.kind === 'missing') return { kind: 'missing', name: 'moto', reason: environment.reason, howToGet };
  const port = await freePort();
  const forwarder = await fillMotoGaps(port);
  const { endpoint } = forwarder;
  const server = spawn(path.join(environment.binFolder, 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
  });
  const ended = new Promise<string>((resolve) => {
    server.once('exit', (code, signal) => resolve(`it ended with ${code ?? signal}`));
    server.once('error', (error) => resolve(error.message));
  });
  // a test run that dies must not leave a server behind
  const kill = (): void => void server.kill('SIGKILL');
  process.once('exit', kill);
  async function stop(): Promise<void> {
    process.removeListener('exit', kill);
    await forwarder.stop();
    kill();
    await ended;
  }
  const post = async (route: string, body: string): Promise<void> => {
    const answer = await fetch(`${endpoint}/moto-api/${route}`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`moto answered ${route} with ${answer.status}`);
  };
  async function reset(): Promise<void> {
    await post('reset-auth', 'inf'); // a test may have turned permissions on
    await post('reset', '');
  }

  let reason: string | undefined;
  void ended.then((words) => (reason ??= words));
  const deadlineMs = performance.now() + 60_000;
  while (!(await answers(endpoint))) {
    if (performance.now() > deadlineMs) reason ??= 'it did not answer within a minute';
    if (reason !== undefined) {
      await stop();
      return { kind: 'missing', name: 'moto', reason, howToGet };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    kind: 'available',
    name: 'moto',
    version,
    endpoint,
    mesh: { kind: 'aws-iam', region: 'us-east-1', account: '123456789012', endpoint, pathPrefix: '/' },
    environment: { AWS_ACCESS_KEY_ID: 'testing', AWS_SECRET_ACCESS_KEY: 'testing' },
    reset,
    stop,
  };
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/data.json`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port could be found');
  return address.port;
}
