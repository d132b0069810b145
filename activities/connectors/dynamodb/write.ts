/**
 * Writing one item, in one request that holds only where every attribute is still as it was read.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
 *
 * An attribute that was added since the read is in no condition: an update leaves it, a deletion takes it along.
 */
import { DeleteItemCommand, PutItemCommand, UpdateItemCommand, type AttributeValue } from '@aws-sdk/client-dynamodb';
import type { ErrorCode } from '../../../core/errors.js';
import type { Json, JsonObject } from '../../../core/json.js';
import { isWellFormed } from '../../../core/lens/text.js';
import { sameJson } from '../../../core/lens/same-json.js';
import type { BatchAnswer, NativeCall, NativeWrite, WriteAnswer } from '../connector.js';
import { tableOf, type Table } from './catalog.js';
import type { DynamodbClient } from './client.js';
import type { DynamodbMesh } from './config.js';
import { attributesMax, keyNames, objectOf } from './read.js';
import { itemBytes, itemBytesMax } from './item-size.js';
import { keyOf, rowId } from './row-id.js';
import { attributeOf } from './values.js';

type Announce = (call: NativeCall) => Promise<void>;
type Update = Extract<NativeWrite, { readonly kind: 'update' }>;

function changedNames({ before, after }: Update): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => !sameJson(before[name], after[name]),
  );
}

export function plannedCalls(mesh: DynamodbMesh, write: NativeWrite): readonly NativeCall[] {
  const { table, key } = tableOf(mesh, write.type);
  const target = (id: string | null): string => `${table} ${id ?? '(no key)'}`;
  switch (write.kind) {
    case 'create':
      return [{ call: 'dynamodb:PutItem', target: target(rowId(write.after, key)), arguments: write.after }];
    case 'update': {
      const changed = changedNames(write);
      const given = Object.fromEntries(changed.map((name) => [name, write.after[name] ?? null]));
      return changed.length === 0 ? [] : [{ call: 'dynamodb:UpdateItem', target: target(write.id), arguments: given }];
    }
    case 'delete':
      return [{ call: 'dynamodb:DeleteItem', target: target(write.id), arguments: {} }];
  }
}

class NotRepresentable extends Error {}

function refused(code: ErrorCode, detail: string): WriteAnswer {
  return { kind: 'refused', code, detail };
}

type Send = Parameters<DynamodbClient['writeOnce']>[1];

export async function executeWrite(
  client: DynamodbClient,
  mesh: DynamodbMesh,
  table: Table,
  write: NativeWrite,
  announce?: Announce,
): Promise<WriteAnswer> {
  const answer = await writeItem(client, mesh, table, write, announce);
  return answer.kind === 'applied' ? { kind: 'applied', id: answer.id } : answer;
}

/** With the item as it is after an update: the answer shows it, so it need not be read. */
export async function writeItem(
  client: DynamodbClient,
  mesh: DynamodbMesh,
  table: Table,
  write: NativeWrite,
  announce?: Announce,
): Promise<Exclude<BatchAnswer, { readonly kind: 'notSent' }>> {
  const names = keyNames(table);
  const id = write.kind === 'create' ? rowId(write.after, names) : write.id;
  const key = id === null ? null : keyOf(id, table.key);
  if (id === null || key === null)
    return refused('valueNotRepresentable', 'DynamoDB cannot hold the key: a part of it is missing, empty or too long');
  if (write.kind === 'update' && rowId(write.after, names) !== id)
    return refused('valueNotRepresentable', 'the key of an item never changes: it is another item');
  const calls = plannedCalls(mesh, write);
  if (calls.length === 0) return { kind: 'applied', id };
  let send: Send;
  try {
    if (write.kind !== 'delete') requireRoom(attributesOf(table, write.after));
    send = requestOf(table, write, key);
  } catch (error) {
    if (error instanceof NotRepresentable) return refused('valueNotRepresentable', error.message);
    throw error;
  }
  for (const call of calls) await announce?.(call);
  let shown: Record<string, AttributeValue> | undefined;
  const failed = await client.writeOnce(
    calls[0]?.call ?? '',
    async (sdk) => {
      const answer = await send(sdk);
      if ('Attributes' in answer) shown = answer.Attributes as typeof shown;
      return answer;
    },
    write.kind === 'create'
      ? { kind: 'conflict', code: 'nameTaken', detail: 'an item with this key is there already' }
      : { kind: 'conflict', code: 'expectationFailed', detail: 'the item is gone or not as it was read' },
  );
  if (failed) return failed;
  const isWhole = shown !== undefined && names.every((name) => shown?.[name] !== undefined);
  return { kind: 'applied', id, ...(isWhole && shown ? { object: objectOf(table, write.type, shown) } : {}) };
}

/** An item that is too large would be refused by DynamoDB in words of its own; here the words say by how much. */
function requireRoom(item: Record<string, AttributeValue>): void {
  const bytes = itemBytes(item);
  if (bytes > itemBytesMax)
    throw new NotRepresentable(
      `the item would have ${bytes} bytes or more, and DynamoDB holds ${itemBytesMax} at most`,
    );
}

function requestOf(table: Table, write: NativeWrite, key: Record<string, AttributeValue>): Send {
  const shared = { TableName: table.name, ReturnConsumedCapacity: 'TOTAL' } as const;
  const [partition = ''] = Object.keys(key);
  switch (write.kind) {
    case 'create': {
      const given = {
        Item: attributesOf(table, write.after),
        ConditionExpression: 'attribute_not_exists(#k)',
        ExpressionAttributeNames: { '#k': partition },
      };
      return (sdk) => sdk.send(new PutItemCommand({ ...shared, ...given }));
    }
    case 'update': {
      const expression = new Expression();
      const changed = changedNames(write);
      if (changed.length > attributesMax)
        throw new NotRepresentable(`it changes more than ${attributesMax} attributes`);
      const condition = asItWas(expression, table, write.before);
      const sets: string[] = [];
      const removes: string[] = [];
      for (const name of changed) {
        const value = Object.hasOwn(write.after, name) ? attribute(table, name, write.after[name] ?? null) : null;
        if (value === null) removes.push(expression.name(name));
        else sets.push(`${expression.name(name)} = ${expression.value(value)}`);
        if (!Object.hasOwn(write.before, name)) condition.push(`attribute_not_exists(${expression.name(name)})`);
      }
      const update = [
        ...(sets.length === 0 ? [] : [`SET ${sets.join(', ')}`]),
        ...(removes.length === 0 ? [] : [`REMOVE ${removes.join(', ')}`]),
      ].join(' ');
      const given = { UpdateExpression: update, ConditionExpression: condition.join(' AND '), ...expression.given() };
      // Asking for it costs no capacity.
      const all = { ...shared, Key: key, ...given, ReturnValues: 'ALL_NEW' } as const;
      return (sdk) => sdk.send(new UpdateItemCommand(all));
    }
    case 'delete': {
      const expression = new Expression();
      const given = { ConditionExpression: asItWas(expression, table, write.before).join(' AND ') };
      const all = { ...given, ...expression.given() };
      return (sdk) => sdk.send(new DeleteItemCommand({ ...shared, Key: key, ...all }));
    }
  }
}

/** Names and values of an expression: what people call their attributes may be a reserved word. */
class Expression {
  readonly #names = new Map<string, string>();
  readonly #values: AttributeValue[] = [];

  name(attributeName: string): string {
    const known = this.#names.get(attributeName) ?? `#n${this.#names.size}`;
    this.#names.set(attributeName, known);
    return known;
  }

  value(attributeValue: AttributeValue): string {
    this.#values.push(attributeValue);
    return `:v${this.#values.length - 1}`;
  }

  given(): {
    readonly ExpressionAttributeNames: Record<string, string>;
    readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
  } {
    const names = Object.fromEntries([...this.#names].map(([name, placeholder]) => [placeholder, name]));
    const values = Object.fromEntries(this.#values.map((value, at) => [`:v${at}`, value]));
    return this.#values.length === 0
      ? { ExpressionAttributeNames: names }
      : { ExpressionAttributeNames: names, ExpressionAttributeValues: values };
  }
}

/** One condition for each attribute of the item, its key among them: the item is there, and as it was read. */
function asItWas(expression: Expression, table: Table, before: JsonObject): string[] {
  const entries = Object.entries(before);
  if (entries.length > attributesMax) throw new NotRepresentable(`it has more than ${attributesMax} attributes`);
  const conditions = keyNames(table)
    .filter((name) => !Object.hasOwn(before, name))
    .map((name) => `attribute_exists(${expression.name(name)})`);
  for (const [name, body] of entries) {
    const value = attributeOf(body, table.declared(name));
    if (value === null) throw new NotRepresentable(`the attribute ${name} cannot have been as the write expects it`);
    // Said by its type: an implementation that takes an absent attribute for null would let the write through.
    conditions.push(
      value.NULL === true
        ? `attribute_type(${expression.name(name)}, ${expression.value({ S: 'NULL' })})`
        : `${expression.name(name)} = ${expression.value(value)}`,
    );
  }
  return conditions;
}

function attributesOf(table: Table, body: JsonObject): Record<string, AttributeValue> {
  const attributes: (readonly [string, AttributeValue])[] = [];
  for (const [name, value] of Object.entries(body)) {
    const given = attribute(table, name, value);
    if (given !== null) attributes.push([name, given]);
  }
  return Object.fromEntries(attributes);
}

/** Null where the attribute is to be absent: an index holds no null. Throws NotRepresentable. */
function attribute(table: Table, name: string, body: Json): AttributeValue | null {
  const indexType = table.indexed.get(name);
  if (indexType !== undefined && body === null) return null;
  const value = name !== '' && isWellFormed(name) ? attributeOf(body, table.declared(name)) : null;
  if (value === null) throw new NotRepresentable(`DynamoDB cannot hold the value of the attribute ${name}`);
  if (indexType === undefined) return value;
  const held = value[indexType];
  if (held === undefined || held.length === 0)
    throw new NotRepresentable(
      `${name} is the key of an index: it holds neither an empty value nor one of another type`,
    );
  return value;
}
