/**
 * Writing one item under the ETag of what was read right before: an item that anybody changed since has another one.
 * https://learn.microsoft.com/azure/cosmos-db/nosql/database-transactions-optimistic-concurrency
 */
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { JsonObject } from '../../../core/json.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { BatchAnswer, NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import type { CosmosAnswer } from './answers.js';
import type { CosmosRecordsClient } from './client.js';
import { containerOf, type ContainerMesh, type CosmosMesh } from './config.js';
import { itemOf as itemRead, readItem } from './read.js';
import { keyOf, rowId, type ItemKey } from './row-id.js';
import { itemOf } from './values.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls(mesh: CosmosMesh, write: NativeWrite): readonly NativeCall[] {
  const { container, key } = containerOf(mesh, write.type);
  const target = (id: string | null): string => `${container} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [{ call: 'CreateItem', target: target(rowId(write.after, key)), arguments: write.after }];
    case 'update': {
      const { before, after } = write;
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !sameJson(before[name], after[name]),
      );
      const given = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
      return changed.length === 0 ? [] : [{ call: 'ReplaceItem', target: target(write.id), arguments: given }];
    }
    case 'delete':
      return [{ call: 'DeleteItem', target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

const moved = {
  kind: 'conflict',
  code: 'expectationFailed',
  detail: 'the item is gone or not as it was read',
} as const;
const taken = { kind: 'conflict', code: 'nameTaken', detail: 'an item with this key is there already' } as const;

export async function executeWrite(
  client: CosmosRecordsClient,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const answer = await writeItem(client, write, announce);
  return answer.kind === 'applied' ? { kind: 'applied', id: answer.id } : answer;
}

/** `known`: the item as it was read a moment ago; without it the item is read. */
export async function writeItem(
  client: CosmosRecordsClient,
  write: NativeWrite,
  announce?: Announce,
  known?: JsonObject,
): Promise<Exclude<BatchAnswer, { readonly kind: 'notSent' }>> {
  const container = containerOf(client.mesh, write.type);
  const id = write.kind === 'create' ? rowId(write.after, container.key) : write.id;
  const key = id === null ? null : keyOf(id, container.key);
  if (id === null || key === null)
    return refused(
      'valueNotRepresentable',
      'Cosmos DB cannot hold the key: a part of it is missing, empty or too long, or its id has one of / \\ ? # or a control character, or ends in a space',
    );
  if (write.kind === 'update' && rowId(write.after, container.key) !== id)
    return refused('valueNotRepresentable', 'the key of an item never changes: it is another item');
  const [call] = plannedCalls(client.mesh, write);
  if (call === undefined) return { kind: 'applied', id };
  const item = write.kind === 'delete' ? null : itemOf(write.after, container.key.at(-1) ?? 'id');
  if (typeof item === 'string') return refused('valueNotRepresentable', item);
  let etag = '';
  if (write.kind !== 'create') {
    const held = await expected(client, container, write, { key, known });
    if (typeof held !== 'string') return held;
    etag = held;
  }
  await announce?.(call);
  const accessCondition = { type: 'IfMatch', condition: etag };
  let shown: JsonObject | undefined;
  const failed = await client.writeOnce(
    write.type,
    call.call,
    async (sdk, abortSignal) => {
      if (item === null) return sdk.item(key.id, key.partition).delete({ accessCondition, abortSignal });
      // `id` is a part of each key, so it is there.
      const answer =
        write.kind === 'create'
          ? await sdk.items.create(item, { abortSignal, disableAutomaticIdGeneration: true })
          : await sdk
              .item(key.id, key.partition)
              .replace(item as JsonObject & { id: string }, { accessCondition, abortSignal });
      shown = answer.resource;
      return answer;
    },
    write.kind === 'create' ? ({ status }) => (status === 409 ? taken : undefined) : conflictOfChange,
  );
  if (failed) return failed;
  const object = shown === undefined ? undefined : itemRead(container, write.type, shown)?.object;
  return { kind: 'applied', id, ...(object?.id === id ? { object } : {}) };
}

function conflictOfChange({ status, substatus = 0 }: CosmosAnswer): typeof moved | undefined {
  return status === 412 || (status === 404 && substatus === 0) ? moved : undefined;
}

/** The ETag of the item where it is as the write expects it. */
async function expected(
  client: CosmosRecordsClient,
  container: ContainerMesh,
  { type, before }: Exclude<NativeWrite, { readonly kind: 'create' }>,
  { key, known }: { readonly key: ItemKey; readonly known: JsonObject | undefined },
): Promise<string | WriteAnswer> {
  try {
    const told = known ?? (await readItem(client, type, key));
    const item = told && itemRead(container, type, told);
    if (item === null) return moved;
    if (item.object.opaque !== undefined) return refused('opaqueRecord', item.object.opaque);
    return sameJson(item.object.body, before) ? item.etag : moved;
  } catch (error) {
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    throw error;
  }
}
