/** An Entra tenant of the sandbox and a connector to it, for the tests of this folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphTuning } from '../../../../activities/connectors/entra/client.js';
import type { EntraMesh } from '../../../../activities/connectors/entra/config.js';
import { createEntraConnector } from '../../../../activities/connectors/entra/connector.js';
import type { Connector, ReadItem } from '../../../../activities/connectors/connector.js';
import type { JsonObject } from '../../../../core/json.js';
import type { NativeObject } from '../../../../core/record.js';
import { serveEntra, type EntraSandbox } from '../../../../sandbox/entra/server.js';
import { trustInThisProcess } from '../../../support/certificate.js';

export interface Tenant {
  readonly sandbox: EntraSandbox;
  readonly mesh: EntraMesh;
  readonly environment: Readonly<Record<string, string>>;
  readonly connect: (change?: Partial<EntraMesh>, tuning?: Partial<GraphTuning>) => Connector;
  readonly close: () => Promise<void>;
}

export async function startTenant(): Promise<Tenant> {
  const folder = await mkdtemp(join(tmpdir(), 'concordat-tenant-'));
  const sandbox = await serveEntra({ folder });
  trustInThisProcess({ cert: sandbox.authority });
  const { clientId, secret } = sandbox.state.application;
  const environment = { AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: secret };
  const mesh: EntraMesh = {
    kind: 'entra',
    tenant: sandbox.state.tenant,
    endpoint: `${sandbox.origin}/v1.0`,
    authorityHost: sandbox.origin,
    clientIdFrom: 'AZURE_CLIENT_ID',
    clientSecretFrom: 'AZURE_CLIENT_SECRET',
  };
  return {
    sandbox,
    mesh,
    environment,
    connect: (change = {}, tuning = {}) =>
      createEntraConnector({ mesh: { ...mesh, ...change }, environment, tuning: { retryDelayMs: 1, ...tuning } }),
    close: async () => {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function everything(connector: Connector, cursor?: string): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of connector.readAll(cursor === undefined ? {} : { cursor })) items.push(item);
  return items;
}

export function objectsOf(items: readonly ReadItem[], type: string): NativeObject[] {
  return items
    .flatMap((item) => (item.kind === 'objects' ? item.objects : []))
    .filter((object) => object.type === type);
}

/** `users`, `groups forbidden`: each scope that ended, and why it is incomplete. */
export function endsOf(items: readonly ReadItem[]): string[] {
  return items.flatMap((item) =>
    item.kind === 'scopeEnd' ? [item.complete ? item.scope : `${item.scope} ${String(item.reason)}`] : [],
  );
}

export function person(name: string, more: JsonObject = {}): JsonObject {
  return {
    userPrincipalName: `${name}@contoso.example`,
    displayName: name,
    mailNickname: name,
    accountEnabled: true,
    ...more,
  };
}

export async function created(connector: Connector, type: 'user' | 'group', after: JsonObject): Promise<string> {
  const answer = await connector.write({ kind: 'create', type, after });
  if (answer.kind !== 'applied') throw new Error(`not created: ${JSON.stringify(answer)}`);
  return answer.id;
}

export async function bodyOf(connector: Connector, type: 'user' | 'group', id: string): Promise<JsonObject> {
  const object = await connector.readOne(type, id);
  if (object === null) throw new Error(`${type} ${id} does not exist`);
  return object.body;
}
