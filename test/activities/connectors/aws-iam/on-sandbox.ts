/** A connector and a sandbox that behaves as IAM does, with short waits and small pages. */
import type { AwsIamMesh, Limits } from '../../../../activities/connectors/aws-iam/config.js';
import { createAwsIamConnector } from '../../../../activities/connectors/aws-iam/connector.js';
import type { Connector, ReadItem } from '../../../../activities/connectors/connector.js';
import type { NativeObject } from '../../../../core/record.js';
import type { AwsSandbox } from '../../../../sandbox/aws/server.js';

export function connectTo(
  sandbox: AwsSandbox,
  mesh: Partial<AwsIamMesh> = {},
  limits: Partial<Limits> = {},
): Connector {
  const [accessKeyId = '', secretAccessKey = ''] = Object.entries(sandbox.state.accessKeys)[0] ?? [];
  return createAwsIamConnector({
    mesh: { kind: 'aws-iam', region: 'us-east-1', endpoint: sandbox.origin, pathPrefix: '/', ...mesh },
    environment: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    limits: {
      pageSize: 5,
      requestTimeoutMs: 10_000,
      readAttemptsMax: 3,
      throttledAttemptsMax: 4,
      backOffBaseMs: 1,
      backOffMaxMs: 5,
      settleMs: 0,
      ...limits,
    },
  });
}

export async function readEverything(connector: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of connector.readAll(cursor === undefined ? {} : { cursor })) items.push(item);
  return items;
}

export function objectsIn(items: readonly ReadItem[], type?: string): NativeObject[] {
  return items
    .flatMap((item) => (item.kind === 'objects' ? item.objects : []))
    .filter((object) => type === undefined || object.type === type);
}

/** `[scope, complete, reason?]` of every scope that ended, in order. */
export function endsIn(items: readonly ReadItem[]): unknown[] {
  return items.flatMap((item) =>
    item.kind === 'scopeEnd' ? [[item.scope, item.complete, ...(item.reason === undefined ? [] : [item.reason])]] : [],
  );
}
