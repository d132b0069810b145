/** What DynamoDB says of a table: its key, the attributes of its indexes, and which table it is. */
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ConcordatError } from '../../../core/errors.js';
import type { DynamodbAttribute } from '../../../core/federation/authority.js';
import type { DynamodbClient } from './client.js';
import type { DynamodbMesh, TableMesh } from './config.js';
import { declaredOf, type KeyAttribute } from './row-id.js';

export interface Table {
  readonly name: string;
  /** Another table under the same name has another one. */
  readonly tableId: string;
  /** `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME` */
  readonly arn: string;
  /** The ARN of the stream that tells what changes; null where it is switched off. */
  readonly stream: string | null;
  /** In the order of the authority file. */
  readonly key: readonly KeyAttribute[];
  /** Attributes that are keys of indexes: they hold neither null nor an empty value. */
  readonly indexed: ReadonlyMap<string, 'S' | 'N' | 'B'>;
  declared(attribute: string): DynamodbAttribute | undefined;
}

export function tableOf({ tables }: DynamodbMesh, type: string): TableMesh {
  const table = Object.hasOwn(tables, type) ? tables[type] : undefined;
  if (!table) throw new ConcordatError('unexpectedAnswer', `the mesh declares no table for the native type ${type}`);
  return table;
}

/** Throws ConcordatError: scopeNotFound where there is no such table or its key is another, wrongAccount. */
export async function describeTable(
  client: DynamodbClient,
  mesh: DynamodbMesh,
  type: string,
  signal?: AbortSignal,
): Promise<Table> {
  const { table: name, key, attributes = {} } = tableOf(mesh, type);
  const { Table: told } = await client.read(
    'dynamodb:DescribeTable',
    (sdk) => sdk.send(new DescribeTableCommand({ TableName: name }), signal ? { abortSignal: signal } : {}),
    signal,
  );
  const arn = told?.TableArn ?? '';
  const account = arn.split(':')[4] ?? '';
  if (mesh.account !== undefined && account !== mesh.account)
    throw new ConcordatError('wrongAccount', 'the credentials belong to another account than the authority file names');
  const types = new Map(
    (told?.AttributeDefinitions ?? []).map(({ AttributeName, AttributeType }) => [AttributeName ?? '', AttributeType]),
  );
  const held = (told?.KeySchema ?? []).map(({ AttributeName, KeyType }): KeyAttribute => ({
    name: AttributeName ?? '',
    type: keyType(types.get(AttributeName ?? '')),
    isSort: KeyType === 'RANGE',
  }));
  const found = key.flatMap((attribute) => held.find(({ name: heldName }) => heldName === attribute) ?? []);
  if (held.length === 0 || found.length !== key.length || found.length !== held.length)
    throw new ConcordatError(
      'scopeNotFound',
      `the key of the table ${name} is ${held.map((each) => each.name).join(', ')}, and the authority file says ${key.join(', ')}`,
    );
  const keys = new Map(found.map((each) => [each.name, each]));
  const indexed = new Map([...types].flatMap(([at, is]) => (keys.has(at) ? [] : [[at, keyType(is)] as const])));
  return {
    name,
    tableId: told?.TableId ?? String(told?.CreationDateTime?.getTime() ?? ''),
    arn,
    stream: told?.StreamSpecification?.StreamEnabled === true ? (told.LatestStreamArn ?? null) : null,
    key: found,
    indexed,
    declared: (attribute) => {
      const part = keys.get(attribute);
      if (part) return declaredOf(part);
      return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
    },
  };
}

function keyType(type: string | undefined): 'S' | 'N' | 'B' {
  if (type === 'S' || type === 'N' || type === 'B') return type;
  throw new ConcordatError('unexpectedAnswer', 'dynamodb:DescribeTable names a key of an unknown type');
}
