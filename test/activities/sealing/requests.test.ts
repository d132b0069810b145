/** How often a store across a network is asked: counted, whatever the time that a network takes. */
import { describe, expect, test } from 'vitest';
import { ReadPace } from '../../../activities/read-pace.js';
import { createSegmentReader } from '../../../activities/sealing/segment-reader.js';
import { walkDiffering, type Differing, type Participant } from '../../../activities/sealing/walk-differing.js';
import type { PieceRequests } from '../../../activities/store.js';
import type { Fields } from '../../../core/record.js';
import { collected, CountingStore, groups, groupsOf, prefixes, seal } from './worlds.js';

class AskedStore extends CountingStore {
  asked = 0;
  askedAtOnce = 0;
  #waiting = 0;
  readonly requests: PieceRequests;

  constructor(gapBytes: number, atOnce: number) {
    super();
    this.requests = { atOnce, gapBytes: () => gapBytes };
  }

  override async get(name: string): Promise<Uint8Array | null> {
    this.asked += 1;
    return await super.get(name);
  }

  override async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    this.asked += 1;
    this.#waiting += 1;
    this.askedAtOnce = Math.max(this.askedAtOnce, this.#waiting);
    await new Promise((done) => setImmediate(done));
    this.#waiting -= 1;
    return await super.getRange(name, start, length);
  }
}

const ids = ['aws', 'entra', 'openstack'];

/** One record in ten differs between all three; a body has some 60 bytes. */
async function asked(
  gapBytes: number,
  atOnce = 8,
): Promise<{ readonly store: AskedStore; readonly found: Differing[] }> {
  const store = new AskedStore(gapBytes, atOnce);
  const participants: Participant[] = [];
  for (const id of ids) {
    const fields = groupsOf(id).flatMap((group) => group.fields);
    const rows = new Map<string, Fields>(
      Array.from({ length: 800 }, (_, at) => [
        `key ${at}`,
        Object.fromEntries(fields.map((field) => [field, at % 10 === 0 ? id : 'same'])),
      ]),
    );
    participants.push({ id, sealed: await seal(store, id, rows, { recordsPerSegmentMax: 200 }) });
  }
  store.asked = 0;
  const reader = createSegmentReader({ store, prefixes });
  return { store, found: await collected(walkDiffering({ participants, groups, reader })) };
}

describe('a store that is asked over a network', () => {
  test('is asked once for what lies as near as its pace makes cheap, and the same records are found', async () => {
    const [near, far] = [await asked(0), await asked(1_000_000)];
    expect(far.found).toEqual(near.found);
    expect(near.found).toHaveLength(80);
    // Of each of four segments and three members one body piece, instead of one for each record that differs.
    expect(near.store.asked - far.store.asked).toBeGreaterThan(150);
    const columns = far.store.asked - 12;
    // Keys, offsets and the groups of each segment that are not shared: nobody is asked for what another holds.
    expect(columns).toBeLessThanOrEqual(4 * (1 + 3 + 3 + 2 + 1));
    expect(far.store.read).toHaveLength(far.store.asked);
  });

  test('is asked for as many pieces of each member together as it says', async () => {
    expect((await asked(0, 3)).store.askedAtOnce).toBe(3 * ids.length);
    expect((await asked(0, 32)).store.askedAtOnce).toBeGreaterThan(8 * ids.length);
  });
});

describe('the pace of a store', () => {
  test('gives the least gap before anything came, and where answers come at once', () => {
    const pace = new ReadPace();
    expect(pace.gapBytes(32)).toBe(4 * 1024);
    for (let at = 0; at < 50; at += 1) pace.note(500, 0.2);
    expect(pace.gapBytes(32)).toBe(4 * 1024);
  });

  test('grows with the wait and with what is sent meanwhile, and is bounded', () => {
    const pace = new ReadPace();
    for (let at = 0; at < 50; at += 1) pace.note(500, 20);
    expect(pace.gapBytes(32)).toBe(31_250);
    for (let at = 0; at < 50; at += 1) pace.note(1_000_000, 30);
    expect(pace.gapBytes(32)).toBeCloseTo((20 * 100_000) / 32, -1);
    expect(pace.gapBytes(1)).toBe(512 * 1024);
  });
});
