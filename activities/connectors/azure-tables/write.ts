/**
 * Writing one entity under the ETag of what was read right before: an entity that anybody changed since has another one.
 * https://learn.microsoft.com/rest/api/storageservices/update-entity2
 */
import type { TableClient, TableEntity } from '@azure/data-tables';
import { ConcordatError, type ErrorCode } from '../../../core/errors.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { AzureAnswer } from '../../azure-storage.js';
import type { NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import type { AzureTablesClient } from './client.js';
import { tableOf, type AzureTablesMesh, type TableMesh } from './config.js';
import { objectOf, readEntity, reservedNames } from './read.js';
import { keyOf, rowId, type EntityKey } from './row-id.js';
import { propertyOf } from './values.js';
import type { Entity } from './wire.js';

type Announce = (call: NativeCall) => Promise<void>;

export function plannedCalls(mesh: AzureTablesMesh, write: NativeWrite): readonly NativeCall[] {
  const { table, key } = tableOf(mesh, write.type);
  const target = (id: string | null): string => `${table} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [{ call: 'InsertEntity', target: target(rowId(write.after, key)), arguments: write.after }];
    case 'update': {
      const { before, after } = write;
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (name) => !sameJson(before[name] ?? null, after[name] ?? null),
      );
      const given = Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
      return changed.length === 0 ? [] : [{ call: 'UpdateEntity', target: target(write.id), arguments: given }];
    }
    case 'delete':
      return [{ call: 'DeleteEntity', target: target(write.id), arguments: {} }];
  }
}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

const moved = {
  kind: 'conflict',
  code: 'expectationFailed',
  detail: 'the entity is gone or not as it was read',
} as const;
const taken = { kind: 'conflict', code: 'nameTaken', detail: 'an entity with this key is there already' } as const;

/** A write that Azure Tables can hold, and the ETag under which it is sent. */
export interface ReadyWrite {
  readonly kind: 'ready';
  readonly write: NativeWrite;
  readonly id: string;
  readonly key: EntityKey;
  /** Null for a deletion. */
  readonly entity: TableEntity | null;
  /** Null for a creation. */
  readonly etag: string | null;
  readonly call: NativeCall;
}

/** What was read a moment ago: a write of it need not read it again, because its ETag says whether it is still so. */
export type ReadBefore = (type: string, id: string) => Entity | undefined;

export async function executeWrite(
  client: AzureTablesClient,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const ready = await readyFor(client, write);
  return ready.kind === 'ready' ? sendAlone(client, ready, announce) : ready;
}

/** Reads what the write expects, where nobody did; the answer where there is nothing to send. */
export async function readyFor(
  client: AzureTablesClient,
  write: NativeWrite,
  readBefore?: ReadBefore,
): Promise<ReadyWrite | WriteAnswer> {
  const table = tableOf(client.mesh, write.type);
  const id = write.kind === 'create' ? rowId(write.after, table.key) : write.id;
  const key = id === null ? null : keyOf(id, table);
  if (id === null || key === null)
    return refused(
      'valueNotRepresentable',
      'Azure Tables cannot hold the key: a part of it is missing, empty, too long, or has one of / \\ # ? or a control character',
    );
  if (write.kind === 'update' && rowId(write.after, table.key) !== id)
    return refused('valueNotRepresentable', 'the keys of an entity never change: it is another entity');
  const [call] = plannedCalls(client.mesh, write);
  if (call === undefined) return { kind: 'applied', id };
  const entity = write.kind === 'delete' ? null : entityOf(table, key, write.after);
  if (typeof entity === 'string') return refused('valueNotRepresentable', entity);
  let etag: string | null = null;
  if (write.kind !== 'create') {
    const held = await expected(client, table, write, key, readBefore?.(write.type, id));
    if (typeof held !== 'string') return held;
    etag = held;
  }
  return { kind: 'ready', write, id, key, entity, etag, call };
}

export async function sendAlone(
  client: AzureTablesClient,
  { write, id, key, entity, etag, call }: ReadyWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  await announce?.(call);
  const send = (
    by: (sdk: TableClient, abortSignal: AbortSignal) => Promise<object>,
    conflictOf: (answer: AzureAnswer) => typeof moved | typeof taken | undefined,
  ) => client.writeOnce(write.type, call.call, by, conflictOf);
  const failed = await (entity === null
    ? send(
        // HAZARD: without an ETag the SDK deletes whatever is there.
        (sdk, abortSignal) => sdk.deleteEntity(key.partitionKey, key.rowKey, { etag: etag ?? '', abortSignal }),
        conflictOfChange,
      )
    : etag === null
      ? send(
          (sdk, abortSignal) => sdk.createEntity(entity, { abortSignal }),
          ({ code }) => (code === 'EntityAlreadyExists' ? taken : undefined),
        )
      : send((sdk, abortSignal) => sdk.updateEntity(entity, 'Replace', { etag, abortSignal }), conflictOfChange));
  return failed ?? { kind: 'applied', id };
}

function conflictOfChange({ code, status }: AzureAnswer): typeof moved | undefined {
  return status === 412 || (status === 404 && code === 'ResourceNotFound') ? moved : undefined;
}

/** The ETag of the entity where it is as the write expects it. */
async function expected(
  client: AzureTablesClient,
  table: TableMesh,
  { type, before }: Exclude<NativeWrite, { readonly kind: 'create' }>,
  key: EntityKey,
  readBefore: Entity | undefined,
): Promise<string | WriteAnswer> {
  const held = (entity: Entity | null): string | WriteAnswer => {
    const object = entity && objectOf(table, type, entity);
    if (entity === null || object === null) return moved;
    if (object.opaque !== undefined) return refused('opaqueRecord', object.opaque);
    return sameJson(withoutNull(object.body), withoutNull(before)) ? entity.etag : moved;
  };
  try {
    const known = readBefore && held(readBefore);
    return typeof known === 'string' ? known : held(await readEntity(client, type, key));
  } catch (error) {
    if (error instanceof ConcordatError) return refused(error.code, error.message);
    throw error;
  }
}

const withoutNull = (body: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(body).filter((entry): entry is [string, Exclude<Json, null>] => entry[1] !== null));

/** Or the words for what Azure Tables cannot hold. */
function entityOf(
  { key: names, properties: declared = {} }: TableMesh,
  key: EntityKey,
  body: JsonObject,
): TableEntity | string {
  const entity: TableEntity = { ...key };
  for (const [name, value] of Object.entries(body)) {
    if (names.includes(name) || value === null) continue;
    if (reservedNames.has(name) || name in ofTheService || name.includes('@'))
      return `Azure Tables keeps the name ${name} for itself`;
    const edm = propertyOf(value, Object.hasOwn(declared, name) ? declared[name] : undefined);
    if (edm === null)
      return `Azure Tables cannot hold the value of ${name}: declare under \`properties\` of the table what it is, or change the map`;
    entity[name] = { type: edm.type, value: edm.type === 'Boolean' ? String(edm.value) : edm.value };
  }
  return entity;
}

const ofTheService = { PartitionKey: true, RowKey: true, Timestamp: true, 'odata.etag': true } as const;
