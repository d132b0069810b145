/** The sandboxed IAM, spoken to by the AWS SDK: each sentence is something that AWS does and an emulator may not. */
import {
  AddUserToGroupCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeleteUserCommand,
  GetAccountAuthorizationDetailsCommand,
  GetGroupCommand,
  GetUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUsersCommand,
  paginateGetAccountAuthorizationDetails,
  paginateGetGroup,
  paginateListGroups,
  RemoveUserFromGroupCommand,
  SimulatePrincipalPolicyCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveAws, type AwsSandbox } from '../../sandbox/aws/server.js';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

let aws: AwsSandbox;
let iam: IAMClient;

function client(secretAccessKey = 'sandbox-secret-access-key', maxAttempts = 1): IAMClient {
  return new IAMClient({
    endpoint: aws.origin,
    region: 'us-east-1',
    maxAttempts,
    credentials: { accessKeyId: 'AKIASANDBOXCONCORDAT', secretAccessKey },
  });
}

beforeAll(async () => {
  aws = await serveAws();
  iam = client();
});
afterAll(() => aws.close());
beforeEach(() => aws.reset());

describe('users', () => {
  it('keeps id and tags when a user is renamed', async () => {
    const made = await iam.send(
      new CreateUserCommand({
        UserName: 'jane',
        Path: '/workforce/',
        Tags: [{ Key: 'email', Value: 'jane@example.org' }],
      }),
    );
    await iam.send(new UpdateUserCommand({ UserName: 'jane', NewUserName: 'jane.doe' }));
    const read = await iam.send(new GetUserCommand({ UserName: 'jane.doe' }));
    expect(read.User).toMatchObject({
      UserId: made.User?.UserId,
      Arn: 'arn:aws:iam::123456789012:user/workforce/jane.doe',
      Tags: [{ Key: 'email', Value: 'jane@example.org' }],
    });
    expect(made.User?.UserId).toMatch(/^AIDA[A-Z2-7]{17}$/);
    await expect(iam.send(new GetUserCommand({ UserName: 'jane' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
    });
  });

  it('holds names unique regardless of case, for creation and rename', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'jane' }));
    await iam.send(new CreateUserCommand({ UserName: 'john' }));
    await expect(iam.send(new CreateUserCommand({ UserName: 'JANE' }))).rejects.toMatchObject({
      name: 'EntityAlreadyExistsException',
    });
    await expect(iam.send(new UpdateUserCommand({ UserName: 'john', NewUserName: 'Jane' }))).rejects.toMatchObject({
      name: 'EntityAlreadyExistsException',
    });
    await iam.send(new UpdateUserCommand({ UserName: 'jane', NewUserName: 'Jane' }));
  });

  it('refuses an apostrophe in a tag and a space in a name, and takes letters of any script', async () => {
    const tag = (Value: string) => new TagUserCommand({ UserName: 'jane', Tags: [{ Key: 'displayName', Value }] });
    await iam.send(new CreateUserCommand({ UserName: 'jane' }));
    await expect(iam.send(tag("Jane O'Brien"))).rejects.toMatchObject({ name: 'ValidationError' });
    await expect(iam.send(tag('R&D'))).rejects.toMatchObject({ name: 'ValidationError' });
    await iam.send(tag('Jané =27 Müller'));
    await expect(iam.send(new CreateUserCommand({ UserName: 'jane doe' }))).rejects.toMatchObject({
      name: 'ValidationError',
    });
  });

  it('replaces a tag whose key differs in case only, and holds 50 at most', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'jane', Tags: [{ Key: 'Email', Value: 'a' }] }));
    await iam.send(new TagUserCommand({ UserName: 'jane', Tags: [{ Key: 'email', Value: 'b' }] }));
    expect((await iam.send(new GetUserCommand({ UserName: 'jane' }))).User?.Tags).toEqual([
      { Key: 'email', Value: 'b' },
    ]);
    const many = Array.from({ length: 50 }, (_, index) => ({ Key: `k${index}`, Value: '' }));
    await expect(iam.send(new TagUserCommand({ UserName: 'jane', Tags: many }))).rejects.toMatchObject({
      name: 'LimitExceededException',
    });
    await iam.send(new UntagUserCommand({ UserName: 'jane', TagKeys: ['EMAIL'] }));
    expect((await iam.send(new GetUserCommand({ UserName: 'jane' }))).User?.Tags).toBeUndefined();
  });

  it('refuses to delete a user to whom anything is attached', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'jane' }));
    await iam.send(new CreateGroupCommand({ GroupName: 'team' }));
    await iam.send(new AddUserToGroupCommand({ UserName: 'jane', GroupName: 'team' }));
    await iam.send(new CreateAccessKeyCommand({ UserName: 'jane' }));
    const remove = new DeleteUserCommand({ UserName: 'jane' });
    await expect(iam.send(remove)).rejects.toMatchObject({ name: 'DeleteConflictException', message: /group/ });
    await expect(iam.send(new DeleteGroupCommand({ GroupName: 'team' }))).rejects.toMatchObject({
      name: 'DeleteConflictException',
    });
    await iam.send(new RemoveUserFromGroupCommand({ UserName: 'jane', GroupName: 'team' }));
    await expect(iam.send(remove)).rejects.toMatchObject({ name: 'DeleteConflictException', message: /access key/ });
    const keys = await iam.send(new ListAccessKeysCommand({ UserName: 'jane' }));
    const AccessKeyId = keys.AccessKeyMetadata?.[0]?.AccessKeyId;
    await iam.send(new DeleteAccessKeyCommand({ UserName: 'jane', AccessKeyId }));
    await iam.send(remove);
    await iam.send(new DeleteGroupCommand({ GroupName: 'team' }));
  });
});

describe('lists', () => {
  it('pages users, groups and members with markers and shows each object once', async () => {
    for (let index = 0; index < 7; index += 1) {
      await iam.send(new CreateUserCommand({ UserName: `user-${index}`, Tags: [{ Key: 'n', Value: String(index) }] }));
      await iam.send(new CreateGroupCommand({ GroupName: `group-${index}`, Path: index < 5 ? '/workforce/' : '/' }));
      await iam.send(new AddUserToGroupCommand({ UserName: `user-${index}`, GroupName: 'group-0' }));
    }
    const details: string[] = [];
    const pages: number[] = [];
    for await (const page of paginateGetAccountAuthorizationDetails({ client: iam, pageSize: 3 }, {})) {
      pages.push((page.UserDetailList?.length ?? 0) + (page.GroupDetailList?.length ?? 0));
      details.push(...(page.UserDetailList ?? []).map((user) => `${user.UserName}/${user.Tags?.[0]?.Value ?? ''}`));
      details.push(...(page.GroupDetailList ?? []).map((group) => group.GroupName ?? ''));
    }
    expect(details).toEqual([
      'concordat/',
      ...Array.from({ length: 7 }, (_, index) => `user-${index}/${index}`),
      ...Array.from({ length: 7 }, (_, index) => `group-${index}`),
    ]);
    expect(pages).toEqual([3, 3, 3, 3, 3]);

    const members: string[] = [];
    for await (const page of paginateGetGroup({ client: iam, pageSize: 2 }, { GroupName: 'group-0' }))
      members.push(...(page.Users ?? []).map((user) => user.UserName ?? ''));
    expect(members).toHaveLength(7);

    const groups: string[] = [];
    for await (const page of paginateListGroups({ client: iam, pageSize: 2 }, { PathPrefix: '/workforce/' }))
      groups.push(...(page.Groups ?? []).map((group) => group.GroupName ?? ''));
    expect(groups).toEqual(['group-0', 'group-1', 'group-2', 'group-3', 'group-4']);
  });

  it('goes on where it stopped although the last user shown was deleted', async () => {
    for (const UserName of ['a', 'b', 'c']) await iam.send(new CreateUserCommand({ UserName }));
    const first = await iam.send(new ListUsersCommand({ MaxItems: 2 }));
    await iam.send(new DeleteUserCommand({ UserName: 'b' }));
    const second = await iam.send(new ListUsersCommand({ Marker: first.Marker }));
    expect(second.Users?.map((user) => user.UserName)).toEqual(['c', 'concordat']);
  });

  it('lists no tags and answers an unknown marker with an error', async () => {
    await iam.send(new CreateUserCommand({ UserName: 'jane', Tags: [{ Key: 'email', Value: 'x' }] }));
    expect((await iam.send(new ListUsersCommand({}))).Users?.every((user) => user.Tags === undefined)).toBe(true);
    await expect(iam.send(new GetAccountAuthorizationDetailsCommand({ Marker: 'nonsense' }))).rejects.toMatchObject({
      name: 'ValidationError',
    });
  });
});

describe('identity and faults', () => {
  it('names the caller, and refuses a wrong secret', async () => {
    expect((await iam.send(new GetUserCommand({}))).User?.UserName).toBe('concordat');
    await expect(client('wrong').send(new ListUsersCommand({}))).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    });
  });

  it('denies what a standing fault forbids, and says so to a permission check', async () => {
    aws.faults.add({ kind: 'forbidden', operation: 'iam:GetGroup', count: 'always' });
    await expect(iam.send(new GetGroupCommand({ GroupName: 'x' }))).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    });
    const simulated = await iam.send(
      new SimulatePrincipalPolicyCommand({
        PolicySourceArn: 'arn:aws:iam::123456789012:user/service/concordat',
        ActionNames: ['iam:GetGroup', 'iam:ListUsers'],
      }),
    );
    expect(simulated.EvaluationResults?.map((result) => result.EvalDecision)).toEqual(['implicitDeny', 'allowed']);
  });

  it('loses a reply after the effect and counts the call once', async () => {
    aws.faults.add({ kind: 'resetAfter', operation: 'iam:CreateUser' });
    await expect(iam.send(new CreateUserCommand({ UserName: 'jane' }))).rejects.toThrow();
    expect(aws.calls()['iam:CreateUser']).toBe(1);
    expect((await iam.send(new GetUserCommand({ UserName: 'jane' }))).User?.UserName).toBe('jane');
  });

  it('resets before the effect', async () => {
    aws.faults.add({ kind: 'resetBefore', operation: 'iam:CreateUser' });
    await expect(iam.send(new CreateUserCommand({ UserName: 'jane' }))).rejects.toThrow();
    await expect(iam.send(new GetUserCommand({ UserName: 'jane' }))).rejects.toMatchObject({
      name: 'NoSuchEntityException',
    });
  });

  it('cuts a page in the middle of its body', async () => {
    aws.faults.add({ kind: 'cutBody', operation: 'iam:ListUsers' });
    await expect(iam.send(new ListUsersCommand({}))).rejects.toThrow();
    await iam.send(new ListUsersCommand({}));
  });

  it('is throttled as AWS throttles, and the SDK waits and repeats', async () => {
    aws.faults.add({ kind: 'throttled', operation: 'iam:ListUsers', count: 2 });
    await client(undefined, 3).send(new ListUsersCommand({}));
    expect(aws.calls()['iam:ListUsers']).toBe(3);
  });

  it('takes faults over HTTP and refuses a malformed one', async () => {
    const post = (body: unknown) =>
      fetch(`${aws.origin}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(body) });
    expect((await post({ kind: 'serverFault', operation: 'iam:List*', status: 503 })).status).toBe(200);
    expect((await post({ kind: 'earthquake' })).status).toBe(400);
    await expect(iam.send(new ListUsersCommand({}))).rejects.toMatchObject({ $metadata: { httpStatusCode: 503 } });
    await iam.send(new ListUsersCommand({}));
  });
});
