/** A table of PostgreSQL itself: kilograms, moments with a zone, an array. */
import { Client } from 'pg';
import type { PostgresqlSystem } from '../../../support/systems/postgresql.js';
import type { Region } from './region.js';
import { inGrams, inKilograms, inOrder, withoutZeros, type Shipment } from './shipment.js';

export async function postgresql(system: Extract<PostgresqlSystem, { readonly kind: 'available' }>): Promise<Region> {
  const environment = await system.database('regions');
  await system.sql(
    `CREATE TABLE envois (numero text PRIMARY KEY, destinataire text, poids numeric(20, 4), expedie timestamptz, fragile boolean, droits numeric(40, 6), etiquettes text[], note text)`,
    'regions',
  );
  const connectionString = environment['PGCONNECTION'];
  const sql = async (text: string, values: readonly unknown[] = []): Promise<readonly (string | null)[][]> => {
    const client = new Client({ connectionString, types: { getTypeParser: () => String }, options: '-c TimeZone=UTC' });
    await client.connect();
    try {
      return (await client.query<(string | null)[]>({ text, values: [...values], rowMode: 'array' })).rows;
    } finally {
      await client.end();
    }
  };
  return {
    environment,
    mesh: `{ kind: postgresql, tables: { envoi: { table: envois, key: [numero] } } }`,
    maps: {
      shipment: `native: envoi
fields:
  number: { path: numero }
  receiver: { path: destinataire }
  weight: { path: poids, through: [{ unit: kg, times: '1000' }] }
  sentAt: { path: expedie }
  fragile: { path: fragile }
  toll: { path: droits }
  labels: { path: etiquettes, through: [{ set: true }] }
`,
    },
    holdsNo: [],
    fill: async (shipments) => {
      const rows = shipments.map(({ number, receiver, grams, sent, fragile, toll, labels }) => ({
        numero: number,
        destinataire: receiver,
        poids: inKilograms(grams),
        expedie: sent,
        fragile,
        droits: toll,
        etiquettes: labels.toReversed(),
        note: 'à garder',
      }));
      await sql('INSERT INTO envois SELECT * FROM json_populate_recordset(NULL::envois, $1)', [JSON.stringify(rows)]);
    },
    read: async () => {
      const rows = await sql(
        `SELECT numero, destinataire, poids, to_char(expedie, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), fragile, droits, to_json(etiquettes) FROM envois`,
      );
      return inOrder(
        rows.map(([number, receiver, grams, sent, fragile, toll, labels]): Shipment => ({
          number: number ?? '',
          receiver: receiver ?? '',
          grams: inGrams(grams ?? ''),
          sent: sent ?? '',
          fragile: fragile === 't',
          toll: typeof toll === 'string' ? withoutZeros(toll) : null,
          labels: (JSON.parse(labels ?? '[]') as string[]).toSorted(),
        })),
      );
    },
    edit: async (number, { receiver, grams, fragile }) => {
      await sql(
        `UPDATE envois SET destinataire = coalesce($2, destinataire), poids = coalesce($3, poids), fragile = coalesce($4, fragile) WHERE numero = $1`,
        [number, receiver ?? null, grams === undefined ? null : inKilograms(grams), fragile ?? null],
      );
    },
    rest: async () =>
      Object.fromEntries(
        (await sql('SELECT numero, note, etiquettes::text FROM envois')).map(([number, ...same]) => [number, same]),
      ),
  };
}
