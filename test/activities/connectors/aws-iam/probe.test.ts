/** What `concordat doctor` is told of permissions: what this authority needs, and not what another would. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveAws, type AwsSandbox } from '../../../../sandbox/aws/server.js';
import { connectTo } from './on-sandbox.js';

let sandbox: AwsSandbox;

describe('the probe of AWS IAM', () => {
  beforeAll(async () => {
    sandbox = await serveAws();
  });
  afterAll(() => sandbox.close());
  beforeEach(() => sandbox.reset());

  const forbid = (operation: string): void => {
    sandbox.faults.add({ kind: 'forbidden', operation, count: 'always' });
  };

  it('asks for what roles and grants need only where a map is about them', async () => {
    forbid('iam:CreateRole');
    const people = await connectTo(sandbox).probe({ nativeTypes: ['user', 'group'] });
    expect(people.code).toBeUndefined();
    expect(people.permissions.filter(({ held }) => held !== true)).toEqual([]);
    expect(people.permissions.map(({ permission }) => permission)).not.toContain('iam:CreateRole');
    const roles = await connectTo(sandbox).probe({ nativeTypes: ['user', 'webIdentityRole'] });
    expect(roles.code).toBe('forbidden');
    expect(roles.permissions.filter(({ held }) => held !== true)).toMatchObject([
      { permission: 'iam:CreateRole', held: false },
    ]);
  });

  it('asks for what a suspension needs where the mesh declares one', async () => {
    forbid('iam:UpdateAccessKey');
    expect((await connectTo(sandbox).probe()).code).toBeUndefined();
    const suspending = await connectTo(sandbox, { suspension: 'keysAndDenyPolicy' }).probe();
    expect(suspending.code).toBe('forbidden');
    expect(suspending.permissions.filter(({ held }) => held !== true)).toMatchObject([
      { permission: 'iam:UpdateAccessKey', held: false },
    ]);
  });
});
