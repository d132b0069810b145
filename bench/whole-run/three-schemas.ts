/** One dataset in three schemas of one database, each in its own words, and the folder of the federation that holds them together. */

import { execFileSync } from 'node:child_process';

export const members = ['alpha', 'beta', 'gamma'] as const;
export type MemberName = (typeof members)[number];

const taxonomy = `type: parcel
label: number
key: [number]
fields:
  number: { kind: text }
  receiver: { kind: text }
  street: { kind: text }
  city: { kind: text }
  weight: { kind: decimal, unit: g }
  sentAt: { kind: instant, precision: second }
  fragile: { kind: boolean }
  tags: { kind: set, of: text }
  note: { kind: text }
`;

interface Words {
  readonly table: string;
  readonly native: string;
  readonly columns: string;
  /** What a row of the series holds, in the order of the columns. */
  readonly values: string;
  readonly map: string;
  readonly edit: string;
}

const series = `md5('parcel ' || n) AS h`;
const id = `substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4) || '-' || substr(h, 17, 4) || '-' || substr(h, 21, 12)`;
const tags = `ARRAY['tag-' || n % 100, 'tag-' || 100 + n % 300, 'tag-' || 400 + n % 17]`;
const note = `'to be left with neighbour number ' || n % 9973 || ' where nobody opens'`;

export const words: Readonly<Record<MemberName, Words>> = {
  alpha: {
    table: 'alpha.parcels',
    native: 'parcel',
    columns:
      'number text PRIMARY KEY, receiver text, street text, city text, grams numeric(20,2), sent timestamptz, fragile boolean, tags text[], note text',
    values: `${id}, 'Person Number ' || n, 'Street of position ' || n % 977, 'city-' || n % 200, (n % 50000) / 4.0, to_timestamp(1700000000 + n), n % 7 = 0, ${tags}, ${note}`,
    map: `number: { path: number }
  receiver: { path: receiver }
  street: { path: street }
  city: { path: city }
  weight: { path: grams, through: [{ unit: g }] }
  sentAt: { path: sent }
  fragile: { path: fragile }
  tags: { path: tags, through: [{ set: true }] }
  note: { path: note }`,
    edit: `city = 'moved to city-' || length(note)`,
  },
  beta: {
    table: 'beta.envois',
    native: 'envoi',
    columns:
      'numero text PRIMARY KEY, destinataire text, rue text, ville text, poids numeric(20,6), expedie timestamp, fragile boolean, etiquettes text[], note text',
    values: `${id}, 'Person Number ' || n, 'Street of position ' || n % 977, 'city-' || n % 200, (n % 50000) / 4000.0, to_timestamp(1700000000 + n) AT TIME ZONE 'UTC', n % 7 = 0, ${tags}, ${note}`,
    map: `number: { path: numero }
  receiver: { path: destinataire }
  street: { path: rue }
  city: { path: ville }
  weight: { path: poids, through: [{ unit: kg, times: '1000' }] }
  sentAt: { path: expedie, through: [{ zone: '+00:00' }] }
  fragile: { path: fragile }
  tags: { path: etiquettes, through: [{ set: true }] }
  note: { path: note }`,
    edit: `rue = 'another street than ' || length(note)`,
  },
  gamma: {
    table: 'gamma.sendinger',
    native: 'sending',
    columns:
      'nr text PRIMARY KEY, mottaker text, gate text, sted text, vekt numeric(20,2), sendt bigint, skjor text, merker text[], notat text',
    values: `${id}, 'Person Number ' || n, 'Street of position ' || n % 977, 'city-' || n % 200, (n % 50000) / 4.0, 1700000000 + n, CASE WHEN n % 7 = 0 THEN 'ja' ELSE 'nei' END, ${tags}, ${note}`,
    map: `number: { path: nr }
  receiver: { path: mottaker }
  street: { path: gate }
  city: { path: sted }
  weight: { path: vekt, through: [{ unit: g }] }
  sentAt: { path: sendt, through: [{ epoch: second }] }
  fragile: { path: skjor, through: [{ enum: { ja: true, nei: false } }] }
  tags: { path: merker, through: [{ set: true }] }
  note: { path: notat }`,
    edit: `mottaker = 'Somebody else than ' || length(notat)`,
  },
};

/** Loads `rows` rows into each of the three. */
export function loading(rows: number): readonly string[] {
  return members.flatMap((name) => {
    const { table, columns, values } = words[name];
    return [
      `CREATE SCHEMA ${name}; GRANT USAGE ON SCHEMA ${name} TO concordat`,
      `CREATE TABLE ${table} (${columns})`,
      `INSERT INTO ${table} SELECT ${values} FROM (SELECT n, ${series} FROM generate_series(1, ${rows}) AS n) AS s`,
      `GRANT ALL ON ${table} TO concordat; ANALYZE ${table}`,
    ];
  });
}

/** Changes one row in `oneIn` of each, other rows in each. */
export function drifting(oneIn: number): readonly string[] {
  return members.map((name, at) => {
    const { table, columns, edit } = words[name];
    const key = columns.split(' ')[0] ?? '';
    return `UPDATE ${table} SET ${edit} WHERE hashtext(${key}) % ${oneIn * members.length} = ${at}`;
  });
}

export function federationFiles(federation: string, rows: number): Readonly<Record<string, string>> {
  const authority = (name: MemberName): string => `authority: ${name}
mesh: { kind: postgresql, connectionFrom: PGCONNECTION, schema: ${name}, tables: { ${words[name].native}: { table: ${words[name].table.split('.')[1]}, key: [${words[name].columns.split(' ')[0]}] } } }
surface: { parcel: [number, receiver, street, city, weight, sentAt, fragile, tags, note] }
constraints: { brakes: { parcel: { operationsMax: ${rows} } }, freshness: 12h }
approval: { quorum: 1, quorumWhenBraked: 1, deadline: 72h, separationOfDuties: waived }
approvers: [{ id: you }]
`;
  return {
    'federation.yaml': `federation: ${federation}\nmembers: [${members.map((name) => `{ id: ${name} }`).join(', ')}]\n`,
    'taxonomy/parcel.yaml': taxonomy,
    ...Object.fromEntries(members.map((name) => [`authorities/${name}.yaml`, authority(name)])),
    ...Object.fromEntries(
      members.map((name) => [
        `maps/${name}.parcel.yaml`,
        `type: parcel\nlifecycle: active\nnative: ${words[name].native}\nfields:\n  ${words[name].map}\n`,
      ]),
    ),
    'datasets/parcels.yaml': `dataset: parcels\nmembers: [${members.join(', ')}]\ntypes: [parcel]\n`,
  };
}

/** What the three hold must be the same, as the database sees it. */
export function requireSame(connection: string): void {
  const sum = (text: string): string => execFileSync('psql', [connection, '-qAtc', text], { encoding: 'utf8' }).trim();
  const sums = [
    sum(
      `SELECT count(*), sum(hashtextextended(concat_ws('|', number, receiver, street, city, grams::numeric(20,2), note), 0)) FROM alpha.parcels`,
    ),
    sum(
      `SELECT count(*), sum(hashtextextended(concat_ws('|', numero, destinataire, rue, ville, (poids * 1000)::numeric(20,2), note), 0)) FROM beta.envois`,
    ),
    sum(
      `SELECT count(*), sum(hashtextextended(concat_ws('|', nr, mottaker, gate, sted, vekt::numeric(20,2), notat), 0)) FROM gamma.sendinger`,
    ),
  ];
  if (new Set(sums).size !== 1) throw new Error(`the three tables differ after the run: ${sums.join('; ')}`);
}
