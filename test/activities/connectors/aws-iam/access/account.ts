/** One account with every kind of grant, role and workload in it, and how to read it. */
import type { AwsIamMesh } from '../../../../../activities/connectors/aws-iam/config.js';
import { accessTypes } from '../../../../../activities/connectors/aws-iam/access/native-types.js';
import type { Connector, ReadItem } from '../../../../../activities/connectors/connector.js';
import { principalsTrust, webIdentityTrust } from '../../../../../core/iam-policy/trust.js';
import type { NativeObject } from '../../../../../core/record.js';
import type { AwsSandbox } from '../../../../../sandbox/aws/server.js';

export const number = '123456789012';
export const power = 'arn:aws:iam::aws:policy/PowerUserAccess';
export const s3Read = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
export const iamRead = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
export const ownPolicy = `arn:aws:iam::${number}:policy/people/deploy`;
export const host = 'token.actions.example.org';
export const root = `arn:aws:iam::${number}:root`;

export const mesh: Partial<AwsIamMesh> = {
  account: number,
  pathPrefix: '/people/',
  policySets: { operator: [power, s3Read], auditor: [iamRead] },
};

export const json = (value: object): string => JSON.stringify(value);
export const allow = (Action: string | string[], Resource: string | string[] = '*') =>
  json({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] });
export const workloadTrust = (subject: string, audience = 'sts.amazonaws.com'): string =>
  json(
    webIdentityTrust({
      provider: `arn:aws:iam::${number}:oidc-provider/${host}`,
      issuer: `https://${host}`,
      audience,
      subject,
    }),
  );

/** ada holds a whole set and a half, the group `mills` a set, `ci` is a workload, `deployer` a role for people. */
export function populate({ state }: AwsSandbox) {
  const path = '/people/';
  state.addPolicy({ name: 'deploy', path, document: allow('ec2:*') });
  state.addProvider(host, ['sts.amazonaws.com']);
  const ada = state.addUser({ name: 'ada', path });
  const mills = state.addGroup({ name: 'mills', path });
  const robot = state.addUser({ name: 'robot', path: '/service/' });
  ada.owned.attachedPolicies.push(iamRead, power);
  mills.attachedPolicies.push(power, s3Read, ownPolicy);
  robot.owned.attachedPolicies.push(iamRead);
  ada.policies['own'] = allow('s3:*');
  const ci = state.addRole({ name: 'ci', path, trust: workloadTrust('repo:acme/app') });
  ci.attachedPolicies.push(iamRead);
  const deployer = state.addRole({ name: 'deployer', path, trust: json(principalsTrust([root])) });
  deployer.attachedPolicies.push(ownPolicy);
  mills.policies['may-deploy'] = allow('sts:AssumeRole', state.arn('role', deployer));
  return { ada, mills, robot, ci, deployer };
}

export async function readAccess(connector: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  const request = { nativeTypes: accessTypes, ...(cursor === undefined ? {} : { cursor }) };
  for await (const item of connector.readAll(request)) items.push(item);
  return items;
}

/** `id` or `id (opaque: why)` of every object of the type. */
export function shown(objects: readonly NativeObject[], type: string): string[] {
  return objects
    .filter((object) => object.type === type)
    .map(({ id, opaque }) => (opaque === undefined ? id : `${id} (${opaque})`));
}
