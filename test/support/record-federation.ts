/** A federation of three stores that hold the same shipments, each in its own words: the files of its folder. */
import { dataset } from './local-federation.js';

/** Where a store is, as the authority file says it. */
export type Meshes = Readonly<Record<'berlin' | 'lyon' | 'oslo', string>>;

export const folderMeshes: Meshes = {
  berlin: `{ kind: folder, path: ../data/berlin, files: { shipment: { file: shipments.csv, format: csv, delimiter: ';', key: [number] } }, changes: {} }`,
  lyon: `{ kind: folder, path: ../data/lyon, files: { envoi: { file: envois.jsonl, format: jsonLines, key: [numero] } } }`,
  oslo: `{ kind: folder, path: ../data/oslo, files: { sending: { file: sendinger.csv, format: csv, key: [nr] } } }`,
};

const taxonomy = `type: shipment
label: number
key: [number]
fields:
  number: { kind: text }
  receiver: { kind: text, normalForm: NFC }
  weight: { kind: decimal, unit: g }
  sentAt: { kind: instant, precision: second }
  fragile: { kind: boolean }
`;

const maps = {
  berlin: `native: shipment
fields:
  number: { path: number }
  receiver: { path: receiver }
  weight: { path: grams, through: [{ unit: g }] }
  sentAt: { path: sent, through: [{ zone: '+01:00' }] }
  fragile: { path: fragile, through: [{ enum: { yes: true, no: false } }] }
`,
  lyon: (isTable: boolean) => `native: envoi
fields:
  number: { path: numero }
  receiver: { path: destinataire }
  weight: { path: poids, through: [${isTable ? '' : '{ number: json }, '}{ unit: kg, times: '1000' }] }
  sentAt: { path: expedie${isTable ? '' : ', through: [{ epoch: second }]'} }
  fragile: { path: fragile }
`,
  oslo: (isTable: boolean) => `native: sending
fields:
  number: { path: nr }
  receiver: { path: mottaker }
  weight: { path: vekt, through: [{ unit: g }] }
  sentAt: { path: sendt }
  fragile: { path: skjor${isTable ? '' : ', through: [{ enum: { j: true, n: false } }]'} }
`,
};

export function recordFederationFiles(meshes: Meshes): (name: string) => Readonly<Record<string, string>> {
  const isTable = (mesh: string): boolean => /postgresql|dynamodb/.test(mesh);
  const authority = (id: keyof Meshes): string => `authority: ${id}
mesh: ${meshes[id]}
surface: { shipment: [number, receiver, weight, sentAt, fragile] }
constraints: { brakes: { shipment: { operationsMax: 100 } }, freshness: 2h }
approval: { quorum: 1, quorumWhenBraked: 1, deadline: 72h, separationOfDuties: waived }
approvers: [{ id: you }]
`;
  const map = (text: string): string => `type: shipment\nlifecycle: active\n${text}`;
  return (name) => ({
    'federation.yaml': `federation: ${name}\nmembers: [{ id: berlin }, { id: lyon }, { id: oslo }]\n`,
    'taxonomy/shipment.yaml': taxonomy,
    'authorities/berlin.yaml': authority('berlin'),
    'authorities/lyon.yaml': authority('lyon'),
    'authorities/oslo.yaml': authority('oslo'),
    'maps/berlin.shipment.yaml': map(maps.berlin),
    'maps/lyon.shipment.yaml': map(maps.lyon(isTable(meshes.lyon))),
    'maps/oslo.shipment.yaml': map(maps.oslo(isTable(meshes.oslo))),
    [`datasets/${dataset}.yaml`]: `dataset: ${dataset}\nmembers: [berlin, lyon, oslo]\ntypes: [shipment]\n`,
  });
}
