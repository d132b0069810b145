/**
 * The story of three regions over documents and objects: items of Cosmos DB (cosmosdb-server), objects of S3 (moto) in CSV, of
 * Swift in JSON Lines. Readings lie in a Parquet file of S3, and get from there into the two others without loss, NaN and an infinity among them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalFederation } from '../support/local-federation.js';
import { startCosmosdbServer } from '../support/systems/cosmosdb-server.js';
import { startMoto } from '../support/systems/moto.js';
import { startSwift } from '../support/systems/swift.js';
import { missingWords } from '../support/systems/system.js';
import { cosmos } from './support/regions/cosmos.js';
import { s3 } from './support/regions/s3.js';
import { begin, tell, type MoreRecords, type Regions } from './support/regions/story.js';
import { swift } from './support/regions/swift.js';

const [server, moto, objects] = await Promise.all([startCosmosdbServer(), startMoto(), startSwift()]);
const missing = [server, moto, objects].flatMap((system) => (system.kind === 'missing' ? [missingWords(system)] : []));
for (const words of missing) process.stderr.write(`${words}\n`);

/** What pyarrow wrote (test/activities/record-formats/samples/make.py), in the words of each store. */
const inCosmos = [
  {
    id: 'a',
    text: 'e\u0301 李 😀',
    amount: '1234567890123456789012345678901234567890.5',
    long: '9223372036854775807',
    at: '2024-05-01T11:00:00.123456Z',
    day: '2024-02-29',
    flag: true,
    raw: '00ff',
    amounts: ['1.5'],
    level: 0.1,
    peak: '0.1',
    labels: [{ key: 'k', value: 'v' }, { key: 'l' }],
  },
  {
    id: 'b',
    text: '',
    amount: '-0.5',
    long: '-9223372036854775808',
    at: '0001-01-01T00:00:00Z',
    day: '0001-01-01',
    flag: false,
    raw: '',
    amounts: [],
    level: 'n/a',
    peak: '-Infinity',
    labels: [],
  },
  { id: 'c' },
];
const inSwift = [
  '{"id":"c"}',
  '{"montant":-0.5,"montants":[],"jour":"0001-01-01","vrai":false,"id":"b","mots":[],"niveau":"NaN","long":-9223372036854775808,"pointe":"-Infinity","octets":"","vu":-62135596800000000,"texte":""}',
  '{"montant":1234567890123456789012345678901234567890.5,"montants":["1.5"],"jour":"2024-02-29","vrai":true,"id":"a","mots":[{"key":"k","value":"v"},{"key":"l"}],"niveau":0.1,"long":9223372036854775807,"pointe":"0.1","octets":"AP8=","vu":1714561200123456,"texte":"e\u0301 李 😀"}',
];

let regions: Regions;
let more: MoreRecords;
let local: LocalFederation | undefined;

beforeAll(async () => {
  if (server.kind === 'missing' || moto.kind === 'missing' || objects.kind === 'missing') return;
  const [azure, aws, sovereign] = [await cosmos(server), await s3(moto), await swift(objects)];
  regions = { azure, aws, sovereign };
  more = {
    type: 'reading',
    taxonomy: `type: reading
key: [id]
fields:
  id: { kind: text }
  text: { kind: text }
  amount: { kind: decimal }
  long: { kind: integer }
  seenAt: { kind: instant, precision: microsecond }
  day: { kind: date }
  flag: { kind: boolean }
  raw: { kind: bytes }
  amounts: { kind: list, elements: { kind: decimal } }
  labels: { kind: keyedList, by: key, fields: { key: { kind: text }, value: { kind: text } } }
  level: { kind: decimal, special: [NaN] }
  peak: { kind: decimal, special: [NaN, Infinity, -Infinity] }
`,
    fields: ['id', 'text', 'amount', 'long', 'seenAt', 'day', 'flag', 'raw', 'amounts', 'labels', 'level', 'peak'],
    operations: 6,
    expectEverywhere: async () => {
      expect(await azure.readings()).toEqual(inCosmos);
      expect(await sovereign.readings()).toEqual(inSwift);
    },
  };
  local = await begin(regions, more);
});
afterAll(async () => {
  await local?.stop();
  for (const system of [server, moto, objects]) if (system.kind === 'available') await system.stop();
});

test('items and objects of Azure, AWS and a sovereign region agree; the copy in AWS drifts, which is seen, held, explained and agreed to; and all hold the same again', async ({
  skip,
}) => {
  if (!local) return skip(missing.join('\n'));
  await tell(local, regions, more);
});
