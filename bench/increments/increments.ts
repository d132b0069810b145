/**
 * What a snapshot costs that reads only what changed, against one that reads everything, of the same store in the same run:
 * reading, translating and sealing, with stores in memory. Processor time, medians.
 *
 *   npx tsc -p bench/increments/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/increments/increments.js [--records 100000] [--changed 100] [--rounds 3] [--json file]
 */
import { hash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { emptyManifest, lineagePrefix, RecordTable, tableId } from '../../activities/lineage/record-table.js';
import { readAll } from '../../activities/sealing/read-records.js';
import { createSegmentReader } from '../../activities/sealing/segment-reader.js';
import type { JsonObject } from '../../core/json.js';
import { saltBytes } from '../../core/lineage/salted.js';
import type { SealedType } from '../../core/sealed.js';
import { here, IncrementWorld, layGround } from '../../test/activities/authority/increments-support.js';
import { dataset } from '../../test/support/local-federation.js';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '100000' },
    changed: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const records = Number(values.records);
const changed = Number(values.changed);
const rounds = Number(values.rounds);

const row = (number: number, weight: number): JsonObject => ({
  numero: `S-${number}`,
  destinataire: `Receiver of parcel ${number}, ${'street '.repeat(8)}${number % 97}`,
  poids: weight,
  expedie: 1_700_000_000 + number,
  fragile: number % 2 === 0,
});

async function processorMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** SHA-256 over so many bytes. */
async function hashingMs(bytes: number): Promise<number> {
  const piece = randomBytes(16_000_000);
  const ms = await processorMs(() => {
    for (let times = 0; times < 8; times += 1) hash('sha256', piece, 'hex');
    return Promise.resolve();
  });
  return (ms * bytes) / (8 * piece.length);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;

/** As after the first agreement, which gave every record its salt. */
async function agreeOnSalts(world: IncrementWorld, types: readonly SealedType[]): Promise<void> {
  const reader = createSegmentReader({ store: world.exchange, prefixes: [here] });
  const rows = [];
  for (const type of types)
    for await (const record of readAll(type, reader))
      rows.push({ id: tableId(record), salt: randomBytes(saltBytes), end: null });
  const table = new RecordTable(world.exchange, lineagePrefix(here, dataset), emptyManifest);
  const manifest = await table.with(rows, 1);
  const bytes = new TextEncoder().encode(JSON.stringify(manifest));
  await world.privates[here].compareAndSetHead(`lineage/${dataset}/table`, 0, bytes);
}

/** Of the segments that changed: what any way must read and hash, and what it must hash and write. */
function floorBytes(before: readonly SealedType[], now: readonly SealedType[]): { read: number; written: number } {
  const sizes = (types: readonly SealedType[], others: readonly SealedType[]): number => {
    const there = new Set(others.flatMap(({ segments }) => segments.map(({ body }) => body)));
    const bytes = types.flatMap(({ segments, groups }) =>
      segments.flatMap(({ body, bodyBytes, count }) =>
        there.has(body) ? [] : [bodyBytes + count * (8 + 4 + 32 * groups.length)],
      ),
    );
    return bytes.reduce((sum, size) => sum + size, 0);
  };
  return { read: sizes(before, now), written: sizes(now, before) };
}

const ground = await layGround();
try {
  const world = new IncrementWorld(ground, undefined, 1_000);
  for (let number = 0; number < records; number += 1) world.store.put(`S-${number}`, row(number, 1 + (number % 50)));
  const first = await world.open();
  const begun = process.cpuUsage();
  await world.read(first);
  let { types } = await world.seal(first);
  const { user, system } = process.cpuUsage(begun);
  process.stderr.write(`first: ${(user + system) / 1_000} ms\n`);
  await agreeOnSalts(world, types);
  // The salts that the first one proposed are found in the table once.
  const settling = await world.open();
  await world.read(settling);
  await world.seal(settling);
  const full: number[] = [];
  const increment: number[] = [];
  let floor = { read: 0, written: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const step = Math.floor(records / changed);
    for (let at = 0; at < changed; at += 1)
      world.store.put(`S-${at * step + round}`, row(at * step + round, 60 + round));
    const inputs = await world.open();
    const roots: string[] = [];
    increment.push(
      await processorMs(async () => {
        await world.read(inputs);
        const statement = await world.seal(inputs);
        if (statement.reads?.[0]?.read !== 'increment') throw new Error('it was read whole');
        roots.push(statement.root);
        floor = floorBytes(types, statement.types);
        ({ types } = statement);
      }),
    );
    process.stderr.write(`round ${round}: increment ${increment.at(-1) ?? 0} ms\n`);
    full.push(await processorMs(async () => roots.push((await world.twin(inputs)).root)));
    if (roots[0] !== roots[1]) throw new Error('an increment and a full read seal different records');
    process.stderr.write(`round ${round}: full ${full.at(-1) ?? 0} ms\n`);
  }
  const result = {
    records,
    changed,
    rounds,
    fullMs: Math.round(median(full)),
    incrementMs: Math.round(median(increment)),
    ratio: Number((median(increment) / median(full)).toFixed(4)),
    /** Megabytes that every way must read and hash, and hash and write; and what hashing them alone costs here. */
    readMB: Math.round(floor.read / 1e6),
    writtenMB: Math.round(floor.written / 1e6),
    floorMs: Math.round(await hashingMs(floor.read + floor.written)),
    load: loadavg()[0],
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await ground.stop();
}
