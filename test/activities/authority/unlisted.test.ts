/** A list that changes while it is paged: who is there though no page showed them is named, and nothing is deleted because of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveMesh } from '../../../activities/federation-folder/resolve-mesh.js';
import type { AuthorityContext } from '../../../activities/authority/context.js';
import { readPagesOnce, storedPages } from '../../../activities/authority/pages.js';
import { listedIn, unlistedScopes } from '../../../activities/authority/unlisted.js';
import { Links, saveLinks } from '../../../activities/links.js';
import { getDocument } from '../../../activities/exchange.js';
import type { Connector, ReadItem } from '../../../activities/connectors/connector.js';
import { ConcordatError } from '../../../core/errors.js';
import { Plan } from '../../../core/plan.js';
import { connectorFor } from '../../conformance/world.js';
import { awsUser, keystoneUser } from '../../support/equal-clouds.js';
import { dataset } from '../../support/local-federation.js';
import { startTenant } from '../connectors/entra/tenant.js';
import { GateWorld, layGround, MemoryStore, type Ground, type Member } from './gate-world.js';

const person = 3;
let ground: Ground;
let agreed: GateWorld;
let clouds: { readonly aws: string; readonly sov: string };

beforeAll(async () => {
  ground = await layGround((_file, text) => text.replace('{ percentMax: 20, deletionsMax: 5 }', '{ percentMax: 90 }'));
  agreed = await GateWorld.agreed(ground, 8);
  clouds = { aws: ground.sandbox.aws.server.state.save(), sov: ground.sandbox.keystone.server.state.save() };
}, 120_000);
afterAll(() => ground?.stop());

function worldAgain(): GateWorld {
  ground.sandbox.aws.server.state.restore(clouds.aws);
  ground.sandbox.keystone.server.state.restore(clouds.sov);
  return agreed.copy();
}

/** A connector whose lists leave somebody out, or during whose read something else happens. */
function reading(world: GateWorld, id: Member, each: (item: ReadItem) => ReadItem, other?: Connector): void {
  const connector = other ?? world.contexts[id].connector;
  const readAll: Connector['readAll'] = async function* (request) {
    for await (const item of connector.readAll(request)) yield each(item);
  };
  world.change(id, { connector: { ...connector, readAll } });
}

const without =
  (nativeId: string) =>
  (item: ReadItem): ReadItem =>
    item.kind === 'objects' ? { ...item, objects: item.objects.filter(({ id }) => id !== nativeId) } : item;

async function plannedIn(world: GateWorld): Promise<Plan> {
  const { plan } = await world.planned();
  return getDocument(world.exchange, plan.plan, Plan);
}
const told = ({ operations, incomplete }: Plan) => ({
  operations: operations.map(({ authority, kind, type }) => `${authority} ${kind} ${type}`),
  incomplete: incomplete.map(({ authority, type, scope, reason }) => `${authority} ${type} ${scope} ${reason}`),
});
const named = (member: Member) => [
  expect.stringMatching(new RegExp(`^${member} person user/[0-9a-f]{12}/list listChanged$`)),
];

describe('somebody whom no page of a list showed', () => {
  it('because they were renamed from behind the marker of IAM to before it is named, and deleted nowhere', async () => {
    const world = worldAgain();
    const { aws } = ground.sandbox;
    const mesh = ground.federation.authorities['aws']?.mesh;
    if (!mesh) throw new Error('no mesh');
    const environment = { ...aws.environment, CONCORDAT_AWS_ENDPOINT: aws.endpoint };
    const paging = connectorFor(resolveMesh(mesh, environment), environment, { pageSize: 2 });
    const user = awsUser(ground.sandbox, 5);
    let pages = 0;
    const seen: string[] = [];
    reading(
      world,
      'aws',
      (item) => {
        if (item.kind === 'objects') {
          pages += 1;
          seen.push(...item.objects.map(({ id }) => id));
          if (pages === 1) aws.server.state.users.rename(user, 'aaron');
        }
        return item;
      },
      paging,
    );
    const plan = await plannedIn(world);
    expect([pages > 2, seen.includes(user.id)]).toEqual([true, false]);
    expect(told(plan)).toEqual({ operations: [], incomplete: named('aws') });
    expect(JSON.stringify(plan)).not.toContain(user.id);
    // The next run reads a list that stands still.
    reading(world, 'aws', (item) => item, paging);
    expect(told(await plannedIn(world))).toEqual({ operations: [], incomplete: [] });
  });

  it.each([
    ['aws', () => awsUser(ground.sandbox, person).id],
    ['sov', () => keystoneUser(ground.sandbox, person).id],
  ] as const)('of %s, whatever the reason, is named and deleted nowhere', async (member, idOf) => {
    const world = worldAgain();
    reading(world, member, without(idOf()));
    expect(told(await plannedIn(world))).toEqual({ operations: [], incomplete: named(member) });
  });

  it('and who is gone is a leaver, as is who was moved to where nothing is read', async () => {
    for (const leave of [
      () => ground.sandbox.aws.server.state.removeUser(awsUser(ground.sandbox, person)),
      () => Object.assign(awsUser(ground.sandbox, person), { path: '/elsewhere/' }),
    ]) {
      const world = worldAgain();
      leave();
      expect(told(await plannedIn(world))).toEqual({ operations: ['sov delete person'], incomplete: [] });
    }
  });

  it('and may not be asked for by id is not taken for gone', async () => {
    const world = worldAgain();
    const { connector } = world.contexts.aws;
    const readOne = () => Promise.reject(new ConcordatError('forbidden', 'iam:GetUser'));
    world.change('aws', { connector: { ...connector, readOne } });
    ground.sandbox.aws.server.state.removeUser(awsUser(ground.sandbox, person));
    const { operations, incomplete } = told(await plannedIn(world));
    expect([operations, incomplete]).toEqual([[], [expect.stringMatching(/^aws person user\/\S+\/list forbidden$/)]]);
  });

  it('is told once where the worker dies while it looks, and reads on', async () => {
    const world = worldAgain();
    const ids = [awsUser(ground.sandbox, person).id, awsUser(ground.sandbox, 4).id];
    reading(world, 'aws', (item) => ids.reduce((left, id) => without(id)(left), item));
    const { connector } = world.contexts.aws;
    let asked = 0;
    world.change('aws', {
      connector: {
        ...connector,
        readOne: (type, id) => {
          asked += 1;
          return asked === 2 ? Promise.reject(new Error('the process has died')) : connector.readOne(type, id);
        },
      },
    });
    const run = 'a'.repeat(64);
    const reads = (): Promise<void> => readPagesOnce(world.contexts.aws, dataset, run);
    await expect(reads()).rejects.toThrow('the process has died');
    await reads();
    await reads();
    const scopes: string[] = [];
    for await (const item of storedPages(world.contexts.aws, dataset, run))
      if (item.kind === 'scopeEnd' && item.reason === 'listChanged') scopes.push(item.scope);
    expect(scopes).toHaveLength(1);
    expect(ids.map((id) => `user/${id}/list`)).toContain(scopes[0]);
  });
});

it('a group of Entra that was renamed out of the prefix is not taken for deleted', async () => {
  const tenant = await startTenant();
  try {
    const group = tenant.sandbox.state.addGroup({ displayName: 'fed-one', mailNickname: 'one' });
    const deleted = tenant.sandbox.state.addGroup({ displayName: 'fed-two', mailNickname: 'two' });
    const connector = tenant.connect({ groupPrefix: 'fed-' });
    const privateStore = new MemoryStore();
    const linkKey = new Uint8Array(32);
    const links = new Links({ team: { [group.id]: 'k1', [deleted.id]: 'k2' } }, linkKey, dataset);
    await saveLinks(privateStore, dataset, links);
    const federation = {
      datasets: { [dataset]: { types: ['team'] } },
      taxonomy: {},
      maps: { 'azure.team': { native: 'group', lifecycle: 'active' } },
    };
    const context = { id: 'azure', connector, privateStore, linkKey, federation } as unknown as AuthorityContext;
    const unlisted = async (): Promise<readonly string[]> => {
      const scopes: string[] = [];
      const listed = await listedIn(connector.readAll({ nativeTypes: ['group'] }));
      for await (const { scope, reason } of unlistedScopes(context, dataset, listed)) scopes.push(`${scope} ${reason}`);
      return scopes;
    };
    expect(await unlisted()).toEqual([]);
    group.properties['displayName'] = 'other';
    tenant.sandbox.state.remove(deleted);
    expect(await unlisted()).toEqual([`group/${group.id}/list listChanged`]);
    // What a list of which nothing is proven does not show needs no second look.
    tenant.sandbox.faults.add({ kind: 'forbidden', operation: 'GET /groups', count: 'always' });
    expect(await unlisted()).toEqual([]);
  } finally {
    await tenant.close();
  }
});
