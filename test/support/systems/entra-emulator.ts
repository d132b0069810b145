/**
 * entra-emulator (github.com/calvinchengx/entra-emulator, Apache-2.0) on a free port of this machine, over TLS.
 *
 * The binary is ENTRA_EMULATOR, else `entra-emulator` on PATH, else what `go install` makes of version 0.9.0.
 */
import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { localCertificate, trustInThisProcess } from '../certificate.js';
import { oneAtATime } from './one-at-a-time.js';
import { systemsFolder } from './systems-folder.js';
import type { System } from './system.js';

const version = '0.9.0';
const module = `github.com/calvinchengx/entra-emulator/cmd/entra-emulator@v${version}`;
const howToGet = `go install ${module}, then put it on PATH or name it in ENTRA_EMULATOR`;

/** Seeded by the emulator, the same in every copy of it: nothing here is a secret. */
const tenant = '6f89cf12-978b-4d23-ac18-9ef0c127cf87';
const clientId = '00d88624-f0d7-46f6-a641-6232c2608928';
const clientSecret = 'daemon-app-secret';

/** Where the emulator is not as Entra is; the ones that can be asked for are checked in test/systems/entra-emulator.test.ts. */
export const deviations = [
  {
    about: 'droppedProperties',
    detail:
      'accepts and discards employeeId, department and mailNickname of users and mailNickname, uniqueName, groupTypes, isAssignableToRole of groups; none is ever returned',
  },
  { about: 'nullIgnored', detail: 'PATCH with null leaves the old value' },
  { about: 'upsertMissing', detail: "PATCH /groups(uniqueName='…') answers 404" },
  { about: 'memberTypeDropped', detail: 'members under $select=id come without @odata.type' },
  { about: 'membersOnlyUsers', detail: 'a group cannot be a member of a group, nor can a service principal' },
  { about: 'userPrincipalNameCase', detail: 'userPrincipalName is unique with regard to case' },
  { about: 'securityEnabledFixed', detail: 'every group has mailEnabled false and securityEnabled true' },
  { about: 'noThrottling', detail: 'no 429, no Retry-After, no 5xx, no lag after a write, no delta, no ETag' },
  { about: 'noOrganization', detail: '/organization answers 404' },
  {
    about: 'rolesEmpty',
    detail: 'client-credential tokens carry an empty roles claim, and everything is allowed nevertheless',
  },
] as const satisfies readonly { readonly about: string; readonly detail: string }[];

async function executable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder !== '' && (await executable(path))) return path;
  }
  return undefined;
}

/** The path of the binary, or why there is none. */
async function findBinary(): Promise<{ path: string } | { reason: string }> {
  const named = process.env['ENTRA_EMULATOR'];
  if (named !== undefined && named !== '')
    return (await executable(named)) ? { path: named } : { reason: 'ENTRA_EMULATOR names no executable file' };
  const found = await onPath('entra-emulator');
  if (found !== undefined) return { path: found };
  if ((await onPath('go')) === undefined) return { reason: 'neither entra-emulator nor go is on PATH' };
  const folder = join(systemsFolder(), `entra-emulator-${version}`);
  const path = join(folder, 'entra-emulator');
  return oneAtATime(`entra-emulator-${version}`, async () => {
    if (await executable(path)) return { path };
    try {
      await promisify(execFile)('go', ['install', module], {
        env: { ...process.env, GOBIN: folder },
        timeout: 300_000,
      });
    } catch (error) {
      const { stderr = '' } = error as { readonly stderr?: string };
      return { reason: `\`go install\` of the emulator failed: ${stderr.trim().split('\n').at(-1)?.trim() ?? ''}` };
    }
    return { path };
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Listed {
  readonly value: readonly { readonly id: string }[];
}

/** The emulator seeds two people; an empty tenant tells more. */
async function emptied(origin: string): Promise<void> {
  await fetch(`${origin}/admin/api/reset`, { method: 'POST' });
  for (const kind of ['users', 'groups']) {
    const { value } = (await (await fetch(`${origin}/admin/api/${kind}?top=200`)).json()) as Listed;
    for (const { id } of value) await fetch(`${origin}/admin/api/${kind}/${id}`, { method: 'DELETE' });
  }
}

/** `graphPermissions` makes the emulator answer 403 as Entra does; its tokens hold no permission then. */
export async function startEntraEmulator(options: { readonly graphPermissions?: boolean } = {}): Promise<System> {
  const name = 'entra-emulator';
  const binary = await findBinary();
  if ('reason' in binary) return { kind: 'missing', name, reason: binary.reason, howToGet };

  const certificate = await localCertificate();
  trustInThisProcess(certificate);
  const folder = await mkdtemp(join(tmpdir(), 'concordat-entra-emulator-run-'));
  const port = await freePort();
  const origin = `https://127.0.0.1:${port}`;
  const child = spawn(binary.path, [], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      PORT: String(port),
      ORIGIN_MODE: 'compat',
      PUBLIC_ORIGIN: origin,
      TLS_CERT: certificate.certFile,
      TLS_KEY: certificate.keyFile,
      ENTRA_DATA_DIR: '',
      LOG_LEVEL: 'error',
      GRAPH_PERMISSIONS: String(options.graphPermissions ?? false),
    },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // A test process that dies takes its emulator along.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);

  const stop = async (): Promise<void> => {
    process.removeListener('exit', kill);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
    await certificate.remove();
  };

  for (const deadline = Date.now() + 20_000; ;) {
    const up = await fetch(`${origin}/${tenant}/v2.0/.well-known/openid-configuration`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`entra-emulator did not come up: ${said}`);
    }
    await delay(50);
  }
  await emptied(origin);

  return {
    kind: 'available',
    name,
    version,
    endpoint: origin,
    mesh: {
      kind: 'entra',
      tenant,
      endpoint: `${origin}/graph/v1.0`,
      authorityHost: origin,
      clientIdFrom: 'AZURE_CLIENT_ID',
      clientSecretFrom: 'AZURE_CLIENT_SECRET',
    },
    environment: { AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret, ...certificate.environment },
    reset: () => emptied(origin),
    stop,
  };
}
