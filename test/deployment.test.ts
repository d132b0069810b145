/** docker-compose.yml and the Dockerfile keep the trust boundary: what each container is given, and what it can reach. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { folderOf } from '../core/federation/files.js';
import { parseConfig } from '../workers/config.js';

const root = fileURLToPath(new URL('../', import.meta.url));

const Mount = z.object({
  type: z.enum(['bind', 'volume']),
  source: z.string(),
  target: z.string(),
  read_only: z.boolean().default(false),
});
const Service = z.looseObject({
  image: z.string(),
  user: z.string().optional(),
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).default([]),
  env_file: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(Mount).default([]),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  restart: z.string(),
  healthcheck: z.unknown().optional(),
  deploy: z.object({ resources: z.object({ limits: z.object({ memory: z.string() }) }) }),
});
const Compose = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
});

const compose = Compose.parse(parse(await readFile(path.join(root, 'docker-compose.yml'), 'utf8'), { merge: true }));
const dockerfile = await readFile(path.join(root, 'Dockerfile'), 'utf8');

type Service = z.infer<typeof Service>;
const service = (name: string): Service => {
  const found = compose.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const authorities = Object.keys(compose.services)
  .filter((name) => name.startsWith('authority-'))
  .map((name) => name.slice('authority-'.length));
const ours = ['prepare', 'federation', ...authorities.map((id) => `authority-${id}`)];

/** What of a service is its own: files of secrets, private volumes, keys, ways out. */
function belongings({ env_file, volumes, networks }: Service): readonly string[] {
  const shared = (source: string): boolean => source === 'exchange' || source.includes('/federation/');
  return [
    ...env_file,
    ...volumes.filter(({ source }) => !shared(source)).map(({ source }) => source),
    ...networks.filter((network) => network !== 'temporal'),
  ];
}

describe('docker-compose.yml', () => {
  it('runs three authorities', () => {
    expect(authorities).toEqual(['aws', 'azure', 'sov']);
  });

  it.each(authorities)('gives the worker of %s its own secrets, key, private store and way out, and no other', (id) => {
    const own = belongings(service(`authority-${id}`));
    expect(own).toHaveLength(4);
    for (const name of own) expect(name).toMatch(new RegExp(`[-/]${id}(?:[./]|$)`));
    const others = authorities.filter((other) => other !== id);
    for (const name of own) for (const other of others) expect(name).not.toContain(other);
  });

  it.each(authorities)('starts the worker of %s with what it asks for', (id) => {
    const { command, environment, volumes } = service(`authority-${id}`);
    const config = parseConfig(command, environment);
    expect(config).toMatchObject({ kind: 'authority', authority: id, federationFolder: '/federation' });
    const targets = volumes.map(({ target }) => target);
    if (config.kind !== 'authority') throw new Error('not an authority');
    expect(targets).toContain(config.exchangeLocation);
    expect(targets).toContain(config.privateLocation);
    expect(targets).toContain(`${config.keysFolder}/authorities/${id}`);
  });

  it('starts the coordinator with what it asks for, and gives it nothing that is secret and no way out', () => {
    const { command, environment, networks } = service('federation');
    expect(parseConfig(command, environment)).toMatchObject({ kind: 'federation', exchangeLocation: '/exchange' });
    expect(belongings(service('federation'))).toEqual([]);
    expect(networks).toEqual(['temporal']);
    expect(compose.networks['temporal']?.internal).toBe(true);
    expect(compose.networks['database']?.internal).toBe(true);
  });

  it.each(ours)('mounts the parts of the federation folder into %s, read-only, and never the whole', (name) => {
    const mounts = service(name).volumes.filter(({ target }) => target.startsWith('/federation'));
    const parts = ['federation.yaml', ...Object.values(folderOf)];
    expect(mounts.map(({ target }) => target).sort()).toEqual(
      [...parts, 'manifests'].map((part) => `/federation/${part}`).sort(),
    );
    for (const { source, target, read_only } of mounts) {
      expect(read_only).toBe(true);
      expect(source.endsWith(target)).toBe(true);
    }
  });

  it.each(ours)('runs %s without rights on the machine and within 512 MB', (name) => {
    const { user, read_only, cap_drop, deploy } = service(name);
    expect(user).toBe('${CONCORDAT_USER:-1000:1000}');
    expect(read_only).toBe(true);
    expect(cap_drop).toEqual(['ALL']);
    expect(deploy.resources.limits.memory).toBe('512M');
  });

  it('looks after the health of what keeps running, limits the memory of all, and names exact images', () => {
    for (const [name, { image, restart, healthcheck, deploy }] of Object.entries(compose.services)) {
      expect(image, name).toMatch(/:\d+\.\d+/);
      expect(deploy.resources.limits.memory, name).toMatch(/^\d+[MG]$/);
      // The UI has neither a state nor anything that waits for it.
      if (restart === 'unless-stopped' && name !== 'ui') expect(healthcheck, name).toBeDefined();
    }
  });

  it('opens ports to this machine only', () => {
    for (const { ports } of Object.values(compose.services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('checks the file that the workers touch', () => {
    for (const name of ours.slice(1)) {
      const file = service(name).environment['CONCORDAT_READY_FILE'];
      expect(file).toMatch(/^\/tmp\//);
      expect(JSON.stringify(service(name).healthcheck)).toContain(`find ${file} -mmin`);
    }
  });

  it('names the image after the version of the package', async () => {
    const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
    for (const name of ours) expect(service(name).image).toBe(`concordat:${version}`);
  });

  it('finds an example of each file that it takes secrets from, with no value in it', async () => {
    for (const id of authorities) {
      const text = await readFile(path.join(root, 'deploy/example', id, 'credentials.env'), 'utf8');
      const settings = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      expect(settings.length).toBeGreaterThan(0);
      for (const line of settings) expect(line).toMatch(/^[A-Z_]+=$/);
    }
  });
});

describe('deploy/openlineage.yml', () => {
  it('gives the coordinator a way out and where to, and changes nothing for anybody else', async () => {
    const added = parse(await readFile(path.join(root, 'deploy/openlineage.yml'), 'utf8')) as {
      readonly services: Readonly<
        Record<string, { readonly environment: Record<string, string>; readonly networks: readonly string[] }>
      >;
    };
    expect(Object.keys(added.services)).toEqual(['federation']);
    const { environment, networks, ...rest } = added.services['federation'] ?? { environment: {}, networks: [] };
    expect(rest).toEqual({});
    expect(networks).toEqual(['temporal', 'lineage']);
    for (const name of Object.keys(environment)) expect(name).toMatch(/^OPENLINEAGE_/);
    const given = { ...service('federation').environment, ...environment, OPENLINEAGE_URL: 'https://x.example' };
    expect(
      parseConfig(['--federation'], { ...given, OPENLINEAGE_ENDPOINT: '', OPENLINEAGE_API_KEY: '' }),
    ).toMatchObject({
      lineage: { address: new URL('https://x.example/api/v1/lineage'), apiKey: null },
    });
  });
});

describe('the image', () => {
  it('copies named folders only, each of them allowed by .dockerignore, and every folder that is built', async () => {
    const copied = dockerfile
      .split('\n')
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(copied).not.toContain('.');
    const allowed = (await readFile(path.join(root, '.dockerignore'), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect([...new Set(copied)].sort()).toEqual([...allowed].sort());
    const { include } = JSON.parse(await readFile(path.join(root, 'tsconfig.build.json'), 'utf8')) as {
      include: string[];
    };
    for (const folder of include) expect(copied).toContain(folder);
    const entries = await readdir(root);
    for (const name of copied) expect(entries).toContain(name);
  });

  it('ends as a user without rights', () => {
    expect(dockerfile.split('\n').filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
  });

  it('starts from exact versions, of a Node that the package allows', () => {
    for (const line of dockerfile.split('\n').filter((text) => text.startsWith('FROM ')))
      expect(line).toMatch(/^FROM node:22\.\d+-/);
  });
});
