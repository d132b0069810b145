/** Objects of Swift, in JSON Lines: numbers of any length, moments with a zone, null and absent as two values. */
import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import type { Swift } from '../../../support/systems/swift.js';
import type { Region } from './region.js';
import { inGrams, inKilograms, inOrder, inUtc, isAbsentToll, type Shipment } from './shipment.js';

interface Row {
  readonly numero: string;
  readonly destinataire: string;
  readonly poids: LosslessNumber;
  readonly expedie: string;
  readonly fragile: boolean;
  readonly droits?: LosslessNumber | null;
  readonly etiquettes: readonly string[];
  readonly note?: string | null;
}

const weight = (grams: string): LosslessNumber => new LosslessNumber(inKilograms(grams));
/** Two hours ahead of UTC. */
const asLyonWrites = (sent: string): string =>
  new Date(Date.parse(sent) + 7_200_000).toISOString().replace('.000Z', '+02:00');

export async function swift(system: Swift): Promise<Region & { readonly readings: () => Promise<readonly unknown[]> }> {
  const asked = async (...request: Parameters<Swift['request']>): Promise<Response> => {
    const answer = await system.request(...request);
    if (!answer.ok) throw new Error(`${request[0]} answered ${answer.status}`);
    return answer;
  };
  await asked('PUT', '/envois', { 'x-versions-enabled': 'true' });
  await asked('PUT', '/envois/lectures.jsonl', {}, '');
  const linesOf = async (file: string): Promise<readonly string[]> =>
    (await (await asked('GET', `/envois/${file}`)).text()).split('\n').filter((line) => line !== '');
  const rows = async (): Promise<readonly Row[]> => (await linesOf('envois.jsonl')).map((line) => parse(line) as Row);
  const putRows = async (all: readonly Row[]): Promise<void> => {
    await asked('PUT', '/envois/envois.jsonl', {}, all.map((row) => `${stringify(row) ?? ''}\n`).join(''));
  };
  const rowOf = (shipment: Shipment): Row => ({
    numero: shipment.number,
    destinataire: shipment.receiver,
    poids: weight(shipment.grams),
    expedie: asLyonWrites(shipment.sent),
    fragile: shipment.fragile,
    ...(isAbsentToll(shipment) ? {} : { droits: shipment.toll === null ? null : new LosslessNumber(shipment.toll) }),
    etiquettes: shipment.labels.toReversed(),
    note: 'à garder',
  });
  return {
    environment: system.environment,
    mesh: `{ kind: swift, endpoint: '${system.endpoint}', container: envois, files: { envoi: { file: envois.jsonl, format: jsonLines, key: [numero] }, lecture: { file: lectures.jsonl, format: jsonLines, key: [id] } } }`,
    maps: {
      shipment: `native: envoi
fields:
  number: { path: numero }
  receiver: { path: destinataire }
  weight: { path: poids, through: [{ number: json }, { unit: kg, times: '1000' }] }
  sentAt: { path: expedie }
  fragile: { path: fragile }
  toll: { path: droits, through: [{ number: json }] }
  labels: { path: etiquettes, through: [{ set: true }] }
`,
      reading: `native: lecture
fields:
  id: { path: id }
  text: { path: texte }
  amount: { path: montant, through: [{ number: json }] }
  long: { path: long, through: [{ number: json }] }
  seenAt: { path: vu, through: [{ epoch: microsecond }] }
  day: { path: jour }
  flag: { path: vrai }
  raw: { path: octets }
  amounts: { path: montants }
  labels: { path: mots }
  level: { path: niveau, through: [{ special: { NaN: [NaN] } }, { number: json }] }
  peak: { path: pointe }
`,
    },
    holdsNo: [],
    fill: (shipments) => putRows(shipments.map(rowOf)),
    read: async () =>
      inOrder(
        (await rows()).map((row): Shipment => ({
          number: row.numero,
          receiver: row.destinataire,
          grams: inGrams(row.poids.value),
          sent: inUtc(row.expedie),
          fragile: row.fragile,
          toll: isLosslessNumber(row.droits) ? row.droits.value : null,
          labels: row.etiquettes.toSorted(),
        })),
      ),
    edit: async (number, { receiver, grams, fragile }) =>
      putRows(
        (await rows()).map((row) =>
          row.numero === number
            ? {
                ...row,
                ...(receiver === undefined ? {} : { destinataire: receiver }),
                ...(grams === undefined ? {} : { poids: weight(grams) }),
                ...(fragile === undefined ? {} : { fragile }),
              }
            : row,
        ),
      ),
    rest: async () =>
      Object.fromEntries(
        (await rows()).map((row) => [
          row.numero,
          [row.note, row.droits === null, 'droits' in row, row.etiquettes, row.expedie.endsWith('+02:00')],
        ]),
      ),
    readings: async () => (await linesOf('lectures.jsonl')).toSorted(),
  };
}
