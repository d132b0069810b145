/** Changes of a table by a stream that splits, closes, trims and lags: what is told and read by key comes to what the table holds, or it is said that it does not. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeItem, Changes } from '../../../../activities/connectors/connector.js';
import { dynamodbChanges } from '../../../../activities/connectors/dynamodb/changes.js';
import type { DynamodbClient } from '../../../../activities/connectors/dynamodb/client.js';
import type { DynamodbMesh } from '../../../../activities/connectors/dynamodb/config.js';
import type { Shard } from '../../../../activities/connectors/dynamodb/shards.js';
import type { StreamClient } from '../../../../activities/connectors/dynamodb/streams.js';
import { ConcordatError } from '../../../../core/errors.js';
import { runsOf } from '../../../support/property-runs.js';

const mesh: DynamodbMesh = {
  kind: 'dynamodb',
  region: 'eu-west-3',
  segments: 1,
  tables: { parcel: { table: 'parcels', key: ['id'] } },
  changes: { fullReadEvery: 24 },
};

interface Told {
  readonly sequence: number;
  readonly id: string;
}

/** A table, and the stream that tells of it. Writes are added to the stream when it comes to them. */
class World {
  readonly items = new Map<string, string>();
  readonly shards: { shard: Shard; records: Told[] }[] = [];
  #behind: string[] = [];
  #listed = 0;
  #sequence = 0;
  #stream = 1;
  isOn = true;
  nowMs = 1_700_000_000_000;
  /** What the next request to the stream is answered with. */
  fault: ConcordatError | null = null;

  constructor() {
    this.#add(null);
  }

  #add(parent: string | null): void {
    const id = `s${this.shards.length}`;
    const firstSequence = String((this.#sequence += 1));
    this.shards.push({ shard: { id, parent, firstSequence, isClosed: false }, records: [] });
  }
  write(id: string, value: string | null): void {
    if (value === null) this.items.delete(id);
    else this.items.set(id, value);
    this.#behind.push(id);
  }
  catchUp(): void {
    const open = this.#open();
    for (const id of this.#behind) {
      const at = open[id.length % Math.max(1, open.length)];
      if (this.isOn) at?.records.push({ sequence: (this.#sequence += 1), id });
    }
    this.#behind = [];
  }
  #open() {
    return this.shards.slice(this.#listed).filter(({ shard: { isClosed } }) => !isClosed);
  }
  split(at: number, into: number): void {
    const open = this.#open();
    const one = open[at % open.length];
    if (!one) return;
    one.shard = { ...one.shard, isClosed: true };
    for (let child = 0; child < into; child += 1) this.#add(one.shard.id);
  }
  /** The oldest closed shard goes, or the oldest record of an open one. */
  trim(): void {
    const first = this.shards[this.#listed];
    if (first?.shard.isClosed) this.#listed += 1;
  }
  /** Switched off and on: another stream. */
  restart(): void {
    this.#stream += 1;
    this.#behind = [];
    this.#listed = this.shards.length;
    this.#add(null);
  }

  readonly client: DynamodbClient = {
    read: ((action: string, call: (sdk: unknown) => Promise<unknown>) =>
      call({
        send: ({ input }: { input: { Key?: Record<string, AttributeValue> } }) => {
          if (action === 'dynamodb:DescribeTable')
            return Promise.resolve({
              Table: {
                TableId: 't',
                TableArn: 'arn:aws:dynamodb:eu-west-3:123456789012:table/parcels',
                KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
                AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
                StreamSpecification: { StreamEnabled: this.isOn },
                LatestStreamArn: `stream ${this.#stream}`,
              },
            });
          const id = input.Key?.['id']?.S ?? '';
          const value = this.items.get(id);
          return Promise.resolve(value === undefined ? {} : { Item: { id: { S: id }, value: { S: value } } });
        },
      })) as DynamodbClient['read'],
    writeOnce: () => Promise.reject(new Error('nothing is written here')),
  };

  readonly streams: StreamClient = {
    shards: () => {
      if (this.fault) return Promise.reject(this.fault);
      return Promise.resolve(this.shards.slice(this.#listed).map(({ shard }) => shard));
    },
    read: (_stream, { id }, from, visit) => {
      const one = this.shards.slice(this.#listed).find(({ shard }) => shard.id === id);
      if (!one) return Promise.resolve({ why: 'expired', detail: 'gone' });
      const after = from === 'oldest' ? 0 : 'after' in from ? Number(from.after) : Number(from.at) - 1;
      let lastSequence = from !== 'oldest' && 'after' in from ? from.after : null;
      for (const { sequence, id: item } of one.records) {
        if (sequence <= after) continue;
        if (!visit({ id: { S: item } })) return Promise.resolve({ why: 'many', detail: '' });
        lastSequence = String(sequence);
      }
      return Promise.resolve({ lastSequence, isEnded: one.shard.isClosed });
    },
  };

  changes(): Changes {
    const changes = dynamodbChanges({ client: this.client, streams: this.streams, mesh, now: () => this.nowMs });
    if (!changes) throw new Error('changes are declared');
    return changes;
  }
}

/** What a run knows: read whole, or told. */
class Follower {
  readonly known = new Map<string, string>();
  readonly #world: World;
  #cursor: string | null = null;
  fullReads = 0;
  increments = 0;

  constructor(world: World) {
    this.#world = world;
  }

  async run(): Promise<void> {
    const changes = this.#world.changes();
    if (this.#cursor !== null) {
      const items: ChangeItem[] = [];
      for await (const item of changes.changesSince({ parcel: this.#cursor })) items.push(item);
      const end = items.at(-1);
      if (end?.kind !== 'end') throw new Error('it has no end');
      const cursor = end.cursors['parcel'];
      if (cursor !== undefined && !items.some(({ kind }) => kind === 'untold')) {
        this.increments += 1;
        this.#cursor = cursor;
        for (const item of items) {
          if (item.kind === 'objects')
            for (const { id, body } of item.objects)
              this.known.set(id, typeof body['value'] === 'string' ? body['value'] : '');
          if (item.kind === 'gone') for (const id of item.ids) this.known.delete(id);
        }
        return;
      }
    }
    this.fullReads += 1;
    const { parcel } = await changes.positions(['parcel']);
    this.#cursor = parcel?.kind === 'cursor' ? parcel.cursor : null;
    this.known.clear();
    for (const [id, value] of this.#world.items) this.known.set(id, value);
  }
}

const id = fc.nat(12).map((number) => 'x'.repeat(number + 1));
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      id,
      value: fc.option(fc.string({ maxLength: 2 }), { nil: null }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('run' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('split' as const), at: fc.nat(5), into: fc.integer({ min: 1, max: 2 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('switch' as const) }) },
);

describe('changes of a table by its stream', () => {
  it('come to what the table holds over any history, once the stream has told', async () => {
    const seen = { increments: 0, fullReads: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const world = new World();
        const follower = new Follower(world);
        for (const one of [...steps, { kind: 'run' as const }]) {
          if (one.kind === 'write') world.write(one.id, one.value);
          else if (one.kind === 'split') world.split(one.at, one.into);
          else if (one.kind === 'trim') world.trim();
          else if (one.kind === 'restart') world.restart();
          else if (one.kind === 'switch') {
            world.catchUp();
            world.isOn = !world.isOn;
            if (world.isOn) world.restart();
          } else {
            world.catchUp();
            await follower.run();
            expect(follower.known).toEqual(world.items);
          }
        }
        seen.increments += follower.increments;
        seen.fullReads += follower.fullReads;
      }),
      runsOf('CONCORDAT_STREAM_HISTORIES', 300),
    );
    expect(seen.increments).toBeGreaterThan(50);
    expect(seen.fullReads).toBeGreaterThan(50);
  }, 300_000);

  it('tell late what the stream tells late, and nothing as gone that is there', async () => {
    const world = new World();
    world.write('a', '1');
    world.catchUp();
    const follower = new Follower(world);
    await follower.run();
    world.write('a', null);
    world.write('b', '1');
    await follower.run();
    expect(follower.known).toEqual(new Map([['a', '1']]));
    world.catchUp();
    // Deleted and made anew: what counts is what is there.
    world.write('a', '2');
    await follower.run();
    expect(follower.known).toEqual(world.items);
    expect(follower.fullReads).toBe(1);
  });

  it('count for nothing where the last read is about a day old', async () => {
    const world = new World();
    const follower = new Follower(world);
    await follower.run();
    world.nowMs += 22 * 3_600_000;
    await follower.run();
    expect(follower.fullReads).toBe(1);
    world.nowMs += 24 * 3_600_000;
    await follower.run();
    expect(follower.fullReads).toBe(2);
  });

  it('throw where the stream cannot be asked, and tell nothing', async () => {
    const world = new World();
    const { parcel } = await world.changes().positions(['parcel']);
    if (parcel?.kind !== 'cursor') throw new Error('there is no cursor');
    world.fault = new ConcordatError('unreachable', 'no answer');
    const told = world.changes().changesSince({ parcel: parcel.cursor })[Symbol.asyncIterator]();
    await expect(told.next()).rejects.toMatchObject({ code: 'unreachable' });
  });
});
