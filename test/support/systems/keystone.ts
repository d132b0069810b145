/**
 * Keystone 22 from the packages of Debian 12, on SQLite in a temporary folder and a free port of this machine.
 *
 * Where /usr/bin/python3 has no Keystone, it is installed with apt-get, which needs root. Its domain `workforce` always
 * has the same id; `concordat` is the service user, of the default domain, with role admin on `workforce`.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withDebianPackages } from './debian-packages.js';
import type { System } from './system.js';

const run = promisify(execFile);
const python = '/usr/bin/python3';
const folderOfScripts = fileURLToPath(new URL('./keystone/', import.meta.url));
const howToGet = 'on Debian 12 as root: apt-get install -y --no-install-recommends python3-keystone';

/** Keystone wants domain ids to be 32 hexadecimal characters; these begin with the word in ASCII. */
export const workforceDomain = '776f726b666f72636500000000000000';

/** Where Keystone is not as the sandbox or newer versions are. */
export const deviations = [
  { about: 'limitIgnored', detail: 'limit and marker are ignored: every list comes whole' },
  { about: 'otherMembersHidden', detail: 'a domain-scoped token is not shown group members of other domains' },
  { about: 'adminEverywhere', detail: 'role admin on one domain reads and writes the others too' },
  {
    about: 'rulesWithoutRole',
    detail:
      'on SQLite a deleted role leaves its implication rules behind, and /role_inferences answers 500 from then on',
  },
  {
    about: 'noSystemInEffective',
    detail: 'effective lists no role on the system, and ignores scope.system=all beside it',
  },
  { about: 'noThrottling', detail: 'no 429 and no Retry-After' },
] as const satisfies readonly { readonly about: string; readonly detail: string }[];

async function keystoneVersion(): Promise<string | undefined> {
  try {
    const script = 'import keystone, importlib.metadata as m; print(m.version("keystone"))';
    return (await run(python, ['-c', script])).stdout.trim();
  } catch {
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Listed {
  readonly [collection: string]: readonly { readonly id: string; readonly name: string }[];
}

interface Inferences {
  readonly role_inferences: readonly {
    readonly prior_role: { readonly id: string; readonly name: string };
    readonly implies: readonly { readonly id: string; readonly name: string }[];
  }[];
}

/** Requests as the user that `bootstrap` made, who may do everything. */
export interface KeystoneAdmin {
  /** The whole answer, whatever its status. */
  request(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: unknown }>;
}

async function createAdmin(endpoint: string, password: string): Promise<KeystoneAdmin> {
  const user = { name: 'admin', domain: { id: 'default' }, password };
  const identity = { methods: ['password'], password: { user } };
  const answer = await fetch(`${endpoint}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ auth: { identity, scope: { system: { all: true } } } }),
  });
  const token = answer.headers.get('x-subject-token');
  await answer.arrayBuffer();
  if (token === null) throw new Error(`Keystone answered ${answer.status} to its own administrator`);
  return {
    request: async (method, path, body) => {
      const response = await fetch(`${endpoint}${path}`, {
        method,
        headers: { 'content-type': 'application/json', 'x-auth-token': token },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
    },
  };
}

async function must(admin: KeystoneAdmin, method: string, path: string, body?: object): Promise<unknown> {
  const answer = await admin.request(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
  return answer.body;
}

/** The domain, and the service user with role admin on it. */
async function furnish(admin: KeystoneAdmin, password: string): Promise<void> {
  await must(admin, 'POST', '/domains', { domain: { name: 'workforce', explicit_domain_id: workforceDomain } });
  const user = { name: 'concordat', domain_id: 'default', password };
  const created = (await must(admin, 'POST', '/users', { user })) as { readonly user: { readonly id: string } };
  const { roles = [] } = (await must(admin, 'GET', '/roles?name=admin')) as Listed;
  const [role] = roles;
  if (role === undefined) throw new Error('Keystone has no role admin');
  await must(admin, 'PUT', `/domains/${workforceDomain}/users/${created.user.id}/roles/${role.id}`);
}

async function emptied(admin: KeystoneAdmin): Promise<void> {
  for (const kind of ['groups', 'users']) {
    const list = (await must(admin, 'GET', `/${kind}?domain_id=${workforceDomain}`)) as Listed;
    for (const { id } of list[kind] ?? []) await must(admin, 'DELETE', `/${kind}/${id}`);
  }
  await withoutAccess(admin);
}

/** Roles that `bootstrap` makes, and the project of its administrator. */
const bootstrapped = ['admin', 'member', 'reader'];

/** Removes what tests made of roles, projects, assignments and ways in, of the domain and elsewhere. */
async function withoutAccess(admin: KeystoneAdmin): Promise<void> {
  const list = async (path: string, collection: string) =>
    ((await must(admin, 'GET', path)) as Listed)[collection] ?? [];
  for (const { id } of await list('/OS-FEDERATION/identity_providers', 'identity_providers'))
    await must(admin, 'DELETE', `/OS-FEDERATION/identity_providers/${id}`);
  for (const { id } of await list('/OS-FEDERATION/mappings', 'mappings'))
    await must(admin, 'DELETE', `/OS-FEDERATION/mappings/${id}`);
  // On SQLite nothing cascades: a role that goes before its rules makes every later list of rules answer 500.
  const rules = (await must(admin, 'GET', '/role_inferences')) as Inferences;
  for (const { prior_role: prior, implies } of rules.role_inferences)
    for (const implied of implies)
      if (!(bootstrapped.includes(prior.name) && bootstrapped.includes(implied.name)))
        await must(admin, 'DELETE', `/roles/${prior.id}/implies/${implied.id}`);
  for (const path of ['/roles', `/roles?domain_id=${workforceDomain}`])
    for (const { id, name } of await list(path, 'roles'))
      if (!bootstrapped.includes(name)) await must(admin, 'DELETE', `/roles/${id}`);
  const projects = (await list('/projects', 'projects')).filter(({ name }) => name !== 'admin');
  // A project goes after those that lie in it.
  for (let left = projects; left.length > 0;) {
    const kept = [];
    for (const project of left)
      if ((await admin.request('DELETE', `/projects/${project.id}`)).status >= 300) kept.push(project);
    if (kept.length === left.length) throw new Error('projects of an earlier test cannot be deleted');
    left = kept;
  }
  const [service] = await list('/users?name=concordat&domain_id=default', 'users');
  for (const { id } of await list(`/system/users/${service?.id ?? ''}/roles`, 'roles'))
    await must(admin, 'DELETE', `/system/users/${service?.id ?? ''}/roles/${id}`);
}

/** An available Keystone also lends its administrator, for what a test does behind the connector's back. */
export type KeystoneSystem =
  | (Extract<System, { readonly kind: 'available' }> & { readonly admin: KeystoneAdmin })
  | Extract<System, { readonly kind: 'missing' }>;

/** `options` are lines for sections of keystone.conf, for example `[DEFAULT]\nlist_limit = 2`. */
export async function startKeystone(options: { readonly configuration?: string } = {}): Promise<KeystoneSystem> {
  const name = 'keystone';
  const found = await withDebianPackages(['python3-keystone'], keystoneVersion);
  if ('reason' in found) return { kind: 'missing', name, reason: found.reason, howToGet };

  const folder = await mkdtemp(join(tmpdir(), 'concordat-keystone-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const endpoint = `${origin}/v3`;
  const configuration = join(folder, 'keystone.conf');
  const template = await readFile(join(folderOfScripts, 'keystone.conf'), 'utf8');
  await writeFile(configuration, `${template.replaceAll('{folder}', folder)}\n${options.configuration ?? ''}\n`);
  const administratorPassword = randomBytes(16).toString('hex');
  const password = randomBytes(16).toString('hex');
  const environment = { PATH: process.env['PATH'], HOME: folder };
  await run(python, [join(folderOfScripts, 'prepare.py'), configuration, join(folder, 'keystone.db'), `${endpoint}/`], {
    env: { ...environment, OS_BOOTSTRAP_PASSWORD: administratorPassword },
  });

  const child = spawn(python, [join(folderOfScripts, 'serve.py'), String(port)], {
    cwd: folder,
    // serve.py ends when its standard input does: a test process that dies takes its Keystone along.
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { ...environment, OS_KEYSTONE_CONFIG_FILES: configuration },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await gone;
    await rm(folder, { recursive: true, force: true });
  };

  for (const deadline = Date.now() + 60_000; ;) {
    const up = await fetch(endpoint).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false,
    );
    if (up) break;
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`Keystone did not come up: ${said}`);
    }
    await delay(50);
  }
  const admin = await createAdmin(endpoint, administratorPassword);
  await furnish(admin, password);

  return {
    kind: 'available',
    name,
    version: found.found,
    endpoint: origin,
    mesh: {
      kind: 'keystone',
      endpoint,
      domain: workforceDomain,
      userFrom: 'OS_USERNAME',
      passwordFrom: 'OS_PASSWORD',
      userDomain: 'default',
    },
    environment: { OS_USERNAME: 'concordat', OS_PASSWORD: password },
    admin,
    reset: () => emptied(admin),
    stop,
  };
}
