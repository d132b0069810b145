/**
 * The three stores of this example as those who own them would change them, in the stores' own words: none of it goes through
 * Concordat. Each step prints what it does.
 *
 *   node stores.mjs fill | rename | unit | both | drop | show NUMBER
 *
 * It works on the federation folder below the folder where it is called: on PostgreSQL (LYON_DATABASE) and DynamoDB where
 * that folder names them, else on files in ./data.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';

const folder = path.resolve(process.env.CONCORDAT_FEDERATION || 'federation');
const data = path.join(folder, '..', 'data');
const authority = (id) => readFile(path.join(folder, 'authorities', `${id}.yaml`), 'utf8');
const isFolder = async (id) => /^ {2}kind: folder$/m.test(await authority(id));

const count = 60;
const names = ['Zoë Martin', 'Ann Lee', 'Léa Petit', 'Åse Dahl', 'Jürgen Voß', 'Maya Cohen'];
const number = (at) => `S-${String(at).padStart(3, '0')}`;
const shipments = Array.from({ length: count }, (_, index) => {
  const at = index + 1;
  return {
    number: number(at),
    receiver: `${names[at % names.length]} ${at}`,
    grams: 250 + at * 50,
    second: Date.UTC(2024, 4, 1 + (at % 28), 8, at % 60) / 1000,
    fragile: at % 5 === 0,
  };
});

const say = (who, what) => process.stdout.write(`${who}: ${what}\n`);

/** A file of rows, changed as with an editor. */
async function edit(who, name, words, change) {
  const file = path.join(data, who, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, change(await readFile(file, 'utf8').catch(() => '')));
  say(who, `${name}: ${words}`);
}

const berlin = (words, change) => edit('berlin', 'shipments.csv', words, change);

const two = (value) => String(value).padStart(2, '0');
/** A moment as Berlin writes it: an hour ahead of UTC. */
const localTime = (second) => {
  const at = new Date((second + 3600) * 1000);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:00`;
};
const universalTime = (second) => new Date(second * 1000).toISOString().replace('.000', '');

/** Lyon and Oslo as files: what is done where nothing but Node is there. */
const files = {
  lyon: {
    fill: () =>
      edit('lyon', 'envois.jsonl', `${count - 1} lines`, () =>
        shipments
          .slice(0, count - 1)
          .map(
            ({ number: numero, receiver, grams, second, fragile }) =>
              `${JSON.stringify({ numero, destinataire: receiver.normalize('NFD'), poids: grams / 1000, expedie: second, fragile, note: 'à garder' })}\n`,
          )
          .join(''),
      ),
    rename: () =>
      edit('lyon', 'envois.jsonl', 'destinataire is called client in every line', (text) =>
        text.replaceAll('"destinataire":', '"client":'),
      ),
    both: () =>
      edit('lyon', 'envois.jsonl', 'S-042 goes to Ann Lee-Moreau', (text) =>
        text.replace(/("numero":"S-042","client":)"[^"]*"/, '$1"Ann Lee-Moreau"'),
      ),
    show: async (key) =>
      (await readFile(path.join(data, 'lyon', 'envois.jsonl'), 'utf8'))
        .split('\n')
        .filter((line) => line.includes(`"${key}"`))
        .join('\n'),
  },
  oslo: {
    fill: () =>
      edit('oslo', 'sendinger.csv', `${count} rows`, () =>
        [
          'nr,mottaker,vekt,sendt,skjor,hylle',
          ...shipments.map(
            ({ number: nr, receiver, grams, second, fragile }, at) =>
              `${nr},${receiver},${grams},${universalTime(second)},${fragile ? 'j' : 'n'},${at % 9}`,
          ),
          '',
        ].join('\n'),
      ),
    unit: () =>
      edit('oslo', 'sendinger.csv', 'every vekt is in kilograms', (text) =>
        text.replace(/^(S-\d+,[^,]*,)([\d.]+)/gm, (_, before, vekt) => `${before}${Number(vekt) / 1000}`),
      ),
    show: async (key) =>
      (await readFile(path.join(data, 'oslo', 'sendinger.csv'), 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith(`${key},`))
        .join('\n'),
  },
};

async function sql(text, values = []) {
  const { Client } = (await import('pg')).default;
  const client = new Client({ connectionString: process.env.LYON_DATABASE });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}
async function statement(text) {
  await sql(text);
  say('lyon', text);
}

const postgresql = {
  fill: async () => {
    await sql('DROP TABLE IF EXISTS envois');
    await statement(
      'CREATE TABLE envois (numero text PRIMARY KEY, destinataire text, poids numeric(12,4), expedie timestamptz, fragile boolean, note text)',
    );
    for (const { number: numero, receiver, grams, second, fragile } of shipments.slice(0, count - 1))
      await sql(`INSERT INTO envois VALUES ($1, $2, $3, to_timestamp($4), $5, 'à garder')`, [
        numero,
        receiver.normalize('NFD'),
        grams / 1000,
        second,
        fragile,
      ]);
    say('lyon', `envois: ${count - 1} rows`);
  },
  rename: () => statement('ALTER TABLE envois RENAME COLUMN destinataire TO client'),
  both: () => statement(`UPDATE envois SET client = 'Ann Lee-Moreau' WHERE numero = 'S-042'`),
  show: async (key) => JSON.stringify((await sql('SELECT * FROM envois WHERE numero = $1', [key]))[0] ?? null),
};

async function dynamo(action, request) {
  const { DynamoDB } = await import('@aws-sdk/client-dynamodb');
  const endpoint = /^ {2}endpoint: (\S+)$/m.exec(await authority('oslo'))?.[1];
  const client = new DynamoDB({
    region: 'eu-north-1',
    ...(endpoint === undefined ? {} : { endpoint: endpoint.replace(/^'|'$/g, '') }),
  });
  try {
    return await client[action]({ TableName: 'sendinger', ...request });
  } finally {
    client.destroy();
  }
}

const dynamodb = {
  fill: async () => {
    await dynamo('deleteTable', {}).catch(() => undefined);
    await dynamo('createTable', {
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'nr', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'nr', KeyType: 'HASH' }],
    });
    for (const [at, { number: nr, receiver, grams, second, fragile }] of shipments.entries())
      await dynamo('putItem', {
        Item: {
          nr: { S: nr },
          mottaker: { S: receiver },
          vekt: { N: String(grams) },
          sendt: { S: universalTime(second) },
          skjor: { BOOL: fragile },
          hyller: { NS: [String(at % 9), '17'] },
        },
      });
    say('oslo', `sendinger: ${count} items`);
  },
  unit: async () => {
    const { Items = [] } = await dynamo('scan', { ConsistentRead: true });
    for (const { nr, vekt } of Items)
      await dynamo('updateItem', {
        Key: { nr },
        UpdateExpression: 'SET vekt = :kilograms',
        ExpressionAttributeValues: { ':kilograms': { N: String(Number(vekt.N) / 1000) } },
      });
    say('oslo', `UpdateItem SET vekt = vekt / 1000, ${Items.length} times`);
  },
  show: async (key) => JSON.stringify((await dynamo('getItem', { Key: { nr: { S: key } } })).Item ?? null),
};

const lyon = (await isFolder('lyon')) ? files.lyon : postgresql;
const oslo = (await isFolder('oslo')) ? files.oslo : dynamodb;

const steps = {
  fill: async () => {
    await berlin(`${count - 1} rows`, () =>
      [
        'number;receiver;grams;sent;fragile',
        ...shipments
          .slice(0, count - 1)
          .map(
            ({ number: key, receiver, grams, second, fragile }) =>
              `${key};${receiver};${grams}.00;${localTime(second)};${fragile ? 'yes' : 'no'}`,
          ),
        '',
      ].join('\n'),
    );
    await lyon.fill();
    await oslo.fill();
  },
  rename: async () => {
    await lyon.rename();
    await berlin('S-007 weighs 999 g', (text) => text.replace(/^(S-007;[^;]*;)[\d.]+/m, '$1999'));
  },
  unit: () => oslo.unit(),
  both: async () => {
    await berlin('S-042 goes to Ann Lee-Dahl', (text) => text.replace(/^(S-042;)[^;]*/m, '$1Ann Lee-Dahl'));
    await lyon.both();
  },
  drop: () => berlin('the column fragile is gone', (text) => text.replace(/;[^;\n]*$/gm, '')),
  show: async (key) => {
    const rows = (await readFile(path.join(data, 'berlin', 'shipments.csv'), 'utf8')).split('\n');
    say('berlin', rows.find((row) => row.startsWith(`${key};`)) ?? 'null');
    say('lyon', await lyon.show(key));
    say('oslo', await oslo.show(key));
  },
};

const [step = '', argument = 'S-042'] = process.argv.slice(2);
if (!Object.hasOwn(steps, step)) {
  process.stderr.write(`usage: node stores.mjs ${Object.keys(steps).join(' | ')} [NUMBER]\n`);
  process.exit(1);
}
await steps[step](argument);
