/** One table in two databases, and the folder of the federation of two authorities that hold them. */

export const sides = ['north', 'south'] as const;
export type Side = (typeof sides)[number];

const values = `(substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4) || '-' || substr(h, 17, 4) || '-' || substr(h, 21, 12))::uuid,
  'Person Number ' || n, 'Street of position ' || n % 977, 'city-' || n % 200, (n % 50000) / 4.0, to_timestamp(1700000000 + n), n % 7 = 0,
  'tag-' || n % 100 || ' tag-' || 100 + n % 300, 'to be left with neighbour number ' || n % 9973 || ' where nobody opens'`;

export const columns = 'receiver street city grams sent fragile tags note'.split(' ');

/** As the owner, in each of the two. */
export function loading(rows: number): readonly string[] {
  return [
    `CREATE TABLE parcels (number uuid PRIMARY KEY, receiver text, street text, city text, grams numeric(20,2),
       sent timestamptz(0), fragile boolean, tags text, note text)`,
    `INSERT INTO parcels SELECT ${values} FROM (SELECT n, md5('parcel ' || n) AS h FROM generate_series(1, ${rows}) AS n) AS s`,
    `GRANT ALL ON parcels TO concordat; ANALYZE parcels`,
  ];
}

/** As the issue has it: about 1 % edited and 0.05 % missing on each side, other rows on each. */
export function drifting(side: Side): readonly string[] {
  const at = sides.indexOf(side);
  return [
    `UPDATE parcels SET city = 'moved to ' || city || ' (${side})' WHERE abs(hashtext(number::text)) % 200 = ${at} OR abs(hashtext(number::text)) % 200 = ${2 + at}`,
    `DELETE FROM parcels WHERE abs(hashtext(number::text)) % 2000 = ${10 + at}`,
  ];
}

export function federationFiles(rows: number): Readonly<Record<string, string>> {
  const authority = (side: Side): string => `authority: ${side}
mesh: { kind: postgresql, connectionFrom: PG_${side.toUpperCase()}, schema: public, tables: { parcel: { table: parcels, key: [number] } } }
surface: { parcel: [number, ${columns.join(', ')}] }
constraints: { brakes: { parcel: { operationsMax: ${rows} } }, freshness: 12h }
approval: { quorum: 1, quorumWhenBraked: 1, deadline: 72h, separationOfDuties: waived }
approvers: [{ id: you }]
`;
  const map = `type: parcel
lifecycle: active
native: parcel
fields:
  number: { path: number }
${columns.map((name) => `  ${name}: { path: ${name}${name === 'grams' ? ', through: [{ unit: g }]' : ''} }`).join('\n')}
`;
  return {
    'federation.yaml': `federation: twosides\nmembers: [${sides.map((side) => `{ id: ${side} }`).join(', ')}]\n`,
    'taxonomy/parcel.yaml': `type: parcel
label: number
key: [number]
fields:
  number: { kind: text }
  receiver: { kind: text }
  street: { kind: text }
  city: { kind: text }
  grams: { kind: decimal, unit: g }
  sent: { kind: instant, precision: second }
  fragile: { kind: boolean }
  tags: { kind: text }
  note: { kind: text }
`,
    ...Object.fromEntries(sides.map((side) => [`authorities/${side}.yaml`, authority(side)])),
    ...Object.fromEntries(sides.map((side) => [`maps/${side}.parcel.yaml`, map])),
    'datasets/parcels.yaml': `dataset: parcels\nmembers: [${sides.join(', ')}]\ntypes: [parcel]\n`,
  };
}
