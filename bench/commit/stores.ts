/**
 * What it costs to change many records of a store, as a commit does it, against a bare client that writes the same records in
 * the vendor's own batches; and what it cost one by one. All three in turns over one server, of the clock and of the processor
 * of this process, which does not hold the server. Journal and receipts are not in it: bench/commit/commit.ts has them.
 *
 *   npm run build && npx tsc -p bench/commit/tsconfig.json
 *   node node_modules/.cache/concordat-bench/bench/commit/stores.js [rows] [--rounds 3] [--store azure-tables] [--json file]
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { groupsOf } from '../../activities/authority/apply-group.js';
import type { Batches, Connector, NativeWrite } from '../../activities/connectors/connector.js';
import { median } from '../whole-run/local-runs.js';
import { azureTables } from './stores/azure-tables.js';
import { cosmos } from './stores/cosmos.js';
import { dynamodb } from './stores/dynamodb.js';
import type { BenchedStore, Body } from './stores/store.js';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, store: { type: 'string' }, json: { type: 'string' } },
  allowPositionals: true,
});
const rows = Number(positionals[0] ?? 2_000);
const rounds = Number(values.rounds);

const type = 'parcel';
const idOf = (number: number): string => `p-${String(number).padStart(6, '0')}`;
const bodyOf = (number: number, round: number): Body => ({
  id: idOf(number),
  name: `Parcel ${number}`,
  city: `Harbour ${number % 97}`,
  weight: `${number % 40}.5`,
  note: `in round ${round}`,
});
const numbers = [...Array(rows).keys()];
const updates = (round: number): readonly NativeWrite[] =>
  numbers.map((number) => ({
    kind: 'update',
    type,
    id: idOf(number),
    before: bodyOf(number, round),
    after: bodyOf(number, round + 1),
  }));
const isWritten = (answers: readonly { readonly kind: string }[]): void => {
  const other = answers.find(({ kind }) => kind !== 'applied');
  if (other) throw new Error(`a write was not applied: ${JSON.stringify(other)}`);
};

/** As activities/authority/apply-group.ts asks a connector: read, write, and look at what was left. */
async function together({ batches }: Connector, round: number): Promise<void> {
  if (!batches) throw new Error('it takes one record at a time');
  for (const group of groupsIn(updates(round), batches)) {
    const ids = group.map((write) => (write.kind === 'create' ? '' : write.id));
    await batches.readMany(type, ids);
    isWritten(await batches.writeMany(group));
    const left = await batches.readMany(type, ids);
    if (left.size !== ids.length) throw new Error('not all is there');
  }
}

function groupsIn(writes: readonly NativeWrite[], { objectsMax }: Batches): readonly (readonly NativeWrite[])[] {
  const operations = writes.map((write) => ({ type: write.type, kind: write.kind, write }));
  return [...groupsOf(operations as never, objectsMax)].map((group) =>
    (group as unknown as typeof operations).map(({ write }) => write),
  );
}

/** As activities/authority/apply-operation.ts does it. */
async function oneByOne(connector: Connector, round: number): Promise<void> {
  for (const write of updates(round)) {
    const id = write.kind === 'create' ? '' : write.id;
    await connector.readOne(type, id);
    isWritten([await connector.write(write)]);
    await connector.readOne(type, id);
  }
}

interface Cost {
  readonly seconds: number;
  readonly processorSeconds: number;
}

async function cost(work: () => Promise<void>): Promise<Cost> {
  const [began, used] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(used);
  return { seconds: (performance.now() - began) / 1_000, processorSeconds: (user + system) / 1e6 };
}

async function measure({ name, start }: BenchedStore) {
  const store = await start(type);
  try {
    const connector = store.connector();
    isWritten(
      await Promise.resolve(
        connector.batches?.writeMany(numbers.map((number) => ({ kind: 'create', type, after: bodyOf(number, 0) }))) ??
          [],
      ),
    );
    const costs: Record<'bare' | 'together' | 'oneByOne', Cost[]> = { bare: [], together: [], oneByOne: [] };
    let round = 0;
    for (let turn = 0; turn < rounds; turn += 1) {
      const bare = await store.bareWriter(numbers.map((number) => bodyOf(number, round + 1)));
      costs.bare.push(await cost(bare));
      round += 1;
      costs.together.push(await cost(() => together(connector, round)));
      round += 1;
      costs.oneByOne.push(await cost(() => oneByOne(connector, round)));
      round += 1;
      console.error(
        name,
        JSON.stringify(Object.fromEntries(Object.entries(costs).map(([of, all]) => [of, all.at(-1)]))),
      );
    }
    const of = (which: keyof typeof costs, what: keyof Cost): number => median(costs[which].map((one) => one[what]));
    const ratio = (which: keyof typeof costs, what: keyof Cost): number => of(which, what) / of('bare', what);
    return {
      store: name,
      bareWritesBy: store.bareWritesBy,
      rows,
      rounds,
      rowsPerSecond: {
        bare: rows / of('bare', 'seconds'),
        together: rows / of('together', 'seconds'),
        oneByOne: rows / of('oneByOne', 'seconds'),
      },
      overBare: {
        together: ratio('together', 'seconds'),
        oneByOne: ratio('oneByOne', 'seconds'),
        processorTogether: ratio('together', 'processorSeconds'),
        processorOneByOne: ratio('oneByOne', 'processorSeconds'),
      },
      load: loadavg()[0],
    };
  } finally {
    await store.stop();
  }
}

const results = [];
for (const store of [azureTables, dynamodb, cosmos]) {
  if (values.store !== undefined && values.store !== store.name) continue;
  results.push(await measure(store));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(0);
