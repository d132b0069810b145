/**
 * What `concordat doctor` learns: which permissions on each container are held. Never throws.
 *
 * Cosmos DB has no call that answers what one may do. A write to an item that cannot be there is refused before it is looked
 * for where it is not allowed: it tells the one from the other and changes nothing. A creation has no such form.
 */
import type { Container } from '@azure/cosmos';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { ProbeResult } from '../connector.js';
import type { CosmosAnswer } from './answers.js';
import { positionOf } from './changes.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf } from './config.js';
import { isUntold } from './feed.js';
import { requirePartition } from './read.js';

const unreached: readonly ErrorCode[] = ['unreachable', 'throttled', 'providerFault', 'unexpectedAnswer'];
const unauthenticated: readonly ErrorCode[] = [...unreached, 'credentialsMissing', 'credentialsRejected'];

type Held = boolean | 'notChecked';

interface Probed {
  readonly type: string;
  readonly name: string;
  readonly read: Held;
  readonly replace: Held;
  readonly remove: Held;
  /** Where the mesh declares changes. */
  readonly feed?: ProbeResult['permissions'][number];
  readonly code?: ErrorCode;
  readonly detail?: string;
}

export async function probeCosmos(client: CosmosRecordsClient): Promise<ProbeResult> {
  const { account, database, containers } = client.mesh;
  const probed: Probed[] = [];
  for (const type of Object.keys(containers)) probed.push(await probeContainer(client, type));
  const codes = probed.flatMap(({ code }) => code ?? []);
  const fault = probed.find(({ code }) => code !== undefined);
  const detailOf = ({ detail }: Probed) => (detail === undefined ? {} : { detail });
  return {
    reachable: !codes.some((code) => unreached.includes(code) || code === 'credentialsMissing'),
    authenticated: !codes.some((code) => unauthenticated.includes(code)),
    identity: `the database ${database} of the account ${account}`,
    permissions: probed.flatMap((each) => [
      { permission: `items/read on ${each.name}`, held: each.read, ...detailOf(each) },
      { permission: `items/replace on ${each.name}`, held: each.replace },
      { permission: `items/delete on ${each.name}`, held: each.remove },
      ...(each.feed ? [each.feed] : []),
    ]),
    nativeTypes: probed.map((each) => ({
      type: each.type,
      read: each.read === true,
      write: each.replace === true ? each.remove : each.replace,
      ...detailOf(each),
    })),
    ...(fault?.code === undefined ? {} : { code: fault.code }),
    ...(fault?.detail === undefined ? {} : { detail: fault.detail }),
  };
}

async function probeContainer(client: CosmosRecordsClient, type: string): Promise<Probed> {
  const name = `${client.mesh.database}/${containerOf(client.mesh, type).container}`;
  try {
    await requirePartition(client, type);
    await client.read(type, 'ReadItems', (container, abortSignal) =>
      container.items.readAll({ abortSignal, maxItemCount: 1 }).fetchNext(),
    );
  } catch (error) {
    const code = error instanceof ConcordatError ? error.code : 'unexpectedAnswer';
    const detail = error instanceof ConcordatError ? error.message : 'the connector failed';
    const read = code === 'forbidden' ? false : 'notChecked';
    return { type, name, read, replace: 'notChecked', remove: 'notChecked', code, detail };
  }
  // HAZARD: no item may ever have this ETag; those of Cosmos DB are GUIDs.
  const condition = { accessCondition: { type: 'IfMatch', condition: '"concordat-probe"' } };
  const place = (container: Container) => container.item('concordat-probe', 'concordat-probe');
  return {
    type,
    name,
    read: true,
    replace: await may(client, type, (container) => {
      const { key } = containerOf(client.mesh, type);
      const item = { ...Object.fromEntries(key.map((part) => [part, 'concordat-probe'])), id: 'concordat-probe' };
      return place(container).replace(item, condition);
    }),
    remove: await may(client, type, (container) => place(container).delete(condition)),
    ...(client.mesh.changes ? { feed: await probeFeed(client, type, name) } : {}),
  };
}

async function probeFeed(
  client: CosmosRecordsClient,
  type: string,
  name: string,
): Promise<ProbeResult['permissions'][number]> {
  const permission = `readChangeFeed, with deletions, on ${name}`;
  try {
    const position = await positionOf(client, type);
    if (!isUntold(position)) return { permission, held: true };
    const held = position.why === 'notOffered' ? false : 'notChecked';
    return { permission, held, detail: `${position.detail}; every run reads all of it` };
  } catch (error) {
    const detail = error instanceof ConcordatError ? error.message : 'the connector failed';
    return { permission, held: 'notChecked', detail };
  }
}

async function may(
  client: CosmosRecordsClient,
  type: string,
  call: (container: Container) => Promise<object>,
): Promise<Held> {
  let told: CosmosAnswer | undefined;
  const answer = await client.writeOnce(type, 'a write that cannot take place', call, (each) => {
    told = each;
    return undefined;
  });
  if (told?.status === 404 || told?.status === 412) return true;
  return answer?.code === 'forbidden' ? false : 'notChecked';
}
