/** An authority's log: many workers, crashes at every step, restored backups. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LogReader } from '../../../activities/log/log-reader.js';
import {
  appendToLog,
  ownCheckpoint,
  publishedCheckpoint,
  publishedLog,
  readOwnLog,
} from '../../../activities/log/own-log.js';
import { createFileStore } from '../../../activities/store-files.js';
import { appendLeaves, emptyFrontier, rootOf } from '../../../core/log/frontier.js';
import { parseCheckpoint } from '../../../core/log/checkpoint.js';
import { parseNote } from '../../../core/log/note.js';
import { verifyConsistency, verifyInclusion } from '../../../core/log/proof.js';
import { leafHash } from '../../../core/log/tree.js';
import { dyingStore, entry, LogWorld, slowStore } from './log-world.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const rootOfEntries = (entries: readonly Uint8Array[]): string =>
  hex(
    rootOf(
      appendLeaves(
        emptyFrontier,
        entries.map((one) => leafHash(one)),
      ),
    ),
  );

function publishedSize(world: LogWorld): number {
  const head = world.exchange.heads.get(publishedCheckpoint('aws'));
  const note = head && parseNote(new TextDecoder().decode(head.bytes));
  return (note && parseCheckpoint(note.text)?.size) ?? 0;
}

describe('the log', () => {
  it('grows over the bounds of tiles, by any steps, to the one root of its entries, and proves each of them to peers', async () => {
    const world = new LogWorld(['aws']);
    const entries = Array.from({ length: 1_200 }, (_, at) => entry(`entry ${at}`));
    const sizes: number[] = [];
    for (let at = 0, step = 1; at < entries.length; at += step, step = (step * 5) % 331) {
      const batch = entries.slice(at, at + step);
      expect(await appendToLog(world.of('aws'), batch)).toEqual({ position: at, count: batch.length });
      sizes.push(at + batch.length);
      const { checkpoint } = await ownCheckpoint(world.of('aws'));
      expect(checkpoint.size).toBe(at + batch.length);
      expect(hex(checkpoint.root)).toBe(rootOfEntries(entries.slice(0, checkpoint.size)));
    }
    expect(sizes.at(-1)).toBe(entries.length);
    const reader = new LogReader(world.exchange, publishedLog('aws'), entries.length);
    const root = Buffer.from(rootOfEntries(entries), 'hex');
    for (const index of [0, 1, 255, 256, 511, 700, 1_023, 1_024, 1_199]) {
      expect(await reader.entryAt(index)).toEqual(entries[index]);
      const proof = await reader.inclusion(index, entries.length);
      const leaf = leafHash(entries[index] ?? new Uint8Array(0));
      expect(verifyInclusion({ leaf, index, size: entries.length, proof, root })).toBe(true);
    }
    for (const from of sizes) {
      const proof = await reader.consistency(from, entries.length);
      const fromRoot = Buffer.from(rootOfEntries(entries.slice(0, from)), 'hex');
      expect(verifyConsistency({ from, to: entries.length, fromRoot, toRoot: root, proof })).toBe(true);
    }
  });

  it('takes in each batch once, whatever worker brings it, and however they interleave', async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const world = new LogWorld(['aws']);
      let state = seed;
      const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
      // Six workers; every batch is brought by two of them.
      const brought = Array.from({ length: 6 }, (_, worker) => [`batch ${worker}`, `batch ${(worker + 1) % 6}`]);
      const appended = await Promise.all(
        brought.map(async (batches) => {
          const privateStore = slowStore(world.stores['aws'] ?? world.exchange, random);
          const owner = world.of('aws', { privateStore, exchange: slowStore(world.exchange, random) });
          const positions: (readonly [string, number])[] = [];
          for (const batch of batches)
            positions.push([batch, (await appendToLog(owner, [entry(batch), entry(`${batch}, second`)])).position]);
          return positions;
        }),
      );
      const positions = new Map(appended.flat());
      for (const [batch, position] of appended.flat()) expect(position).toBe(positions.get(batch));
      expect([...positions.values()].sort((a, b) => a - b)).toEqual([0, 2, 4, 6, 8, 10]);
      const { size, reader } = await readOwnLog(world.of('aws'));
      expect([size, publishedSize(world)]).toEqual([12, 12]);
      for (const [batch, position] of positions)
        expect(new TextDecoder().decode(await reader.entryAt(position))).toBe(batch);
    }
  });

  it('loses and repeats nothing where a worker dies at any step, also at the end of a tile', async () => {
    const before = new LogWorld(['aws']);
    await appendToLog(
      before.of('aws'),
      Array.from({ length: 254 }, (_, at) => entry(`before ${at}`)),
    );
    const batch = [entry('first'), entry('second'), entry('third')];
    let deaths = 0;
    for (const after of [false, true]) {
      for (let at = 1; ; at += 1) {
        const world = before.copy();
        const dies = { at, after };
        const owner = world.of('aws', {
          privateStore: dyingStore(world.stores['aws'] ?? world.exchange, dies),
          exchange: dyingStore(world.exchange, dies),
        });
        let died = false;
        try {
          await appendToLog(owner, batch);
        } catch (error) {
          expect(String(error)).toContain('the process has died');
          died = true;
        }
        expect(await appendToLog(world.of('aws'), batch)).toEqual({ position: 254, count: 3 });
        expect(await appendToLog(world.of('aws'), [entry('later')])).toEqual({ position: 257, count: 1 });
        const { size, reader } = await readOwnLog(world.of('aws'));
        expect([size, publishedSize(world)]).toEqual([258, 258]);
        expect(hex(await reader.rootAt(258))).toBe(hex((await ownCheckpoint(world.of('aws'))).checkpoint.root));
        expect(hex(await new LogReader(world.exchange, publishedLog('aws'), 258).rootAt(258))).toBe(
          hex(await reader.rootAt(258)),
        );
        if (!died) break;
        deaths += 1;
      }
    }
    expect(deaths).toBeGreaterThan(20);
  });

  it('stops where its private store is older than what it has published', async () => {
    const world = new LogWorld(['aws']);
    await appendToLog(world.of('aws'), [entry('one')]);
    const backup = world.copy();
    await appendToLog(world.of('aws'), [entry('two')]);
    await appendToLog(world.of('aws'), [entry('three')]);
    const restored = world.of('aws', { privateStore: backup.stores['aws'] ?? world.exchange });
    await expect(appendToLog(restored, [entry('another two')])).rejects.toMatchObject({ code: 'logRewound' });
    // Nor after it has tried: what was published stays what it was.
    expect(publishedSize(world)).toBe(3);
    expect(new TextDecoder().decode(await new LogReader(world.exchange, publishedLog('aws'), 3).entryAt(1))).toBe(
      'two',
    );
  });

  it('stops there too where only the checkpoint, or only the tiles, still tell of more', async () => {
    const world = new LogWorld(['aws']);
    await appendToLog(world.of('aws'), [entry('one')]);
    const backup = world.copy();
    await appendToLog(world.of('aws'), [entry('two')]);
    await appendToLog(world.of('aws'), [entry('three')]);
    const privateStore = backup.stores['aws'] ?? world.exchange;
    const published = backup.exchange.heads.get(publishedCheckpoint('aws'));
    const tilesOnly = world.copy();
    if (published) tilesOnly.exchange.heads.set(publishedCheckpoint('aws'), published);
    await expect(
      appendToLog(tilesOnly.of('aws', { privateStore: backup.copy().stores['aws'] ?? privateStore }), [entry('other')]),
    ).rejects.toMatchObject({ code: 'logRewound' });
    // The same entry again writes the same tile, and still stands below what was published.
    await expect(appendToLog(world.of('aws', { privateStore }), [entry('two')])).rejects.toMatchObject({
      code: 'logRewound',
    });
  });

  it('is the same for two processes on one folder', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'concordat-log-'));
    try {
      const world = new LogWorld(['aws']);
      const owners = [1, 2, 3].map(() =>
        world.of('aws', {
          privateStore: createFileStore(path.join(folder, 'private')),
          exchange: createFileStore(path.join(folder, 'exchange')),
        }),
      );
      const appended = await Promise.all(
        owners.flatMap((owner, worker) => [1, 2].map((at) => appendToLog(owner, [entry(`${worker} ${at}`)]))),
      );
      expect(appended.map(({ position }) => position).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
