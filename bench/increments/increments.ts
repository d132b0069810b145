/**
 * What a snapshot costs that reads only what changed, against one that reads everything, of the same store in the same run:
 * reading, translating and sealing, with stores in memory. Processor time, medians.
 *
 *   npx tsc -p bench/increments/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/increments/increments.js [--records 100000] [--changed 100] [--rounds 3] [--json file]
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { JsonObject } from '../../core/json.js';
import { IncrementWorld, layGround } from '../../test/activities/authority/increments-support.js';

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

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;

const ground = await layGround();
try {
  const world = new IncrementWorld(ground);
  for (let number = 0; number < records; number += 1) world.store.put(`S-${number}`, row(number, 1 + (number % 50)));
  const first = await world.open();
  await world.read(first);
  await world.seal(first);
  const full: number[] = [];
  const increment: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const step = Math.floor(records / changed);
    for (let at = 0; at < changed; at += 1)
      world.store.put(`S-${at * step + round}`, row(at * step + round, 60 + round));
    const inputs = await world.open();
    const roots: string[] = [];
    full.push(await processorMs(async () => roots.push((await world.twin(inputs)).root)));
    increment.push(
      await processorMs(async () => {
        await world.read(inputs);
        const statement = await world.seal(inputs);
        if (statement.reads?.[0]?.read !== 'increment') throw new Error('it was read whole');
        roots.push(statement.root);
      }),
    );
    if (roots[0] !== roots[1]) throw new Error('an increment and a full read seal different records');
  }
  const result = {
    records,
    changed,
    rounds,
    fullMs: Math.round(median(full)),
    incrementMs: Math.round(median(increment)),
    ratio: Number((median(increment) / median(full)).toFixed(4)),
    load: loadavg()[0],
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
} finally {
  await ground.stop();
}
