/** Limits per store: what may be said of each, and what a vendor allows is said where more is asked for. */
import { describe, expect, it } from 'vitest';
import { Mesh } from '../../../core/federation/authority.js';
import { schemaFaults } from '../../../core/federation/schema-faults.js';

const rows = { parcel: { file: 'parcels.csv', format: 'csv', key: ['id'] } };
const table = { parcel: { table: 'parcels', key: ['id'] } };
const meshes: Readonly<Record<string, object>> = {
  folder: { path: 'data', files: rows },
  postgresql: { tables: table },
  dynamodb: { region: 'eu-west-3', tables: table },
  s3: { region: 'eu-west-3', bucket: 'records', files: rows },
  'azure-tables': { account: 'harbour', tables: table },
  'azure-blob': { account: 'harbour', container: 'records', files: rows },
  cosmos: { account: 'quay', database: 'harbour', containers: { parcel: { container: 'parcels', key: ['id'] } } },
  swift: { endpoint: 'https://keystone.example/v3', container: 'records', files: rows },
};
const faults = (kind: string, limits: object): readonly string[] =>
  schemaFaults('a.yaml', Mesh, { kind, ...meshes[kind], ...limits }).map(
    ({ path, message }) => `${path.join('.')}: ${message}`,
  );

describe.each([
  ['dynamodb', 'unitsPerSecond', 10_000, 'a page is held in memory'],
  ['cosmos', 'unitsPerSecond', 10_000, 'a page is held in memory'],
  ['postgresql', 'rowsPerSecond', 10_000, 'a page is held in memory'],
  ['s3', 'requestsPerSecond', 1_000, 'S3 lists no more at once'],
  ['azure-tables', 'requestsPerSecond', 1_000, 'Azure Tables answers with no more at once'],
  ['azure-blob', 'requestsPerSecond', 5_000, 'Azure lists no more blobs at once'],
  ['swift', 'requestsPerSecond', 10_000, 'Swift lists no more at once unless its operators say so'],
])('%s', (kind, name, pageSizeMax, why) => {
  it(`takes ${name} and pages up to ${pageSizeMax}`, () => {
    for (const perSecond of [{}, { read: 5 }, { write: 1 }, { read: 5, write: 1 }])
      expect(faults(kind, { [name]: perSecond, pageSize: pageSizeMax })).toEqual([]);
    expect(faults(kind, { pageSize: pageSizeMax + 1 })).toEqual([`pageSize: must be at most ${pageSizeMax}: ${why}`]);
    expect(faults(kind, { pageSize: 0 })).toHaveLength(1);
    for (const perSecond of [{ read: 0 }, { write: 1.5 }, { both: 1 }])
      expect(faults(kind, { [name]: perSecond })).toHaveLength(1);
  });

  it('takes no name of another store', () => {
    for (const other of ['unitsPerSecond', 'rowsPerSecond', 'requestsPerSecond'])
      if (other !== name) expect(faults(kind, { [other]: { read: 1 } })).toHaveLength(1);
  });
});

it('a folder of this machine takes none of them', () => {
  for (const limits of [{ requestsPerSecond: { read: 1 } }, { rowsPerSecond: { read: 1 } }, { pageSize: 10 }])
    expect(faults('folder', limits)).toHaveLength(1);
});
