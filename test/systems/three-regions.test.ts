/** The story of three regions over tables: Azure Tables (azurite), DynamoDB (moto) and PostgreSQL itself. */
import { afterAll, beforeAll, test } from 'vitest';
import type { LocalFederation } from '../support/local-federation.js';
import { startAzurite } from '../support/systems/azurite.js';
import { startMoto } from '../support/systems/moto.js';
import { startPostgresql, type PostgresqlSystem } from '../support/systems/postgresql.js';
import { missingWords, type System } from '../support/systems/system.js';
import { azureTables } from './support/regions/azure-tables.js';
import { dynamodb } from './support/regions/dynamodb.js';
import { postgresql } from './support/regions/postgresql.js';
import { begin, tell, type Regions } from './support/regions/story.js';

const [azurite, moto, database]: readonly [Awaited<ReturnType<typeof startAzurite>>, System, PostgresqlSystem] =
  await Promise.all([startAzurite(), startMoto(), startPostgresql()]);
const missing = [azurite, moto, database].flatMap((system) =>
  system.kind === 'missing' ? [missingWords(system)] : [],
);
for (const words of missing) process.stderr.write(`${words}\n`);

let regions: Regions;
let local: LocalFederation | undefined;

beforeAll(async () => {
  if (azurite.kind === 'missing' || moto.kind === 'missing' || database.kind === 'missing') return;
  regions = { azure: await azureTables(azurite), aws: await dynamodb(moto), sovereign: await postgresql(database) };
  local = await begin(regions);
});
afterAll(async () => {
  await local?.stop();
  for (const system of [azurite, moto, database]) if (system.kind === 'available') await system.stop();
});

test('tables of Azure, AWS and a sovereign region agree; the copy in AWS drifts, which is seen, held, explained and agreed to; and all hold the same again', async ({
  skip,
}) => {
  if (!local) return skip(missing.join('\n'));
  await tell(local, regions);
});
