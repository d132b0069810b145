/** Changes of a container by its feed: what is told and read by key comes to what the container holds, or it is said that it does not. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChangeItem, Changes } from '../../../../activities/connectors/connector.js';
import { cosmosChanges } from '../../../../activities/connectors/cosmos/changes.js';
import { createCosmosRecordsClient } from '../../../../activities/connectors/cosmos/client.js';
import { runsOf } from '../../../support/property-runs.js';
import { FeedAccount } from './feed-account.js';

let account: FeedAccount;
beforeAll(async () => {
  account = await FeedAccount.start();
});
afterAll(() => account.stop());

function changesOf(): Changes {
  const key = Buffer.from('any key').toString('base64');
  const client = createCosmosRecordsClient({
    mesh: {
      kind: 'cosmos',
      account: 'harbour',
      connectionFrom: 'AZURE_COSMOS_CONNECTION_STRING',
      endpoint: account.endpoint,
      database: 'records',
      containers: { pair: { container: 'pairs', key: ['left', 'right'] } },
      changes: { fullReadEvery: 24 },
    },
    environment: { AZURE_COSMOS_CONNECTION_STRING: `AccountEndpoint=${account.endpoint};AccountKey=${key};` },
    limits: { pageSize: 2, backOffBaseMs: 1, backOffMaxMs: 2, readAttemptsMax: 3 },
  });
  const changes = cosmosChanges({ client, settleMs: 1 });
  if (!changes) throw new Error('changes are declared');
  return changes;
}

/** What a run knows: read whole, or told. */
class Follower {
  readonly known = new Map<string, unknown>();
  readonly why: string[] = [];
  #cursor: string | null = null;
  fullReads = 0;
  increments = 0;

  async run(changes = changesOf()): Promise<void> {
    if (this.#cursor !== null) {
      const items: ChangeItem[] = [];
      for await (const item of changes.changesSince({ pair: this.#cursor })) items.push(item);
      const end = items.at(-1);
      if (end?.kind !== 'end') throw new Error('it has no end');
      const cursor = end.cursors['pair'];
      const untold = items.find((item) => item.kind === 'untold');
      if (untold) this.why.push(untold.why);
      if (cursor !== undefined && !untold) {
        this.increments += 1;
        this.#cursor = cursor;
        for (const item of items) {
          if (item.kind === 'objects') for (const { id, body } of item.objects) this.known.set(id, body['value']);
          if (item.kind === 'gone') for (const id of item.ids) this.known.delete(id);
        }
        return;
      }
    }
    this.fullReads += 1;
    const { pair } = await changes.positions(['pair']);
    this.#cursor = pair?.kind === 'cursor' ? pair.cursor : null;
    if (pair?.kind === 'none') this.why.push(pair.why);
    this.known.clear();
    for (const [id, value] of all()) this.known.set(id, value);
  }
}
const all = () => new Map([...account.items].map(([id, item]) => [id, item['value']]));
function clean(): void {
  Object.assign(account.faults, { repeated: false, lagging: false, lost: 0, notOffered: false, forbidden: false });
  account.faults.nameless = false;
  account.afterFeed = null;
  account.makeAnew();
}

const id = fc.nat(9).map((number) => `item ${number}`);
const partition = fc.constantFrom('north', 'south', 'west');
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      id,
      partition,
      value: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('run' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('split' as const), at: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('anew' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), is: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lose' as const), count: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('lag' as const),
      id,
      partition,
      value: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
);

describe('changes of a container by its feed', () => {
  it('come to what the container holds over any history, deletions included', async () => {
    const seen = { increments: 0, fullReads: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        clean();
        const follower = new Follower();
        const changes = changesOf();
        for (const one of [...steps, { kind: 'run' as const }, { kind: 'run' as const }]) {
          if (one.kind === 'write') account.write(one.id, one.value, one.partition);
          else if (one.kind === 'split') account.split(one.at);
          else if (one.kind === 'trim') account.trim();
          else if (one.kind === 'anew') account.makeAnew();
          else if (one.kind === 'repeat') account.faults.repeated = one.is;
          else if (one.kind === 'lose') account.faults.lost = one.count;
          else if (one.kind === 'lag') {
            // A run whose reads are behind the feed: whatever it holds, the next one knows all.
            account.settle();
            account.write(one.id, one.value, one.partition);
            account.faults.lagging = true;
            await follower.run(changes);
            account.faults.lagging = false;
          } else {
            await follower.run(changes);
            expect(follower.known).toEqual(all());
          }
        }
        seen.increments += follower.increments;
        seen.fullReads += follower.fullReads;
      }),
      runsOf('CONCORDAT_FEED_HISTORIES', 40),
    );
    expect(seen.increments).toBeGreaterThan(20);
    expect(seen.fullReads).toBeGreaterThan(20);
  }, 300_000);

  it('ask for the feed that tells deletions, and for no other', async () => {
    clean();
    account.write('a', 1);
    const follower = new Follower();
    await follower.run();
    account.asked.length = 0;
    account.write('a', undefined);
    await follower.run();
    expect([...follower.known]).toEqual([]);
    expect(follower.fullReads).toBe(1);
    expect(new Set(account.asked)).toEqual(new Set(['container', 'Full-Fidelity Feed', 'item']));
  });

  it('tell again what changed between the feed and the read, in the same answer', async () => {
    clean();
    const follower = new Follower();
    await follower.run();
    account.write('a', 1);
    account.write('b', 1);
    account.afterFeed = () => {
      account.write('a', 2);
      account.write('b', undefined);
      account.write('c', 1);
    };
    await follower.run();
    expect(follower.known).toEqual(all());
    expect(follower.fullReads).toBe(1);
  });

  it.each([
    ['what is beyond the backup', 'expired', () => account.trim()],
    ['a container that was made anew', 'expired', () => account.makeAnew()],
    ['a feed that may not be read any more', 'notOffered', () => void (account.faults.forbidden = true)],
    [
      'a deletion that names no item',
      'doubtful',
      () => {
        account.faults.nameless = true;
        account.write('a', undefined);
      },
    ],
  ])('count for nothing because of %s, and say so', async (_words, why, happen) => {
    clean();
    account.write('a', 1);
    account.write('b', 1);
    const follower = new Follower();
    await follower.run();
    account.write('b', undefined);
    happen();
    await follower.run();
    expect(follower.why[0]).toBe(why);
    expect(follower.known).toEqual(all());
  });

  it('are not offered where the account keeps no continuous backup', async () => {
    clean();
    account.faults.notOffered = true;
    const { pair } = await changesOf().positions(['pair']);
    expect(pair).toMatchObject({ kind: 'none', why: 'notOffered' });
    expect(JSON.stringify(pair)).not.toContain('secret');
  });

  it('throw where the feed cannot be asked, and tell nothing', async () => {
    clean();
    const changes = changesOf();
    const { pair } = await changes.positions(['pair']);
    if (pair?.kind !== 'cursor') throw new Error('there is no cursor');
    account.faults.lost = 100;
    const told = changes.changesSince({ pair: pair.cursor })[Symbol.asyncIterator]();
    await expect(told.next()).rejects.toMatchObject({ code: 'providerFault' });
  });
});
