/** The sandboxed Keystone and connectors to it, with pauses short enough for tests. */
import { createKeystoneConnector } from '../../../../activities/connectors/keystone/connector.js';
import type { KeystoneConnectorOptions, KeystoneMesh } from '../../../../activities/connectors/keystone/config.js';
import type { Connector, ReadItem } from '../../../../activities/connectors/connector.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';

export const domain = 'workforce';

export function connectTo(
  origin: string,
  change: Partial<KeystoneMesh> = {},
  options: Partial<KeystoneConnectorOptions> = {},
): Connector {
  return createKeystoneConnector({
    mesh: {
      kind: 'keystone',
      endpoint: `${origin}/v3`,
      domain,
      userFrom: 'OS_USERNAME',
      passwordFrom: 'OS_PASSWORD',
      userDomain: 'default',
      ...change,
    },
    environment: { OS_USERNAME: 'concordat', OS_PASSWORD: 'sandbox-password' },
    timing: { retryPauseMs: 1, renewalPauseMs: 1, longestPauseMs: 50, requestTimeoutMs: 10_000 },
    ...options,
  });
}

export async function everything(connector: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of connector.readAll(cursor === undefined ? {} : { cursor })) items.push(item);
  return items;
}

export function objectsOf(items: readonly ReadItem[], type?: string): NativeObject[] {
  const objects = items.flatMap((item) => (item.kind === 'objects' ? item.objects : []));
  return objects.filter((object) => type === undefined || object.type === type);
}

/** `users true`, `groups forbidden`: each scope with whether it is complete, or why not. */
export function endsOf(items: readonly ReadItem[]): string[] {
  return items.flatMap((item) => (item.kind === 'scopeEnd' ? [`${item.scope} ${item.reason ?? item.complete}`] : []));
}

export async function created(connector: Connector, type: 'user' | 'group', after: JsonObject): Promise<string> {
  const answer = await connector.write({ kind: 'create', type, after });
  if (answer.kind !== 'applied') throw new Error(`not created: ${JSON.stringify(answer)}`);
  return answer.id;
}
