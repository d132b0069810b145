/**
 * What the connector cannot fully represent, each kind of it: shown with the reason, the same in lists and alone (a commit
 * reads it alone right before it writes), compared by what documents mean, and left alone by a caller who does not know.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NativeWrite } from '../../../../../activities/connectors/connector.js';
import { digestOf } from '../../../../../core/digest.js';
import { principalsTrust, webIdentityTrust } from '../../../../../core/iam-policy/trust.js';
import type { NativeObject } from '../../../../../core/record.js';
import { serveAws } from '../../../../../sandbox/aws/server.js';
import type { AwsSandbox } from '../../../../../sandbox/aws/server.js';
import { connectTo, objectsIn } from '../on-sandbox.js';
import { allow, host, json, mesh, number, populate, readAccess, root, workloadTrust } from './account.js';

let sandbox: AwsSandbox;
beforeAll(async () => {
  sandbox = await serveAws();
});
afterAll(() => sandbox.close());
beforeEach(() => sandbox.reset());

const connector = () => connectTo(sandbox, { ...mesh, policySets: { ...mesh.policySets, ghost: [ghost] } });
const ghost = `arn:aws:iam::${number}:policy/gone`;
const opaqueObjects = async (): Promise<readonly NativeObject[]> =>
  objectsIn(await readAccess(connector())).filter(({ opaque }) => opaque !== undefined);

const statement = (change: object): string =>
  json({
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: `arn:aws:iam::${number}:oidc-provider/${host}` },
        Action: 'sts:AssumeRoleWithWebIdentity',
        ...change,
      },
    ],
  });
const equals = (more: object) => ({
  Condition: { StringEquals: { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:sub`]: 'x', ...more } },
});

/** One of each kind; ids of what was made for it. */
function everyKind() {
  const seeded = populate(sandbox);
  const { state } = sandbox;
  const role = (name: string, trust: string) => state.addRole({ name, path: '/people/', trust });
  const roles = {
    everySubject: role('every-subject', statement({})),
    moreConditions: role('more-conditions', statement(equals({ 'aws:SourceIp': '192.0.2.1' }))),
    patternOfSubjects: role(
      'pattern',
      statement({ Condition: { StringLike: { [`${host}:aud`]: 'sts.amazonaws.com', [`${host}:sub`]: 'repo:*' } } }),
    ),
    worldByToken: role('world-token', statement({ Principal: '*' })),
    world: role('world', json({ Statement: { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' } })),
    worldExcept: role(
      'world-except',
      json({ Statement: { Effect: 'Allow', NotPrincipal: { AWS: root }, Action: 'sts:AssumeRole' } }),
    ),
    worldUnderConditions: role(
      'world-if',
      json({
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: '*' },
          Action: 'sts:AssumeRole',
          Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } },
        },
      }),
    ),
    anotherAudience: role('audience', workloadTrust('x', 'another')),
    noProvider: role(
      'no-provider',
      json(
        webIdentityTrust({
          provider: `arn:aws:iam::${number}:oidc-provider/nowhere.example.org`,
          issuer: 'https://nowhere.example.org',
          audience: 'sts.amazonaws.com',
          subject: 'x',
        }),
      ),
    ),
  };
  const { ada, mills, deployer } = seeded;
  mills.policies['may-enter'] = allow('sts:AssumeRole', state.arn('role', roles.world));
  deployer.trust = json(principalsTrust([state.arn('user', ada)]));
  return { ...seeded, ...roles };
}

describe('every kind of thing that is not fully represented', () => {
  it('is opaque with its reason, in words without values', async () => {
    const { ada, mills, deployer, world, ...made } = everyKind();
    const found = new Map((await opaqueObjects()).map(({ type, id, opaque }) => [`${type} ${id}`, opaque]));
    const role = (type: string, { id }: { readonly id: string }) => `${type} ${id}`;
    expect(found).toEqual(
      new Map([
        ['policySet ghost', 'a policy of the set does not exist'],
        [role('assumableRole', world), 'the whole world may assume the role'],
        [role('assumableRole', made.worldExcept), 'the whole world may assume the role'],
        [
          role('assumableRole', made.worldUnderConditions),
          'only conditions keep the whole world from assuming the role',
        ],
        [role('webIdentityRole', made.worldByToken), 'the whole world may assume the role'],
        [role('webIdentityRole', made.everySubject), 'no condition names one subject exactly'],
        [role('webIdentityRole', made.patternOfSubjects), 'no condition names one subject exactly'],
        [role('webIdentityRole', made.moreConditions), 'the trust has conditions beyond issuer, audience and subject'],
        [role('webIdentityRole', made.anotherAudience), 'the audience is not the one of this mesh'],
        [role('webIdentityRole', made.noProvider), 'its identity provider does not exist in the account'],
        [`inlinePolicy user/${ada.id}/own`, 'inline policy'],
        [`policyAttachment user/${ada.id}/operator`, '1 of 2 policies of the set are attached'],
        [`assumption group/${mills.id}/${deployer.id}`, 'the policy is there, the trust in the role is missing'],
        [`assumption user/${ada.id}/${deployer.id}`, 'the trust is there, the policy is missing'],
        [
          `assumption group/${mills.id}/${world.id}`,
          'the policy is there, the trust of the role has a shape of its own',
        ],
      ]),
    );
  });

  it('is shown alone as the list shows it', async () => {
    everyKind();
    const ofEachType = new Map((await opaqueObjects()).map((object) => [object.type, object]));
    expect(ofEachType.size).toBe(6);
    for (const object of ofEachType.values()) expect(await connector().readOne(object.type, object.id)).toEqual(object);
  });

  it('is neither changed nor deleted, also where whoever asks does not know of it', async () => {
    everyKind();
    const objects = await opaqueObjects();
    const before = JSON.stringify([sandbox.state.roles.all(), sandbox.state.users.all(), sandbox.state.groups.all()]);
    for (const { type, id, body } of objects) {
      const writes: readonly NativeWrite[] = [
        { kind: 'delete', type, id, before: body, deletionMayRemove: ['policies'] },
        { kind: 'update', type, id, before: body, after: { ...body, Subject: 'another' } },
      ];
      for (const write of writes)
        expect(['refused', 'conflict'], `${write.kind} ${type} ${id}`).toContain((await connector().write(write)).kind);
    }
    expect(JSON.stringify([sandbox.state.roles.all(), sandbox.state.users.all(), sandbox.state.groups.all()])).toBe(
      before,
    );
  });

  it('is another one only where its documents mean something else', async () => {
    const { ada, world } = everyKind();
    const digests = async () => new Map((await opaqueObjects()).map(({ id, body }) => [id, digestOf(body)]));
    const before = await digests();
    ada.policies['own'] = json({ Statement: { Resource: ['*', '*'], Sid: 'x', Action: ['S3:*'], Effect: 'Allow' } });
    world.trust = json({
      Version: '2008-10-17',
      Statement: [{ Principal: { AWS: ['*'] }, Action: ['STS:assumeRole'], Effect: 'Allow' }],
    });
    const same = await digests();
    // Versions differ only in policy variables, and there are none.
    expect(same).toEqual(before);
    ada.policies['own'] = allow('s3:Get*');
    world.trust = json({ Statement: { Effect: 'Allow', Principal: '*', Action: 'sts:*' } });
    const other = await digests();
    expect(
      [...other]
        .filter(([id, digest]) => before.get(id) !== digest)
        .map(([id]) => id)
        .sort(),
    ).toEqual([`user/${ada.id}/own`, world.id].sort());
  });
});
