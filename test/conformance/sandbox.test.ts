/** The sandbox is held to the cases that real systems are held to (test/systems/conformance.test.ts), and to its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloudNames, type CloudName } from '../../sandbox/population.js';
import { startSandbox, type Sandbox } from '../../sandbox/start.js';
import { trustInThisProcess } from '../support/certificate.js';
import { awsAccessCases } from './aws-access-cases.js';
import { awsSuspensionCases } from './aws-suspension-cases.js';
import type { ConformanceCase } from './cases.js';
import { entraAccessCases } from './entra-access-cases.js';
import { keystoneAccessCases } from './keystone-access-cases.js';
import { startSandboxWorld, type SandboxWorld } from './sandbox-worlds.js';
import { collect, endsIn, objectsIn, sceneIn } from './scene.js';
import { describeWorld } from './suite.js';
import { connectorFor, type WorldAttempt } from './world.js';

/** Cases of one kind of cloud alone. */
const own: Readonly<Record<CloudName, readonly ConformanceCase[]>> = {
  aws: [...awsAccessCases, ...awsSuspensionCases],
  entra: entraAccessCases,
  keystone: keystoneAccessCases,
};

for (const cloud of cloudNames) {
  const start = async (): Promise<WorldAttempt> => ({ available: true, world: await startSandboxWorld(cloud) });
  describeWorld(`sandbox ${cloud}`, [], start, own[cloud]);
}

describe('a Keystone that differs', () => {
  let world: SandboxWorld;
  const configure = (path: string, body: object): Promise<Response> =>
    fetch(`${world.server.origin}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) });
  beforeAll(async () => {
    world = await startSandboxWorld('keystone');
  });
  afterAll(() => world.stop());
  beforeEach(() => world.reset());

  it('cuts lists at its limit, and every scope that was cut is incomplete', async () => {
    const scene = sceneIn(world);
    const users = [];
    for (const name of ['a', 'b', 'c']) users.push((await scene.create('user', scene.dialect.user(name))).id);
    const group = await scene.create('group', scene.dialect.group('team', users));
    await configure('options', { listLimit: 2 });
    const items = await scene.everything(world.connector());
    expect(endsIn(items)).toEqual(['users: truncated', `groups/${group.id}/members: truncated`, 'groups']);
    expect(objectsIn(items, 'group')[0]?.body).not.toHaveProperty('members');
  });

  it('ends all tokens in the middle of a read, which goes on with a new one', async () => {
    const scene = sceneIn(world);
    for (const name of ['a', 'b', 'c']) await scene.create('user', scene.dialect.user(name));
    const whole = await scene.everything(world.connector());
    const items = [];
    for await (const item of world.connector().readAll({})) {
      items.push(item);
      await configure('expire-tokens', {});
    }
    expect(items).toEqual(whole);
  });
});

describe('a sandbox with people', () => {
  let folder: string;
  let sandbox: Sandbox;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'concordat-seeded-'));
    sandbox = await startSandbox({ folder });
    trustInThisProcess({ cert: sandbox.entra.server.authority });
  });
  afterAll(async () => {
    await sandbox.stop();
    await rm(folder, { recursive: true });
  });

  it('shows each connector the people and teams of its mesh, and nothing outside', async () => {
    const sizes: Record<string, readonly [number, number]> = {};
    for (const cloud of cloudNames) {
      const { mesh, environment } = sandbox[cloud];
      const items = await collect(connectorFor(mesh, environment).readAll({}));
      expect(endsIn(items)).toEqual(['users', 'groups']);
      sizes[cloud] = [objectsIn(items, 'user').length, objectsIn(items, 'group').length];
      const text = JSON.stringify(items);
      for (const outside of ['break-glass', 'ci-deployer', 'administrators', 'All employees', 'operators', 'nova'])
        expect(text).not.toContain(outside);
    }
    expect(sizes).toEqual({ aws: [115, 11], entra: [116, 12], keystone: [116, 11] });
  });

  it('has a robot from outside the mesh in one team, which is shown apart from its members', async () => {
    const { mesh, environment, server } = sandbox.aws;
    const robot = server.state.users.named('ci-deployer');
    const groups = objectsIn(await collect(connectorFor(mesh, environment).readAll({})), 'group');
    const [holder] = groups.filter((group) =>
      JSON.stringify(group.body['otherMembers'] ?? []).includes(robot?.id ?? ''),
    );
    expect(holder?.body['GroupName']).toBe('team-platform');
    expect(holder?.body['members']).not.toContain(robot?.id);
  });
});
