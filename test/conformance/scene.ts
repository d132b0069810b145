/** What a case works with: one connector, its cloud's dialect, and the questions that every case asks. */
import { expect } from 'vitest';
import type { Connector, NativeWrite, ReadItem, WriteAnswer } from '../../activities/connectors/connector.js';
import type { JsonObject } from '../../core/json.js';
import type { NativeObject } from '../../core/record.js';
import { dialectOf, type Dialect } from './dialect.js';
import type { World } from './world.js';

type NativeType = 'user' | 'group';

export interface Scene {
  readonly world: World;
  readonly connector: Connector;
  readonly dialect: Dialect;
  /** The id of what was made; fails the case where it was not. */
  readonly create: (type: NativeType, after: JsonObject) => Promise<NativeObject>;
  /** Writes `after` over what was read. */
  readonly update: (object: NativeObject, after: JsonObject) => Promise<NativeObject>;
  readonly write: (write: NativeWrite) => Promise<WriteAnswer>;
  /** Fails the case where the cloud does not show it. */
  readonly read: (type: NativeType, id: string) => Promise<NativeObject>;
  readonly everything: (connector?: Connector, cursor?: string) => Promise<readonly ReadItem[]>;
}

export async function collect(items: AsyncIterable<ReadItem>): Promise<readonly ReadItem[]> {
  const collected: ReadItem[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export function objectsIn(items: readonly ReadItem[], type: NativeType): readonly NativeObject[] {
  return items.flatMap((item) =>
    item.kind === 'objects' ? item.objects.filter((object) => object.type === type) : [],
  );
}

/** `users`, or `users: forbidden` where it is incomplete. */
/** What the store said of the properties of each scope. */
export const declaresIn = (items: readonly ReadItem[]): readonly Readonly<Record<string, string>>[] =>
  items.flatMap((item) => (item.kind === 'scopeEnd' ? [item.declares ?? {}] : []));

export function endsIn(items: readonly ReadItem[]): readonly string[] {
  return items.flatMap((item) =>
    item.kind === 'scopeEnd' ? [item.complete ? item.scope : `${item.scope}: ${item.reason ?? 'no reason'}`] : [],
  );
}

/** `deviations`: those of the world; none to see what it really does. */
export function sceneIn(world: World, deviations = world.deviations): Scene {
  const connector = world.connector();
  const read: Scene['read'] = async (type, id) => {
    const object = await connector.readOne(type, id);
    if (object === null) throw new Error(`the cloud does not show the ${type} ${id}`);
    return object;
  };
  return {
    world,
    connector,
    // Only where it is asked for: stores of records have no users and groups.
    get dialect() {
      return dialectOf(world.mesh, deviations);
    },
    read,
    create: async (type, after) => {
      const answer = await connector.write({ kind: 'create', type, after });
      expect(answer).toEqual({ kind: 'applied', id: expect.any(String) as string });
      return read(type, answer.kind === 'applied' ? answer.id : '');
    },
    update: async (object, after) => {
      const type = object.type as NativeType;
      const answer = await connector.write({ kind: 'update', type, id: object.id, before: object.body, after });
      expect(answer).toEqual({ kind: 'applied', id: object.id });
      return read(type, object.id);
    },
    write: (write) => connector.write(write),
    everything: (other = connector, cursor) => collect(other.readAll(cursor === undefined ? {} : { cursor })),
  };
}
