/** Grants, roles and workloads as the sandbox's account shows them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accessTypes } from '../../../../../activities/connectors/aws-iam/access/native-types.js';
import { principalsTrust, webIdentityTrust } from '../../../../../core/iam-policy/trust.js';
import { serveAws } from '../../../../../sandbox/aws/server.js';
import type { AwsSandbox } from '../../../../../sandbox/aws/server.js';
import { connectTo, endsIn, objectsIn, readEverything } from '../on-sandbox.js';
import {
  allow,
  host,
  json,
  mesh,
  number,
  ownPolicy,
  populate,
  power,
  readAccess,
  root,
  s3Read,
  shown,
  workloadTrust,
} from './account.js';

let sandbox: AwsSandbox;
beforeAll(async () => {
  sandbox = await serveAws();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const objects = async () => objectsIn(await readAccess(connectTo(sandbox, mesh)));

describe('reading what is granted', () => {
  it('ends every collection in order, and reads none that is not asked for', async () => {
    populate(sandbox);
    const all = [
      ['account', true],
      ['policySets', true],
      ['assumableRoles', true],
      ['webIdentityRoles', true],
      ['inlinePolicies', true],
      ['policyAttachments', true],
      ['assumptions', true],
    ];
    expect(endsIn(await readAccess(connectTo(sandbox, mesh)))).toEqual(all);
    const items = [];
    const wanted = { nativeTypes: ['account', 'user', 'policyAttachment'] };
    for await (const item of connectTo(sandbox, mesh).readAll(wanted)) items.push(item);
    expect(endsIn(items)).toEqual([
      ['users', true],
      ['account', true],
      ['policyAttachments', true],
    ]);
    sandbox.reset();
    await readEverything(connectTo(sandbox));
    expect(Object.keys(sandbox.calls())).toEqual(['iam:GetAccountAuthorizationDetails']);
  });

  it('shows groups with their members where no map is about people', async () => {
    const { ada, mills } = populate(sandbox);
    sandbox.state.join(ada, mills);
    const items = [];
    for await (const item of connectTo(sandbox, mesh).readAll({ nativeTypes: ['group'] })) items.push(item);
    expect(endsIn(items)).toEqual([['groups', true]]);
    expect(objectsIn(items).map(({ body }) => body['members'])).toEqual([[ada.id]]);
  });

  it('goes on from every cursor in a process that has seen nothing', async () => {
    const { ada } = populate(sandbox);
    for (let n = 0; n < 9; n += 1) ada.policies[`more-${n}`] = allow('s3:*');
    const whole = await readAccess(connectTo(sandbox, mesh));
    expect(whole.length).toBeGreaterThan(accessTypes.length * 2);
    for (const [index, item] of whole.entries())
      expect(await readAccess(connectTo(sandbox, mesh), item.cursor)).toEqual(whole.slice(index + 1));
  });

  it('says of each collection that it may not be read, and goes on with those that may', async () => {
    populate(sandbox);
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:ListOpenIDConnectProviders', count: 'always' });
    const ends = endsIn(await readAccess(connectTo(sandbox, mesh)));
    expect(ends).toContainEqual(['webIdentityRoles', false, 'forbidden']);
    expect(ends.filter((end) => (end as unknown[])[1] === true)).toHaveLength(6);
    sandbox.faults.add({ kind: 'forbidden', operation: 'iam:GetAccountAuthorizationDetails', count: 'always' });
    expect(endsIn(await readAccess(connectTo(sandbox, mesh))).map((end) => (end as unknown[])[1])).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('throws where the cloud fails for good, rather than ending a collection', async () => {
    populate(sandbox);
    sandbox.faults.add({
      kind: 'serverFault',
      operation: 'iam:GetAccountAuthorizationDetails',
      count: 'always',
      status: 503,
    });
    await expect(readAccess(connectTo(sandbox, mesh))).rejects.toMatchObject({ code: 'providerFault' });
  });
});

describe('policy sets', () => {
  it('are those of the authority file, and every policy that is held or lies under the path', async () => {
    populate(sandbox);
    sandbox.state.addPolicy({ name: 'elsewhere', path: '/service/', document: allow('s3:*') });
    const sets = (await objects()).filter(({ type }) => type === 'policySet');
    expect(sets.map(({ id }) => id)).toEqual([ownPolicy, 'auditor', 'operator']);
    expect(sets[2]?.body).toMatchObject({ Name: 'operator', PolicyArns: [s3Read, power].sort() });
    expect(sets[0]?.body['Documents']).toEqual({
      [ownPolicy]: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['ec2:*'], Resource: ['*'] }] },
    });
  });

  it('are the same where their documents mean the same', async () => {
    populate(sandbox);
    const before = await objects();
    const policy = sandbox.state.policies.named('deploy');
    if (policy === undefined) throw new Error('no policy');
    policy.document = json({ Statement: { Resource: ['*'], Action: ['EC2:*', 'ec2:*'], Effect: 'Allow', Sid: 'x' } });
    expect(await objects()).toEqual(before);
    policy.document = allow('ec2:Describe*');
    expect(await objects()).not.toEqual(before);
  });

  it('show the documents of AWS that nobody holds, and are opaque where a policy does not exist', async () => {
    const policySets = { reader: [s3Read], ghost: [`arn:aws:iam::${number}:policy/gone`] };
    const items = objectsIn(await readAccess(connectTo(sandbox, { ...mesh, policySets })), 'policySet');
    expect(shown(items, 'policySet')).toEqual(['ghost (a policy of the set does not exist)', 'reader']);
    expect(JSON.stringify(items[1]?.body)).toContain('s3:describe*');
  });
});

describe('attachments', () => {
  it('are grants of whole sets, and opaque where some policies of a set are missing', async () => {
    const { ada, mills, ci } = populate(sandbox);
    const all = await objects();
    expect(shown(all, 'policyAttachment')).toEqual([
      `group/${mills.id}/${ownPolicy}`,
      `group/${mills.id}/operator`,
      `user/${ada.id}/auditor`,
      `user/${ada.id}/operator (1 of 2 policies of the set are attached)`,
      `webIdentityRole/${ci.id}/auditor`,
    ]);
    expect(all.find(({ id }) => id === `user/${ada.id}/auditor`)?.body).toEqual({
      Principal: `user/${ada.id}`,
      PolicySet: 'policySet/auditor',
      Account: `account/${number}`,
    });
  });
});

describe('roles', () => {
  it('are workloads where one subject of one issuer may assume them', async () => {
    const { ci } = populate(sandbox);
    expect((await objects()).find(({ type }) => type === 'webIdentityRole')).toEqual({
      type: 'webIdentityRole',
      id: ci.id,
      body: {
        RoleName: 'ci',
        Path: '/people/',
        Issuer: `https://${host}`,
        Subject: 'repo:acme/app',
        Provider: `arn:aws:iam::${number}:oidc-provider/${host}`,
      },
    });
  });

  it('are opaque, with the reason, where the trust is more than that', async () => {
    const { state } = sandbox;
    const add = (name: string, trust: string): string => state.addRole({ name, path: '/people/', trust }).id;
    const wrong = JSON.parse(workloadTrust('x')) as { Statement: { Condition: object }[] };
    const conditions = structuredClone(wrong);
    Object.assign(conditions.Statement[0]?.Condition ?? {}, { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } });
    const provider = `arn:aws:iam::${number}:oidc-provider/nowhere.example.org`;
    const nowhere = { provider, issuer: 'https://nowhere.example.org', audience: 'sts.amazonaws.com', subject: 'x' };
    state.addProvider(host, []);
    const expected = {
      [add('a', workloadTrust('x', 'another'))]: 'the audience is not the one of this mesh',
      [add('b', json(conditions))]: 'the trust has conditions beyond issuer, audience and subject',
      [add('c', json(webIdentityTrust(nowhere)))]: 'its identity provider does not exist in the account',
    };
    const world = add('d', json({ Statement: { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' } }));
    const twice = add('e', '{"Statement":[],"Statement":[]}');
    add(
      'f',
      json({ Statement: { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' } }),
    );
    const all = await objects();
    expect(shown(all, 'webIdentityRole').sort()).toEqual(
      Object.entries(expected)
        .map(([id, reason]) => `${id} (${reason})`)
        .sort(),
    );
    expect(shown(all, 'assumableRole').sort()).toEqual(
      [`${world} (the whole world may assume the role)`, `${twice} (an element is given twice)`].sort(),
    );
  });
});

describe('who may assume a role', () => {
  it('needs the policy and the trust, and half of it is said to be half', async () => {
    const { ada, mills, deployer } = populate(sandbox);
    const id = `group/${mills.id}/${deployer.id}`;
    expect(shown(await objects(), 'assumption')).toEqual([id]);
    deployer.trust = json(principalsTrust([sandbox.state.arn('user', ada)]));
    expect(shown(await objects(), 'assumption')).toEqual([
      `${id} (the policy is there, the trust in the role is missing)`,
      `user/${ada.id}/${deployer.id} (the trust is there, the policy is missing)`,
    ]);
  });

  it('is not what a wildcard allows, and cannot be taken away where the policy says more', async () => {
    const { ada, mills, deployer } = populate(sandbox);
    ada.policies['all'] = allow('*');
    mills.policies['may-deploy'] = allow(['sts:AssumeRole', 's3:*'], sandbox.state.arn('role', deployer));
    expect(shown(await objects(), 'assumption')).toEqual([
      `group/${mills.id}/${deployer.id} (the policy that allows it says more than that)`,
    ]);
  });

  it('is not what a policy denies, and not what it allows under a condition', async () => {
    const { mills, deployer } = populate(sandbox);
    const role = { Action: 'sts:AssumeRole', Resource: sandbox.state.arn('role', deployer) };
    const Condition = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } };
    for (const statement of [
      { Effect: 'Deny', ...role },
      { Effect: 'Allow', ...role, Condition },
    ]) {
      mills.policies['may-deploy'] = json({ Version: '2012-10-17', Statement: [statement] });
      const all = await objects();
      expect(shown(all, 'assumption')).toEqual([]);
      expect(shown(all, 'inlinePolicy')).toContain(`group/${mills.id}/may-deploy (inline policy)`);
    }
  });

  it('leaves every other inline policy opaque', async () => {
    const { ada, mills, ci } = populate(sandbox);
    ci.policies['own'] = allow('s3:*');
    expect(shown(await objects(), 'inlinePolicy')).toEqual([
      `user/${ada.id}/own (inline policy)`,
      `webIdentityRole/${ci.id}/own (inline policy)`,
    ]);
    mills.policies['may-deploy'] = allow('sts:AssumeRole', 'arn:aws:iam::999999999999:role/x');
    expect(shown(await objects(), 'inlinePolicy')).toContain(`group/${mills.id}/may-deploy (inline policy)`);
  });
});

it('shows nothing outside the path prefix', async () => {
  const { robot } = populate(sandbox);
  const outside = sandbox.state.addGroup({ name: 'outside', path: '/service/' });
  outside.attachedPolicies.push(s3Read, power);
  sandbox.state.addRole({ name: 'backstage', path: '/service/', trust: json(principalsTrust([root])) });
  expect(JSON.stringify(await objects())).not.toMatch(new RegExp(`${robot.id}|${outside.id}|backstage`));
});
